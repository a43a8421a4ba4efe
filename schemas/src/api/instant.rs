//! Instants on the wire.

use chrono::{DateTime, NaiveDate, NaiveDateTime, SubsecRound, Utc};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::fmt;
use std::str::FromStr;

/// An instant: RFC 3339 in UTC with `Z` on the way out. On the way in any offset is honoured, a time
/// without one is UTC, a bare date is its midnight; what is finer than a microsecond is cut off.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Instant(pub DateTime<Utc>);

/// A text is not an instant.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "should be a date and time such as 2024-11-18T10:00:00Z, with any offset or none (UTC), or a date \
     such as 2024-11-18"
)]
pub struct UnreadableInstant;

/// Longest text that can be an instant; what is longer is not looked at.
const MAX_TEXT_BYTES: usize = 64;
const MICROSECONDS: u16 = 6;

impl FromStr for Instant {
    type Err = UnreadableInstant;

    fn from_str(text: &str) -> Result<Self, UnreadableInstant> {
        let text = text.trim();
        if text.len() > MAX_TEXT_BYTES {
            return Err(UnreadableInstant);
        }
        zoned(text)
            .or_else(|| naive(text))
            .or_else(|| midnight(text))
            // Years beyond four digits have no RFC 3339 form to answer with.
            .filter(|at| (0..=9999).contains(&chrono::Datelike::year(at)))
            .map(|at| Self(at.trunc_subsecs(MICROSECONDS)))
            .ok_or(UnreadableInstant)
    }
}

fn zoned(text: &str) -> Option<DateTime<Utc>> {
    DateTime::parse_from_rfc3339(text)
        .or_else(|_| DateTime::parse_from_str(text, "%Y-%m-%dT%H:%M%:z"))
        .ok()
        .map(|at| at.with_timezone(&Utc))
}

fn naive(text: &str) -> Option<DateTime<Utc>> {
    const FORMS: [&str; 4] = [
        "%Y-%m-%dT%H:%M:%S%.f",
        "%Y-%m-%d %H:%M:%S%.f",
        "%Y-%m-%dT%H:%M",
        "%Y-%m-%d %H:%M",
    ];
    FORMS
        .iter()
        .find_map(|form| NaiveDateTime::parse_from_str(text, form).ok())
        .map(|at| at.and_utc())
}

fn midnight(text: &str) -> Option<DateTime<Utc>> {
    let date = NaiveDate::parse_from_str(text, "%Y-%m-%d").ok()?;
    Some(date.and_hms_opt(0, 0, 0)?.and_utc())
}

impl fmt::Display for Instant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&crate::interval::rfc3339(self.0))
    }
}

impl From<DateTime<Utc>> for Instant {
    fn from(at: DateTime<Utc>) -> Self {
        Self(at)
    }
}

impl Serialize for Instant {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Instant {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Text;
        impl serde::de::Visitor<'_> for Text {
            type Value = Instant;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a date and time as text")
            }
            fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<Instant, E> {
                text.parse().map_err(E::custom)
            }
        }
        deserializer.deserialize_str(Text)
    }
}

impl utoipa::PartialSchema for Instant {
    fn schema() -> utoipa::openapi::RefOr<utoipa::openapi::schema::Schema> {
        use utoipa::openapi::schema::{KnownFormat, ObjectBuilder, SchemaFormat, Type};
        ObjectBuilder::new()
            .schema_type(Type::String)
            .format(Some(SchemaFormat::KnownFormat(KnownFormat::DateTime)))
            .description(Some(
                "RFC 3339 in UTC. Accepted with any offset, without one as UTC, or as a date.",
            ))
            .examples(["2024-11-18T10:00:00Z"])
            .into()
    }
}

impl utoipa::ToSchema for Instant {
    fn name() -> std::borrow::Cow<'static, str> {
        "Instant".into()
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn an_instant_is_read_in_every_form_of_the_contract() {
        for (text, expected) in [
            ("2024-11-18T10:00:00Z", "2024-11-18T10:00:00Z"),
            ("2024-11-18t10:00:00z", "2024-11-18T10:00:00Z"),
            ("2020-01-01T00:00:00+05:00", "2019-12-31T19:00:00Z"),
            ("2020-01-01 00:00:00-01:30", "2020-01-01T01:30:00Z"),
            ("2024-11-18T10:00:00", "2024-11-18T10:00:00Z"),
            ("2024-11-18 10:00:00", "2024-11-18T10:00:00Z"),
            ("2024-11-18T10:00", "2024-11-18T10:00:00Z"),
            ("2024-11-18T10:00Z", "2024-11-18T10:00:00Z"),
            ("2024-11-18", "2024-11-18T00:00:00Z"),
            ("2024-11-18T10:00:00.123456789", "2024-11-18T10:00:00.123456Z"),
        ] {
            assert_eq!(text.parse::<Instant>().unwrap().to_string(), expected, "{text}");
        }
    }

    #[test]
    fn what_could_mean_two_things_is_not_an_instant() {
        for text in ["", "a date string", "02/01/2024", "2024-13-01", "2024-02-30T00:00:00Z", "1700000000"] {
            assert_eq!(text.parse::<Instant>(), Err(UnreadableInstant), "{text}");
        }
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_back(micros in -62_000_000_000_000_000_i64..250_000_000_000_000_000) {
            let at = Instant(DateTime::from_timestamp_micros(micros).unwrap());
            prop_assert_eq!(at.to_string().parse::<Instant>(), Ok(at));
        }

        #[test]
        fn no_text_makes_the_parser_panic(text in ".{0,80}") {
            let _ = text.parse::<Instant>();
        }
    }
}
