//! Events of issuance.

use super::reading::Run;
use crate::amount::WattHours;
use crate::energy::{EnergyCarrier, EnergySource};
use crate::id::{AccountId, BundleId, CertificateId, DeviceId, MetadataId, MeterId};
use crate::interval::Interval;
use chrono::{DateTime, Utc};
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

/// Who issues, where, under which scheme: attached to every bundle issued after it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct IssuanceMetadata {
    /// Country of issuance.
    pub country_of_issuance: String,
    /// Grid the devices are connected to.
    pub connected_grid_identification: String,
    /// The issuing body.
    pub issuing_body: String,
    /// Market zone of issuance.
    pub issue_market_zone: String,
    /// Legal status of the certificates.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub legal_status: Option<String>,
    /// Purpose of issuance.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub issuance_purpose: Option<String>,
    /// Public support received.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub support_received: Option<String>,
    /// Reference to a quality scheme.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub quality_scheme_reference: Option<String>,
    /// Dissemination level, i.e. whether usable for disclosure.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dissemination_level: Option<String>,
    /// EnergyTag configuration 1, 2 or 3.
    pub registry_configuration: u8,
}

/// Issuance metadata was recorded; the newest applies to what is issued from readings.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct IssuanceMetadataRecorded {
    /// The new metadata.
    pub metadata_id: MetadataId,
    /// Its content.
    pub metadata: IssuanceMetadata,
    /// The registry that issued under it, where it came with imported certificates: then it does not
    /// apply to what is issued here.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub imported_from: Option<String>,
}

/// What all bundles of one issuance have in common and never change.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct IssuanceTerms {
    /// Source, copied from the device at issuance.
    pub energy_source: EnergySource,
    /// Form of energy.
    pub energy_carrier: EnergyCarrier,
    /// EnergyTag configuration 1, 2 or 3.
    pub registry_configuration: u8,
    /// Whether issued after carrier conversion.
    pub issuance_post_energy_carrier_conversion: bool,
    /// First instant at which the bundles are expired.
    pub expiry: DateTime<Utc>,
    /// Emissions factor of the device in kgCO2e/MWh.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub emissions_factor_production_device: Option<Decimal>,
    /// Source of the emissions factor.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub emissions_factor_source: Option<String>,
}

/// Bundles issued from one submission. Bundle ids count up from `first_bundle_id` and certificate ids
/// from `first_certificate_id` over the intervals with an amount above zero; zero intervals issue
/// nothing and take no id.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BundlesIssued {
    /// The device that produced.
    pub device_id: DeviceId,
    /// The meter whose readings they are issued for, where it is not the device's own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub meter_id: Option<MeterId>,
    /// The account that receives.
    pub account_id: AccountId,
    /// The issuance metadata that applies.
    pub metadata_id: MetadataId,
    /// Id of the first bundle.
    pub first_bundle_id: BundleId,
    /// First certificate of the first bundle.
    pub first_certificate_id: CertificateId,
    /// What all of them have in common.
    pub terms: IssuanceTerms,
    /// The production intervals.
    pub runs: Vec<Run>,
}

/// One bundle as issued.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct IssuedBundle {
    /// Its id.
    pub bundle_id: BundleId,
    /// First certificate.
    pub start: CertificateId,
    /// Last certificate, inclusive.
    pub end: CertificateId,
    /// When the energy was produced.
    pub interval: Interval,
}

impl BundlesIssued {
    /// Every bundle of the issuance with its range, in order.
    pub fn bundles(&self) -> impl Iterator<Item = IssuedBundle> + '_ {
        let mut bundle_id = self.first_bundle_id;
        let mut start = self.first_certificate_id;
        self.runs
            .iter()
            .flat_map(Run::intervals)
            .filter(|(_, wh)| wh.0 > 0)
            .map(move |(interval, wh)| {
                let bundle = IssuedBundle {
                    bundle_id,
                    start,
                    end: start.plus(wh.0 - 1),
                    interval,
                };
                bundle_id = bundle_id.plus(1);
                start = start.plus(wh.0);
                bundle
            })
    }

    /// Sum over all bundles.
    #[must_use]
    pub fn total(&self) -> WattHours {
        self.runs
            .iter()
            .flat_map(|run| run.wh.iter().copied())
            .sum()
    }
}
