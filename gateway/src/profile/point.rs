//! A point: a register, what it means, and how its number becomes a value.

use super::meaning::{Meaning, Value};
use super::number::{Factor, Raw, integer_bits, single_bits};
use super::register::{Kind, Register, Registers};
use rust_decimal::Decimal;

/// The 16 bit scale factor that means "not implemented" (SunSpec Information Model Specification, 4.3.5).
pub const NO_SCALE: i16 = i16::MIN;
/// Largest power of ten of a scale register (SunSpec Information Model Specification, 4.3.5).
pub const MAX_SCALE: i16 = 10;

/// Where the sign of a value is, if not in its own register.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sign {
    /// A register of bits.
    pub register: Register,
    /// The value is negative where one of these bits is set.
    pub negative_mask: u16,
}

/// A number in a device's registers with its meaning.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Point {
    /// What it means.
    pub meaning: Meaning,
    /// Where it is.
    pub register: Register,
    /// What a raw 1 is, in the unit of the meaning.
    pub scale: Decimal,
    /// Added to raw × scale, in the unit of the meaning.
    pub offset: Decimal,
    /// A register with a power of ten that the scale is multiplied by; read together with the number.
    pub scale_register: Option<Register>,
    /// Where the sign is, if not in the number.
    pub sign: Option<Sign>,
    /// Bits that stand for "no value".
    pub sentinels: Vec<u64>,
    /// Least value that can be true.
    pub min: Option<Value>,
    /// Greatest value that can be true.
    pub max: Option<Value>,
    /// Of a counter, the raw number at which it starts again at zero, if that is not its type's end.
    pub wraps_at: Option<u64>,
}

/// Why a point has no value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Unreadable {
    /// None of the answers holds its registers.
    #[error("its registers were not read")]
    NotRead,
    /// The device says that it has none.
    #[error("the device answered 0x{0:X}, which stands for no value")]
    Sentinel(u64),
    /// The device says that the scale has none, or one that can not be.
    #[error("the scale register holds {0}")]
    Scale(i16),
    /// A single that is no number.
    #[error("0x{0:08X} is not a number")]
    NotANumber(u64),
    /// Beyond the profile's range.
    #[error("{value} is outside {min} to {max} (thousandths)")]
    OutOfRange {
        /// The value.
        value: i64,
        /// The least.
        min: i64,
        /// The greatest.
        max: i64,
    },
    /// Beyond 64 bits in thousandths of its unit.
    #[error("the value does not fit 64 bits")]
    TooLarge,
}

/// A value can not be put into a point's registers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{meaning}: {value} thousandths do not fit the register's type and scale")]
pub struct Unwritable {
    /// The point.
    pub meaning: Meaning,
    /// The value.
    pub value: i64,
}

impl Point {
    /// The value in what has been read.
    ///
    /// # Errors
    /// Why there is none.
    pub fn decode(&self, registers: &Registers) -> Result<Value, Unreadable> {
        let words = registers.get(&self.register).ok_or(Unreadable::NotRead)?;
        let bits = self.register.bits(words).ok_or(Unreadable::NotRead)?;
        if self.sentinels.contains(&bits) {
            return Err(Unreadable::Sentinel(bits));
        }
        let mut raw = Raw::read(self.register.kind, bits).ok_or(Unreadable::NotANumber(bits))?;
        if let Some(sign) = &self.sign {
            let state = registers.get(&sign.register).ok_or(Unreadable::NotRead)?;
            let negative = state
                .first()
                .is_some_and(|bits| bits & sign.negative_mask != 0);
            // Some firmware signs the number as well, some does not: the state is right of both.
            raw.integer = if negative {
                -raw.integer.abs()
            } else {
                raw.integer.abs()
            };
        }
        let factor = self.factor(self.exponent(registers)?);
        let value = factor
            .and_then(|factor| raw.times(factor))
            .and_then(|scaled| scaled.checked_add(self.offset_milli()?))
            .and_then(|value| i64::try_from(value).ok())
            .ok_or(Unreadable::TooLarge)?;
        self.in_range(value)
    }

    /// The power of ten in the scale register; 0 without one.
    ///
    /// # Errors
    /// When it was not read or holds none.
    pub fn exponent(&self, registers: &Registers) -> Result<i16, Unreadable> {
        let Some(register) = &self.scale_register else {
            return Ok(0);
        };
        let word = registers
            .get(register)
            .and_then(|words| words.first())
            .ok_or(Unreadable::NotRead)?;
        let exponent = word.cast_signed();
        if (-MAX_SCALE..=MAX_SCALE).contains(&exponent) {
            Ok(exponent)
        } else {
            Err(Unreadable::Scale(exponent))
        }
    }

