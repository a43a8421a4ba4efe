//! Time as the registry counts it: half-open intervals in UTC.

use chrono::{DateTime, Datelike, NaiveDate, TimeDelta, Utc};
use serde::{Deserialize, Serialize};
use std::fmt;

/// Half-open interval `[start, end)` in UTC; `start < end` always.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "Bounds", into = "Bounds")]
pub struct Interval {
    start: DateTime<Utc>,
    end: DateTime<Utc>,
}

#[derive(Serialize, Deserialize)]
struct Bounds {
    start: DateTime<Utc>,
    end: DateTime<Utc>,
}

/// The end of an interval does not lie after its start.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("interval end {end} must be after its start {start}")]
pub struct EmptyInterval {
    /// First instant of the interval.
    pub start: DateTime<Utc>,
    /// First instant after the interval.
    pub end: DateTime<Utc>,
}

impl Interval {
    /// The interval from `start` up to, not including, `end`.
    pub fn new(start: DateTime<Utc>, end: DateTime<Utc>) -> Result<Self, EmptyInterval> {
        if start < end {
            Ok(Self { start, end })
        } else {
            Err(EmptyInterval { start, end })
        }
    }

    /// First instant of the interval.
    #[must_use]
    pub const fn start(&self) -> DateTime<Utc> {
        self.start
    }

    /// First instant after the interval.
    #[must_use]
    pub const fn end(&self) -> DateTime<Utc> {
        self.end
    }

    /// Length of the interval.
    #[must_use]
    pub fn length(&self) -> TimeDelta {
        self.end - self.start
    }

    /// Whether the two share an instant.
    #[must_use]
    pub fn overlaps(&self, other: &Self) -> bool {
        self.start < other.end && other.start < self.end
    }
}

impl TryFrom<Bounds> for Interval {
    type Error = EmptyInterval;
    fn try_from(bounds: Bounds) -> Result<Self, EmptyInterval> {
        Self::new(bounds.start, bounds.end)
    }
}

impl From<Interval> for Bounds {
    fn from(interval: Interval) -> Self {
        Self {
            start: interval.start,
            end: interval.end,
        }
    }
}

impl fmt::Display for Interval {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "[{}, {})", rfc3339(self.start), rfc3339(self.end))
    }
}

/// A UTC calendar day, counted from 1970-01-01.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Day(pub i32);

const SECONDS_PER_DAY: i64 = 86_400;

impl Day {
    /// The day an instant falls on.
    #[must_use]
    pub fn of(instant: DateTime<Utc>) -> Self {
        Self(i32::try_from(instant.timestamp().div_euclid(SECONDS_PER_DAY)).unwrap_or(i32::MAX))
    }

    /// Midnight at which the day begins.
    #[must_use]
    pub fn start(self) -> DateTime<Utc> {
        DateTime::from_timestamp(i64::from(self.0) * SECONDS_PER_DAY, 0)
            .unwrap_or(DateTime::<Utc>::MAX_UTC)
    }
}

/// RFC 3339 in UTC with `Z`, fractions of a second only where there are any.
#[must_use]
pub fn rfc3339(instant: DateTime<Utc>) -> String {
    instant.to_rfc3339_opts(chrono::SecondsFormat::AutoSi, true)
}

/// The same date and time of day `years` calendar years later; 29 February becomes 1 March where the
/// target year has none.
#[must_use]
pub fn years_after(instant: DateTime<Utc>, years: i32) -> DateTime<Utc> {
    let year = instant.year().saturating_add(years);
    instant.with_year(year).unwrap_or_else(|| {
        NaiveDate::from_ymd_opt(year, 3, 1).map_or(DateTime::<Utc>::MAX_UTC, |date| {
            date.and_time(instant.time()).and_utc()
        })
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn touching_intervals_do_not_overlap() {
        let at = |hour: i64| DateTime::from_timestamp(hour * 3600, 0).unwrap();
        let first = Interval::new(at(0), at(1)).unwrap();
        assert!(!first.overlaps(&Interval::new(at(1), at(2)).unwrap()));
        assert!(first.overlaps(&Interval::new(at(0), at(3)).unwrap()));
        assert!(Interval::new(at(1), at(1)).is_err());
    }

    #[test]
    fn a_leap_day_expires_on_the_first_of_march() {
        let leap = "2024-02-29T10:00:00Z".parse::<DateTime<Utc>>().unwrap();
        assert_eq!(rfc3339(years_after(leap, 2)), "2026-03-01T10:00:00Z");
        assert_eq!(rfc3339(years_after(leap, 4)), "2028-02-29T10:00:00Z");
    }

    #[test]
    fn days_before_1970_count_down() {
        let late = "1969-12-31T23:59:59Z".parse::<DateTime<Utc>>().unwrap();
        assert_eq!(Day::of(late), Day(-1));
    }
}
