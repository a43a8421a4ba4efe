//! The hash of a bundle, recomputable from what `GET /certificate/{id}` returns.

use crate::energy::{EnergyCarrier, EnergySource};
use crate::id::{BundleId, CertificateId, DeviceId, MetadataId};
use chrono::{DateTime, Utc};
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

/// `{device_id}-{YYYY-MM-DD HH:MM:SS}`: the contract's name for what a device made in an interval.
#[must_use]
pub fn issuance_id(device_id: DeviceId, interval_start: DateTime<Utc>) -> String {
    format!("{device_id}-{}", interval_start.format("%Y-%m-%d %H:%M:%S"))
}

/// Everything about a bundle that never changes, under the names the API uses.
///
/// The fields stand in the order of RFC 8785 (names sorted), so that compact serialisation is the
/// canonical form: all values are strings, booleans, null or integers below 2^53.
#[derive(Debug, Clone, Serialize)]
pub struct ImmutableAttributes<'a> {
    /// Last certificate, inclusive.
    pub certificate_bundle_id_range_end: CertificateId,
    /// First certificate.
    pub certificate_bundle_id_range_start: CertificateId,
    /// The device that produced.
    pub device_id: DeviceId,
    /// Emissions factor in kgCO2e/MWh.
    #[serde(with = "rust_decimal::serde::str_option")]
    pub emissions_factor_production_device: Option<Decimal>,
    /// Source of the emissions factor.
    pub emissions_factor_source: Option<&'a str>,
    /// Form of energy.
    pub energy_carrier: EnergyCarrier,
    /// Source of energy.
    pub energy_source: EnergySource,
    /// First instant at which it is expired.
    #[serde(serialize_with = "rfc3339")]
    pub expiry_datestamp: DateTime<Utc>,
    /// Wh per certificate: 1.
    pub face_value: i64,
    /// Whether issued for energy released from storage.
    pub is_storage: bool,
    /// When it was issued.
    #[serde(serialize_with = "rfc3339")]
    pub issuance_datestamp: DateTime<Utc>,
    /// See [`issuance_id`].
    pub issuance_id: &'a str,
    /// Whether issued after carrier conversion.
    pub issuance_post_energy_carrier_conversion: bool,
    /// The issuance metadata.
    pub metadata_id: MetadataId,
    /// Hash of the bundle it was split from, hexadecimal; null for a bundle as issued.
    pub parent_hash: Option<&'a str>,
    /// The bundle it was split from.
    pub parent_id: Option<BundleId>,
    /// End of production.
    #[serde(serialize_with = "rfc3339")]
    pub production_ending_interval: DateTime<Utc>,
    /// Start of production.
    #[serde(serialize_with = "rfc3339")]
    pub production_starting_interval: DateTime<Utc>,
    /// EnergyTag configuration.
    pub registry_configuration: u8,
}

fn rfc3339<S: serde::Serializer>(at: &DateTime<Utc>, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&crate::interval::rfc3339(*at))
}

/// [`ImmutableAttributes`] as they travel: what an answer returns is what is hashed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct HashedAttributes {
    /// Last certificate, inclusive.
    #[schema(value_type = i64)]
    pub certificate_bundle_id_range_end: CertificateId,
    /// First certificate.
    #[schema(value_type = i64)]
    pub certificate_bundle_id_range_start: CertificateId,
    /// The device that produced.
    #[schema(value_type = i64)]
    pub device_id: DeviceId,
    /// Emissions factor in kgCO2e/MWh, as text.
    pub emissions_factor_production_device: Option<String>,
    /// Source of the emissions factor.
    pub emissions_factor_source: Option<String>,
    /// Form of energy.
    pub energy_carrier: EnergyCarrier,
    /// Source of energy.
    pub energy_source: EnergySource,
    /// First instant at which it is expired.
    #[serde(serialize_with = "rfc3339")]
    pub expiry_datestamp: DateTime<Utc>,
    /// Wh per certificate: 1.
    pub face_value: i64,
    /// Whether issued for energy released from storage.
    pub is_storage: bool,
    /// When it was issued.
    #[serde(serialize_with = "rfc3339")]
    pub issuance_datestamp: DateTime<Utc>,
    /// `{device_id}-{start of production}`.
    pub issuance_id: String,
    /// Whether issued after carrier conversion.
    pub issuance_post_energy_carrier_conversion: bool,
    /// The issuance metadata.
    #[schema(value_type = i64)]
    pub metadata_id: MetadataId,
    /// Hash of the bundle it was split from; null for a bundle as issued.
    pub parent_hash: Option<String>,
    /// The bundle it was split from.
    #[schema(value_type = Option<i64>)]
    pub parent_id: Option<BundleId>,
    /// End of production.
    #[serde(serialize_with = "rfc3339")]
    pub production_ending_interval: DateTime<Utc>,
    /// Start of production.
    #[serde(serialize_with = "rfc3339")]
    pub production_starting_interval: DateTime<Utc>,
    /// EnergyTag configuration.
    pub registry_configuration: u8,
}

