//! Events of actions on bundles.

use super::import::Certificates;
use crate::amount::WattHours;
use crate::id::{AccountId, ActionId, BundleId, CertificateId, DeviceId, MeterId, RuleId, UserId};
use crate::life_cycle::{ActionType, CertificateStatus, QuantityMode};
use chrono::{DateTime, Utc};
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

/// An action on bundles of one account, whole: what was asked, and every bundle it touched.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BundleAction {
    /// Id of the action.
    pub action_id: ActionId,
    /// What was done.
    pub action_type: ActionType,
    /// The account that held the bundles.
    pub source_id: AccountId,
    /// Who asked; none where the registry acted by itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user_id: Option<UserId>,
    /// The account that holds them from here on (transfer).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub target_id: Option<AccountId>,
    /// Who benefits (cancel, claim).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub beneficiary: Option<String>,
    /// The beneficiary's account, if it has one here: only it may claim (cancel).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub beneficiary_account_id: Option<AccountId>,
    /// The storage device that charged the energy (cancel for storage, use for storage).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub storage_device_id: Option<DeviceId>,
    /// Why (withdraw, lock).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// Quantity asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub certificate_quantity: Option<WattHours>,
    /// Share asked for, in (0, 1].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub certificate_bundle_percentage: Option<Decimal>,
    /// Whether quantity or share were meant per bundle or in total.
    pub quantity_mode: QuantityMode,
    /// Kept because the contract has it; the registry counts in UTC.
    pub localise_time: bool,
    /// What an export, its confirmation or its taking back is about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub export: Option<Export>,
    /// When the request arrived.
    pub requested_at: DateTime<Utc>,
    /// The rule by which it was taken, where the registry acted by one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rule_id: Option<RuleId>,
    /// The bundles acted on, in the order asked for.
    pub parts: Vec<Part>,
}

/// What an export is about, and what became of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Export {
    /// Name of the registry the bundles are offered to.
    pub receiving_registry: String,
    /// The action that offered them (confirm, take back); the action itself is the offer where absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub offer_id: Option<ActionId>,
    /// What the receiving registry knows its import by (confirm).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub receiving_reference: Option<String>,
    /// Whether it was settled on somebody's word, without the receiving registry's signature: on the issuing body's, or,
    /// where no key of the receiving registry is known, confirmed on that of whoever may settle it.
    #[serde(default, skip_serializing_if = "is_false")]
    pub without_signature: bool,
    /// The certificates that left, under the devices' names where those are at home (confirm).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub certificates: Vec<Certificates>,
}

const fn is_false(flag: &bool) -> bool {
    !*flag
}

/// What of one listed bundle was acted on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Part {
    /// The listed bundle.
    pub bundle_id: BundleId,
    /// First certificate acted on: the bundle's first.
    pub start: CertificateId,
    /// Last certificate acted on, inclusive.
    pub end: CertificateId,
    /// How the bundle was split, where only a part of it was acted on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub split: Option<Split>,
    /// Where the energy came from (withdraw only: its interval may be issued for again).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub origin: Option<Origin>,
}

/// A split of the range `[s, e]`: the child `taken` is `[s, part.end]` and acted on, the child `rest`
/// is `[part.end + 1, rest_end]` and stays as the parent was.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Split {
    /// Child that was acted on.
    pub taken: BundleId,
    /// Child that stays.
    pub rest: BundleId,
    /// Last certificate of the child that stays: the parent's last.
    pub rest_end: CertificateId,
    /// State of the child that stays: the parent's before the split.
    pub rest_status: CertificateStatus,
}

/// Device and interval of production.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Origin {
    /// The device.
    pub device_id: DeviceId,
    /// Its meter, where it is not the device's own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub meter_id: Option<MeterId>,
    /// Start of the production interval.
    pub interval_start: DateTime<Utc>,
}

impl Part {
    /// Certificates acted on.
    #[must_use]
    pub const fn quantity(&self) -> WattHours {
        WattHours(self.end.0 - self.start.0 + 1)
    }

    /// The bundle that carries the outcome: the taken child, or the listed bundle itself.
    #[must_use]
    pub fn acted_on(&self) -> BundleId {
        self.split.map_or(self.bundle_id, |split| split.taken)
    }
}

impl BundleAction {
    /// Type names under which actions are stored, in the order of [`ActionType::ALL`].
    pub const EVENT_TYPES: [&'static str; 14] = [
        "BundlesTransferred",
        "BundlesCancelled",
        "BundlesClaimed",
        "BundlesReserved",
        "BundlesReleased",
        "BundlesLocked",
        "BundlesUnlocked",
        "BundlesWithdrawn",
        "BundlesExpired",
        "BundlesCancelledForStorage",
        "BundlesUsedForStorage",
        "BundlesExportOffered",
        "BundlesExported",
        "BundlesExportTakenBack",
    ];

    /// Name under which this action is stored.
    #[must_use]
    pub const fn event_type(&self) -> &'static str {
        Self::EVENT_TYPES[self.action_type as usize]
    }

    /// Certificates acted on over all parts.
    #[must_use]
    pub fn total(&self) -> WattHours {
        self.parts.iter().map(Part::quantity).sum()
    }
}
