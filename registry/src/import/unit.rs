//! Units of a column, and exact conversion to whole watt hours.

use rust_decimal::{Decimal, prelude::ToPrimitive};
use schemas::{WattHours, words};

use super::reason::Reason;

const SECONDS_PER_HOUR: i64 = 3_600;

words! {
    /// What the numbers of a column count: average power over the interval, or energy in it.
    Unit {
        /// Average power.
        Watt = "W", Kilowatt = "kW", Megawatt = "MW", Gigawatt = "GW",
        /// Energy.
        WattHour = "Wh", KilowattHour = "kWh", MegawattHour = "MWh", GigawattHour = "GWh",
    }
}

impl Unit {
    /// How many W or Wh one of these is.
    const fn factor(self) -> i64 {
        match self {
            Self::Watt | Self::WattHour => 1,
            Self::Kilowatt | Self::KilowattHour => 1_000,
            Self::Megawatt | Self::MegawattHour => 1_000_000,
            Self::Gigawatt | Self::GigawattHour => 1_000_000_000,
        }
    }

    const fn is_power(self) -> bool {
        matches!(
            self,
            Self::Watt | Self::Kilowatt | Self::Megawatt | Self::Gigawatt
        )
    }

    /// The energy of an interval of `length_s` seconds whose cell says `value`.
    ///
    /// # Errors
    /// [`Reason::Negative`], [`Reason::NotWhole`] where it is not a whole number of Wh,
    /// [`Reason::TooLarge`] beyond 64 bit.
    pub fn watt_hours(self, value: Decimal, length_s: u32) -> Result<WattHours, Reason> {
        if value < Decimal::ZERO {
            return Err(Reason::Negative { value, unit: self });
        }
        // Seconds first and hours last: W × s is exact, and what it leaves over an hour is seen.
        let (times, over) = if self.is_power() {
            (i64::from(length_s), SECONDS_PER_HOUR)
        } else {
            (1, 1)
        };
        let too_large = || Reason::TooLarge { value, unit: self };
        let scaled = value
            .checked_mul(self.factor().into())
            .and_then(|scaled| scaled.checked_mul(times.into()))
            .ok_or_else(too_large)?;
        let over = Decimal::from(over);
        if scaled % over != Decimal::ZERO {
            return Err(Reason::NotWhole { value, unit: self });
        }
        (scaled / over)
            .to_i64()
            .map(WattHours)
            .ok_or_else(too_large)
    }
}

/// `value` at the nearest multiple of `step` (halves away from zero), exactly. `None` beyond 96 bit.
pub(super) fn rounded(value: Decimal, step: Decimal) -> Option<Decimal> {
    let over = value.checked_rem(step)?;
    let below = value.checked_sub(over)?;
    if over.checked_mul(2.into())?.abs() < step {
        return Some(below);
    }
    if value.is_sign_negative() {
        below.checked_sub(step)
    } else {
        below.checked_add(step)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use proptest::prelude::*;

    use super::*;

    fn decimal(text: &str) -> Decimal {
        Decimal::from_str_exact(text).unwrap()
    }

    #[test]
    fn average_power_over_half_an_hour_is_half_as_much_energy() {
        let wh = |unit: Unit, value: &str| unit.watt_hours(decimal(value), 1_800);
        assert_eq!(
            wh(Unit::Megawatt, "8596"),
            Ok(WattHours(4_298_000_000)),
            "beyond 32 bit"
        );
        assert_eq!(wh(Unit::Kilowatt, "0.482"), Ok(WattHours(241)));
        assert_eq!(wh(Unit::WattHour, "241"), Ok(WattHours(241)));
        assert_eq!(wh(Unit::GigawattHour, "0.000000001"), Ok(WattHours(1)));
    }

    #[test]
    fn what_is_not_a_whole_watt_hour_is_refused() {
        for (unit, value) in [
            (Unit::Watt, "1"),
            (Unit::Kilowatt, "0.48200000000000004"),
            (Unit::WattHour, "0.5"),
        ] {
            let refused = unit.watt_hours(decimal(value), 1_800).unwrap_err();
            assert!(matches!(refused, Reason::NotWhole { .. }), "{refused}");
        }
    }

    #[test]
    fn energy_of_64_bit_is_taken_and_one_more_is_refused() {
        let most = Decimal::from(i64::MAX);
        assert_eq!(
            Unit::WattHour.watt_hours(most, 3_600),
            Ok(WattHours(i64::MAX))
        );
        for value in [most + Decimal::ONE, Decimal::MAX] {
            let refused = Unit::WattHour.watt_hours(value, 3_600).unwrap_err();
            assert!(matches!(refused, Reason::TooLarge { .. }), "{refused}");
        }
    }

    #[test]
    fn the_noise_of_binary_fractions_is_rounded_away() {
        let step = decimal("0.001");
        for (noisy, clean) in [
            ("0.48200000000000004", "0.482"),
            ("0.45399999999999996", "0.454"),
            ("0.0005", "0.001"),
            ("-0.0005", "-0.001"),
            ("7", "7"),
        ] {
            assert_eq!(
                rounded(decimal(noisy), step),
                Some(decimal(clean)),
                "{noisy}"
            );
        }
    }

    proptest! {
        #[test]
        fn power_times_time_is_exact_or_refused(
            watts in 0_i64..=i64::MAX / 3_600,
            length_s in prop::sample::select(vec![1_u32, 60, 300, 900, 1_800, 3_600]),
        ) {
            let metered = Unit::Watt.watt_hours(watts.into(), length_s);
            let exact = i128::from(watts) * i128::from(length_s);
            match metered {
                Ok(wh) => prop_assert_eq!(i128::from(wh.0) * 3_600, exact),
                Err(_) => prop_assert_ne!(exact % 3_600, 0),
            }
        }

        #[test]
        fn rounding_moves_by_at_most_half_a_step_onto_a_multiple(
            digits in -1_000_000_000_000_i64..1_000_000_000_000, scale in 0_u32..18, step in 1_i64..5_000, step_scale in 0_u32..6,
        ) {
            let (value, step) = (Decimal::new(digits, scale), Decimal::new(step, step_scale));
            let result = rounded(value, step).unwrap();
            prop_assert!((result % step).is_zero());
            prop_assert!((result - value).abs() * Decimal::TWO <= step);
        }
    }
}
