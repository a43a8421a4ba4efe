//! Events of bundles that come from another registry.

use super::device::DeviceOrigin;
use super::issuance::IssuanceTerms;
use crate::amount::WattHours;
use crate::id::{AccountId, ActionId, BundleId, CertificateId, DeviceId, ImportId, MetadataId};
use crate::interval::Interval;
use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};

/// Bundles that another registry issued entered circulation here. Bundle ids count up from
/// `first_bundle_id` over all lots; certificate ids are those of the registry that issued.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BundlesImported {
    /// Id of the import.
    pub import_id: ImportId,
    /// The account that receives.
    pub account_id: AccountId,
    /// The export of another registry that was imported, where it came as a file that one signed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub export: Option<ExportRef>,
    /// Id of the first bundle.
    pub first_bundle_id: BundleId,
    /// The bundles by what they have in common.
    pub lots: Vec<ImportedLot>,
}

/// Digest of what an export offers, by [`crate::exchange::ExportFile::content`]: a registry whose log was restored
/// may use an id again, for other bundles.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default, Serialize, Deserialize,
)]
#[serde(transparent)]
pub struct ExportContent(#[serde(with = "hex::serde")] pub [u8; 32]);

/// An export of another registry.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ExportRef {
    /// Name of the registry that exported.
    pub registry: String,
    /// Its id there.
    pub export_id: ActionId,
    /// What it offers; zeros in events of version 1, which did not keep it.
    pub content: ExportContent,
}

/// This registry will never import the export: whoever made it may take it back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ExportRefused {
    /// The export of the other registry.
    pub export: ExportRef,
    /// What it offers.
    pub certificates: Vec<Certificates>,
}

/// Certificates of one device, wherever that is at home.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Certificates {
    /// The device.
    pub origin: DeviceOrigin,
    /// First and last certificate of each range, inclusive.
    pub ranges: Vec<(CertificateId, CertificateId)>,
}

/// Bundles of one issuance of one device in the registry that issued.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ImportedLot {
    /// The device by which that one's device is known here.
    pub device_id: DeviceId,
    /// Where it is at home.
    pub origin: DeviceOrigin,
    /// The issuance metadata that applies.
    pub metadata_id: MetadataId,
    /// What all of them have in common.
    pub terms: IssuanceTerms,
    /// When they were issued.
    pub issued_at: DateTime<Utc>,
    /// Whether issued for energy released from storage.
    #[serde(default, skip_serializing_if = "is_false")]
    pub is_storage: bool,
    /// The bundles.
    pub bundles: Vec<ImportedBundle>,
}

const fn is_false(flag: &bool) -> bool {
    !*flag
}

type Packed = (
    CertificateId,
    CertificateId,
    DateTime<Utc>,
    u32,
    String,
    String,
    Option<String>,
);

/// One imported bundle, in the log as a list of its values.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "Packed", into = "Packed")]
pub struct ImportedBundle {
    /// First certificate.
    pub start: CertificateId,
    /// Last certificate, inclusive.
    pub end: CertificateId,
    /// Start of production.
    pub production_start: DateTime<Utc>,
    /// Length of the production interval in seconds; at most an hour.
    pub length_s: u32,
    /// The bundle in the registry it comes from.
    pub bundle_id: String,
    /// The issuance in the registry that issued.
    pub issuance_id: String,
    /// Its hash there, hexadecimal, if it came with one.
    pub hash: Option<String>,
}

impl From<Packed> for ImportedBundle {
    fn from(packed: Packed) -> Self {
        let (start, end, production_start, length_s, bundle_id, issuance_id, hash) = packed;
        Self {
            start,
            end,
            production_start,
            length_s,
            bundle_id,
            issuance_id,
            hash,
        }
    }
}

impl From<ImportedBundle> for Packed {
    fn from(bundle: ImportedBundle) -> Self {
        (
            bundle.start,
            bundle.end,
            bundle.production_start,
            bundle.length_s,
            bundle.bundle_id,
            bundle.issuance_id,
            bundle.hash,
        )
    }
}

impl ImportedBundle {
    /// Certificates in the bundle.
    #[must_use]
    pub const fn quantity(&self) -> WattHours {
        WattHours(self.end.0 - self.start.0 + 1)
    }

    /// When the energy was produced; none in a damaged log.
    #[must_use]
    pub fn interval(&self) -> Option<Interval> {
        let end = self.production_start + TimeDelta::seconds(self.length_s.into());
        Interval::new(self.production_start, end).ok()
    }
}

impl BundlesImported {
    /// Every bundle with its id here and its lot, in order.
    pub fn bundles(&self) -> impl Iterator<Item = (BundleId, &ImportedLot, &ImportedBundle)> {
        let bundles = self
            .lots
            .iter()
            .flat_map(|lot| lot.bundles.iter().map(move |bundle| (lot, bundle)));
        (0..)
            .zip(bundles)
            .map(|(index, (lot, bundle))| (self.first_bundle_id.plus(index), lot, bundle))
    }

    /// Sum over all bundles.
    #[must_use]
    pub fn total(&self) -> WattHours {
        self.bundles().map(|(_, _, bundle)| bundle.quantity()).sum()
    }

    /// Number of bundles.
    #[must_use]
    pub fn count(&self) -> usize {
        self.lots.iter().map(|lot| lot.bundles.len()).sum()
    }
}
