//! From the bits of a register to an exact number, and back. No floating point: an IEEE 754 single is taken
//! apart into an integer and a power of two.

use super::register::Kind;

/// A rational number: `numerator / denominator × 2^exponent`, exact.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Raw {
    /// An integer type's value, or a single's signed significand.
    pub integer: i128,
    /// The power of two of a single; 0 otherwise.
    pub exponent: i32,
}

/// A factor as a fraction of integers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Factor {
    /// Above the line; may be negative.
    pub numerator: i128,
    /// Below the line; above 0.
    pub denominator: i128,
}

/// Largest power of two that can be applied without leaving 128 bits beside any sane factor.
const MAX_SHIFT: i32 = 60;

impl Raw {
    /// Reads `bits` as a number of `kind`; `None` of texts and of singles that are no number.
    #[must_use]
    pub fn read(kind: Kind, bits: u64) -> Option<Self> {
        let integer = match kind {
            Kind::U16 | Kind::U32 | Kind::U64 => i128::from(bits),
            Kind::I16 => i128::from(bits as u16 as i16),
            Kind::I32 => i128::from(bits as u32 as i32),
            Kind::I64 => i128::from(bits as i64),
            Kind::F32 => return Self::single(bits as u32),
            Kind::Text => return None,
        };
        Some(Self {
            integer,
            exponent: 0,
        })
    }

    /// IEEE 754-2019, 3.4: binary32.
    fn single(bits: u32) -> Option<Self> {
        let biased = (bits >> 23 & 0xFF) as i32;
        let fraction = i128::from(bits & 0x7F_FFFF);
        let (significand, exponent) = match biased {
            0xFF => return None,
            0 => (fraction, -149),
            _ => (fraction | 0x80_0000, biased - 150),
        };
        Some(Self {
            integer: if bits >> 31 == 1 {
                -significand
            } else {
                significand
            },
            exponent,
        })
    }

    /// The number times `factor`, rounded down; `None` beyond 128 bits.
    #[must_use]
    pub fn times(self, factor: Factor) -> Option<i128> {
        let mut numerator = self.integer.checked_mul(factor.numerator)?;
        let mut denominator = factor.denominator;
        if numerator == 0 {
            return Some(0);
        }
        if self.exponent > MAX_SHIFT {
            return None;
        }
        if self.exponent > 0 {
            numerator = numerator.checked_mul(1_i128.checked_shl(self.exponent.unsigned_abs())?)?;
        } else {
            let shift = self.exponent.unsigned_abs();
            let divisor = (shift < 126)
                .then(|| denominator.checked_mul(1_i128 << shift))
                .flatten();
            // Below every step that a value could have: rounded down it is 0 or just under.
            let Some(divisor) = divisor else {
                return Some(if numerator < 0 { -1 } else { 0 });
            };
            denominator = divisor;
        }
        Some(numerator.div_euclid(denominator))
    }
}

/// The bits of an integer of `kind`; `None` if it does not fit.
#[must_use]
pub fn integer_bits(kind: Kind, integer: i128) -> Option<u64> {
    match kind {
        Kind::U16 => u16::try_from(integer).ok().map(u64::from),
        Kind::U32 => u32::try_from(integer).ok().map(u64::from),
        Kind::U64 => u64::try_from(integer).ok(),
        Kind::I16 => i16::try_from(integer).ok().map(|n| u64::from(n as u16)),
        Kind::I32 => i32::try_from(integer).ok().map(|n| u64::from(n as u32)),
        Kind::I64 => i64::try_from(integer).ok().map(|n| n as u64),
        Kind::F32 | Kind::Text => None,
    }
}

