//! Calendar arithmetic of recurring rules, in UTC. Every period is counted from the start, never from the
//! one before: a rule of the 31st falls on the last day of a shorter month, and on the 31st again after.

use chrono::{DateTime, Datelike, Months, TimeDelta, Utc};
use schemas::event::recurring::Schedule;
use schemas::recurring::PeriodUnit;

/// RFC 3339 writes four digits of year.
const LAST_YEAR: i32 = 9_999;

/// What a period is made of.
enum Step {
    Seconds(i64),
    Months(i64),
}

fn step(schedule: &Schedule) -> Step {
    let quantity = i64::from(schedule.quantity);
    match schedule.unit {
        PeriodUnit::Hour => Step::Seconds(quantity * 3_600),
        PeriodUnit::Day => Step::Seconds(quantity * 86_400),
        PeriodUnit::Week => Step::Seconds(quantity * 7 * 86_400),
        PeriodUnit::Month => Step::Months(quantity),
        PeriodUnit::Year => Step::Months(quantity * 12),
    }
}

/// When period `index` is due, counted from 0; `None` for a negative one and beyond the year 9999.
/// Repetitions do not limit it.
#[must_use]
pub fn due(schedule: &Schedule, index: i64) -> Option<DateTime<Utc>> {
    let index = u64::try_from(index).ok()?;
    let times = |length: i64| i64::try_from(index).ok()?.checked_mul(length);
    let due = match step(schedule) {
        Step::Seconds(length) => {
            let passed = TimeDelta::try_seconds(times(length)?)?;
            schedule.start.checked_add_signed(passed)?
        }
        Step::Months(length) => {
            let passed = Months::new(u32::try_from(times(length)?).ok()?);
            schedule.start.checked_add_months(passed)?
        }
    };
    (due.year() <= LAST_YEAR).then_some(due)
}

/// The last period that is due at `now`, whatever the repetitions; `None` before the start.
#[must_use]
pub fn last_due(schedule: &Schedule, now: DateTime<Utc>) -> Option<i64> {
    if now < schedule.start {
        return None;
    }
    let start = schedule.start;
    let at_most = match step(schedule) {
        Step::Seconds(length) => (now - start).num_seconds() / length,
        Step::Months(length) => {
            let month = |at: DateTime<Utc>| i64::from(at.year()) * 12 + i64::from(at.month0());
            (month(now) - month(start)) / length
        }
    };
    // In its month a period may be due later than now.
    match due(schedule, at_most) {
        Some(due) if due <= now => Some(at_most),
        _ => Some(at_most - 1),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use proptest::prelude::*;
    use schemas::recurring::MissedPeriods;

    fn schedule(start: &str, unit: PeriodUnit, quantity: u32) -> Schedule {
        Schedule {
            start: start.parse().unwrap(),
            unit,
            quantity,
            repetitions: None,
            missed: MissedPeriods::Skip,
        }
    }

    fn days(schedule: &Schedule, count: i64) -> Vec<String> {
        let shown = |n| due(schedule, n).unwrap().format("%Y-%m-%d").to_string();
        (0..count).map(shown).collect()
    }

    #[test]
    fn a_month_from_the_31st_is_the_last_day_of_a_shorter_one_and_the_31st_again() {
        let monthly = schedule("2024-01-31T09:30:00Z", PeriodUnit::Month, 1);
        assert_eq!(
            days(&monthly, 5),
            [
                "2024-01-31",
                "2024-02-29",
                "2024-03-31",
                "2024-04-30",
                "2024-05-31"
            ]
        );
        assert_eq!(
            due(&monthly, 1).unwrap().to_rfc3339(),
            "2024-02-29T09:30:00+00:00"
        );
    }

    #[test]
    fn a_year_from_the_29th_of_february_is_the_28th_until_the_next_leap_year() {
        let yearly = schedule("2024-02-29T00:00:00Z", PeriodUnit::Year, 1);
        assert_eq!(
            days(&yearly, 5),
            [
                "2024-02-29",
                "2025-02-28",
                "2026-02-28",
                "2027-02-28",
                "2028-02-29"
            ]
        );
    }

    #[test]
    fn hours_days_and_weeks_are_of_even_length() {
        let start = "2024-03-30T12:00:00Z";
        assert_eq!(
            days(&schedule(start, PeriodUnit::Day, 2), 2)[1],
            "2024-04-01"
        );
        assert_eq!(
            days(&schedule(start, PeriodUnit::Week, 1), 2)[1],
            "2024-04-06"
        );
        // The night in which clocks change elsewhere.
        let hourly = schedule("2024-03-31T00:30:00Z", PeriodUnit::Hour, 1);
        let hour = |n| due(&hourly, n).unwrap().format("%H:%M").to_string();
        assert_eq!((hour(1), hour(2)), ("01:30".to_owned(), "02:30".to_owned()));
    }

    #[test]
    fn nothing_is_due_before_the_start_or_after_the_year_9999() {
        let yearly = schedule("2024-01-01T00:00:00Z", PeriodUnit::Year, 1_000);
        assert_eq!(
            last_due(&yearly, "2023-12-31T23:59:59Z".parse().unwrap()),
            None
        );
        assert_eq!(due(&yearly, -1), None);
        assert!(due(&yearly, 7).is_some());
        assert_eq!(due(&yearly, 8), None);
        assert_eq!(due(&yearly, i64::MAX), None);
    }

    fn any_schedule() -> impl Strategy<Value = Schedule> {
        let unit = prop::sample::select(PeriodUnit::ALL);
        (0_i64..4_000_000_000, unit, 1_u32..40).prop_map(|(second, unit, quantity)| Schedule {
            start: DateTime::from_timestamp(second, 0).unwrap(),
            unit,
            quantity,
            repetitions: None,
            missed: MissedPeriods::Skip,
        })
    }

    proptest! {
        #[test]
        fn periods_are_due_one_after_the_other(schedule in any_schedule(), index in 0_i64..180) {
            let (this, next) = (due(&schedule, index).unwrap(), due(&schedule, index + 1).unwrap());
            prop_assert!(this < next);
            prop_assert_eq!(last_due(&schedule, this), Some(index));
            prop_assert_eq!(last_due(&schedule, next - TimeDelta::microseconds(1)), Some(index));
        }

        #[test]
        fn a_month_never_leaves_its_month_and_keeps_the_day_where_it_has_one(
            second in 0_i64..4_000_000_000, index in 0_i64..600,
        ) {
            let start = DateTime::from_timestamp(second, 0).unwrap();
            let monthly = Schedule {
                start,
                unit: PeriodUnit::Month,
                quantity: 1,
                repetitions: None,
                missed: MissedPeriods::Skip,
            };
            let at = due(&monthly, index).unwrap();
            let months = i64::from(start.month0()) + index;
            prop_assert_eq!(i64::from(at.month0()), months % 12);
            prop_assert_eq!(i64::from(at.year()), i64::from(start.year()) + months / 12);
            prop_assert_eq!(at.time(), start.time());
            let tomorrow = at + TimeDelta::days(1);
            prop_assert!(at.day() == start.day() || tomorrow.month() != at.month());
        }
    }
}
