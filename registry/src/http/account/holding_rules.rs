//! Which questions for holdings can be asked.

use crate::http::problem::{Answer, EdgeCode, Problem};
use chrono::{DateTime, Datelike, Timelike, Utc};
use schemas::api::holding::{HoldingQuery, Period};

/// Most periods between `from` and `to`.
pub const MAX_PERIODS: i64 = 1_000;

/// Checks the period that a question spans.
///
/// # Errors
/// `query_invalid`.
pub fn check(query: &HoldingQuery) -> Answer<()> {
    let word = query.period.as_str();
    for (name, bound) in [("from", query.from), ("to", query.to)] {
        match bound {
            None if query.period != Period::Month => {
                return refused(
                    name,
                    format!("`{name}` is needed where the period is a {word}"),
                );
            }
            Some(at) if !begins(query.period, at) => {
                return refused(
                    name,
                    format!("`{name}` must be the beginning of a {word} in UTC"),
                );
            }
            _ => {}
        }
    }
    let (Some(from), Some(to)) = (query.from, query.to) else {
        return Ok(());
    };
    if from >= to {
        return refused("to", "`to` must be after `from`".to_owned());
    }
    let periods = match query.period {
        Period::Hour => (to - from).num_hours(),
        Period::Day => (to - from).num_days(),
        Period::Month => months(to) - months(from),
    };
    if periods > MAX_PERIODS {
        return refused(
            "to",
            format!("from `from` to `to` are {periods} periods, more than {MAX_PERIODS}"),
        );
    }
    Ok(())
}

fn refused(parameter: &str, detail: String) -> Answer<()> {
    Err(Problem::new(EdgeCode::QueryInvalid, detail).at_parameter(parameter))
}

fn months(at: DateTime<Utc>) -> i64 {
    i64::from(at.year()) * 12 + i64::from(at.month0())
}

fn begins(period: Period, at: DateTime<Utc>) -> bool {
    let on_the_hour = at.minute() == 0 && at.second() == 0 && at.nanosecond() == 0;
    on_the_hour
        && match period {
            Period::Hour => true,
            Period::Day => at.hour() == 0,
            Period::Month => at.hour() == 0 && at.day() == 1,
        }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use schemas::api::field::{Fields, Source};

    fn ask(period: &str, from: &str, to: &str) -> Result<(), String> {
        let pairs = [("period", period), ("from", from), ("to", to)]
            .into_iter()
            .filter(|(_, text)| !text.is_empty())
            .map(|(name, text)| (name.to_owned(), text.to_owned()));
        let query = Fields::from_pairs(pairs, Source::Parameters)
            .read()
            .unwrap();
        check(&query).map_err(|problem| problem.errors()[0].parameter.clone().unwrap())
    }

    #[test]
    fn a_thousand_periods_are_answered_and_one_more_is_not() {
        for (period, from, last, over) in [
            (
                "hour",
                "2024-01-01",
                "2024-02-11T16:00:00Z",
                "2024-02-11T17:00:00Z",
            ),
            ("day", "2024-01-01", "2026-09-27", "2026-09-28"),
            ("month", "1950-01-01", "2033-05-01", "2033-06-01"),
        ] {
            assert_eq!(ask(period, from, last), Ok(()), "{period}");
            assert_eq!(ask(period, from, over), Err("to".to_owned()), "{period}");
        }
    }

    #[test]
    fn periods_are_whole_and_go_forward() {
        for (period, from, to, wrong) in [
            ("hour", "2024-01-01T00:15:00Z", "2024-01-02", "from"),
            ("day", "2024-01-01T01:00:00Z", "2024-01-02", "from"),
            ("day", "2024-01-01", "2024-01-02T00:00:00.5Z", "to"),
            ("month", "2024-01-01", "2024-01-02", "to"),
            ("hour", "2024-01-02", "2024-01-02", "to"),
            ("hour", "2024-01-02", "", "to"),
            ("day", "", "2024-01-02", "from"),
        ] {
            assert_eq!(
                ask(period, from, to),
                Err(wrong.to_owned()),
                "{period} {from} {to}"
            );
        }
        assert_eq!(ask("month", "", ""), Ok(()));
        assert_eq!(ask("", "2024-01-01", ""), Ok(()));
    }
}
