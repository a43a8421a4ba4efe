//! Issuance of one bundle by hand.

use crate::WattHours;
use crate::api::decimal::ExactNumber;
use crate::energy::{EnergyCarrier, EnergySource};
use crate::id::{AccountId, CertificateId, DeviceId, MetadataId};
use crate::life_cycle::CertificateStatus;
use chrono::{DateTime, Utc};
use serde::Deserialize;
use utoipa::ToSchema;

/// A bundle to issue. It is held to the rules of an issuance from readings: the range is the device's
/// next free one, the quantity fits range, capacity and what was metered. The issuance id, hash and id
/// follow; what the client sends for them is ignored.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[schema(as = GranularCertificateBundleCreate, example = json!({
    "account_id": 1, "device_id": 1, "metadata_id": 1,
    "certificate_bundle_id_range_start": 1, "certificate_bundle_id_range_end": 1000,
    "bundle_quantity": 1000, "energy_carrier": "electricity", "energy_source": "wind", "face_value": 1,
    "issuance_post_energy_carrier_conversion": false,
    "production_starting_interval": "2024-11-18T10:00:00Z",
    "production_ending_interval": "2024-11-18T11:00:00Z",
    "expiry_datestamp": "2026-11-18T00:00:00Z", "is_storage": false
}))]
pub struct NewBundle {
    /// The account that receives.
    pub account_id: AccountId,
    /// The device that produced.
    pub device_id: DeviceId,
    /// The issuance metadata that applies.
    pub metadata_id: MetadataId,
    /// `Active` where given: what is issued is active.
    #[serde(default)]
    pub certificate_bundle_status: Option<CertificateStatus>,
    /// First certificate; the device's next free one where absent.
    #[serde(default)]
    pub certificate_bundle_id_range_start: Option<CertificateId>,
    /// Last certificate, inclusive; follows from the quantity where absent.
    #[serde(default)]
    pub certificate_bundle_id_range_end: Option<CertificateId>,
    /// Certificates to issue, each of 1 Wh.
    #[schema(minimum = 1)]
    pub bundle_quantity: WattHours,
    /// Form of energy.
    pub energy_carrier: EnergyCarrier,
    /// Source of energy: the device's.
    pub energy_source: EnergySource,
    /// Wh per certificate: 1.
    #[serde(default)]
    pub face_value: Option<i64>,
    /// Whether issued after carrier conversion.
    #[serde(default)]
    pub issuance_post_energy_carrier_conversion: bool,
    /// Start of production.
    pub production_starting_interval: DateTime<Utc>,
    /// End of production.
    pub production_ending_interval: DateTime<Utc>,
    /// First instant at which it is expired; the registry's policy where absent.
    #[serde(default)]
    pub expiry_datestamp: Option<DateTime<Utc>>,
    /// Emissions factor of the device in kgCO2e/MWh.
    #[serde(default)]
    pub emissions_factor_production_device: Option<ExactNumber>,
    /// Source of the emissions factor.
    #[serde(default)]
    pub emissions_factor_source: Option<String>,
    /// `false` or `0` where given: what storage releases is issued elsewhere.
    #[serde(default, deserialize_with = "bool_or_int")]
    #[schema(value_type = Option<bool>)]
    pub is_storage: bool,
}

/// The contract has `is_storage` as a boolean in some places and as 0 or 1 in others.
fn bool_or_int<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<bool, D::Error> {
    struct Flag;
    impl serde::de::Visitor<'_> for Flag {
        type Value = bool;
        fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            f.write_str("true, false, 0 or 1")
        }
        fn visit_bool<E>(self, flag: bool) -> Result<bool, E> {
            Ok(flag)
        }
        fn visit_unit<E>(self) -> Result<bool, E> {
            Ok(false)
        }
        fn visit_u64<E: serde::de::Error>(self, flag: u64) -> Result<bool, E> {
            match flag {
                0 => Ok(false),
                1 => Ok(true),
                _ => Err(E::invalid_value(serde::de::Unexpected::Unsigned(flag), &self)),
            }
        }
    }
    deserializer.deserialize_any(Flag)
}
