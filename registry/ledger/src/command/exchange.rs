//! Commands that exchange bundles with other registries.

use crate::refusal::FieldError;
use chrono::{DateTime, Utc};
use schemas::WattHours;
use schemas::event::device::{DeviceAttributes, DeviceOrigin};
use schemas::event::import::{Certificates, ExportRef};
use schemas::event::issuance::{IssuanceMetadata, IssuanceTerms};
use schemas::id::{AccountId, ActionId, CertificateId};
use schemas::life_cycle::{ActionType, CertificateStatus};

/// See [`crate::Command::ImportBundles`]; all or nothing.
#[derive(Debug, Clone)]
pub struct ImportBundles {
    /// The account that receives.
    pub account_id: AccountId,
    /// Name of this registry: what it issued is not imported.
    pub here: String,
    /// The export the bundles come from, if the registry that exported has signed for it.
    pub export: Option<ExportRef>,
    /// The devices that produced.
    pub devices: Vec<ImportDevice>,
    /// Issuance metadata the rows refer to.
    pub metadata: Vec<IssuanceMetadata>,
    /// Rows that could be read.
    pub rows: Vec<ImportRow>,
    /// Rows that could not; they are refused with the others.
    pub unreadable: Vec<FieldError>,
}

/// A device of another registry.
#[derive(Debug, Clone)]
pub struct ImportDevice {
    /// Where it is at home.
    pub origin: DeviceOrigin,
    /// What is known of it; where it was imported from before, what was known then stays.
    pub attributes: DeviceAttributes,
}

/// One bundle to import. Values are as given: the rules look at them.
#[derive(Debug, Clone)]
pub struct ImportRow {
    /// Number of the row, counted from 1.
    pub row: u32,
    /// Index of its device.
    pub device: usize,
    /// Index of its issuance metadata.
    pub metadata: usize,
    /// First certificate.
    pub start: CertificateId,
    /// Last certificate, inclusive.
    pub end: CertificateId,
    /// Certificates it is said to hold.
    pub quantity: WattHours,
    /// Start of production.
    pub production_start: DateTime<Utc>,
    /// End of production.
    pub production_end: DateTime<Utc>,
    /// State it has where it comes from.
    pub status: CertificateStatus,
    /// What never changes of it.
    pub terms: IssuanceTerms,
    /// When it was issued.
    pub issued_at: DateTime<Utc>,
    /// Whether issued for energy released from storage.
    pub is_storage: bool,
    /// The bundle where it comes from.
    pub bundle_id: String,
    /// The issuance where it was issued.
    pub issuance_id: String,
    /// Its hash where it comes from, hexadecimal.
    pub hash: Option<String>,
}

/// See [`crate::Command::RefuseExport`].
#[derive(Debug, Clone)]
pub struct RefuseExport {
    /// The export, which the registry that made it has signed.
    pub export: ExportRef,
    /// Name of this registry: what it issued is here unless it left.
    pub here: String,
    /// What it offers.
    pub certificates: Vec<Certificates>,
}

/// See [`crate::Command::SettleExport`].
#[derive(Debug, Clone)]
pub struct SettleExport {
    /// The action that offered the bundles.
    pub export_id: ActionId,
    /// The account that holds them; the caller has found it there.
    pub source_id: AccountId,
    /// Name of this registry: its own devices are at home there.
    pub here: String,
    /// What becomes of the offer.
    pub settlement: Settlement,
    /// Whether it is settled on the caller's word, without the receiving registry's signature.
    pub without_signature: bool,
}

/// What becomes of an offer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Settlement {
    /// The receiving registry holds the bundles.
    Confirmed {
        /// What it knows its import by.
        reference: String,
        /// Why it is confirmed without its receipt, where it is.
        reason: Option<String>,
    },
    /// The bundles come back, for this reason.
    TakenBack(String),
}

impl Settlement {
    /// The action that settles it so.
    #[must_use]
    pub const fn action_type(&self) -> ActionType {
        match self {
            Self::Confirmed { .. } => ActionType::ConfirmExport,
            Self::TakenBack(_) => ActionType::TakeBackExport,
        }
    }
}
