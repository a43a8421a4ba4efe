//! Decimal numbers that stay exact on the wire.

use crate::Watts;
use rust_decimal::Decimal;
use serde::de::Error as _;
use serde::ser::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::value::RawValue;

/// A decimal, written as a JSON number digit by digit. serde_json's own numbers are doubles.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, utoipa::ToSchema)]
#[schema(value_type = f64, format = "")]
pub struct ExactNumber(pub Decimal);

impl ExactNumber {
    /// The number a text writes, with or without an exponent; `None` if it is none or has more digits
    /// than a [`Decimal`] holds.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        if text.contains(['e', 'E']) {
            return Decimal::from_scientific(text).ok().map(Self);
        }
        Decimal::from_str_exact(text).ok().map(Self)
    }

    /// A power as the contract writes it, in MW.
    #[must_use]
    pub fn megawatts(power: Watts) -> Self {
        Self(power.to_megawatts())
    }
}

impl Serialize for ExactNumber {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        RawValue::from_string(self.0.normalize().to_string())
            .map_err(S::Error::custom)?
            .serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for ExactNumber {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let raw = Box::<RawValue>::deserialize(deserializer)?;
        let text = raw.get().trim_matches('"');
        Self::parse(text).ok_or_else(|| D::Error::custom(format!("{text} is not a decimal number")))
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn digits_that_a_double_would_lose_are_kept() {
        for text in ["0.1", "123456789.123456", "0.000001", "9007199254740993"] {
            let number: ExactNumber = serde_json::from_str(text).unwrap();
            assert_eq!(serde_json::to_string(&number).unwrap(), text);
        }
    }

    #[test]
    fn an_exponent_and_a_string_are_read() {
        assert_eq!(ExactNumber::parse("1e-3").unwrap().0.to_string(), "0.001");
        let number: ExactNumber = serde_json::from_str("\"2.50\"").unwrap();
        assert_eq!(serde_json::to_string(&number).unwrap(), "2.5");
        assert!(ExactNumber::parse("1,5").is_none());
    }
}
