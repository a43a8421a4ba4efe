//! Reading one value of a request.

use super::decimal::ExactNumber;
use super::field::Source;
use super::problem::{FieldError, code};
use super::time;
use crate::amount::{WattHours, Watts};
use crate::capability::Capability;
use crate::energy::{
    DeviceType, EnergyCarrier, EnergySource, GpsLocation, TechnologyType, UnknownWord,
};
use crate::exchange::Signed;
use crate::id::{
    AccountId, ActionId, AllocationId, BundleId, CertificateId, DeviceId, GatewayId, MeasurementId,
    MetadataId, OrganisationId, RuleId, StorageRecordId, UserId,
};
use crate::life_cycle::{ActionType, CertificateStatus, QuantityMode, Role, Settle};
use crate::recurring::{MissedPeriods, PeriodUnit, RuleStatus, Shortfall};
use crate::storage::AllocationMethod;
use chrono::{DateTime, Utc};
use serde_json::value::RawValue;
use uuid::Uuid;

/// A value as it was given.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Given<'a> {
    /// JSON null.
    Null,
    /// JSON true or false.
    Bool(bool),
    /// A JSON number, as written.
    Number(&'a str),
    /// A JSON string.
    Text(String),
    /// A JSON list.
    List(&'a str),
    /// A JSON object, as written.
    Object(&'a str),
    /// Text that has no type of its own: a form field, a query parameter.
    Loose(String),
}

impl<'a> Given<'a> {
    /// The value a JSON text writes.
    #[must_use]
    pub fn json(raw: &'a RawValue) -> Self {
        let text = raw.get();
        match text.as_bytes().first() {
            Some(b'n') => Self::Null,
            Some(b't') => Self::Bool(true),
            Some(b'f') => Self::Bool(false),
            // A lone surrogate is the one string that parses raw and has no text.
            Some(b'"') => serde_json::from_str(text).map_or(Self::Object(text), Self::Text),
            Some(b'[') => Self::List(text),
            Some(b'{') => Self::Object(text),
            _ => Self::Number(text),
        }
    }

    /// The digits, where a number is meant: the contract takes numeric strings as well.
    fn digits(&self) -> Option<&str> {
        match self {
            Self::Number(digits) => Some(digits),
            Self::Text(text) | Self::Loose(text) => Some(text.trim()),
            _ => None,
        }
    }

    fn text(&self) -> Option<&str> {
        match self {
            Self::Text(text) | Self::Loose(text) => Some(text),
            _ => None,
        }
    }
}

/// Where a value stands.
#[derive(Debug, Clone)]
pub struct At {
    source: Source,
    place: String,
}

impl At {
    pub(super) fn new(source: Source, name: &str) -> Self {
        let place = match source {
            Source::Body => format!("/{}", name.replace('~', "~0").replace('/', "~1")),
            Source::Parameters => name.to_owned(),
        };
        Self { source, place }
    }

    fn index(&self, index: usize) -> Self {
        Self {
            source: self.source,
            place: format!("{}/{index}", self.place),
        }
    }

    /// An error of the value that stands here.
    #[must_use]
    pub fn error(&self, code: &str, detail: String) -> FieldError {
        let place = Some(self.place.clone());
        let (pointer, parameter) = match self.source {
            Source::Body => (place, None),
            Source::Parameters => (None, place),
        };
        FieldError {
            pointer,
            parameter,
            code: code.to_owned(),
            detail,
            ..FieldError::default()
        }
    }

    fn name(&self) -> &str {
        self.place.trim_start_matches('/')
    }

    fn wrong_type(&self, expected: &str) -> FieldError {
        self.error(
            code::WRONG_TYPE,
            format!("`{}` must be {expected}", self.name()),
        )
    }
}

/// A type that can be read from one value.
pub trait FromValue: Sized {
    /// Reads it; `None` only where an error was pushed.
    fn from_value(given: &Given<'_>, at: &At, errors: &mut Vec<FieldError>) -> Option<Self>;
}

/// `value`, or the error pushed.
fn or_push<T>(
    value: Option<T>,
    errors: &mut Vec<FieldError>,
    error: impl FnOnce() -> FieldError,
) -> Option<T> {
    if value.is_none() {
        errors.push(error());
    }
    value
}

/// A JSON object; what it says is looked at where its signature is.
impl FromValue for Signed {
    fn from_value(given: &Given<'_>, at: &At, errors: &mut Vec<FieldError>) -> Option<Self> {
        let signed = match given {
            Given::Object(raw) => serde_json::from_str(raw).ok(),
            _ => None,
        };
        or_push(signed, errors, || {
            at.wrong_type("an object with `payload` and `signature`")
        })
    }
}

impl FromValue for String {
    fn from_value(given: &Given<'_>, at: &At, errors: &mut Vec<FieldError>) -> Option<Self> {
        let text = or_push(given.text(), errors, || at.wrong_type("a text"))?;
        // Postgres can not store it in a text, and no name has it.
        let text = (!text.contains('\0')).then(|| text.to_owned());
        or_push(text, errors, || {
            at.error(
                code::OUT_OF_RANGE,
                format!("`{}` must not contain the character U+0000", at.name()),
            )
        })
    }
}

impl FromValue for bool {
    fn from_value(given: &Given<'_>, at: &At, errors: &mut Vec<FieldError>) -> Option<Self> {
        let value = match given {
            Given::Bool(value) => Some(*value),
            Given::Number("1") => Some(true),
            Given::Number("0") => Some(false),
            _ => match given.text().map(str::to_ascii_lowercase).as_deref() {
                Some("true" | "1" | "yes" | "on") => Some(true),
                Some("false" | "0" | "no" | "off") => Some(false),
                _ => None,
            },
        };
        or_push(value, errors, || at.wrong_type("true or false"))
    }
}

impl FromValue for i64 {
    fn from_value(given: &Given<'_>, at: &At, errors: &mut Vec<FieldError>) -> Option<Self> {
        let value = given.digits().and_then(|digits| {
            digits.parse().ok().or_else(|| {
                let number = ExactNumber::parse(digits)?.0;
                number.is_integer().then(|| Self::try_from(number).ok())?
            })
        });
        or_push(value, errors, || {
            at.wrong_type("a whole number of at most 64 bits")
        })
    }
}

impl FromValue for ExactNumber {
    fn from_value(given: &Given<'_>, at: &At, errors: &mut Vec<FieldError>) -> Option<Self> {
        let value = given.digits().and_then(Self::parse);
        or_push(value, errors, || at.wrong_type("a decimal number"))
    }
}

/// A power in decimal MW.
impl FromValue for Watts {
    fn from_value(given: &Given<'_>, at: &At, errors: &mut Vec<FieldError>) -> Option<Self> {
        let megawatts = ExactNumber::from_value(given, at, errors)?;
        or_push(Self::from_megawatts(megawatts.0), errors, || {
            at.error(
                code::OUT_OF_RANGE,
                format!(
                    "`{}` is in MW, not negative and not finer than a watt (0.000001)",
                    at.name()
                ),
            )
        })
    }
}

impl FromValue for DateTime<Utc> {
    fn from_value(given: &Given<'_>, at: &At, errors: &mut Vec<FieldError>) -> Option<Self> {
        let value = given.text().and_then(time::parse);
        or_push(value, errors, || {
            at.error(
                code::NOT_A_TIME,
                format!(
                    "`{}` must be a time as in 2024-11-18T10:00:00Z or a date as in 2024-11-18",
                    at.name()
                ),
            )
        })
    }
}

impl FromValue for Uuid {
    fn from_value(given: &Given<'_>, at: &At, errors: &mut Vec<FieldError>) -> Option<Self> {
        let value = given.text().and_then(|text| text.trim().parse().ok());
        or_push(value, errors, || at.wrong_type("a UUID"))
    }
}

impl FromValue for Role {
    fn from_value(given: &Given<'_>, at: &At, errors: &mut Vec<FieldError>) -> Option<Self> {
        let text = or_push(given.digits(), errors, || {
            at.wrong_type("a role's name or number")
        })?;
        known_word(text, at, errors)
    }
}

impl FromValue for GpsLocation {
    fn from_value(given: &Given<'_>, at: &At, errors: &mut Vec<FieldError>) -> Option<Self> {
        let value = match given {
            Given::Object(text) => serde_json::from_str::<Coordinates>(text)
                .ok()
                .and_then(|found| Self::new(found.latitude.0, found.longitude.0)),
            _ => given.text().and_then(Self::from_text),
        };
        or_push(value, errors, || {
            at.wrong_type("latitude (-90 to 90) and longitude (-180 to 180) in decimal degrees")
        })
    }
}

#[derive(serde::Deserialize)]
struct Coordinates {
    latitude: ExactNumber,
    longitude: ExactNumber,
}

impl<T: FromValue> FromValue for Vec<T> {
    fn from_value(given: &Given<'_>, at: &At, errors: &mut Vec<FieldError>) -> Option<Self> {
        let items = match given {
            Given::List(text) => serde_json::from_str::<Vec<&RawValue>>(text).ok(),
            _ => None,
        };
        let items = or_push(items, errors, || at.wrong_type("a list"))?;
        let before = errors.len();
        let read = items
            .into_iter()
            .enumerate()
            .filter_map(|(index, item)| T::from_value(&Given::json(item), &at.index(index), errors))
            .collect();
        (errors.len() == before).then_some(read)
    }
}

/// Reads a word of an enumeration.
pub fn word<T: std::str::FromStr<Err = UnknownWord>>(
    given: &Given<'_>,
    at: &At,
    errors: &mut Vec<FieldError>,
) -> Option<T> {
    let text = or_push(given.text(), errors, || at.wrong_type("a text"))?;
    known_word(text, at, errors)
}

fn known_word<T: std::str::FromStr<Err = UnknownWord>>(
    text: &str,
    at: &At,
    errors: &mut Vec<FieldError>,
) -> Option<T> {
    text.parse()
        .map_err(|unknown: UnknownWord| {
            errors.push(at.error(code::UNKNOWN_VALUE, format!("`{}`: {unknown}", at.name())));
        })
        .ok()
}

macro_rules! words_from_value {
    ($($name:ty),+ $(,)?) => {$(
        impl FromValue for $name {
            fn from_value(given: &Given<'_>, at: &At, errors: &mut Vec<FieldError>) -> Option<Self> {
                let text = or_push(given.text(), errors, || {
                    let allowed: Vec<_> = <$name>::ALL.iter().map(|word| word.as_str()).collect();
                    at.wrong_type(&format!("one of {}", allowed.join(", ")))
                })?;
                known_word(text, at, errors)
            }
        }
    )+};
}

words_from_value!(
    ActionType,
    AllocationMethod,
    Capability,
    CertificateStatus,
    DeviceType,
    EnergyCarrier,
    EnergySource,
    MissedPeriods,
    super::audit::Outcome,
    PeriodUnit,
    QuantityMode,
    RuleStatus,
    Settle,
    Shortfall,
    TechnologyType,
);

macro_rules! integers_from_value {
    ($($name:ty),+ $(,)?) => {$(
        impl FromValue for $name {
            fn from_value(given: &Given<'_>, at: &At, errors: &mut Vec<FieldError>) -> Option<Self> {
                i64::from_value(given, at, errors).map(Self)
            }
        }
    )+};
}

integers_from_value!(
    AccountId,
    ActionId,
    AllocationId,
    BundleId,
    CertificateId,
    DeviceId,
    GatewayId,
    MeasurementId,
    MetadataId,
    OrganisationId,
    RuleId,
    StorageRecordId,
    UserId,
    WattHours,
);

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn read<T: FromValue>(json: &str) -> Result<T, Box<FieldError>> {
        let raw: &RawValue = serde_json::from_str(json).unwrap();
        let mut errors = Vec::new();
        T::from_value(
            &Given::json(raw),
            &At::new(Source::Body, "field"),
            &mut errors,
        )
        .ok_or_else(|| Box::new(errors.remove(0)))
    }

    #[test]
    fn whole_numbers_are_read_from_numbers_and_numeric_texts_only() {
        assert_eq!(read::<i64>("9223372036854775807"), Ok(i64::MAX));
        assert_eq!(read::<i64>("\"12\""), Ok(12));
        assert_eq!(read::<i64>("1.0"), Ok(1));
        assert_eq!(read::<i64>("1e3"), Ok(1000));
        for wrong in ["9223372036854775808", "1.5", "true", "\"\"", "[]", "1e400"] {
            assert_eq!(
                read::<i64>(wrong).unwrap_err().code,
                code::WRONG_TYPE,
                "{wrong}"
            );
        }
    }

    #[test]
    fn an_unknown_word_is_refused_with_the_allowed_ones() {
        let error = read::<EnergySource>("\"windy\"").unwrap_err();
        assert_eq!(error.code, code::UNKNOWN_VALUE);
        assert!(
            error.detail.contains("solar_pv, wind, hydro"),
            "{}",
            error.detail
        );
    }

    #[test]
    fn capacity_is_megawatts_to_the_watt() {
        assert_eq!(read::<Watts>("0.000001"), Ok(Watts(1)));
        assert_eq!(read::<Watts>("\"10\""), Ok(Watts(10_000_000)));
        assert_eq!(read::<Watts>("-1").unwrap_err().code, code::OUT_OF_RANGE);
        assert_eq!(
            read::<Watts>("0.0000001").unwrap_err().code,
            code::OUT_OF_RANGE
        );
    }

    #[test]
    fn a_role_is_a_number_or_a_name() {
        assert_eq!(read::<Role>("4"), Ok(Role::Admin));
        assert_eq!(read::<Role>("\"TRADING_USER\""), Ok(Role::Trading));
        assert_eq!(read::<Role>("5").unwrap_err().code, code::UNKNOWN_VALUE);
    }

    #[test]
    fn a_text_with_a_null_character_is_refused() {
        assert_eq!(
            read::<String>("\"a\\u0000\"").unwrap_err().code,
            code::OUT_OF_RANGE
        );
        assert_eq!(
            read::<String>("\"\\ud800\"").unwrap_err().code,
            code::WRONG_TYPE
        );
        assert_eq!(read::<String>("7").unwrap_err().code, code::WRONG_TYPE);
    }
}
