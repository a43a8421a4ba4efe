//! Registers of devices that describe themselves (SunSpec Information Model Specification 1.9): a chain of
//! models from base address 40000.

use rust_decimal::Decimal;
use std::sync::Arc;

use crate::profile::{
    Block, Function, Identity, Kind, Meaning, Point, Profile, Register, WordOrder,
};

/// Where the chain begins: "SunS".
const BASE: u16 = 40_000;
const MARK: [u16; 2] = [0x5375, 0x6E53];
/// The model behind the last one.
const END: [u16; 2] = [0xFFFF, 0];
/// "Not implemented" of a signed and of an unsigned number of 16 bits.
const NO_I16: u16 = 0x8000;
const NO_U16: u16 = 0xFFFF;

/// Which models a device has.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum Family {
    /// Inverter 103 and meter 203: integers with scale factors.
    #[default]
    Int,
    /// Inverter 113 and meter 213: singles.
    Float,
    /// AC 701 and DC 714 of IEEE 1547, battery 802.
    Der,
}

/// A field of a model: its offset from the model's id, what it means, its type, its scale factor's offset.
type Field = (u16, Meaning, Kind, Option<u16>);

struct Model {
    id: u16,
    /// Registers behind id and length.
    length: u16,
    fields: &'static [Field],
    /// Offsets of fields that are not implemented, with the number that says so.
    absent: &'static [(u16, u16)],
    /// Fields that count power to the grid as positive.
    exporting: bool,
}

const INVERTER: Model = Model {
    id: 103,
    length: 50,
    fields: &[
        (2, Meaning::AcCurrent, Kind::U16, Some(6)),
        (3, Meaning::CurrentL1, Kind::U16, Some(6)),
        (4, Meaning::CurrentL2, Kind::U16, Some(6)),
        (5, Meaning::CurrentL3, Kind::U16, Some(6)),
        (10, Meaning::VoltageL1, Kind::U16, Some(13)),
        (11, Meaning::VoltageL2, Kind::U16, Some(13)),
        (12, Meaning::VoltageL3, Kind::U16, Some(13)),
        (14, Meaning::AcPower, Kind::I16, Some(15)),
        (16, Meaning::GridFrequency, Kind::U16, Some(17)),
        (24, Meaning::GenerationTotal, Kind::U32, Some(26)),
        (27, Meaning::DcCurrent, Kind::U16, Some(28)),
        (29, Meaning::DcVoltage, Kind::U16, Some(30)),
        (31, Meaning::DcPower, Kind::I16, Some(32)),
        (34, Meaning::Temperature, Kind::I16, Some(37)),
        (38, Meaning::Status, Kind::U16, None),
    ],
    absent: &[
        (7, NO_U16),
        (8, NO_U16),
        (9, NO_U16),
        (18, NO_I16),
        (19, NO_I16),
        (20, NO_I16),
        (21, NO_I16),
        (22, NO_I16),
        (23, NO_I16),
    ],
    exporting: false,
};

const METER: Model = Model {
    id: 203,
    length: 105,
    fields: &[
        (18, Meaning::GridPower, Kind::I16, Some(22)),
        (19, Meaning::GridPowerL1, Kind::I16, Some(22)),
        (20, Meaning::GridPowerL2, Kind::I16, Some(22)),
        (21, Meaning::GridPowerL3, Kind::I16, Some(22)),
        (38, Meaning::ExportTotal, Kind::U32, Some(54)),
        (40, Meaning::ExportTotalL1, Kind::U32, Some(54)),
        (42, Meaning::ExportTotalL2, Kind::U32, Some(54)),
        (44, Meaning::ExportTotalL3, Kind::U32, Some(54)),
        (46, Meaning::ImportTotal, Kind::U32, Some(54)),
        (48, Meaning::ImportTotalL1, Kind::U32, Some(54)),
        (50, Meaning::ImportTotalL2, Kind::U32, Some(54)),
        (52, Meaning::ImportTotalL3, Kind::U32, Some(54)),
    ],
    absent: &[
        (2, NO_I16),
        (6, NO_I16),
        (15, NO_U16),
        (16, NO_I16),
        (17, NO_I16),
    ],
    exporting: true,
};

const FLOAT_INVERTER: Model = Model {
    id: 113,
    length: 60,
    fields: &[
        (2, Meaning::AcCurrent, Kind::F32, None),
        (4, Meaning::CurrentL1, Kind::F32, None),
        (6, Meaning::CurrentL2, Kind::F32, None),
        (8, Meaning::CurrentL3, Kind::F32, None),
        (16, Meaning::VoltageL1, Kind::F32, None),
        (18, Meaning::VoltageL2, Kind::F32, None),
        (20, Meaning::VoltageL3, Kind::F32, None),
        (22, Meaning::AcPower, Kind::F32, None),
        (24, Meaning::GridFrequency, Kind::F32, None),
        (32, Meaning::GenerationTotal, Kind::F32, None),
        (34, Meaning::DcCurrent, Kind::F32, None),
        (36, Meaning::DcVoltage, Kind::F32, None),
        (38, Meaning::DcPower, Kind::F32, None),
        (48, Meaning::Status, Kind::U16, None),
    ],
    // NaN in the upper word of voltages between phases.
    absent: &[(10, 0x7FC0), (12, 0x7FC0), (14, 0x7FC0)],
    exporting: false,
};

