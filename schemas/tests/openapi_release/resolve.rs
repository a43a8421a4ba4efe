//! References, and the several ways of writing one schema.

use serde_json::{Map, Value};
use std::collections::BTreeSet;

/// A document, to look references up in.
#[derive(Clone, Copy)]
pub struct Document<'a>(pub &'a Value);

impl<'a> Document<'a> {
    /// The thing itself, where it is a reference.
    pub fn resolve(self, mut value: &'a Value) -> &'a Value {
        while let Some(reference) = value["$ref"].as_str() {
            let pointer = reference.trim_start_matches('#');
            value = self
                .0
                .pointer(pointer)
                .unwrap_or_else(|| panic!("{reference} leads nowhere"));
        }
        value
    }

    /// The alternatives a schema allows, `null` being one like any other. One where it is no choice.
    pub fn alternatives(self, schema: &'a Value) -> Vec<Shape<'a>> {
        let schema = self.resolve(schema);
        let choice = schema["oneOf"].as_array().or(schema["anyOf"].as_array());
        if let Some(choice) = choice {
            return choice
                .iter()
                .flat_map(|one| self.alternatives(one))
                .collect();
        }
        if let Some(all) = schema["allOf"].as_array() {
            return vec![self.merged(all)];
        }
        match &schema["type"] {
            Value::Array(types) => types.iter().map(|kind| Shape::of(schema, kind)).collect(),
            kind => vec![Shape::of(schema, kind)],
        }
    }

    /// One object of the members of all.
    fn merged(self, all: &'a [Value]) -> Shape<'a> {
        let mut whole = Shape::default();
        for part in all {
            for shape in self.alternatives(part) {
                whole.kind = whole.kind.or(shape.kind);
                whole.properties.extend(shape.properties);
                whole.required.extend(shape.required);
            }
        }
        whole
    }
}

/// A schema without references and choices.
#[derive(Debug, Default, Clone)]
pub struct Shape<'a> {
    /// `type`; none: anything.
    pub kind: Option<&'a str>,
    /// The schema as written, for its bounds.
    pub written: Option<&'a Map<String, Value>>,
    pub properties: Vec<(&'a str, &'a Value)>,
    pub required: BTreeSet<&'a str>,
}

impl<'a> Shape<'a> {
    fn of(schema: &'a Value, kind: &'a Value) -> Self {
        let properties = schema["properties"].as_object().into_iter().flatten();
        let required = schema["required"].as_array().into_iter().flatten();
        if kind == "null" {
            // Bounds beside it are those of the other types.
            return Self {
                kind: Some("null"),
                ..Self::default()
            };
        }
        Self {
            kind: kind.as_str(),
            written: schema.as_object(),
            properties: properties
                .map(|(name, value)| (name.as_str(), value))
                .collect(),
            required: required.filter_map(Value::as_str).collect(),
        }
    }

    /// What is written under this keyword; null if nothing is.
    pub fn keyword(&self, name: &str) -> &'a Value {
        self.written
            .and_then(|written| written.get(name))
            .unwrap_or(&Value::Null)
    }

    pub fn property(&self, name: &str) -> Option<&'a Value> {
        let found = self.properties.iter().find(|(other, _)| *other == name);
        found.map(|(_, schema)| *schema)
    }

    /// Its words, where it is an enumeration.
    pub fn words(&self) -> Option<Vec<&'a Value>> {
        match self.keyword("const") {
            Value::Null => Some(self.keyword("enum").as_array()?.iter().collect()),
            word => Some(vec![word]),
        }
    }
}
