//! The JSON Schema of the payload, from its types.

use super::payload::{MeterIdentity, MeterReadings, ProfileRef};
use super::reading::{Cause, ClockState, Quality, Reading};
use serde_json::{Value, json};
use utoipa::{OpenApi, ToSchema};

#[derive(OpenApi)]
#[openapi(components(schemas(
    MeterReadings,
    MeterIdentity,
    ProfileRef,
    Reading,
    Quality,
    Cause,
    ClockState
)))]
struct Parts;

/// The schema (draft 2020-12) that `schemas/gateway/meter-readings.schema.json` publishes.
///
/// # Errors
/// Never with these types; serialising is fallible by its signature.
pub fn json_schema() -> serde_json::Result<Value> {
    let mut document = serde_json::to_value(Parts::openapi())?;
    let mut parts = document["components"]["schemas"].take();
    relink(&mut parts);
    Ok(json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Payload of a signed envelope of meter readings, version 1",
        "$ref": format!("#/$defs/{}", MeterReadings::name()),
        "$defs": parts,
    }))
}

/// References into a document of the API lead into `$defs` here.
fn relink(value: &mut Value) {
    match value {
        Value::Object(members) => {
            if let Some(Value::String(target)) = members.get_mut("$ref") {
                *target = target.replace("#/components/schemas/", "#/$defs/");
            }
            members.values_mut().for_each(relink);
        }
        Value::Array(items) => items.iter_mut().for_each(relink),
        _ => {}
    }
}
