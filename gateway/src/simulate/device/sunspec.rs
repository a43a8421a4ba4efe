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

/// "Not implemented" of a scale factor.
const NO_SCALE: u16 = 0x8000;
/// NaN, in the upper word of a single.
const NAN: u16 = 0x7FC0;

/// Which models a device has.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum Family {
    /// Inverter 101 to 103, strings 160 and meter 201 to 204: integers with scale factors.
    #[default]
    Int,
    /// Inverter 111 to 113, strings 160 and meter 211 to 214: singles.
    Float,
    /// AC 701 and DC 714 of IEEE 1547, battery 802.
    Der,
}

/// How a device that describes itself is wired, which its models' last digits say.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum Wiring {
    /// One phase: models 101, 111, 201, 211.
    Single,
    /// Two: 102, 112, 202, 212.
    Split,
    /// Three and a neutral: 103, 113, 203, 213.
    #[default]
    Wye,
    /// Three: 103, 113, 204, 214.
    Delta,
}

impl Wiring {
    /// How many phases that is.
    #[must_use]
    pub const fn phases(self) -> u8 {
        match self {
            Self::Single => 1,
            Self::Split => 2,
            Self::Wye | Self::Delta => 3,
        }
    }
}

/// A field of a model: its offset from the model's id, what it means, its type, its scale factor's offset.
type Field = (u16, Meaning, Kind, Option<u16>);

struct Model {
    /// By wiring; the last is that of all others.
    ids: &'static [u16],
    /// Registers behind id and length.
    length: u16,
    fields: &'static [Field],
    /// Registers that never change, by their offset: counts, and numbers that say "not implemented".
    fixed: &'static [(u16, u16)],
}

const INVERTER: Model = Model {
    ids: &[101, 102, 103],
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
        (33, Meaning::Temperature, Kind::I16, Some(37)),
        (38, Meaning::Status, Kind::U16, None),
    ],
    fixed: &[
        // Voltages between phases; apparent and reactive power, power factor; further temperatures.
        (7, NO_U16),
        (8, NO_U16),
        (9, NO_U16),
        (18, NO_I16),
        (19, NO_SCALE),
        (20, NO_I16),
        (21, NO_SCALE),
        (22, NO_I16),
        (23, NO_SCALE),
        (34, NO_I16),
        (35, NO_I16),
        (36, NO_I16),
    ],
};

const STRINGS: Model = Model {
    ids: &[160],
    length: 48,
    fields: &[
        (19, Meaning::String1Current, Kind::U16, Some(2)),
        (20, Meaning::String1Voltage, Kind::U16, Some(3)),
        (21, Meaning::String1Power, Kind::U16, Some(4)),
        (22, Meaning::String1Total, Kind::U32, Some(5)),
        (39, Meaning::String2Current, Kind::U16, Some(2)),
        (40, Meaning::String2Voltage, Kind::U16, Some(3)),
        (41, Meaning::String2Power, Kind::U16, Some(4)),
        (42, Meaning::String2Total, Kind::U32, Some(5)),
    ],
    fixed: &[
        // Two strings, numbered; no period of time stamps, no temperatures.
        (8, 2),
        (9, NO_U16),
        (10, 1),
        (26, NO_I16),
        (30, 2),
        (46, NO_I16),
    ],
};

const METER: Model = Model {
    ids: &[201, 202, 203, 204],
    length: 105,
    fields: &[
        (8, Meaning::VoltageL1, Kind::I16, Some(15)),
        (9, Meaning::VoltageL2, Kind::I16, Some(15)),
        (10, Meaning::VoltageL3, Kind::I16, Some(15)),
        (16, Meaning::GridFrequency, Kind::I16, Some(17)),
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
    fixed: &[
        // Currents; voltages on average and between phases.
        (2, NO_I16),
        (3, NO_I16),
        (4, NO_I16),
        (5, NO_I16),
        (6, NO_SCALE),
        (7, NO_I16),
        (11, NO_I16),
        (12, NO_I16),
        (13, NO_I16),
        (14, NO_I16),
    ],
};

const FLOAT_INVERTER: Model = Model {
    ids: &[111, 112, 113],
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
        (40, Meaning::Temperature, Kind::F32, None),
        (48, Meaning::Status, Kind::U16, None),
    ],
    fixed: &[
        // Voltages between phases; apparent and reactive power, power factor; further temperatures.
        (10, NAN),
        (12, NAN),
        (14, NAN),
        (26, NAN),
        (28, NAN),
        (30, NAN),
        (42, NAN),
        (44, NAN),
        (46, NAN),
    ],
};

