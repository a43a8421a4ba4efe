//! The rules of a single point.

use super::error::Findings;
use super::file::{Exact, FileBody, FilePoint};
use super::meaning::{Meaning, Quantity, Value};
use super::point::{Point, Sign};
use super::register::{Function, Kind, Register, WordOrder};
use rust_decimal::Decimal;

/// What a profile says once for all of its points.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Defaults {
    pub function: Option<u8>,
    pub word_order: WordOrder,
}

/// Units that a quantity can be written in, with what one of them is in the quantity's own.
const UNITS: [(&str, Quantity, i64); 13] = [
    ("Wh", Quantity::Energy, 1),
    ("kWh", Quantity::Energy, 1_000),
    ("MWh", Quantity::Energy, 1_000_000),
    ("W", Quantity::Power, 1),
    ("kW", Quantity::Power, 1_000),
    ("V", Quantity::Voltage, 1),
    ("A", Quantity::Current, 1),
    ("Hz", Quantity::Frequency, 1),
    ("C", Quantity::Temperature, 1),
    ("%", Quantity::Share, 1),
    ("MW", Quantity::Power, 1_000_000),
    ("kV", Quantity::Voltage, 1_000),
    ("kA", Quantity::Current, 1_000),
];

/// Checks the point in `value`; `place` names it until its meaning is known.
pub(super) fn check_point(
    place: &str,
    value: &toml::Value,
    defaults: &Defaults,
    findings: &mut Findings,
) -> Option<Point> {
    let raw: FilePoint = match value.clone().try_into() {
        Ok(raw) => raw,
        Err(error) => {
            findings.add(place, error.to_string().trim_end());
            return None;
        }
    };
    let Some(meaning) = Meaning::from_name(&raw.meaning) else {
        findings.add(
            place,
            format!("{:?} is not a meaning of the vocabulary", raw.meaning),
        );
        return None;
    };
    let place = format!("point {meaning}");
    let body: FileBody = match raw.body.try_into() {
        Ok(body) => body,
        Err(error) => {
            findings.add(place, error.to_string().trim_end());
            return None;
        }
    };
    Checker {
        meaning,
        place,
        defaults,
        findings,
    }
    .point(&body)
}

struct Checker<'a> {
    meaning: Meaning,
    place: String,
    defaults: &'a Defaults,
    findings: &'a mut Findings,
}

impl Checker<'_> {
    fn add(&mut self, rule: impl std::fmt::Display) {
        self.findings.add(&self.place, rule);
    }

    fn point(&mut self, body: &FileBody) -> Option<Point> {
        let unit = self.unit(body.unit.as_deref());
        let register = self.register(body);
        let scale = body.scale.map_or(Decimal::ONE, |scale| scale.0);
        if scale.is_zero() {
            self.add("scale is not 0");
        }
        if self.meaning.quantity() == Quantity::Energy && scale.is_sign_negative() {
            self.add("scale of energy is not negative");
        }
        let bits = body.kind.bits();
        for sentinel in &body.sentinels {
            if bits < 64 && sentinel.0 >> bits != 0 {
                self.add(format!(
                    "sentinel 0x{:X} has more than {bits} bits",
                    sentinel.0
                ));
            }
        }
        if let Some(wraps_at) = body.wraps_at {
            if !self.meaning.is_counter() {
                self.add("only a counter wraps");
            } else if body.kind == Kind::F32
                || wraps_at.0 == 0
                || bits < 64 && (wraps_at.0 - 1) >> bits != 0
            {
                self.add("wraps_at is 1 to what its type can hold");
            }
        }
        let (scale_register, sign) = (self.scale_register(body), self.sign(body));
        let (min, max) = (self.bound("min", body.min), self.bound("max", body.max));
        if min > max && max.is_some() {
            self.add("min is above max");
        }
        let (unit, scale) = (Decimal::from(unit?), scale.normalize());
        let Some(scale) = scale.checked_mul(unit) else {
            self.add("scale is too large");
            return None;
        };
        let offset = body
            .offset
            .map_or(Decimal::ZERO, |offset| offset.0.normalize());
        let point = Point {
            meaning: self.meaning,
            register: register?,
            scale: scale.normalize(),
            offset,
            scale_register,
            sign,
            sentinels: body.sentinels.iter().map(|bits| bits.0).collect(),
            min,
            max,
            wraps_at: body.wraps_at.map(|bits| bits.0),
        };
        if point.factor(0).is_none() {
            self.add("scale has too many digits");
        }
        Some(point)
    }

    fn unit(&mut self, unit: Option<&str>) -> Option<i64> {
        let quantity = self.meaning.quantity();
        match (quantity, unit) {
            (Quantity::Code, None) => Some(1),
            (Quantity::Code, Some(_)) => {
                self.add("a code has no unit");
                None
            }
            (_, None) => {
                self.add("unit is missing");
                None
            }
            (_, Some(unit)) => {
                let known = UNITS
                    .iter()
                    .find(|(name, of, _)| *name == unit && *of == quantity);
                if known.is_none() {
                    self.add(format!(
                        "unit {unit:?} does not fit; {} does",
                        quantity.unit()
                    ));
                }
                known.map(|(_, _, factor)| *factor)
            }
        }
    }

    fn register(&mut self, body: &FileBody) -> Option<Register> {
        let Some(count) = body.kind.registers() else {
            self.add("a text is no point; identity has texts");
            return None;
        };
        let made = register(
            self.defaults,
            body.function,
            body.address,
            body.kind,
            body.word_order,
            count,
        );
        made.map_err(|rule| self.add(rule)).ok()
    }

    fn scale_register(&mut self, body: &FileBody) -> Option<Register> {
        let address = body.scale_register?;
        let made = register(self.defaults, body.function, address, Kind::I16, None, 1);
        made.map_err(|rule| self.add(rule)).ok()
    }

    fn sign(&mut self, body: &FileBody) -> Option<Sign> {
        let sign = body.sign.as_ref()?;
        if sign.negative_mask == 0 {
            self.add("sign.negative_mask has a bit");
        }
        let function = sign.function.or(body.function);
        let made = register(self.defaults, function, sign.address, Kind::U16, None, 1);
        let register = made.map_err(|rule| self.add(rule)).ok()?;
        Some(Sign {
            register,
            negative_mask: sign.negative_mask,
        })
    }

    fn bound(&mut self, field: &str, bound: Option<Exact>) -> Option<Value> {
        let thousand = if self.meaning.quantity() == Quantity::Code {
            1
        } else {
            1_000
        };
        let value = bound?.0.checked_mul(thousand.into());
        let value = value.and_then(|value| i64::try_from(value.floor()).ok());
        if value.is_none() {
            self.add(format!("{field} does not fit 64 bits in thousandths"));
        }
        value.map(Value)
    }
}

/// A register of `count` words, where the address range of Modbus has them.
pub(super) fn register(
    defaults: &Defaults,
    function: Option<u8>,
    address: u16,
    kind: Kind,
    word_order: Option<WordOrder>,
    count: u16,
) -> Result<Register, String> {
    let Some(code) = function.or(defaults.function) else {
        return Err("function is missing, here and at the top of the file".to_owned());
    };
    let Some(function) = Function::from_code(code) else {
        return Err(format!("function is 3 or 4; it is {code}"));
    };
    let register = Register {
        function,
        address,
        count,
        kind,
        word_order: word_order.unwrap_or(defaults.word_order),
    };
    if register.end() > 1 << 16 {
        return Err(format!("{register} goes beyond register 65535"));
    }
    Ok(register)
}
