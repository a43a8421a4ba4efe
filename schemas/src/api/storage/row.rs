//! One row of an upload as it was written: what does not parse is one bad row among others.

use crate::api::problem::{FieldError, code};
use crate::api::value::{At, FromValue, Given};
use serde_json::value::RawValue;
use std::borrow::Cow;
use std::collections::BTreeMap;

/// The values of a row by column.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RowTexts(pub BTreeMap<String, String>);

impl FromValue for RowTexts {
    fn from_value(given: &Given<'_>, at: &At, errors: &mut Vec<FieldError>) -> Option<Self> {
        let members = match given {
            Given::Object(text) => {
                serde_json::from_str::<BTreeMap<Cow<'_, str>, &RawValue>>(text).ok()
            }
            _ => None,
        };
        let Some(members) = members else {
            errors.push(at.error(code::WRONG_TYPE, "a row must be an object".to_owned()));
            return None;
        };
        let texts = members.into_iter().filter_map(|(name, raw)| {
            let text = match Given::json(raw) {
                Given::Null => return None,
                Given::Text(text) | Given::Loose(text) => text,
                Given::Number(text) | Given::List(text) | Given::Object(text) => text.to_owned(),
                Given::Bool(value) => value.to_string(),
            };
            Some((name.into_owned(), text))
        });
        Some(Self(texts.collect()))
    }
}