const FLOAT_METER: Model = Model {
    ids: &[211, 212, 213, 214],
    length: 124,
    fields: &[
        (12, Meaning::VoltageL1, Kind::F32, None),
        (14, Meaning::VoltageL2, Kind::F32, None),
        (16, Meaning::VoltageL3, Kind::F32, None),
        (26, Meaning::GridFrequency, Kind::F32, None),
        (28, Meaning::GridPower, Kind::F32, None),
        (30, Meaning::GridPowerL1, Kind::F32, None),
        (32, Meaning::GridPowerL2, Kind::F32, None),
        (34, Meaning::GridPowerL3, Kind::F32, None),
        (60, Meaning::ExportTotal, Kind::F32, None),
        (62, Meaning::ExportTotalL1, Kind::F32, None),
        (64, Meaning::ExportTotalL2, Kind::F32, None),
        (66, Meaning::ExportTotalL3, Kind::F32, None),
        (68, Meaning::ImportTotal, Kind::F32, None),
        (70, Meaning::ImportTotalL1, Kind::F32, None),
        (72, Meaning::ImportTotalL2, Kind::F32, None),
        (74, Meaning::ImportTotalL3, Kind::F32, None),
    ],
    fixed: &[
        // Currents; voltages on average and between phases.
        (2, NAN),
        (4, NAN),
        (6, NAN),
        (8, NAN),
        (10, NAN),
        (18, NAN),
        (20, NAN),
        (22, NAN),
        (24, NAN),
    ],
};

const DER_AC: Model = Model {
    ids: &[701],
    length: 153,
    fields: &[
        (10, Meaning::AcPower, Kind::I16, Some(116)),
        (14, Meaning::AcCurrent, Kind::I16, Some(113)),
        (17, Meaning::GridFrequency, Kind::U32, Some(115)),
        (19, Meaning::GenerationTotal, Kind::U64, Some(120)),
        (23, Meaning::AbsorbedTotal, Kind::U64, Some(120)),
        (36, Meaning::Temperature, Kind::I16, Some(122)),
        (45, Meaning::CurrentL1, Kind::I16, Some(113)),
        (47, Meaning::VoltageL1, Kind::U16, Some(114)),
        (68, Meaning::CurrentL2, Kind::I16, Some(113)),
        (70, Meaning::VoltageL2, Kind::U16, Some(114)),
        (91, Meaning::CurrentL3, Kind::I16, Some(113)),
        (93, Meaning::VoltageL3, Kind::U16, Some(114)),
    ],
    fixed: &[
        // Its states; apparent and reactive power, power factor.
        (4, NO_U16),
        (11, NO_I16),
        (12, NO_I16),
        (13, NO_U16),
    ],
};

const DER_DC: Model = Model {
    ids: &[714],
    length: 18,
    fields: &[
        (5, Meaning::DcCurrent, Kind::I16, Some(15)),
        (6, Meaning::DcPower, Kind::I16, Some(17)),
        (7, Meaning::DcTotal, Kind::U64, Some(18)),
    ],
    fixed: &[],
};

const BATTERY: Model = Model {
    ids: &[802],
    length: 62,
    fields: &[
        (11, Meaning::BatteryCharge, Kind::U16, Some(56)),
        (13, Meaning::BatteryHealth, Kind::U16, Some(58)),
        (34, Meaning::BatteryVoltage, Kind::U16, Some(59)),
        (44, Meaning::BatteryCurrent, Kind::I16, Some(61)),
        (47, Meaning::BatteryPower, Kind::I16, Some(63)),
    ],
    fixed: &[],
};

impl Model {
    fn id(&self, wiring: Wiring) -> u16 {
        let id = self.ids.get(wiring as usize).or(self.ids.last());
        id.copied().unwrap_or_default()
    }
}

impl Family {
    const fn models(self) -> &'static [&'static Model] {
        match self {
            Self::Int => &[&INVERTER, &STRINGS, &METER],
            Self::Float => &[&FLOAT_INVERTER, &STRINGS, &FLOAT_METER],
            Self::Der => &[&DER_AC, &DER_DC, &BATTERY],
        }
    }
}

/// Words that never change, by the address of the first.
pub type Fixed = Vec<(u16, Vec<u16>)>;

/// A profile whose points are where a device of `family` and `wiring` has them, and the words around them.
#[must_use]
pub fn lay_out(profile: &Profile, family: Family, wiring: Wiring) -> (Arc<Profile>, Fixed) {
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
        fixed.push((start, vec![model.id(wiring), model.length]));
        fixed.extend(
            model
                .fixed
                .iter()
                .map(|(offset, word)| (start + offset, vec![*word])),
        );
        points.extend(model.fields.iter().map(|field| point(start, field)));
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

fn point(start: u16, field: &Field) -> Point {
    let (offset, meaning, kind, scale) = *field;
    Point {
        meaning,
        register: register(start + offset, kind),
        scale: Decimal::ONE,
        offset: Decimal::ZERO,
        scale_register: scale.map(|scale| register(start + scale, Kind::I16)),
        sign: None,
        // Section 4.2.
        sentinels: match kind {
            Kind::I16 => vec![u64::from(NO_I16)],
            Kind::U16 => vec![u64::from(NO_U16)],
            Kind::U32 if meaning.is_counter() => vec![0],
            Kind::U32 => vec![0xFFFF_FFFF],
            Kind::U64 => vec![u64::MAX],
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