const FLOAT_METER: Model = Model {
    id: 213,
    length: 124,
    fields: &[
        (28, Meaning::GridPower, Kind::F32, None),
        (60, Meaning::ExportTotal, Kind::F32, None),
        (68, Meaning::ImportTotal, Kind::F32, None),
    ],
    absent: &[],
    exporting: true,
};

const DER_AC: Model = Model {
    id: 701,
    length: 153,
    fields: &[
        (10, Meaning::AcPower, Kind::I16, Some(116)),
        (17, Meaning::GridFrequency, Kind::U32, Some(115)),
        (19, Meaning::GenerationTotal, Kind::U64, Some(120)),
    ],
    // Apparent and reactive power, power factor.
    absent: &[(11, NO_I16), (12, NO_I16), (13, NO_U16)],
    exporting: false,
};

const DER_DC: Model = Model {
    id: 714,
    length: 18,
    fields: &[
        (6, Meaning::DcPower, Kind::I16, Some(17)),
        (7, Meaning::DcTotal, Kind::U64, Some(18)),
    ],
    absent: &[],
    exporting: false,
};

const BATTERY: Model = Model {
    id: 802,
    length: 62,
    fields: &[
        (11, Meaning::BatteryCharge, Kind::U16, Some(56)),
        (13, Meaning::BatteryHealth, Kind::U16, Some(58)),
        (34, Meaning::BatteryVoltage, Kind::U16, Some(59)),
    ],
    absent: &[],
    exporting: false,
};

impl Family {
    const fn models(self) -> &'static [&'static Model] {
        match self {
            Self::Int => &[&INVERTER, &METER],
            Self::Float => &[&FLOAT_INVERTER, &FLOAT_METER],
            Self::Der => &[&DER_AC, &DER_DC, &BATTERY],
        }
    }
}

/// Words that never change, by the address of the first.
pub type Fixed = Vec<(u16, Vec<u16>)>;

/// A profile whose points are where a device of `family` has them, and the words around them.
#[must_use]
pub fn lay_out(profile: &Profile, family: Family) -> (Arc<Profile>, Fixed) {
    let text = |address, count| {
        Some(Register {
            count,
            ..register(address, Kind::Text)
        })
    };
    let mut fixed = vec![
        (BASE, MARK.to_vec()),
        (BASE + 2, vec![1, 65]),
        (BASE + 4, words_of("Simulated")),
    ];
    let mut points = Vec::new();
    // Behind the common model.
    let mut start = BASE + 69;
    for model in family.models() {
        fixed.push((start, vec![model.id, model.length]));
        fixed.extend(
            model
                .absent
                .iter()
                .map(|(offset, word)| (start + offset, vec![*word])),
        );
        points.extend(
            model
                .fields
                .iter()
                .map(|field| point(start, field, model.exporting)),
        );
        start += 2 + model.length;
    }
    fixed.push((start, END.to_vec()));
    let laid_out = Profile {
        identity: Identity {
            model: text(BASE + 20, 16),
            firmware: text(BASE + 44, 8),
            serial: text(BASE + 52, 16),
            device_type: None,
        },
        points,
        blocks: Some(vec![Block {
            function: Function::Holding,
            start: BASE,
            count: start + 2 - BASE,
        }]),
        ..profile.clone()
    };
    (Arc::new(laid_out), fixed)
}

fn point(start: u16, field: &Field, exporting: bool) -> Point {
    let (offset, meaning, kind, scale) = *field;
    let is_grid_power = matches!(
        meaning,
        Meaning::GridPower | Meaning::GridPowerL1 | Meaning::GridPowerL2 | Meaning::GridPowerL3
    );
    Point {
        meaning,
        register: register(start + offset, kind),
        scale: if exporting && is_grid_power {
            Decimal::NEGATIVE_ONE
        } else {
            Decimal::ONE
        },
        offset: Decimal::ZERO,
        scale_register: scale.map(|scale| register(start + scale, Kind::I16)),
        sign: None,
        // Section 4.2.
        sentinels: match kind {
            Kind::I16 => vec![u64::from(NO_I16)],
            Kind::U16 => vec![u64::from(NO_U16)],
            Kind::U32 if meaning.is_counter() => vec![0],
            Kind::U32 => vec![0xFFFF_FFFF],
            Kind::U64 => vec![0],
            Kind::F32 => vec![0x7FC0_0000],
            Kind::I32 | Kind::I64 | Kind::Text => Vec::new(),
        },
        min: None,
        max: None,
        wraps_at: None,
    }
}

const fn register(address: u16, kind: Kind) -> Register {
    Register {
        function: Function::Holding,
        address,
        count: match kind.registers() {
            Some(count) => count,
            None => 0,
        },
        kind,
        word_order: WordOrder::Big,
    }
}

fn words_of(text: &str) -> Vec<u16> {
    let pairs = text.as_bytes().chunks(2);
    pairs
        .map(|pair| u16::from_be_bytes([pair[0], pair.get(1).copied().unwrap_or_default()]))
        .collect()
}
