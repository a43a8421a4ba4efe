//! The SunSpec models that are understood, as tables: which point is how far from the model's id register.
//! Offsets and types are those of the SunSpec Information Model Reference.

use crate::profile::{Function, Kind, Meaning, Point, Register, WordOrder};
use rust_decimal::Decimal;

/// A type of the SunSpec Information Model Specification (4.3), with the value that means "not implemented".
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Type {
    Int16,
    Uint16,
    Enum16,
    Acc32,
    Uint32,
    Uint64,
    Float32,
}

impl Type {
    const fn kind(self) -> Kind {
        match self {
            Self::Int16 => Kind::I16,
            Self::Uint16 | Self::Enum16 => Kind::U16,
            Self::Acc32 | Self::Uint32 => Kind::U32,
            Self::Uint64 => Kind::U64,
            Self::Float32 => Kind::F32,
        }
    }

    /// A single that is not implemented is NaN, which is no number in any case.
    const fn not_implemented(self) -> Option<u64> {
        match self {
            Self::Int16 => Some(0x8000),
            Self::Uint16 | Self::Enum16 => Some(0xFFFF),
            Self::Acc32 => Some(0),
            Self::Uint32 => Some(0xFFFF_FFFF),
            Self::Uint64 => Some(u64::MAX),
            Self::Float32 => None,
        }
    }
}

/// A point of a model: its meaning, how far it is from the model's id, its type, and how far its scale factor.
type Row = (Meaning, u16, Type, Option<u16>);

use Meaning as M;
use Type::{Acc32, Enum16, Float32, Int16, Uint16, Uint32, Uint64};

/// Models 101, 102 and 103: inverter with one, two or three phases, integers.
const INVERTER: &[Row] = &[
    (M::AcCurrent, 2, Uint16, Some(6)),
    (M::CurrentL1, 3, Uint16, Some(6)),
    (M::CurrentL2, 4, Uint16, Some(6)),
    (M::CurrentL3, 5, Uint16, Some(6)),
    (M::VoltageL1, 10, Uint16, Some(13)),
    (M::VoltageL2, 11, Uint16, Some(13)),
    (M::VoltageL3, 12, Uint16, Some(13)),
    (M::AcPower, 14, Int16, Some(15)),
    (M::GridFrequency, 16, Uint16, Some(17)),
    (M::GenerationTotal, 24, Acc32, Some(26)),
    (M::DcCurrent, 27, Uint16, Some(28)),
    (M::DcVoltage, 29, Uint16, Some(30)),
    (M::DcPower, 31, Int16, Some(32)),
    (M::Temperature, 33, Int16, Some(37)),
    (M::Status, 38, Enum16, None),
];

/// Models 111, 112 and 113: the same in singles.
const INVERTER_FLOAT: &[Row] = &[
    (M::AcCurrent, 2, Float32, None),
    (M::CurrentL1, 4, Float32, None),
    (M::CurrentL2, 6, Float32, None),
    (M::CurrentL3, 8, Float32, None),
    (M::VoltageL1, 16, Float32, None),
    (M::VoltageL2, 18, Float32, None),
    (M::VoltageL3, 20, Float32, None),
    (M::AcPower, 22, Float32, None),
    (M::GridFrequency, 24, Float32, None),
    (M::GenerationTotal, 32, Float32, None),
    (M::DcCurrent, 34, Float32, None),
    (M::DcVoltage, 36, Float32, None),
    (M::DcPower, 38, Float32, None),
    (M::Temperature, 40, Float32, None),
    (M::Status, 48, Enum16, None),
];

