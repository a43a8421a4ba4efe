//! How long the intervals of readings are.

use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;

/// Length of an interval. Each divides an hour, so its multiples since the epoch are the wall clock's in UTC, on
/// all days alike: UTC knows no daylight saving time.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize,
)]
pub enum Length {
    /// Five minutes.
    #[serde(rename = "PT5M")]
    FiveMinutes,
    /// A quarter of an hour.
    #[default]
    #[serde(rename = "PT15M")]
    QuarterHour,
    /// Half an hour.
    #[serde(rename = "PT30M")]
    HalfHour,
    /// An hour.
    #[serde(rename = "PT1H")]
    Hour,
}

/// A text is none of the lengths.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the length of an interval is PT5M, PT15M, PT30M or PT1H; it is {0:?}")]
pub struct UnknownLength(String);

impl Length {
    /// All of them.
    pub const ALL: [Self; 4] = [
        Self::FiveMinutes,
        Self::QuarterHour,
        Self::HalfHour,
        Self::Hour,
    ];

    /// In minutes.
    #[must_use]
    pub const fn minutes(self) -> i64 {
        match self {
            Self::FiveMinutes => 5,
            Self::QuarterHour => 15,
            Self::HalfHour => 30,
            Self::Hour => 60,
        }
    }

    /// As a span of time.
    #[must_use]
    pub const fn span(self) -> TimeDelta {
        TimeDelta::minutes(self.minutes())
    }

    /// Start of the interval that `at` is in.
    #[must_use]
    pub fn start_of(self, at: DateTime<Utc>) -> DateTime<Utc> {
        let length_ms = self.minutes() * 60_000;
        let past = TimeDelta::milliseconds(at.timestamp_millis().rem_euclid(length_ms));
        let below = TimeDelta::nanoseconds(i64::from(at.timestamp_subsec_nanos()) % 1_000_000);
        at - past - below
    }

    /// The first end of an interval after `at`.
    #[must_use]
    pub fn next_end(self, at: DateTime<Utc>) -> DateTime<Utc> {
        self.start_of(at) + self.span()
    }
}

impl fmt::Display for Length {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::FiveMinutes => "PT5M",
            Self::QuarterHour => "PT15M",
            Self::HalfHour => "PT30M",
            Self::Hour => "PT1H",
        })
    }
}

impl FromStr for Length {
    type Err = UnknownLength;

    fn from_str(text: &str) -> Result<Self, UnknownLength> {
        Self::ALL
            .into_iter()
            .find(|length| length.to_string() == text)
            .ok_or_else(|| UnknownLength(text.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn intervals_begin_on_multiples_of_their_length_in_utc() {
        let at: DateTime<Utc> = "2026-03-29T01:07:59.999999999Z".parse().unwrap();
        for (length, start) in [
            (Length::FiveMinutes, "2026-03-29T01:05:00Z"),
            (Length::QuarterHour, "2026-03-29T01:00:00Z"),
            (Length::HalfHour, "2026-03-29T01:00:00Z"),
            (Length::Hour, "2026-03-29T01:00:00Z"),
        ] {
            let start: DateTime<Utc> = start.parse().unwrap();
            assert_eq!(length.start_of(at), start, "{length}");
            assert_eq!(length.start_of(start), start, "{length}");
            assert_eq!(length.next_end(start), start + length.span(), "{length}");
        }
    }

    #[test]
    fn a_length_is_read_as_it_is_written() {
        for length in Length::ALL {
            assert_eq!(length.to_string().parse(), Ok(length));
            assert_eq!(
                serde_json::to_string(&length).unwrap(),
                format!("\"{length}\"")
            );
        }
        assert!("PT10M".parse::<Length>().is_err());
    }
}
