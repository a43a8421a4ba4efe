//! Storage: how efficient it is, and how what it discharged is allocated to what it charged.

use crate::WattHours;
use crate::words;
use rust_decimal::{Decimal, RoundingStrategy};
use serde::{Deserialize, Serialize};

words! {
    /// How discharges are allocated to charges; fixed for a device by its first allocation.
    AllocationMethod {
        /// What was charged first is discharged first.
        Fifo = "fifo",
        /// What was charged last is discharged first.
        Lifo = "lifo",
        /// From all that is left, in proportion to what it can still give.
        WeightedAverage = "weighted_average",
        /// As the validator says, row by row.
        OperatorDiscretion = "operator_discretion",
    }
}

/// Most decimal places of a stated efficiency: exact as a ratio of 64-bit integers.
pub const MAX_EFFICIENCY_SCALE: u32 = 12;
/// Decimal places an efficiency is shown with.
const SHOWN_SCALE: u32 = 12;

/// Wh out per Wh in, exactly: `numerator / denominator` in (0, 1].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "Ratio", into = "Ratio")]
pub struct Efficiency {
    numerator: i64,
    denominator: i64,
}

#[derive(Serialize, Deserialize)]
struct Ratio {
    numerator: i64,
    denominator: i64,
}

/// An efficiency must be above 0 and at most 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("an efficiency is above 0 and at most 1; {numerator} / {denominator} is not")]
pub struct NoEfficiency {
    /// Wh out.
    pub numerator: i64,
    /// Wh in.
    pub denominator: i64,
}

impl Efficiency {
    /// The ratio, if it is above 0 and at most 1.
    ///
    /// # Errors
    /// [`NoEfficiency`].
    pub const fn new(numerator: i64, denominator: i64) -> Result<Self, NoEfficiency> {
        if 0 < numerator && numerator <= denominator {
            Ok(Self {
                numerator,
                denominator,
            })
        } else {
            Err(NoEfficiency {
                numerator,
                denominator,
            })
        }
    }

    /// The ratio that a decimal of at most [`MAX_EFFICIENCY_SCALE`] places is.
    #[must_use]
    pub fn of_decimal(factor: Decimal) -> Option<Self> {
        let factor = factor.normalize();
        if factor.scale() > MAX_EFFICIENCY_SCALE {
            return None;
        }
        let numerator = i64::try_from(factor.mantissa()).ok()?;
        Self::new(numerator, 10_i64.pow(factor.scale())).ok()
    }

    /// Wh out.
    #[must_use]
    pub const fn numerator(self) -> i64 {
        self.numerator
    }

    /// Wh in.
    #[must_use]
    pub const fn denominator(self) -> i64 {
        self.denominator
    }

    /// Whether both are the same number, however written.
    #[must_use]
    pub fn equals(self, other: Self) -> bool {
        let cross = |one: i64, two: i64| i128::from(one) * i128::from(two);
        cross(self.numerator, other.denominator) == cross(other.numerator, self.denominator)
    }

    /// What `consumed` gives: floor(consumed × η). `consumed` is not negative.
    #[must_use]
    pub fn produced_by(self, consumed: WattHours) -> WattHours {
        let produced =
            i128::from(consumed.0) * i128::from(self.numerator) / i128::from(self.denominator);
        WattHours(i64::try_from(produced).expect("at most what is consumed, since η is at most 1"))
    }

    /// The least that gives `produced`: ceil(produced / η), of which floor(× η) is `produced` again,
    /// because η is at most 1. `None` beyond 64 bit.
    #[must_use]
    pub fn consumed_for(self, produced: WattHours) -> Option<WattHours> {
        let scaled = i128::from(produced.0) * i128::from(self.denominator);
        let numerator = i128::from(self.numerator);
        i64::try_from((scaled + numerator - 1) / numerator)
            .ok()
            .map(WattHours)
    }

    /// The ratio as a decimal, cut off after 12 places.
    #[must_use]
    pub fn to_decimal(self) -> Decimal {
        (Decimal::from(self.numerator) / Decimal::from(self.denominator))
            .round_dp_with_strategy(SHOWN_SCALE, RoundingStrategy::ToZero)
            .normalize()
    }
}

impl TryFrom<Ratio> for Efficiency {
    type Error = NoEfficiency;
    fn try_from(ratio: Ratio) -> Result<Self, NoEfficiency> {
        Self::new(ratio.numerator, ratio.denominator)
    }
}

impl From<Efficiency> for Ratio {
    fn from(efficiency: Efficiency) -> Self {
        Self {
            numerator: efficiency.numerator,
            denominator: efficiency.denominator,
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn an_efficiency_is_above_zero_and_at_most_one() {
        assert!(Efficiency::new(1, 1).is_ok());
        for (numerator, denominator) in [(0, 1), (2, 1), (-1, 2), (-1, -2), (0, 0)] {
            assert!(Efficiency::new(numerator, denominator).is_err());
        }
        let read = |text: &str| Efficiency::of_decimal(text.parse().unwrap());
        assert_eq!(read("0.89"), Efficiency::new(89, 100).ok());
        assert_eq!(read("1.000"), Efficiency::new(1, 1).ok());
        assert!(read("0.123456789012").is_some());
        for wrong in ["0", "1.01", "-0.5", "0.1234567890123"] {
            assert_eq!(read(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn what_is_consumed_for_an_amount_gives_just_that_amount() {
        for (numerator, denominator) in [(89, 100), (1, 3), (1, 1), (8_697_810_426, 9_311_649_191)]
        {
            let efficiency = Efficiency::new(numerator, denominator).unwrap();
            for wh in [0, 1, 2, 7, 99, 100, 12_345_678_901] {
                let consumed = efficiency.consumed_for(WattHours(wh)).unwrap();
                assert_eq!(efficiency.produced_by(consumed), WattHours(wh));
                assert!(
                    consumed.0 == 0 || efficiency.produced_by(WattHours(consumed.0 - 1)).0 < wh
                );
            }
        }
    }

    #[test]
    fn a_third_is_shown_cut_off_and_kept_exact() {
        let third = Efficiency::new(1, 3).unwrap();
        assert_eq!(third.to_decimal().to_string(), "0.333333333333");
        assert_eq!(third.produced_by(WattHours(3)), WattHours(1));
        assert!(third.equals(Efficiency::new(2, 6).unwrap()));
        assert_eq!(third.consumed_for(WattHours(i64::MAX)), None);
    }
}
