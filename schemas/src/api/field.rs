//! Reading a request field by field.

use super::problem::{FieldError, code};
use super::value::{At, FromValue, Given};
use serde_json::value::RawValue;
use std::collections::BTreeMap;

/// A request that can be read from named fields: a JSON object, a form, a query string.
pub trait FromFields: Sized {
    /// Whether there is anything to read; a request without fields needs no body.
    const HAS_FIELDS: bool = true;

    /// Reads every field before giving up, so that all errors are reported; `None` only where
    /// `fields` has recorded an error.
    fn from_fields(fields: &mut Fields<'_>) -> Option<Self>;
}

/// A request without fields.
impl FromFields for () {
    const HAS_FIELDS: bool = false;

    fn from_fields(_: &mut Fields<'_>) -> Option<Self> {
        Some(())
    }
}

/// Where the fields come from: decides how an error names one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Source {
    /// The body; named by JSON pointer.
    Body,
    /// Query string, path or headers; named as parameter.
    Parameters,
}

/// The text is not a JSON object.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NotAnObject {
    /// It is not JSON.
    #[error("the body is not valid JSON: {0}")]
    Malformed(String),
    /// It is JSON, but not an object.
    #[error("the body must be a JSON object")]
    OtherType,
}

/// The fields of one request and the errors found in them so far. Fields that nobody asks for are
/// ignored, as the contract wants it.
#[derive(Debug)]
pub struct Fields<'a> {
    values: BTreeMap<String, Given<'a>>,
    source: Source,
    errors: Vec<FieldError>,
}

impl<'a> Fields<'a> {
    /// The members of a JSON object.
    ///
    /// # Errors
    /// [`NotAnObject`].
    pub fn from_json(body: &'a [u8]) -> Result<Self, NotAnObject> {
        let malformed = |error: &dyn std::fmt::Display| NotAnObject::Malformed(error.to_string());
        let text = std::str::from_utf8(body).map_err(|error| malformed(&error))?;
        let values = match serde_json::from_str::<BTreeMap<String, &RawValue>>(text) {
            Ok(members) => members
                .into_iter()
                .map(|(name, raw)| (name, Given::json(raw)))
                .collect(),
            Err(error) if error.is_data() => return Err(NotAnObject::OtherType),
            Err(error) => return Err(malformed(&error)),
        };
        Ok(Self {
            values,
            source: Source::Body,
            errors: Vec::new(),
        })
    }

    /// Untyped texts by name: a form, a query string, path segments. Of a repeated name the last counts.
    pub fn from_pairs(pairs: impl IntoIterator<Item = (String, String)>, source: Source) -> Self {
        Self {
            values: pairs
                .into_iter()
                .map(|(name, text)| (name, Given::Loose(text)))
                .collect(),
            source,
            errors: Vec::new(),
        }
    }

    /// Whether the field is there and not null.
    #[must_use]
    pub fn has(&self, name: &str) -> bool {
        !matches!(self.values.get(name), None | Some(Given::Null))
    }

    /// A field that must be there. `None`: an error was recorded.
    pub fn required<T: FromValue>(&mut self, name: &str) -> Option<T> {
        if !self.has(name) {
            self.refuse(name, code::MISSING, format!("`{name}` is required"));
            return None;
        }
        self.optional(name)
    }

    /// A field that may be absent or null. `None`: it is, or an error was recorded.
    pub fn optional<T: FromValue>(&mut self, name: &str) -> Option<T> {
        let given = self.values.get(name)?;
        if *given == Given::Null {
            return None;
        }
        let at = At::new(self.source, name);
        T::from_value(given, &at, &mut self.errors)
    }

    /// The same with a value for when it is absent.
    pub fn or<T: FromValue>(&mut self, name: &str, absent: T) -> T {
        self.optional(name).unwrap_or(absent)
    }

    /// Records an error of a field.
    pub fn refuse(&mut self, name: &str, code: &str, detail: impl Into<String>) {
        let error = At::new(self.source, name).error(code, detail.into());
        self.errors.push(error);
    }

    /// Whether no error was recorded so far.
    #[must_use]
    pub fn is_sound(&self) -> bool {
        self.errors.is_empty()
    }

    /// Reads a request.
    ///
    /// # Errors
    /// Every field at fault; never an empty list.
    pub fn read<T: FromFields>(mut self) -> Result<T, Vec<FieldError>> {
        match T::from_fields(&mut self) {
            Some(request) if self.errors.is_empty() => Ok(request),
            _ => Err(self.errors),
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::id::AccountId;

    #[derive(Debug)]
    struct Sample {
        name: String,
        ids: Vec<AccountId>,
    }

    impl FromFields for Sample {
        fn from_fields(fields: &mut Fields<'_>) -> Option<Self> {
            let name = fields.required("name");
            let ids = fields.or("ids", Vec::new());
            Some(Self { name: name?, ids })
        }
    }

    fn read(body: &str) -> Result<Sample, Vec<FieldError>> {
        Fields::from_json(body.as_bytes()).unwrap().read()
    }

    #[test]
    fn unknown_fields_are_ignored_and_null_counts_as_absent() {
        let sample = read(r#"{"name": "A", "ids": null, "created_at": 1}"#).unwrap();
        assert_eq!(sample.name, "A");
        assert!(sample.ids.is_empty());
    }

    #[test]
    fn every_field_at_fault_is_reported_with_its_pointer() {
        let errors = read(r#"{"ids": [1, "x", 2.5]}"#).unwrap_err();
        let found: Vec<_> = errors
            .iter()
            .map(|error| (error.pointer.as_deref().unwrap(), error.code.as_str()))
            .collect();
        assert_eq!(
            found,
            [
                ("/name", "missing"),
                ("/ids/1", "wrong_type"),
                ("/ids/2", "wrong_type")
            ]
        );
    }

    #[test]
    fn a_list_is_not_an_object_and_half_an_object_is_not_json() {
        assert_eq!(
            Fields::from_json(b"[1]").unwrap_err(),
            NotAnObject::OtherType
        );
        assert!(matches!(
            Fields::from_json(b"{\"a\": ").unwrap_err(),
            NotAnObject::Malformed(_)
        ));
        assert!(matches!(
            Fields::from_json(b"{\"a\": \"\xff\"}").unwrap_err(),
            NotAnObject::Malformed(_)
        ));
    }

    #[test]
    fn a_parameter_is_named_as_one() {
        let pairs = [("ids".to_owned(), "x".to_owned())];
        let mut fields = Fields::from_pairs(pairs, Source::Parameters);
        assert!(fields.optional::<i64>("ids").is_none());
        let errors = fields.read::<()>().unwrap_err();
        assert_eq!(errors[0].parameter.as_deref(), Some("ids"));
    }
}
