//! Absent, null and more: in a request absent and null mean the same; in an answer every property is there,
//! and a later release may add others.

use serde_json::{Value, json};
use std::collections::BTreeSet;

/// Says so in the schemas: optional properties of what clients send may be null, properties of what only
/// the registry writes are required and not the only ones.
pub(super) fn complete(document: &mut Value) {
    let sent_at_all = sent(document, |_| true);
    // A form has no null.
    let sent_as_json = sent(document, |media_type| media_type == "application/json");
    let schemas = document["components"]["schemas"].as_object_mut();
    for (name, schema) in schemas.into_iter().flatten() {
        if sent_as_json.contains(name) {
            allow_null(schema);
        } else if !sent_at_all.contains(name) {
            require(schema);
            let parts = schema.get_mut("allOf").and_then(Value::as_array_mut);
            parts.into_iter().flatten().for_each(require);
        }
    }
}

/// The names of the schemas of requests in these media types.
fn sent(document: &Value, is_meant: impl Fn(&str) -> bool) -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    let paths = document["paths"].as_object().into_iter().flatten();
    for (_, item) in paths {
        for (_, operation) in item.as_object().into_iter().flatten() {
            let contents = operation["requestBody"]["content"].as_object();
            for (media_type, content) in contents.into_iter().flatten() {
                if is_meant(media_type) {
                    collect(document, content, &mut names);
                }
            }
        }
    }
    names
}

fn allow_null(schema: &mut Value) {
    let required = schema["required"].clone();
    let is_required = |name: &str| {
        let mut names = required.as_array().into_iter().flatten();
        names.any(|required| required == name)
    };
    let properties = schema.get_mut("properties").and_then(Value::as_object_mut);
    for (name, property) in properties.into_iter().flatten() {
        if is_required(name) {
            continue;
        }
        if property["type"].is_string() {
            property["type"] = json!([property["type"], "null"]);
        } else if property["$ref"].is_string() {
            let mut choice = json!({"oneOf": [{"type": "null"}, {"$ref": property["$ref"]}]});
            if property["description"].is_string() {
                choice["description"] = property["description"].clone();
            }
            *property = choice;
        }
    }
}

/// What may be null is written as null. What may not and is not required either is left out at times.
fn require(schema: &mut Value) {
    let required = schema["required"].clone();
    let is_required = |name: &str| {
        let mut names = required.as_array().into_iter().flatten();
        names.any(|required| required == name)
    };
    let properties = schema["properties"].as_object().into_iter().flatten();
    let names: Vec<_> = properties
        .filter(|(name, property)| is_required(name) || is_nullable(property))
        .map(|(name, _)| name.clone())
        .collect();
    if let Some(members) = schema.as_object_mut() {
        if !names.is_empty() {
            members.insert("required".to_owned(), json!(names));
        }
        if members.get("additionalProperties") == Some(&Value::Bool(false)) {
            members.remove("additionalProperties");
        }
    }
}

fn is_nullable(property: &Value) -> bool {
    let types = property["type"].as_array().into_iter().flatten();
    let choice = property["oneOf"].as_array().into_iter().flatten();
    types
        .chain(choice.map(|one| &one["type"]))
        .any(|kind| kind == "null")
}

/// The names of the schemas that a part of the document refers to, and those that these refer to.
fn collect(document: &Value, part: &Value, names: &mut BTreeSet<String>) {
    match part {
        Value::Object(members) => {
            if let Some(name) = members.get("$ref").and_then(Value::as_str)
                && let Some(name) = name.strip_prefix("#/components/schemas/")
                && names.insert(name.to_owned())
            {
                collect(document, &document["components"]["schemas"][name], names);
            }
            for member in members.values() {
                collect(document, member, names);
            }
        }
        Value::Array(items) => items.iter().for_each(|item| collect(document, item, names)),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn required(schema: &Value) -> BTreeSet<&str> {
        let names = schema["required"].as_array().into_iter().flatten();
        names.map(|name| name.as_str().unwrap()).collect()
    }

    #[test]
    fn what_may_be_left_out_of_a_request_may_be_null_and_the_rest_may_not() {
        let document = super::super::document();
        let asked = &document["components"]["schemas"]["CancelRequest"]["properties"];
        for name in ["localise_time", "certificate_quantity", "beneficiary"] {
            assert_eq!(asked[name]["type"][1], "null", "{name}");
        }
        assert_eq!(
            asked["certificate_quantity_mode"]["oneOf"][0]["type"],
            "null"
        );
        assert_eq!(asked["source_id"]["type"], "integer");
    }

    #[test]
    fn what_is_answered_has_all_its_properties_and_what_is_asked_only_those_it_must() {
        let document = super::super::document();
        let schemas = &document["components"]["schemas"];
        assert!(required(&schemas["AccountRead"]).contains("user_ids"));
        assert!(required(&schemas["ActionRead"]).contains("target_id"));
        assert_eq!(
            required(&schemas["CreateAccount"]),
            BTreeSet::from(["account_name"])
        );
        // Shared by question and answer.
        assert_eq!(
            required(&schemas["GranularCertificateQuery"]),
            BTreeSet::from(["source_id"])
        );
        // Left out where there is none.
        assert!(!required(&schemas["FieldError"]).contains("row"));
        assert_eq!(
            schemas["FieldError"]["properties"]["row"]["type"],
            "integer"
        );
    }
}