/// Models 201 to 204: meter with one, two or three phases, integers.
const METER: &[Row] = &[
    (M::AcCurrent, 2, Int16, Some(6)),
    (M::CurrentL1, 3, Int16, Some(6)),
    (M::CurrentL2, 4, Int16, Some(6)),
    (M::CurrentL3, 5, Int16, Some(6)),
    (M::VoltageL1, 8, Int16, Some(15)),
    (M::VoltageL2, 9, Int16, Some(15)),
    (M::VoltageL3, 10, Int16, Some(15)),
    (M::GridFrequency, 16, Int16, Some(17)),
    (M::GridPower, 18, Int16, Some(22)),
    (M::GridPowerL1, 19, Int16, Some(22)),
    (M::GridPowerL2, 20, Int16, Some(22)),
    (M::GridPowerL3, 21, Int16, Some(22)),
    (M::ExportTotal, 38, Acc32, Some(54)),
    (M::ExportTotalL1, 40, Acc32, Some(54)),
    (M::ExportTotalL2, 42, Acc32, Some(54)),
    (M::ExportTotalL3, 44, Acc32, Some(54)),
    (M::ImportTotal, 46, Acc32, Some(54)),
    (M::ImportTotalL1, 48, Acc32, Some(54)),
    (M::ImportTotalL2, 50, Acc32, Some(54)),
    (M::ImportTotalL3, 52, Acc32, Some(54)),
];

/// Models 211 to 214: the same in singles.
const METER_FLOAT: &[Row] = &[
    (M::AcCurrent, 2, Float32, None),
    (M::CurrentL1, 4, Float32, None),
    (M::CurrentL2, 6, Float32, None),
    (M::CurrentL3, 8, Float32, None),
    (M::VoltageL1, 12, Float32, None),
    (M::VoltageL2, 14, Float32, None),
    (M::VoltageL3, 16, Float32, None),
    (M::GridFrequency, 26, Float32, None),
    (M::GridPower, 28, Float32, None),
    (M::GridPowerL1, 30, Float32, None),
    (M::GridPowerL2, 32, Float32, None),
    (M::GridPowerL3, 34, Float32, None),
    (M::ExportTotal, 60, Float32, None),
    (M::ExportTotalL1, 62, Float32, None),
    (M::ExportTotalL2, 64, Float32, None),
    (M::ExportTotalL3, 66, Float32, None),
    (M::ImportTotal, 68, Float32, None),
    (M::ImportTotalL1, 70, Float32, None),
    (M::ImportTotalL2, 72, Float32, None),
    (M::ImportTotalL3, 74, Float32, None),
];

/// Model 701: AC measurements of a distributed energy resource.
const DER_AC: &[Row] = &[
    (M::Status, 4, Enum16, None),
    (M::AcPower, 10, Int16, Some(116)),
    (M::AcCurrent, 14, Int16, Some(113)),
    (M::GridFrequency, 17, Uint32, Some(115)),
    (M::GenerationTotal, 19, Uint64, Some(120)),
    (M::AbsorbedTotal, 23, Uint64, Some(120)),
    (M::Temperature, 36, Int16, Some(122)),
    (M::CurrentL1, 45, Int16, Some(113)),
    (M::VoltageL1, 47, Uint16, Some(114)),
    (M::CurrentL2, 68, Int16, Some(113)),
    (M::VoltageL2, 70, Uint16, Some(114)),
    (M::CurrentL3, 91, Int16, Some(113)),
    (M::VoltageL3, 93, Uint16, Some(114)),
];

/// Model 714: DC measurements, over all ports.
const DER_DC: &[Row] = &[
    (M::DcCurrent, 5, Int16, Some(15)),
    (M::DcPower, 6, Int16, Some(17)),
    (M::DcTotal, 7, Uint64, Some(18)),
];

/// Model 802: battery. Its sign of power is not the same with all makers.
const BATTERY: &[Row] = &[
    (M::BatteryCharge, 11, Uint16, Some(56)),
    (M::BatteryHealth, 13, Uint16, Some(58)),
    (M::BatteryVoltage, 34, Uint16, Some(59)),
    (M::BatteryCurrent, 44, Int16, Some(61)),
    (M::BatteryPower, 47, Int16, Some(63)),
];

