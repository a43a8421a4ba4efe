//! Why a row is not imported.

use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use rust_decimal::Decimal;
use schemas::{WattHours, interval::rfc3339};

use super::unit::Unit;

/// Why a row is not imported.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Reason {
    #[error("it has no time")]
    NoTime,
    #[error("{text:?} is not a time of the stated format")]
    BadTime { text: String },
    #[error("{text:?} has no offset: say which with --zone or --offset")]
    NoOffset { text: String },
    #[error("{text:?} does not exist in {zone}: clocks skip it")]
    Gap { text: String, zone: Tz },
    #[error("{text:?} exists twice in {zone}: at {} and at {}", rfc3339(*first), rfc3339(*second))]
    Ambiguous {
        text: String,
        zone: Tz,
        first: DateTime<Utc>,
        second: DateTime<Utc>,
    },
    #[error("it has no value")]
    NoValue,
    #[error("{text:?} is not a decimal number")]
    BadValue { text: String },
    #[error("{value} {unit} is negative")]
    Negative { value: Decimal, unit: Unit },
    #[error("{value} {unit} over the interval is not a whole number of Wh")]
    NotWhole { value: Decimal, unit: Unit },
    #[error("{value} {unit} is more than the registry counts")]
    TooLarge { value: Decimal, unit: Unit },
    #[error("{} says {wh}, but row {first_row} said {first_wh}", rfc3339(*start))]
    Contradiction {
        start: DateTime<Utc>,
        wh: WattHours,
        first_row: u32,
        first_wh: WattHours,
    },
    #[error("{} stands in row {first_row} already", rfc3339(*start))]
    Repeated {
        start: DateTime<Utc>,
        first_row: u32,
    },
    #[error("{detail}")]
    Registry { code: String, detail: String },
}

impl Reason {
    /// The heading under which a report counts it.
    #[must_use]
    pub fn heading(&self) -> String {
        let heading = match self {
            Self::NoTime => "without a time",
            Self::BadTime { .. } => "with a time that can not be read",
            Self::NoOffset { .. } => "with a time without an offset",
            Self::Gap { .. } => "at a time that clocks skip",
            Self::Ambiguous { .. } => "at a time that exists twice",
            Self::NoValue => "without a value",
            Self::BadValue { .. } => "with a value that is not a number",
            Self::Negative { .. } => "with a negative value",
            Self::NotWhole { .. } => "whose value is not a whole number of Wh",
            Self::TooLarge { .. } => "whose value is beyond 64 bit",
            Self::Contradiction { .. } => "that repeat an instant with another value",
            Self::Repeated { .. } => "that repeat an instant",
            Self::Registry { code, .. } => return format!("refused by the registry ({code})"),
        };
        heading.to_owned()
    }
}
