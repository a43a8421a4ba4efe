//! What a bundle has from its issuance and keeps through every split.

use chrono::{DateTime, Utc};
use rust_decimal::Decimal;
use schemas::Interval;
use schemas::bundle::{ImmutableAttributes, issuance_id};
use schemas::energy::{EnergyCarrier, EnergySource};
use schemas::envelope::Envelope;
use schemas::event::import::ImportedLot;
use schemas::event::issuance::BundlesIssued;
use schemas::event::storage::StorageCertificatesIssued;
use schemas::id::{BundleId, CertificateId, DeviceId, MetadataId};

/// One certificate is 1 Wh.
const FACE_VALUE: i64 = 1;

#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Origin {
    pub device_id: DeviceId,
    pub metadata_id: MetadataId,
    pub issued_at: DateTime<Utc>,
    pub expiry: DateTime<Utc>,
    pub energy_source: EnergySource,
    pub energy_carrier: EnergyCarrier,
    pub registry_configuration: u8,
    pub post_conversion: bool,
    pub is_storage: bool,
    pub emissions_factor: Option<Decimal>,
    pub emissions_source: Option<String>,
}

impl Origin {
    pub(crate) fn of(issued: &BundlesIssued, envelope: &Envelope) -> Self {
        let terms = &issued.terms;
        Self {
            device_id: issued.device_id,
            metadata_id: issued.metadata_id,
            issued_at: envelope.recorded_at,
            expiry: terms.expiry,
            energy_source: terms.energy_source,
            energy_carrier: terms.energy_carrier,
            registry_configuration: terms.registry_configuration,
            post_conversion: terms.issuance_post_energy_carrier_conversion,
            // What storage discharges is not certified.
            is_storage: false,
            emissions_factor: terms.emissions_factor_production_device,
            emissions_source: terms.emissions_factor_source.clone(),
        }
    }

    /// What a bundle for energy released from storage has: all of its source, but device, issuance and
    /// expiry.
    pub(crate) fn released(&self, issued: &StorageCertificatesIssued, envelope: &Envelope) -> Self {
        Self {
            device_id: issued.device_id,
            issued_at: envelope.recorded_at,
            expiry: issued.expiry,
            is_storage: true,
            ..self.clone()
        }
    }

    /// Of bundles that another registry issued.
    pub(crate) fn imported(lot: &ImportedLot) -> Self {
        let terms = &lot.terms;
        Self {
            device_id: lot.device_id,
            metadata_id: lot.metadata_id,
            issued_at: lot.issued_at,
            expiry: terms.expiry,
            energy_source: terms.energy_source,
            energy_carrier: terms.energy_carrier,
            registry_configuration: terms.registry_configuration,
            post_conversion: terms.issuance_post_energy_carrier_conversion,
            is_storage: lot.is_storage,
            emissions_factor: terms.emissions_factor_production_device,
            emissions_source: terms.emissions_factor_source.clone(),
        }
    }

    /// Hash of the bundle `[start, end]`, given id and hash of the bundle it was split from.
    pub(crate) fn hash(
        &self,
        start: CertificateId,
        end: CertificateId,
        interval: Interval,
        parent: Option<(BundleId, [u8; 32])>,
    ) -> [u8; 32] {
        let parent_hash = parent.map(|(_, hash)| hex::encode(hash));
        ImmutableAttributes {
            certificate_bundle_id_range_end: end,
            certificate_bundle_id_range_start: start,
            device_id: self.device_id,
            emissions_factor_production_device: self.emissions_factor,
            emissions_factor_source: self.emissions_source.as_deref(),
            energy_carrier: self.energy_carrier,
            energy_source: self.energy_source,
            expiry_datestamp: self.expiry,
            face_value: FACE_VALUE,
            issuance_datestamp: self.issued_at,
            issuance_id: &issuance_id(self.device_id, interval.start()),
            issuance_post_energy_carrier_conversion: self.post_conversion,
            is_storage: self.is_storage,
            metadata_id: self.metadata_id,
            parent_hash: parent_hash.as_deref(),
            parent_id: parent.map(|(id, _)| id),
            production_ending_interval: interval.end(),
            production_starting_interval: interval.start(),
            registry_configuration: self.registry_configuration,
        }
        .hash()
    }
}
