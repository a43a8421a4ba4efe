//! What a client does who does not believe the registry.

use serde_json::{Map, Value};
use sha2::{Digest, Sha256};

/// What never changes of a bundle, as the API's document says.
const HASHED: [&str; 19] = [
    "certificate_bundle_id_range_end",
    "certificate_bundle_id_range_start",
    "device_id",
    "emissions_factor_production_device",
    "emissions_factor_source",
    "energy_carrier",
    "energy_source",
    "expiry_datestamp",
    "face_value",
    "is_storage",
    "issuance_datestamp",
    "issuance_id",
    "issuance_post_energy_carrier_conversion",
    "metadata_id",
    "parent_hash",
    "parent_id",
    "production_ending_interval",
    "production_starting_interval",
    "registry_configuration",
];

/// The hash of a bundle, computed from the answer to `GET /certificate/{id}` alone: SHA-256 over
/// RFC 8785 canonical JSON.
#[track_caller]
pub fn recomputed_hash(bundle: &Value) -> String {
    let mut hashed = Map::new();
    for name in HASHED {
        let value = bundle
            .get(name)
            .unwrap_or_else(|| panic!("no {name} in {bundle}"));
        let as_text = name == "emissions_factor_production_device" && value.is_number();
        let value = if as_text {
            Value::String(value.to_string())
        } else {
            value.clone()
        };
        hashed.insert(name.to_owned(), value);
    }
    let canonical = serde_json_canonicalizer::to_vec(&hashed).unwrap();
    hex::encode(Sha256::digest(canonical))
}
