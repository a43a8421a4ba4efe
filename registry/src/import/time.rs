//! Times of a column, in UTC.

use chrono::{
    DateTime, FixedOffset, LocalResult, NaiveDateTime, TimeZone, Utc,
    format::{Item, StrftimeItems},
};
use chrono_tz::Tz;

use super::reason::Reason;

const WITH_OFFSET: [&str; 3] = [
    "%Y-%m-%d %H:%M:%S%.f%:z",
    "%Y-%m-%d %H:%M:%S%.f %:z",
    "%Y-%m-%d %H:%M%:z",
];
const WITHOUT_OFFSET: [&str; 4] = [
    "%Y-%m-%d %H:%M:%S%.f",
    "%Y-%m-%dT%H:%M:%S%.f",
    "%Y-%m-%d %H:%M",
    "%Y-%m-%dT%H:%M",
];

/// How the texts of a time column are written.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum TimeFormat {
    /// RFC 3339, or `YYYY-MM-DD HH:MM[:SS]` with or without an offset.
    #[default]
    Auto,
    /// A strftime format; without `%z` or the like its times have no offset.
    Custom(String),
}

/// A strftime format has a specifier that does not exist.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not a time format: `auto`, or specifiers as in %d/%m/%Y %H:%M")]
pub struct NotAFormat(String);

impl std::str::FromStr for TimeFormat {
    type Err = NotAFormat;

    fn from_str(text: &str) -> Result<Self, NotAFormat> {
        if text == "auto" {
            return Ok(Self::Auto);
        }
        let known = StrftimeItems::new(text).all(|item| item != Item::Error);
        if !known || !text.contains('%') {
            return Err(NotAFormat(text.to_owned()));
        }
        Ok(Self::Custom(text.to_owned()))
    }
}

/// What a time means whose text carries no offset.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Local {
    /// Nothing: such a row is refused.
    #[default]
    Unknown,
    /// Wall clock of a zone, daylight saving included.
    Zone(Tz),
    /// A fixed offset from UTC.
    Offset(FixedOffset),
}

/// Reads the texts of a time column.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct TimeReader {
    pub format: TimeFormat,
    /// Used where a text carries no offset.
    pub local: Local,
}

enum Read {
    Instant(DateTime<Utc>),
    Naive(NaiveDateTime),
}

impl TimeReader {
    /// The instant that `text` means.
    ///
    /// # Errors
    /// [`Reason::NoTime`], [`Reason::BadTime`], [`Reason::NoOffset`], [`Reason::Gap`] or
    /// [`Reason::Ambiguous`].
    pub fn read(&self, text: &str) -> Result<DateTime<Utc>, Reason> {
        let text = text.trim();
        if text.is_empty() {
            return Err(Reason::NoTime);
        }
        match self.parse(text) {
            Some(Read::Instant(instant)) => Ok(instant),
            Some(Read::Naive(naive)) => self.local(naive, text),
            None => Err(Reason::BadTime {
                text: text.to_owned(),
            }),
        }
    }

    fn parse(&self, text: &str) -> Option<Read> {
        let instant = |format: &str| {
            Some(Read::Instant(
                DateTime::parse_from_str(text, format).ok()?.to_utc(),
            ))
        };
        let naive = |format: &str| {
            NaiveDateTime::parse_from_str(text, format)
                .ok()
                .map(Read::Naive)
        };
        match &self.format {
            TimeFormat::Custom(format) => instant(format).or_else(|| naive(format)),
            TimeFormat::Auto => DateTime::parse_from_rfc3339(text)
                .ok()
                .map(|read| Read::Instant(read.to_utc()))
                .or_else(|| WITH_OFFSET.into_iter().find_map(instant))
                .or_else(|| WITHOUT_OFFSET.into_iter().find_map(naive)),
        }
    }

    fn local(&self, naive: NaiveDateTime, text: &str) -> Result<DateTime<Utc>, Reason> {
        let text = || text.to_owned();
        match self.local {
            Local::Unknown => Err(Reason::NoOffset { text: text() }),
            Local::Offset(offset) => match offset.from_local_datetime(&naive) {
                LocalResult::Single(instant) => Ok(instant.to_utc()),
                // A fixed offset has neither gap nor ambiguity; what remains is out of range.
                _ => Err(Reason::BadTime { text: text() }),
            },
            Local::Zone(zone) => match zone.from_local_datetime(&naive) {
                LocalResult::Single(instant) => Ok(instant.to_utc()),
                LocalResult::Ambiguous(first, second) => Err(Reason::Ambiguous {
                    text: text(),
                    zone,
                    first: first.to_utc(),
                    second: second.to_utc(),
                }),
                LocalResult::None => Err(Reason::Gap { text: text(), zone }),
            },
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use schemas::interval::rfc3339;

    use super::*;

    fn reader(format: &str, local: Local) -> TimeReader {
        TimeReader {
            format: format.parse().unwrap(),
            local,
        }
    }

    fn offset(text: &str) -> Local {
        Local::Offset(text.parse().unwrap())
    }

    #[test]
    fn an_offset_in_the_text_wins_over_zone_and_offset() {
        for local in [
            Local::Unknown,
            Local::Zone(Tz::Australia__Sydney),
            offset("+10:00"),
        ] {
            let read = reader("auto", local);
            for text in [
                "2018-07-01 01:30:00+01:00",
                "2018-07-01T00:30:00Z",
                "2018-07-01 01:30+01:00",
            ] {
                assert_eq!(
                    rfc3339(read.read(text).unwrap()),
                    "2018-07-01T00:30:00Z",
                    "{text}"
                );
            }
        }
    }

    #[test]
    fn a_time_without_an_offset_needs_one_stated() {
        let text = "2011-07-01 00:00:00";
        assert!(matches!(
            reader("auto", Local::Unknown).read(text),
            Err(Reason::NoOffset { .. })
        ));
        let read = reader("auto", offset("+10:00")).read(text).unwrap();
        assert_eq!(rfc3339(read), "2011-06-30T14:00:00Z");
    }

    #[test]
    fn a_time_that_clocks_skip_or_repeat_is_refused() {
        let london = reader("auto", Local::Zone(Tz::Europe__London));
        assert!(matches!(
            london.read("2018-03-25 01:30:00"),
            Err(Reason::Gap { .. })
        ));
        let twice = london.read("2018-10-28 01:30:00").unwrap_err().to_string();
        assert!(
            twice.contains("2018-10-28T00:30:00Z and at 2018-10-28T01:30:00Z"),
            "{twice}"
        );
        assert_eq!(
            rfc3339(london.read("2018-10-28 02:30:00").unwrap()),
            "2018-10-28T02:30:00Z"
        );
    }

    #[test]
    fn a_format_of_ones_own_is_used() {
        let us = reader("%m/%d/%Y %I:%M:%S %p", offset("+00:00"));
        assert_eq!(
            rfc3339(us.read("9/9/2024 8:00:00 PM").unwrap()),
            "2024-09-09T20:00:00Z"
        );
        assert!(matches!(
            us.read("2024-09-09 20:00:00"),
            Err(Reason::BadTime { .. })
        ));
        assert!("%Q".parse::<TimeFormat>().is_err());
        assert!("iso".parse::<TimeFormat>().is_err());
    }

    #[test]
    fn an_empty_time_is_no_time() {
        assert_eq!(
            reader("auto", Local::Unknown).read("  "),
            Err(Reason::NoTime)
        );
    }
}