    fn in_range(&self, value: i64) -> Result<Value, Unreadable> {
        let min = self.min.map_or(i64::MIN, |min| min.0);
        let max = self.max.map_or(i64::MAX, |max| max.0);
        if (min..=max).contains(&value) {
            Ok(Value(value))
        } else {
            Err(Unreadable::OutOfRange { value, min, max })
        }
    }

    /// What a raw 1 is in thousandths of the meaning's unit, under a scale register's power of ten.
    #[must_use]
    pub fn factor(&self, exponent: i16) -> Option<Factor> {
        let power = 10_i128.checked_pow(u32::from(exponent.unsigned_abs()))?;
        let (up, down) = if exponent < 0 { (1, power) } else { (power, 1) };
        let thousand = if self.is_code() { 1 } else { 1_000 };
        Some(Factor {
            numerator: self
                .scale
                .mantissa()
                .checked_mul(thousand)?
                .checked_mul(up)?,
            denominator: 10_i128.checked_pow(self.scale.scale())?.checked_mul(down)?,
        })
    }

    fn is_code(&self) -> bool {
        self.meaning.quantity() == super::meaning::Quantity::Code
    }

    fn offset_milli(&self) -> Option<i128> {
        let power = 10_i128.checked_pow(self.offset.scale())?;
        Some((self.offset.mantissa().checked_mul(1_000)?).div_euclid(power))
    }

    /// The finest step of a counter, in thousandths of its unit, rounded up: at most this much is hidden
    /// between two of its values. Of a single the step that it has at `value`.
    #[must_use]
    pub fn resolution(&self, exponent: i16, value: Value) -> i64 {
        let Some(factor) = self.factor(exponent) else {
            return 1;
        };
        let step = if self.register.kind == Kind::F32 {
            // 24 bits of significand: a step is at most value / 2^23.
            i128::from(value.0.unsigned_abs()) >> 23
        } else {
            let numerator = factor.numerator.abs();
            numerator.div_euclid(factor.denominator)
                + i128::from(numerator % factor.denominator != 0)
        };
        i64::try_from(step).unwrap_or(i64::MAX).max(1)
    }

    /// The value at which a counter starts again at zero, in thousandths of its unit; `None`
    /// where that is beyond what any device lives to see: of 64 bits and of singles.
    #[must_use]
    pub fn modulus(&self, exponent: i16) -> Option<i64> {
        let steps = match (self.wraps_at, self.register.kind) {
            (Some(steps), _) => i128::from(steps),
            (None, Kind::U16) => 1 << 16,
            (None, Kind::U32) => 1 << 32,
            (None, Kind::I16) => 1 << 15,
            (None, Kind::I32) => 1 << 31,
            (None, _) => return None,
        };
        let raw = Raw {
            integer: steps,
            exponent: 0,
        };
        raw.times(self.factor(exponent)?)
            .and_then(|value| i64::try_from(value).ok())
    }

    /// The registers that make a device say `value`, as (first address, words): the number, rounded down to
    /// what it can hold, with its scale register as `exponent`. The sign's register is left alone.
    ///
    /// # Errors
    /// When the value does not fit.
    pub fn encode(&self, value: Value, exponent: i16) -> Result<Vec<(u16, Vec<u16>)>, Unwritable> {
        let unwritable = Unwritable {
            meaning: self.meaning,
            value: value.0,
        };
        let bits = self.bits_of(value, exponent).ok_or(unwritable)?;
        let mut written = vec![(self.register.address, self.register.words(bits))];
        if let Some(register) = &self.scale_register {
            written.push((register.address, vec![exponent.cast_unsigned()]));
        }
        Ok(written)
    }

    fn bits_of(&self, value: Value, exponent: i16) -> Option<u64> {
        let factor = self.factor(exponent)?;
        let mut milli = i128::from(value.0).checked_sub(self.offset_milli()?)?;
        if self.sign.is_some() {
            milli = milli.abs();
        }
        let sign = factor.numerator.signum();
        let numerator = milli.checked_mul(factor.denominator)?.checked_mul(sign)?;
        let denominator = factor.numerator.abs();
        if self.register.kind == Kind::F32 {
            return single_bits(numerator, denominator).map(u64::from);
        }
        integer_bits(self.register.kind, numerator.div_euclid(denominator))
    }
}
