//! A day as people and the sun live it: from midnight to midnight in central Europe.

use chrono::{
    DateTime, Datelike, NaiveDate, NaiveDateTime, NaiveTime, TimeDelta, Timelike, Utc, Weekday,
};

/// Seconds of an ordinary day.
pub const DAY_S: i64 = 86_400;

/// How far clocks in central Europe are ahead of UTC: an hour, two from 01:00 UTC of the last Sunday in
/// March until 01:00 UTC of the last Sunday in October (Directive 2000/84/EC).
#[must_use]
pub fn local_offset(at: DateTime<Utc>) -> TimeDelta {
    let change =
        |month| last_sunday(at.year(), month).and_time(NaiveTime::MIN) + TimeDelta::hours(1);
    let is_summer = (change(3)..change(10)).contains(&at.naive_utc());
    TimeDelta::hours(if is_summer { 2 } else { 1 })
}

fn last_sunday(year: i32, month: u32) -> NaiveDate {
    // March and October have 31 days.
    let last = NaiveDate::from_ymd_opt(year, month, 31).unwrap_or_default();
    last.week(Weekday::Sun).first_day()
}

/// What a clock on the wall shows in central Europe.
#[must_use]
pub fn local_time(at: DateTime<Utc>) -> NaiveDateTime {
    at.naive_utc() + local_offset(at)
}

/// Seconds since local midnight by the clock on the wall.
pub(super) fn second_of_day(at: DateTime<Utc>) -> i64 {
    i64::from(local_time(at).num_seconds_from_midnight())
}

/// A local day.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LocalDay(pub NaiveDate);

impl LocalDay {
    /// The day that it is at that moment.
    #[must_use]
    pub fn of(at: DateTime<Utc>) -> Self {
        Self(local_time(at).date())
    }

    /// The moment the day begins.
    #[must_use]
    pub fn start(self) -> DateTime<Utc> {
        let midnight = self.0.and_time(NaiveTime::MIN).and_utc();
        // Clocks change at night, but never around midnight.
        midnight - local_offset(midnight)
    }

    /// The moment the next one begins: 23, 24 or 25 hours later.
    #[must_use]
    pub fn end(self) -> DateTime<Utc> {
        Self(self.0 + TimeDelta::days(1)).start()
    }

    /// How long it is.
    #[must_use]
    pub fn length(self) -> TimeDelta {
        self.end() - self.start()
    }
}
