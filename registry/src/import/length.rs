//! Length of an interval, as the command line writes it.

use std::{fmt, str::FromStr};

/// Longest interval of a reading: EnergyTag Scheme Standard, "at most one hour".
const HOUR_S: u32 = 3_600;

/// Length of an interval in seconds: at most an hour, and dividing it evenly.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct IntervalLength(u32);

/// A text is not the length of an interval.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "{0:?} is not an interval: write 1h, 30m, 15m, 300s or PT30M; at most an hour, dividing it evenly"
)]
pub struct NotALength(String);

impl IntervalLength {
    /// The length if it is one that readings can have.
    #[must_use]
    pub const fn of_seconds(seconds: u32) -> Option<Self> {
        if seconds == 0 || !HOUR_S.is_multiple_of(seconds) {
            return None;
        }
        Some(Self(seconds))
    }

    /// In seconds, 1 to 3,600.
    #[must_use]
    pub const fn seconds(self) -> u32 {
        self.0
    }
}

impl FromStr for IntervalLength {
    type Err = NotALength;

    fn from_str(text: &str) -> Result<Self, NotALength> {
        let wrong = || NotALength(text.to_owned());
        let lower = text.trim().to_ascii_lowercase();
        let amount = lower.strip_prefix("pt").unwrap_or(&lower);
        let split = amount
            .find(|c: char| !c.is_ascii_digit())
            .ok_or_else(wrong)?;
        let (digits, unit) = amount.split_at(split);
        let unit_s = match unit {
            "h" => HOUR_S,
            "m" | "min" => 60,
            "s" => 1,
            _ => return Err(wrong()),
        };
        digits
            .parse::<u32>()
            .ok()
            .and_then(|count| count.checked_mul(unit_s))
            .and_then(Self::of_seconds)
            .ok_or_else(wrong)
    }
}

impl fmt::Display for IntervalLength {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            HOUR_S => f.write_str("1h"),
            seconds if seconds.is_multiple_of(60) => write!(f, "{}m", seconds / 60),
            seconds => write!(f, "{seconds}s"),
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn an_hour_and_what_divides_it_is_taken() {
        for (text, seconds) in [
            ("1h", 3_600),
            ("30m", 1_800),
            ("15min", 900),
            ("PT5M", 300),
            ("1s", 1),
        ] {
            assert_eq!(
                text.parse::<IntervalLength>().unwrap().seconds(),
                seconds,
                "{text}"
            );
        }
    }

    #[test]
    fn longer_or_uneven_intervals_are_refused() {
        for text in [
            "2h",
            "61m",
            "45m",
            "7m",
            "0m",
            "h",
            "30",
            "",
            "-30m",
            "99999999999h",
        ] {
            assert!(text.parse::<IntervalLength>().is_err(), "{text}");
        }
    }
}
