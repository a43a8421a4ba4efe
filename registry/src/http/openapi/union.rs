//! Tagged unions: the tag becomes a property of each variant, and the union a plain choice between them with
//! a discriminator, which generators of clients understand.

use serde_json::{Map, Value, json};

/// Rewrites every union of the document whose variants are a schema together with their tag.
pub(super) fn complete(document: &mut Value) {
    let text = document.to_string();
    let Some(schemas) = document["components"]["schemas"].as_object_mut() else {
        return;
    };
    let unions: Vec<String> = schemas
        .iter()
        .filter(|(_, schema)| schema["oneOf"].is_array())
        .map(|(name, _)| name.clone())
        .collect();
    for union in unions {
        let variants = schemas[&union]["oneOf"].as_array().into_iter().flatten();
        let variants: Option<Vec<Variant>> = variants.map(Variant::of).collect();
        // A schema that stands elsewhere too has no tag there.
        let is_own = |variant: &Variant| {
            let reference = format!("{:?}", variant.reference);
            text.matches(&reference).count() == 1 && schemas.contains_key(variant.name())
        };
        let Some(variants) = variants.filter(|all| all.iter().all(is_own)) else {
            continue;
        };
        let mut mapping = Map::new();
        for variant in &variants {
            mapping.insert(variant.word.clone(), json!(variant.reference));
            let schema = &mut schemas[variant.name()];
            schema["properties"][&variant.tag] = json!({"type": "string", "enum": [variant.word]});
            if let Some(required) = schema["required"].as_array_mut() {
                required.push(json!(variant.tag));
            }
        }
        let choice = variants
            .iter()
            .map(|variant| json!({"$ref": variant.reference}));
        let choice: Vec<_> = choice.collect();
        let schema = &mut schemas[&union];
        schema["oneOf"] = json!(choice);
        if let Some(first) = variants.first() {
            schema["discriminator"] = json!({"propertyName": first.tag, "mapping": mapping});
        }
    }
}

/// A schema and the tag that marks it.
struct Variant {
    reference: String,
    tag: String,
    word: String,
}

impl Variant {
    fn of(written: &Value) -> Option<Self> {
        let [reference, tagged] = written["allOf"].as_array()?.as_slice() else {
            return None;
        };
        let (tag, property) = tagged["properties"].as_object()?.iter().next()?;
        Some(Self {
            reference: reference["$ref"].as_str()?.to_owned(),
            tag: tag.clone(),
            word: property["enum"][0].as_str()?.to_owned(),
        })
    }

    fn name(&self) -> &str {
        self.reference.rsplit('/').next().unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    #[test]
    fn each_variant_of_a_union_carries_its_tag() {
        let document = super::super::document();
        let schemas = &document["components"]["schemas"];
        let entry = &schemas["LineageEntry"];
        assert_eq!(
            entry["oneOf"][0],
            json!({"$ref": "#/components/schemas/LineageReading"})
        );
        assert_eq!(entry["discriminator"]["propertyName"], "kind");
        let split = &entry["discriminator"]["mapping"]["split"];
        assert_eq!(*split, "#/components/schemas/LineageSplit");
        let reading = &schemas["LineageReading"];
        assert_eq!(reading["properties"]["kind"]["enum"], json!(["reading"]));
        let required = reading["required"].as_array().into_iter().flatten();
        assert_eq!(required.filter(|name| **name == "kind").count(), 1);
    }
}
