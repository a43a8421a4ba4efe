//! What a house means in the vocabulary of profiles.

use std::collections::BTreeMap;

use crate::profile::{Meaning, Value};
use crate::simulate::physics::{Joules, Plant};

/// Mains voltage of a phase, in mV, and how far it wanders.
const MAINS_MV: i64 = 229_000;
const WANDERS_MV: u64 = 3_000;
/// Voltage of a string of modules in the sun, in mV.
const STRING_MV: i64 = 600_000;
/// Voltage of a battery, in mV.
const BATTERY_MV: i64 = 410_000;
/// Frequency of the grid, in mHz, and how far it wanders.
const MAINS_MHZ: i64 = 49_970;
const WANDERS_MHZ: u64 = 60;
/// SunSpec models 101 to 113, `St`: 2 is sleeping, 4 is maximum power point tracking.
const SLEEPING: i64 = 2;
const TRACKING: i64 = 4;
/// Bits of a Sungrow inverter's state: modules deliver; there is a load.
const GENERATING: i64 = 1;

/// The values of `meanings` at a house with so many phases, 1 to 3; those of a battery are missing where there is
/// none, and those of phases likewise.
#[must_use]
pub fn values(
    plant: &Plant,
    phases: u8,
    meanings: impl Iterator<Item = Meaning>,
) -> BTreeMap<Meaning, Value> {
    meanings
        .filter(|meaning| phase_of(*meaning) <= phases)
        .filter_map(|meaning| Some((meaning, value(plant, phases, meaning)?)))
        .collect()
}

/// The phase that it is about; 0 if about none.
const fn phase_of(meaning: Meaning) -> u8 {
    use Meaning as M;
    match meaning {
        M::ExportTotalL1 | M::ImportTotalL1 | M::GridPowerL1 | M::VoltageL1 | M::CurrentL1 => 1,
        M::ExportTotalL2 | M::ImportTotalL2 | M::GridPowerL2 | M::VoltageL2 | M::CurrentL2 => 2,
        M::ExportTotalL3 | M::ImportTotalL3 | M::GridPowerL3 | M::VoltageL3 | M::CurrentL3 => 3,
        _ => 0,
    }
}

