//! The vocabulary: what a point of a meter can mean, in which unit, and what its sign says.

use serde::{Deserialize, Serialize};
use std::fmt;

/// What kind of amount a meaning is, which fixes the unit that its values are kept in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Quantity {
    /// Energy since the meter was made, in mWh.
    Energy,
    /// Power, in mW.
    Power,
    /// Voltage, in mV.
    Voltage,
    /// Current, in mA.
    Current,
    /// Frequency, in mHz.
    Frequency,
    /// Temperature, in thousandths of a degree Celsius.
    Temperature,
    /// A part of a whole, in thousandths of a percent.
    Share,
    /// A number that stands for something else; kept as it is.
    Code,
}

impl Quantity {
    /// The unit that profiles name and people read; a [`Value`] holds thousandths of it.
    #[must_use]
    pub const fn unit(self) -> &'static str {
        match self {
            Self::Energy => "Wh",
            Self::Power => "W",
            Self::Voltage => "V",
            Self::Current => "A",
            Self::Frequency => "Hz",
            Self::Temperature => "C",
            Self::Share => "%",
            Self::Code => "",
        }
    }
}

/// A value of a point: thousandths of the unit of its meaning, rounded down; a code as it is.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize,
)]
#[serde(transparent)]
pub struct Value(pub i64);

impl Value {
    /// In whole units, rounded down.
    #[must_use]
    pub const fn whole(self) -> i64 {
        self.0.div_euclid(1_000)
    }
}