/// The strings of model 160: current, voltage, power and energy of each.
const STRINGS: [[Meaning; 4]; 4] = [
    [
        M::String1Current,
        M::String1Voltage,
        M::String1Power,
        M::String1Total,
    ],
    [
        M::String2Current,
        M::String2Voltage,
        M::String2Power,
        M::String2Total,
    ],
    [
        M::String3Current,
        M::String3Voltage,
        M::String3Power,
        M::String3Total,
    ],
    [
        M::String4Current,
        M::String4Voltage,
        M::String4Power,
        M::String4Total,
    ],
];
/// Where model 160 counts its strings.
pub(super) const MPPT_COUNT: u16 = 8;
/// Registers of model 160 before its first string, and of each.
const MPPT_FIRST: u16 = 10;
const MPPT_EACH: u16 = 20;

/// The id of the model with several strings.
pub(super) const MPPT: u16 = 160;
/// The id of the model that every device has: who it is.
pub(super) const COMMON: u16 = 1;

/// A model as it was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Model {
    /// Its id.
    pub id: u16,
    /// Where its id is.
    pub address: u16,
    /// Registers behind the length's.
    pub length: u16,
}

impl Model {
    /// The models in the order in which they are asked: what an earlier one has, a later one is not asked for.
    const PRECEDENCE: [&[u16]; 7] = [
        &[101, 102, 103],
        &[111, 112, 113],
        &[201, 202, 203, 204, 211, 212, 213, 214],
        &[701],
        &[MPPT],
        &[714],
        &[802],
    ];

    /// Where it comes among others; `None` if it is not understood.
    #[must_use]
    pub(super) fn rank(&self) -> Option<usize> {
        Self::PRECEDENCE
            .iter()
            .position(|ids| ids.contains(&self.id))
    }

    /// Its points. `strings` is what model 160 counts; `export_positive` that the maker counts power of meters to
    /// the grid as positive.
    pub(super) fn points(&self, strings: u16, export_positive: bool) -> Vec<Point> {
        let table = match self.id {
            101..=103 => INVERTER,
            111..=113 => INVERTER_FLOAT,
            201..=204 => METER,
            211..=214 => METER_FLOAT,
            701 => DER_AC,
            714 => DER_DC,
            802 => BATTERY,
            MPPT => return self.string_points(strings),
            _ => return Vec::new(),
        };
        let turned = export_positive && (201..=214).contains(&self.id);
        table
            .iter()
            .filter_map(|row| self.point(row, turned))
            .collect()
    }

    fn string_points(&self, strings: u16) -> Vec<Point> {
        let mut points = Vec::new();
        for (index, meanings) in (0_u16..).zip(STRINGS).take(usize::from(strings)) {
            let first = MPPT_FIRST + index * MPPT_EACH;
            let [current, voltage, power, total] = meanings;
            for row in [
                (current, first + 9, Uint16, Some(2)),
                (voltage, first + 10, Uint16, Some(3)),
                (power, first + 11, Uint16, Some(4)),
                (total, first + 12, Acc32, Some(5)),
            ] {
                points.extend(self.point(&row, false));
            }
        }
        points
    }

    /// A row of a table as a point; `None` if the model is too short for it.
    fn point(&self, row: &Row, turned: bool) -> Option<Point> {
        let (meaning, offset, of, scale_offset) = *row;
        let register = self.register(offset, of.kind())?;
        let scale_register = match scale_offset {
            Some(offset) => Some(self.register(offset, Kind::I16)?),
            None => None,
        };
        let power = matches!(
            meaning,
            M::GridPower | M::GridPowerL1 | M::GridPowerL2 | M::GridPowerL3
        );
        Some(Point {
            meaning,
            register,
            scale: if turned && power {
                Decimal::NEGATIVE_ONE
            } else {
                Decimal::ONE
            },
            offset: Decimal::ZERO,
            scale_register,
            sign: None,
            sentinels: of.not_implemented().into_iter().collect(),
            min: None,
            max: None,
            wraps_at: None,
        })
    }

    fn register(&self, offset: u16, kind: Kind) -> Option<Register> {
        let count = kind.registers()?;
        let end = u32::from(offset) + u32::from(count);
        if end > u32::from(self.length) + 2 {
            return None;
        }
        Some(Register {
            function: Function::Holding,
            address: self.address.checked_add(offset)?,
            count,
            kind,
            word_order: WordOrder::Big,
        })
    }
}