/// The single nearest to `numerator / denominator`, ties to even; `None` beyond what a single of normal
/// range holds. `denominator` is above 0.
#[must_use]
pub fn single_bits(numerator: i128, denominator: i128) -> Option<u32> {
    let sign = if numerator < 0 { 1_u32 << 31 } else { 0 };
    let magnitude = numerator.unsigned_abs();
    let divisor = u128::try_from(denominator).ok().filter(|n| *n > 0)?;
    if magnitude == 0 {
        return Some(sign);
    }
    // A power of two such that the quotient has 24 bits.
    let mut exponent = magnitude.ilog2().cast_signed() - divisor.ilog2().cast_signed() - 23;
    loop {
        let (above, below) = scaled(magnitude, divisor, exponent)?;
        let (mut significand, rest) = (above / below, above % below);
        if significand < 1 << 23 {
            exponent -= 1;
            continue;
        }
        let twice = rest.checked_mul(2)?;
        if twice > below || twice == below && significand & 1 == 1 {
            significand += 1;
        }
        if significand >= 1 << 24 {
            exponent += 1;
            if significand > 1 << 24 {
                continue;
            }
            significand >>= 1;
        }
        let biased = u32::try_from(exponent + 150)
            .ok()
            .filter(|n| *n < 0xFF && *n > 0)?;
        return Some(sign | biased << 23 | (significand as u32 & 0x7F_FFFF));
    }
}

/// `magnitude / divisor / 2^exponent` as a fraction.
fn scaled(magnitude: u128, divisor: u128, exponent: i32) -> Option<(u128, u128)> {
    let factor = 1_u128.checked_shl(exponent.unsigned_abs())?;
    if exponent > 0 {
        Some((magnitude, divisor.checked_mul(factor)?))
    } else {
        Some((magnitude.checked_mul(factor)?, divisor))
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use proptest::prelude::*;

    const MILLI: Factor = Factor {
        numerator: 1_000,
        denominator: 1,
    };

    #[test]
    fn a_single_is_read_exactly() {
        let read = |bits| Raw::read(Kind::F32, bits).and_then(|raw| raw.times(MILLI));
        // 123.456 is 123.45600128… as a single, and values are rounded down.
        assert_eq!(read(0x42F6_E979), Some(123_456));
        assert_eq!(read(0x3F80_0000), Some(1_000));
        assert_eq!(read(0xBF80_0000), Some(-1_000));
        assert_eq!(read(0), Some(0));
        assert_eq!(read(0x8000_0000), Some(0));
        assert_eq!(read(0x0000_0001), Some(0));
        assert_eq!(read(0x7FC0_0000), None);
        assert_eq!(read(0x7F80_0000), None);
        assert_eq!(read(0x7F7F_FFFF), None);
    }

    #[test]
    fn signed_numbers_keep_their_sign() {
        for (kind, bits) in [
            (Kind::I16, 0xFFFF),
            (Kind::I32, 0xFFFF_FFFF),
            (Kind::I64, u64::MAX),
        ] {
            assert_eq!(Raw::read(kind, bits).unwrap().integer, -1);
            assert_eq!(integer_bits(kind, -1), Some(bits));
        }
        assert_eq!(integer_bits(Kind::I16, 32_768), None);
        assert_eq!(integer_bits(Kind::U16, 65_536), None);
        assert_eq!(integer_bits(Kind::U16, -1), None);
    }

    proptest! {
        #[test]
        fn a_single_of_a_quotient_is_what_the_processor_says(n in -(1_i64 << 50)..1 << 50, d in 1_i32..1_000_000) {
            // The division in double precision, rounded to single, can be a half step off; a few ulps are not asked.
            let ours = single_bits(i128::from(n), i128::from(d)).unwrap();
            let back = Raw::read(Kind::F32, u64::from(ours)).unwrap();
            let whole = back.times(Factor { numerator: i128::from(d), denominator: 1 }).unwrap();
            let off = (whole - i128::from(n)).abs();
            prop_assert!(off <= i128::from(n).abs() / (1 << 24) + 1, "{n}/{d}: off by {off}");
        }

        #[test]
        fn an_integer_that_fits_a_significand_survives_a_single(n in -(1_i128 << 24)..=1 << 24) {
            let bits = single_bits(n, 1).unwrap();
            let one = Factor { numerator: 1, denominator: 1 };
            prop_assert_eq!(Raw::read(Kind::F32, u64::from(bits)).unwrap().times(one), Some(n));
        }
    }

    #[test]
    fn a_single_is_the_nearest() {
        assert_eq!(single_bits(123_456, 1_000), Some(0x42F6_E979));
        assert_eq!(single_bits(1, 10), Some(0x3DCC_CCCD));
        assert_eq!(single_bits(-1, 3), Some(0xBEAA_AAAB));
        assert_eq!(single_bits((1 << 24) + 1, 1), Some(0x4B80_0000));
    }
}
