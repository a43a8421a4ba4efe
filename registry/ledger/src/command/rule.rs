//! Commands about recurring rules.

use chrono::{DateTime, Utc};
use rust_decimal::Decimal;
use schemas::WattHours;
use schemas::energy::EnergySource;
use schemas::id::{AccountId, BundleId, DeviceId, RuleId};
use schemas::life_cycle::{ActionType, CertificateStatus};
use schemas::recurring::{MissedPeriods, PeriodUnit, Shortfall};

/// See [`crate::Command::CreateRule`].
#[derive(Debug, Clone)]
pub struct CreateRule {
    /// A transfer or a cancellation.
    pub action_type: ActionType,
    /// The account whose bundles it acts on.
    pub source_id: AccountId,
    /// Receiving account (transfer).
    pub target_id: Option<AccountId>,
    /// Who benefits (cancel).
    pub beneficiary: Option<String>,
    /// The beneficiary's account here (cancel).
    pub beneficiary_account_id: Option<AccountId>,
    /// Wh per period; not together with a percentage.
    pub certificate_quantity: Option<WattHours>,
    /// Share of what matches; not together with a quantity.
    pub certificate_bundle_percentage: Option<Decimal>,
    /// Kept because the contract has it.
    pub localise_time: bool,
    /// Bundles it is restricted to, and what is split from them; none restrict nothing.
    pub bundle_ids: Vec<BundleId>,
    /// Devices it is restricted to; none restrict nothing.
    pub device_ids: Vec<DeviceId>,
    /// Sources it is restricted to; none restrict nothing.
    pub energy_sources: Vec<EnergySource>,
    /// States it takes bundles in; none mean Active.
    pub statuses: Vec<CertificateStatus>,
    /// Seconds since the end of production, at least.
    pub min_age_s: Option<i64>,
    /// Seconds since the end of production, at most.
    pub max_age_s: Option<i64>,
    /// When it runs first; `None` means at once.
    pub start: Option<DateTime<Utc>>,
    /// Unit of its period.
    pub period_unit: PeriodUnit,
    /// Units per period.
    pub period_quantity: i64,
    /// Periods there are; `None` means until it is ended.
    pub repetitions: Option<i64>,
    /// What becomes of missed periods.
    pub missed: MissedPeriods,
    /// What a run does that can not be met in full.
    pub shortfall: Shortfall,
}

/// See [`crate::Command::RunRule`]. Whoever looks for candidates proposes; the ledger alone decides which
/// period it is and what of the candidates is taken.
#[derive(Debug, Clone)]
pub struct RunRule {
    /// The rule.
    pub rule_id: RuleId,
    /// The period that is thought to be its next.
    pub period: i64,
    /// The step of it that is thought to be next: 0 unless the run is ongoing.
    pub step: i64,
    /// Bundles that matched when they were looked up, at most as many as an action lists, oldest
    /// production first; those that do not match any more are passed over.
    pub candidates: Vec<BundleId>,
    /// Whether more matched than are listed.
    pub more: bool,
    /// Whether a shortfall is final although candidates changed since they were looked up.
    pub settle: bool,
}
