//! Decimals on the wire: JSON numbers that never pass through a binary float.

use rust_decimal::Decimal;
use serde::de::Error as _;
use serde::ser::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::value::RawValue;
use std::fmt;
use std::str::FromStr;

/// An exact decimal: a JSON number out, a JSON number or numeric string in, up to 28 digits. It is
/// read from the text of the number, so `0.1` is one tenth. JSON only, and not under
/// `#[serde(flatten)]` or in an untagged enum, which read numbers as floats first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Number(pub Decimal);

/// A text is not a decimal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("should be a decimal number of at most 28 digits")]
pub struct UnreadableNumber;

impl FromStr for Number {
    type Err = UnreadableNumber;

    fn from_str(text: &str) -> Result<Self, UnreadableNumber> {
        let text = text.trim();
        let read = if text.contains(['e', 'E']) {
            Decimal::from_scientific(text)
        } else {
            Decimal::from_str_exact(text)
        };
        read.map(Self).map_err(|_| UnreadableNumber)
    }
}

impl fmt::Display for Number {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl Serialize for Number {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        RawValue::from_string(self.0.to_string())
            .map_err(S::Error::custom)?
            .serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Number {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let raw = Box::<RawValue>::deserialize(deserializer)?;
        let text = raw.get();
        if text.starts_with('"') {
            let quoted: String = serde_json::from_str(text).map_err(D::Error::custom)?;
            quoted.parse().map_err(D::Error::custom)
        } else {
            text.parse().map_err(D::Error::custom)
        }
    }
}

impl utoipa::PartialSchema for Number {
    fn schema() -> utoipa::openapi::RefOr<utoipa::openapi::schema::Schema> {
        use utoipa::openapi::schema::{ObjectBuilder, Type};
        ObjectBuilder::new()
            .schema_type(Type::Number)
            .description(Some(
                "Exact decimal of at most 28 digits; a numeric string is accepted too.",
            ))
            .into()
    }
}

impl utoipa::ToSchema for Number {
    fn name() -> std::borrow::Cow<'static, str> {
        "Number".into()
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use proptest::prelude::*;

    fn read(json: &str) -> Result<Number, serde_json::Error> {
        serde_json::from_str(json)
    }

    #[test]
    fn one_tenth_stays_one_tenth() {
        assert_eq!(read("0.1").unwrap(), Number(Decimal::new(1, 1)));
        assert_eq!(read("0.57").unwrap(), Number(Decimal::new(57, 2)));
        assert_eq!(read("\"0.57\"").unwrap(), Number(Decimal::new(57, 2)));
        assert_eq!(read("1e-2").unwrap(), Number(Decimal::new(1, 2)));
        assert_eq!(
            read("0.12345678901234567890123456").unwrap().to_string(),
            "0.12345678901234567890123456"
        );
    }

    #[test]
    fn what_is_not_an_exact_decimal_is_refused() {
        for json in ["null", "true", "[]", "\"\"", "\"half\"", "1e400", "0.123456789012345678901234567890123"] {
            assert!(read(json).is_err(), "{json}");
        }
    }

    #[test]
    fn an_absent_optional_number_stays_absent() {
        #[derive(Deserialize)]
        struct Body {
            #[serde(default)]
            share: Option<Number>,
        }
        let share = |json| serde_json::from_str::<Body>(json).unwrap().share;
        assert_eq!(share("{}"), None);
        assert_eq!(share("{\"share\":null}"), None);
        assert_eq!(share("{\"share\":0.25}"), Some(Number(Decimal::new(25, 2))));
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_back(mantissa in any::<i64>(), scale in 0_u32..=18) {
            let number = Number(Decimal::new(mantissa, scale));
            let json = serde_json::to_string(&number).unwrap();
            prop_assert_eq!(read(&json).unwrap(), number);
        }
    }
}