impl HashedAttributes {
    /// As [`ImmutableAttributes::hash`].
    #[must_use]
    pub fn hash(&self) -> [u8; 32] {
        sha256(self)
    }
}

/// SHA-256 over the compact JSON.
fn sha256(attributes: &impl Serialize) -> [u8; 32] {
    let canonical = serde_json::to_vec(attributes)
        .expect("strings, integers, booleans and null always serialise");
    Sha256::digest(canonical).into()
}

impl ImmutableAttributes<'_> {
    /// SHA-256 over the RFC 8785 canonical JSON of the attributes.
    #[must_use]
    pub fn hash(&self) -> [u8; 32] {
        sha256(self)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn sample<'a>() -> ImmutableAttributes<'a> {
        let at = |text: &str| text.parse::<DateTime<Utc>>().unwrap();
        ImmutableAttributes {
            certificate_bundle_id_range_end: CertificateId(39_227_938_500_000),
            certificate_bundle_id_range_start: CertificateId(1),
            device_id: DeviceId(7),
            emissions_factor_production_device: Some(Decimal::new(1150, 2)),
            emissions_factor_source: Some("\u{e9}\"\\\u{1}\u{1f600}"),
            energy_carrier: EnergyCarrier::Electricity,
            energy_source: EnergySource::Wind,
            expiry_datestamp: at("2027-01-01T00:00:00.25Z"),
            face_value: 1,
            issuance_datestamp: at("2025-01-01T00:00:00.123456Z"),
            issuance_id: "7-2024-12-31 23:00:00",
            issuance_post_energy_carrier_conversion: false,
            is_storage: false,
            metadata_id: MetadataId(1),
            parent_hash: None,
            parent_id: None,
            production_ending_interval: at("2025-01-01T00:00:00Z"),
            production_starting_interval: at("2024-12-31T23:00:00Z"),
            registry_configuration: 1,
        }
    }

    #[test]
    fn the_hashed_bytes_are_rfc_8785_canonical_json() {
        let attributes = sample();
        let canonical = serde_json_canonicalizer::to_vec(&attributes).unwrap();
        assert_eq!(
            String::from_utf8(serde_json::to_vec(&attributes).unwrap()).unwrap(),
            String::from_utf8(canonical).unwrap()
        );
    }

    #[test]
    fn attributes_that_have_travelled_are_hashed_alike() {
        let attributes = sample();
        let sent = serde_json::to_vec(&attributes).unwrap();
        let received: HashedAttributes = serde_json::from_slice(&sent).unwrap();
        assert_eq!(serde_json::to_vec(&received).unwrap(), sent);
        assert_eq!(received.hash(), attributes.hash());
    }

    #[test]
    fn halves_of_a_split_have_different_hashes() {
        let whole = sample();
        let parent_hash = hex::encode(whole.hash());
        let child = |start, end| ImmutableAttributes {
            certificate_bundle_id_range_start: CertificateId(start),
            certificate_bundle_id_range_end: CertificateId(end),
            parent_hash: Some(&parent_hash),
            parent_id: Some(BundleId(1)),
            ..sample()
        };
        assert_ne!(child(1, 50).hash(), child(51, 100).hash());
        assert_ne!(child(1, 50).hash(), whole.hash());
    }
}