macro_rules! meanings {
    ($($(#[$doc:meta])* $variant:ident = $name:literal, $quantity:ident;)*) => {
        /// What a point means. Power is positive in the direction that the name says; see each.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        pub enum Meaning {
            $($(#[$doc])* #[serde(rename = $name)] $variant,)*
        }

        impl Meaning {
            /// All of them, in the order of their names' declaration.
            pub const ALL: &[Self] = &[$(Self::$variant),*];

            /// The name in profiles, configuration and answers.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self { $(Self::$variant => $name),* }
            }

            /// What kind of amount it is.
            #[must_use]
            pub const fn quantity(self) -> Quantity {
                match self { $(Self::$variant => Quantity::$quantity),* }
            }
        }
    };
}

meanings! {
    /// Energy that the device has generated: of an inverter with a battery what its modules gave, where the
    /// vendor's counter says so.
    GenerationTotal = "generation_total", Energy;
    /// Energy generated since midnight of the device's own clock. Never a source of certificates.
    GenerationToday = "generation_today", Energy;
    /// Energy delivered to the grid.
    ExportTotal = "export_total", Energy;
    /// The same, phase 1.
    ExportTotalL1 = "export_total_l1", Energy;
    /// The same, phase 2.
    ExportTotalL2 = "export_total_l2", Energy;
    /// The same, phase 3.
    ExportTotalL3 = "export_total_l3", Energy;
    /// Energy of the modules delivered to the grid, as distinct from the battery's.
    GenerationExportTotal = "generation_export_total", Energy;
    /// Energy taken from the grid.
    ImportTotal = "import_total", Energy;
    /// The same, phase 1.
    ImportTotalL1 = "import_total_l1", Energy;
    /// The same, phase 2.
    ImportTotalL2 = "import_total_l2", Energy;
    /// The same, phase 3.
    ImportTotalL3 = "import_total_l3", Energy;
    /// Energy in both directions, added up.
    ThroughputTotal = "throughput_total", Energy;
    /// Energy that went into the battery.
    ChargeTotal = "charge_total", Energy;
    /// Energy that came out of the battery.
    DischargeTotal = "discharge_total", Energy;
    /// Energy that the device took in on its AC side.
    AbsorbedTotal = "absorbed_total", Energy;
    /// Energy of the direct current side, in.
    DcTotal = "dc_total", Energy;
    /// Energy of string 1.
    String1Total = "string_1_total", Energy;
    /// Energy of string 2.
    String2Total = "string_2_total", Energy;
    /// Energy of string 3.
    String3Total = "string_3_total", Energy;
    /// Energy of string 4.
    String4Total = "string_4_total", Energy;

    /// AC power of the inverter; positive when it delivers.
    AcPower = "ac_power", Power;
    /// DC power of the modules; positive when they deliver.
    DcPower = "dc_power", Power;
    /// Rated AC power of the device.
    RatedPower = "rated_power", Power;
    /// Power of string 1.
    String1Power = "string_1_power", Power;
    /// Power of string 2.
    String2Power = "string_2_power", Power;
    /// Power of string 3.
    String3Power = "string_3_power", Power;
    /// Power of string 4.
    String4Power = "string_4_power", Power;
    /// Power at the grid connection; positive when importing.
    GridPower = "grid_power", Power;
    /// The same, phase 1.
    GridPowerL1 = "grid_power_l1", Power;
    /// The same, phase 2.
    GridPowerL2 = "grid_power_l2", Power;
    /// The same, phase 3.
    GridPowerL3 = "grid_power_l3", Power;
    /// Power from the grid; never negative.
    GridImportPower = "grid_import_power", Power;
    /// Power to the grid; never negative.
    GridExportPower = "grid_export_power", Power;
    /// Power of what consumes behind the grid connection; positive when consuming.
    LoadPower = "load_power", Power;
    /// Power of the battery; positive when charging.
    BatteryPower = "battery_power", Power;
    /// Power into the battery; never negative.
    BatteryChargePower = "battery_charge_power", Power;
    /// Power out of the battery; never negative.
    BatteryDischargePower = "battery_discharge_power", Power;

    /// Voltage of phase 1.
    VoltageL1 = "voltage_l1", Voltage;
    /// Voltage of phase 2.
    VoltageL2 = "voltage_l2", Voltage;
    /// Voltage of phase 3.
    VoltageL3 = "voltage_l3", Voltage;
    /// Voltage of string 1, or of the direct current side as a whole.
    String1Voltage = "string_1_voltage", Voltage;
    /// Voltage of string 2.
    String2Voltage = "string_2_voltage", Voltage;
    /// Voltage of string 3.
    String3Voltage = "string_3_voltage", Voltage;
    /// Voltage of string 4.
    String4Voltage = "string_4_voltage", Voltage;
    /// Voltage of the direct current side.
    DcVoltage = "dc_voltage", Voltage;
    /// Voltage of the battery.
    BatteryVoltage = "battery_voltage", Voltage;

    /// AC current, all phases.
    AcCurrent = "ac_current", Current;
    /// Current of phase 1.
    CurrentL1 = "current_l1", Current;
    /// Current of phase 2.
    CurrentL2 = "current_l2", Current;
    /// Current of phase 3.
    CurrentL3 = "current_l3", Current;
    /// Current of string 1.
    String1Current = "string_1_current", Current;
    /// Current of string 2.
    String2Current = "string_2_current", Current;
    /// Current of string 3.
    String3Current = "string_3_current", Current;
    /// Current of string 4.
    String4Current = "string_4_current", Current;
    /// Current of the direct current side.
    DcCurrent = "dc_current", Current;
    /// Current of the battery; the sign is the vendor's.
    BatteryCurrent = "battery_current", Current;

    /// Frequency of the grid.
    GridFrequency = "grid_frequency", Frequency;

    /// Temperature of the inverter.
    Temperature = "temperature", Temperature;
    /// Temperature of the battery.
    BatteryTemperature = "battery_temperature", Temperature;

    /// State of charge.
    BatteryCharge = "battery_charge", Share;
    /// State of charge of a second battery.
    Battery2Charge = "battery_2_charge", Share;
    /// State of health.
    BatteryHealth = "battery_health", Share;

    /// State of the device, as the vendor numbers it.
    Status = "status", Code;
    /// State of the device, a bit each.
    StatusBits = "status_bits", Code;
    /// State of the meter at the grid connection.
    MeterStatus = "meter_status", Code;
}

impl Meaning {
    /// The meaning of that name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL
            .iter()
            .copied()
            .find(|meaning| meaning.name() == name)
    }

    /// Whether it is energy that certificates can come from: a counter that only grows.
    #[must_use]
    pub const fn is_counter(self) -> bool {
        matches!(self.quantity(), Quantity::Energy) && !matches!(self, Self::GenerationToday)
    }

    /// The power whose integral the counter is, with its sign, in the order of choice. Of generation it depends on
    /// the device.
    #[must_use]
    pub const fn power(self) -> &'static [(Self, i64)] {
        match self {
            Self::ExportTotal => &[(Self::GridExportPower, 1), (Self::GridPower, -1)],
            Self::ImportTotal => &[(Self::GridImportPower, 1), (Self::GridPower, 1)],
            Self::ChargeTotal => &[(Self::BatteryChargePower, 1), (Self::BatteryPower, 1)],
            Self::DischargeTotal => &[(Self::BatteryDischargePower, 1), (Self::BatteryPower, -1)],
            _ => &[],
        }
    }
}

impl fmt::Display for Meaning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
