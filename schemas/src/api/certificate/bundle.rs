//! A bundle in a list.

use crate::WattHours;
use crate::api::decimal::ExactNumber;
use crate::energy::{EnergyCarrier, EnergySource};
use crate::id::{AccountId, BundleId, CertificateId, DeviceId, MetadataId, StorageRecordId};
use crate::life_cycle::CertificateStatus;
use chrono::{DateTime, Utc};
use serde::Serialize;
use utoipa::ToSchema;

/// A bundle of certificates.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
#[schema(as = GranularCertificateBundleRead, example = json!({
    "id": 11, "issuance_id": "1-2024-11-18 10:00:00", "hash": "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
    "certificate_bundle_status": "Active", "account_id": 1, "metadata_id": 1,
    "certificate_bundle_id_range_start": 1, "certificate_bundle_id_range_end": 1000,
    "bundle_quantity": 1000, "beneficiary": null, "beneficiary_account_id": null,
    "energy_carrier": "electricity", "energy_source": "wind", "face_value": 1,
    "issuance_post_energy_carrier_conversion": false, "emissions_factor_production_device": null,
    "emissions_factor_source": null, "device_id": 1,
    "production_starting_interval": "2024-11-18T10:00:00Z", "production_ending_interval": "2024-11-18T11:00:00Z",
    "issuance_datestamp": "2024-11-18T12:00:00.123456Z", "expiry_datestamp": "2026-11-18T12:00:00Z",
    "registry_configuration": 1, "is_storage": 0, "sdr_allocation_id": null,
    "storage_efficiency_factor": null, "parent_id": null, "is_deleted": false
}))]
pub struct Bundle {
    /// Its id.
    #[schema(value_type = i64)]
    pub id: BundleId,
    /// `{device_id}-{start of production}`.
    pub issuance_id: String,
    /// SHA-256 over the canonical JSON of what never changes of it, hexadecimal.
    pub hash: String,
    /// Its state.
    pub certificate_bundle_status: CertificateStatus,
    /// The account that holds it.
    #[schema(value_type = i64)]
    pub account_id: AccountId,
    /// The issuance metadata that applies.
    #[schema(value_type = i64)]
    pub metadata_id: MetadataId,
    /// First certificate.
    #[schema(value_type = i64)]
    pub certificate_bundle_id_range_start: CertificateId,
    /// Last certificate, inclusive.
    #[schema(value_type = i64)]
    pub certificate_bundle_id_range_end: CertificateId,
    /// Certificates it holds: last - first + 1, each of 1 Wh.
    #[schema(value_type = i64)]
    pub bundle_quantity: WattHours,
    /// For whom it was cancelled.
    pub beneficiary: Option<String>,
    /// That one's account in this registry.
    #[schema(value_type = Option<i64>)]
    pub beneficiary_account_id: Option<AccountId>,
    /// Form of energy.
    pub energy_carrier: EnergyCarrier,
    /// Source of energy.
    pub energy_source: EnergySource,
    /// Wh per certificate: 1.
    pub face_value: i64,
    /// Whether issued after carrier conversion.
    pub issuance_post_energy_carrier_conversion: bool,
    /// Emissions factor of the device in kgCO2e/MWh.
    #[schema(value_type = Option<f64>)]
    pub emissions_factor_production_device: Option<ExactNumber>,
    /// Source of the emissions factor.
    pub emissions_factor_source: Option<String>,
    /// The device that produced.
    #[schema(value_type = i64)]
    pub device_id: DeviceId,
    /// Start of production.
    pub production_starting_interval: DateTime<Utc>,
    /// End of production.
    pub production_ending_interval: DateTime<Utc>,
    /// When it was issued.
    pub issuance_datestamp: DateTime<Utc>,
    /// First instant at which it is expired.
    pub expiry_datestamp: DateTime<Utc>,
    /// EnergyTag configuration 1, 2 or 3.
    pub registry_configuration: i16,
    /// 1 where issued for energy released from storage, else 0.
    pub is_storage: i32,
    /// Discharge record it was issued for.
    #[schema(value_type = Option<i64>)]
    pub sdr_allocation_id: Option<StorageRecordId>,
    /// Efficiency of that storage.
    #[schema(value_type = Option<f64>)]
    pub storage_efficiency_factor: Option<ExactNumber>,
    /// The bundle it was split from.
    #[schema(value_type = Option<i64>)]
    pub parent_id: Option<BundleId>,
    /// Whether it was split into two others.
    pub is_deleted: bool,
}

/// A page of the bundles of an account.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct BundlePage {
    /// The bundles, newest production first.
    pub granular_certificate_bundles: Vec<Bundle>,
    /// Wh over all bundles of the account, not only this page.
    #[schema(value_type = i64)]
    pub total_certificate_volume: WattHours,
    /// Where the next page begins; null on the last one.
    pub next_cursor: Option<String>,
    /// The account.
    #[schema(value_type = i64)]
    pub source_id: AccountId,
}
