//! Commands about bundles.

use chrono::{DateTime, Utc};
use rust_decimal::Decimal;
use schemas::WattHours;
use schemas::energy::{EnergyCarrier, EnergySource};
use schemas::id::{AccountId, BundleId, CertificateId, DeviceId, MetadataId};
use schemas::life_cycle::{ActionType, QuantityMode};

/// See [`crate::Command::IssueBundle`].
#[derive(Debug, Clone)]
pub struct IssueBundle {
    /// The device that produced.
    pub device_id: DeviceId,
    /// The account that receives.
    pub account_id: AccountId,
    /// The issuance metadata that applies.
    pub metadata_id: MetadataId,
    /// First certificate; `None` takes the next free one.
    pub start: Option<CertificateId>,
    /// Last certificate; `None` follows from the quantity.
    pub end: Option<CertificateId>,
    /// Certificates to issue.
    pub quantity: WattHours,
    /// Start of production.
    pub production_start: DateTime<Utc>,
    /// End of production.
    pub production_end: DateTime<Utc>,
    /// Source; must be the device's.
    pub energy_source: EnergySource,
    /// Form of energy.
    pub energy_carrier: EnergyCarrier,
    /// Whether after carrier conversion.
    pub issuance_post_energy_carrier_conversion: bool,
    /// First instant at which it is expired; `None` follows the policy.
    pub expiry: Option<DateTime<Utc>>,
    /// Emissions factor in kgCO2e/MWh.
    pub emissions_factor_production_device: Option<Decimal>,
    /// Source of the emissions factor.
    pub emissions_factor_source: Option<String>,
}

/// See [`crate::Command::ActOnBundles`].
#[derive(Debug, Clone)]
pub struct ActOnBundles {
    /// What to do.
    pub action_type: ActionType,
    /// The account that holds the bundles.
    pub source_id: AccountId,
    /// The bundles, each once.
    pub bundle_ids: Vec<BundleId>,
    /// How much.
    pub amount: Amount,
    /// Receiving account (transfer).
    pub target_id: Option<AccountId>,
    /// Who benefits (cancel; claim: must be the recorded one).
    pub beneficiary: Option<String>,
    /// The beneficiary's account here (cancel).
    pub beneficiary_account_id: Option<AccountId>,
    /// The storage device that charged the energy (cancel for storage).
    pub storage_device_id: Option<DeviceId>,
    /// Why (withdraw, lock).
    pub reason: Option<String>,
    /// Name of the registry the bundles are offered to (export).
    pub receiving_registry: Option<String>,
    /// Name of this registry (export).
    pub here: String,
    /// Kept because the contract has it.
    pub localise_time: bool,
}

/// How much of the listed bundles an action concerns.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Amount {
    /// All of each.
    Whole,
    /// So many Wh of each, or of all together.
    Quantity(WattHours, QuantityMode),
    /// Such a share of each, or of all together.
    Percentage(Decimal, QuantityMode),
}