fn value(plant: &Plant, phases: u8, meaning: Meaning) -> Option<Value> {
    use Meaning as M;
    let totals = plant.totals();
    let (powers, size) = (plant.powers(), plant.size());
    let energy = |joules: Joules| i64::try_from(joules.mwh()).unwrap_or(i64::MAX);
    let half = |joules: Joules, other: u64| Joules((joules.0 + other) / 2);
    let generation_w = w(powers.generation_w);
    let grid_w = w(powers.import_w) - w(powers.export_w);
    let battery_w = w(powers.charge_w) - w(powers.discharge_w);
    let ac_w = generation_w - battery_w;
    let phase = |watts: i64, n: i64| (watts + n).div_euclid(i64::from(phases));
    let string_w = |n: i64| {
        if n < 2 {
            (generation_w + n).div_euclid(2)
        } else {
            0
        }
    };
    let voltage = |n: u64| MAINS_MV + wandering(plant, 10 + n, WANDERS_MV);
    let string_mv = if generation_w > 0 { STRING_MV } else { 0 };
    let milli = match meaning {
        M::GenerationTotal | M::DcTotal => energy(totals.generation),
        M::GenerationToday => energy(plant.generation_today()),
        // The battery gives to the house only, so what is sold comes from the modules.
        M::ExportTotal | M::GenerationExportTotal => energy(totals.export),
        M::ExportTotalL1 => energy(totals.export.phase(0, phases)),
        M::ExportTotalL2 => energy(totals.export.phase(1, phases)),
        M::ExportTotalL3 => energy(totals.export.phase(2, phases)),
        M::ImportTotal => energy(totals.import),
        M::ImportTotalL1 => energy(totals.import.phase(0, phases)),
        M::ImportTotalL2 => energy(totals.import.phase(1, phases)),
        M::ImportTotalL3 => energy(totals.import.phase(2, phases)),
        M::ThroughputTotal => energy(totals.import + totals.export),
        M::ChargeTotal => energy(totals.charge),
        M::DischargeTotal => energy(totals.discharge),
        M::String1Total => energy(half(totals.generation, 0)),
        M::String2Total => energy(half(totals.generation, 1)),
        M::String3Total | M::String4Total | M::AbsorbedTotal => 0,
        M::AcPower => ac_w * 1_000,
        M::DcPower => generation_w * 1_000,
        M::RatedPower => w(size.inverter_w) * 1_000,
        M::String1Power => string_w(0) * 1_000,
        M::String2Power => string_w(1) * 1_000,
        M::String3Power | M::String4Power => 0,
        M::GridPower => grid_w * 1_000,
        M::GridPowerL1 => phase(grid_w, 0) * 1_000,
        M::GridPowerL2 => phase(grid_w, 1) * 1_000,
        M::GridPowerL3 => phase(grid_w, 2) * 1_000,
        M::GridImportPower => w(powers.import_w) * 1_000,
        M::GridExportPower => w(powers.export_w) * 1_000,
        M::LoadPower => w(powers.load_w) * 1_000,
        M::BatteryPower => battery_w * 1_000,
        M::BatteryChargePower => w(powers.charge_w) * 1_000,
        M::BatteryDischargePower => w(powers.discharge_w) * 1_000,
        M::VoltageL1 => voltage(0),
        M::VoltageL2 => voltage(1),
        M::VoltageL3 => voltage(2),
        M::String1Voltage | M::String2Voltage | M::DcVoltage => string_mv,
        M::String3Voltage | M::String4Voltage => 0,
        M::BatteryVoltage => BATTERY_MV,
        M::AcCurrent => current(ac_w.abs(), MAINS_MV),
        M::CurrentL1 => current(phase(ac_w.abs(), 0), voltage(0)),
        M::CurrentL2 => current(phase(ac_w.abs(), 1), voltage(1)),
        M::CurrentL3 => current(phase(ac_w.abs(), 2), voltage(2)),
        M::String1Current => current(string_w(0), STRING_MV),
        M::String2Current => current(string_w(1), STRING_MV),
        M::String3Current | M::String4Current => 0,
        M::DcCurrent => current(generation_w, STRING_MV),
        M::BatteryCurrent => current(battery_w, BATTERY_MV),
        M::GridFrequency => MAINS_MHZ + wandering(plant, 20, WANDERS_MHZ),
        M::Temperature => 25_000 + generation_w * 5,
        M::BatteryTemperature => 25_000,
        M::BatteryCharge | M::Battery2Charge => w(plant.charge_permille()?) * 100,
        M::BatteryHealth => 98_000,
        M::Status if generation_w > 0 => TRACKING,
        M::Status => SLEEPING,
        M::StatusBits if generation_w > 0 => GENERATING,
        M::StatusBits => 0,
        M::MeterStatus => 1,
    };
    let is_battery = matches!(
        meaning,
        M::ChargeTotal
            | M::DischargeTotal
            | M::BatteryPower
            | M::BatteryChargePower
            | M::BatteryDischargePower
            | M::BatteryVoltage
            | M::BatteryCurrent
            | M::BatteryTemperature
            | M::BatteryHealth
    );
    (!is_battery || size.battery.is_some()).then_some(Value(milli))
}

const fn w(watts: u64) -> i64 {
    watts.cast_signed()
}

/// The current at which `millivolts` carry `watts`, in mA.
const fn current(watts: i64, millivolts: i64) -> i64 {
    watts * 1_000_000 / millivolts
}

fn wandering(plant: &Plant, channel: u64, most: u64) -> i64 {
    w(plant.chance(channel) * most / 1_000)
}
