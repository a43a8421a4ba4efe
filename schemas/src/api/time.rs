//! Times as clients write them.

use chrono::{DateTime, NaiveDate, NaiveDateTime, SubsecRound, Utc};

const NAIVE_FORMATS: [&str; 4] = [
    "%Y-%m-%dT%H:%M:%S%.f",
    "%Y-%m-%d %H:%M:%S%.f",
    "%Y-%m-%dT%H:%M",
    "%Y-%m-%d %H:%M",
];

/// Reads RFC 3339 in any offset, the same without an offset (taken as UTC), or a date (its midnight in
/// UTC). Fractions finer than a microsecond are cut off: neither the ledger nor Postgres has them.
#[must_use]
pub fn parse(text: &str) -> Option<DateTime<Utc>> {
    let text = text.trim();
    // chrono's `%Y` takes any number of digits.
    let year = text.as_bytes().split(|byte| *byte == b'-').next()?;
    if year.len() != 4 {
        return None;
    }
    let instant = DateTime::parse_from_rfc3339(text)
        .or_else(|_| DateTime::parse_from_str(text, "%Y-%m-%d %H:%M:%S%.f%:z"))
        .map(|instant| instant.to_utc())
        .ok()
        .or_else(|| {
            NAIVE_FORMATS
                .iter()
                .find_map(|format| NaiveDateTime::parse_from_str(text, format).ok())
                .or_else(|| {
                    NaiveDate::parse_from_str(text, "%Y-%m-%d")
                        .ok()
                        .and_then(|date| date.and_hms_opt(0, 0, 0))
                })
                .map(|naive| naive.and_utc())
        })?;
    // Four digits of year: what RFC 3339 can write back.
    let years = DateTime::from_timestamp(-62_135_596_800, 0)?
        ..DateTime::from_timestamp(253_402_300_800, 0)?;
    years.contains(&instant).then(|| instant.trunc_subsecs(6))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::interval::rfc3339;

    #[test]
    fn every_accepted_form_means_the_same_instant() {
        for text in [
            "2024-11-18T10:00:00Z",
            "2024-11-18T15:30:00+05:30",
            "2024-11-18T10:00:00",
            "2024-11-18 10:00:00",
            "2024-11-18 10:00:00+00:00",
            "2024-11-18T10:00",
            "2024-11-18T10:00:00.000",
            " 2024-11-18T10:00:00z ",
        ] {
            assert_eq!(
                rfc3339(parse(text).unwrap()),
                "2024-11-18T10:00:00Z",
                "{text}"
            );
        }
        assert_eq!(
            rfc3339(parse("2024-11-18").unwrap()),
            "2024-11-18T00:00:00Z"
        );
    }

    #[test]
    fn what_is_not_a_time_is_refused() {
        for text in [
            "",
            "a date string",
            "18/11/2024",
            "2024-13-01",
            "2024-02-30",
            "+12024-01-01T00:00:00Z",
            "12-03-01 12:12:12",
            "999-01-01",
            "-001-01-01",
        ] {
            assert_eq!(parse(text), None, "{text}");
        }
    }

    #[test]
    fn every_year_of_four_digits_is_one() {
        for text in ["0001-01-01T00:00:00Z", "9999-12-31T23:59:59.999999Z"] {
            assert_eq!(rfc3339(parse(text).unwrap()), text);
        }
        for text in ["0000-12-31T23:59:59Z", "9999-12-31T23:59:59-00:01"] {
            assert_eq!(parse(text), None, "{text}");
        }
    }

    #[test]
    fn nanoseconds_are_cut_off() {
        let instant = parse("2024-11-18T10:00:00.123456789Z").unwrap();
        assert_eq!(rfc3339(instant), "2024-11-18T10:00:00.123456Z");
    }
}
