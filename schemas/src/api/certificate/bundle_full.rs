//! A bundle with all that EnergyTag wants a certificate to carry.

use super::exchange::BundleOrigin;
use crate::WattHours;
use crate::api::decimal::ExactNumber;
use crate::api::device::Position;
use crate::energy::{DeviceType, EnergyCarrier, EnergySource, TechnologyType};
use crate::id::{
    AccountId, AllocationId, BundleId, CertificateId, DeviceId, MeasurementId, MetadataId,
    StorageRecordId,
};
use crate::life_cycle::CertificateStatus;
use chrono::{DateTime, Utc};
use serde::Serialize;
use utoipa::ToSchema;

/// A bundle with its device and issuance metadata. The hash is the SHA-256 over the RFC 8785 canonical
/// JSON of `certificate_bundle_id_range_end`, `certificate_bundle_id_range_start`, `device_id`,
/// `emissions_factor_production_device` (as text or null), `emissions_factor_source`,
/// `energy_carrier`, `energy_source`, `expiry_datestamp`, `face_value`, `issuance_datestamp`,
/// `issuance_id`, `issuance_post_energy_carrier_conversion`, `is_storage`, `metadata_id`,
/// `parent_hash`, `parent_id`, `production_ending_interval`, `production_starting_interval` and
/// `registry_configuration`, each as it stands here.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
#[schema(as = GranularCertificateBundleReadFull)]
pub struct BundleFull {
    /// Its id.
    #[schema(value_type = i64)]
    pub id: BundleId,
    /// Its state; `Bundle Split` where two others took its place.
    pub certificate_bundle_status: CertificateStatus,
    /// The account that holds it.
    #[schema(value_type = i64)]
    pub account_id: AccountId,
    /// First certificate.
    #[schema(value_type = i64)]
    pub certificate_bundle_id_range_start: CertificateId,
    /// Last certificate, inclusive.
    #[schema(value_type = i64)]
    pub certificate_bundle_id_range_end: CertificateId,
    /// Certificates it holds: last - first + 1, each of 1 Wh.
    #[schema(value_type = i64)]
    pub bundle_quantity: WattHours,
    /// `{device_id}-{start of production}`.
    pub issuance_id: String,
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
    /// EnergyTag configuration 1, 2 or 3.
    pub registry_configuration: i16,
    /// The device that produced.
    #[schema(value_type = i64)]
    pub device_id: DeviceId,
    /// Its name.
    pub device_name: String,
    /// Its identifier in a public register of devices.
    pub device_unique_id: Option<String>,
    /// Whether it produces or consumes.
    pub device_type: DeviceType,
    /// How it makes energy.
    pub device_technology_type: TechnologyType,
    /// Its first day of operation.
    pub device_production_start_date: DateTime<Utc>,
    /// Its nameplate capacity in MW.
    #[schema(value_type = f64)]
    pub device_capacity: ExactNumber,
    /// Its address.
    pub device_location: String,
    /// Its position.
    pub device_gps_location: Option<Position>,
    /// Start of production.
    pub production_starting_interval: DateTime<Utc>,
    /// End of production.
    pub production_ending_interval: DateTime<Utc>,
    /// When it was issued.
    pub issuance_datestamp: DateTime<Utc>,
    /// First instant at which it is expired.
    pub expiry_datestamp: DateTime<Utc>,
    /// Whether issued for energy released from storage.
    pub is_storage: bool,
    /// The discharge record it was issued for, where it was issued for energy released from storage.
    #[schema(value_type = Option<i64>)]
    pub sdr_allocation_id: Option<StorageRecordId>,
    /// The charge record that discharge is allocated to.
    #[schema(value_type = Option<i64>)]
    pub scr_allocation_id: Option<StorageRecordId>,
    /// The allocation it was issued for; it names the certificates cancelled for the charge.
    #[schema(value_type = Option<i64>)]
    pub storage_allocation_id: Option<AllocationId>,
    /// The storage device it was cancelled for.
    #[schema(value_type = Option<i64>)]
    pub storage_device_id: Option<DeviceId>,
    /// The allocation whose charged energy it stands for.
    #[schema(value_type = Option<i64>)]
    pub used_allocation_id: Option<AllocationId>,
    /// Start of that discharge.
    pub discharging_start_datetime: Option<DateTime<Utc>>,
    /// End of that discharge.
    pub discharging_end_datetime: Option<DateTime<Utc>>,
    /// Efficiency of that storage, cut off after 12 decimal places; the allocation has it exactly.
    #[schema(value_type = Option<f64>)]
    pub storage_efficiency_factor: Option<ExactNumber>,
    /// The issuance metadata that applies.
    #[schema(value_type = i64)]
    pub metadata_id: MetadataId,
    /// Country of issuance.
    pub country_of_issuance: String,
    /// Grid the device is connected to.
    pub connected_grid_identification: String,
    /// The issuing body.
    pub issuing_body: String,
    /// Market zone of issuance.
    pub issue_market_zone: String,
    /// Legal status of the certificates.
    pub legal_status: Option<String>,
    /// Purpose of issuance.
    pub issuance_purpose: Option<String>,
    /// Public support received.
    pub support_received: Option<String>,
    /// Reference to a quality scheme.
    pub quality_scheme_reference: Option<String>,
    /// Whether usable for disclosure.
    pub dissemination_level: Option<String>,
    /// Emissions factor of the device in kgCO2e/MWh.
    #[schema(value_type = Option<f64>)]
    pub emissions_factor_production_device: Option<ExactNumber>,
    /// Source of the emissions factor.
    pub emissions_factor_source: Option<String>,
    /// The bundle it was split from.
    #[schema(value_type = Option<i64>)]
    pub parent_id: Option<BundleId>,
    /// That bundle's hash.
    pub parent_hash: Option<String>,
    /// SHA-256 over what never changes of it, hexadecimal.
    pub hash: String,
    /// Where it was imported from; null for what was issued here.
    pub origin: Option<BundleOrigin>,
    /// Whether it was split into two others.
    pub is_deleted: bool,
    /// The reading it was issued for.
    #[schema(value_type = Option<i64>)]
    pub measurement_id: Option<MeasurementId>,
    /// The meter that counted it, where it is not the device's own.
    pub meter_identifier: Option<String>,
    /// Bundles that a correction of the reading withdrew and that it was issued anew for.
    #[schema(value_type = Vec<i64>)]
    pub replaces: Vec<BundleId>,
    /// The bundle issued anew for it, where a correction of the reading withdrew it.
    #[schema(value_type = Option<i64>)]
    pub replaced_by: Option<BundleId>,
}
