//! Events of recurring actions.

use crate::amount::WattHours;
use crate::energy::EnergySource;
use crate::id::{AccountId, ActionId, BundleId, CertificateId, DeviceId, RuleId, UserId};
use crate::life_cycle::{ActionType, CertificateStatus};
use crate::recurring::{EndReason, MissedPeriods, PeriodUnit, RunOutcome, Shortfall};
use chrono::{DateTime, Utc};
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

/// What a rule does, with which bundles, how much and when. Never changes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RuleTerms {
    /// What it does: a transfer or a cancellation.
    pub action_type: ActionType,
    /// The account whose bundles it acts on.
    pub source_id: AccountId,
    /// The account that receives (transfer).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub target_id: Option<AccountId>,
    /// Who benefits (cancel).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub beneficiary: Option<String>,
    /// The beneficiary's account, if it has one here (cancel).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub beneficiary_account_id: Option<AccountId>,
    /// Wh per period over all bundles together.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub certificate_quantity: Option<WattHours>,
    /// Share of all that matches, in (0, 1]. Without it and a quantity: all of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub certificate_bundle_percentage: Option<Decimal>,
    /// Kept because the contract has it; the registry counts in UTC.
    pub localise_time: bool,
    /// The bundles it may act on.
    pub filter: RuleFilter,
    /// When it runs.
    pub schedule: Schedule,
    /// What a run does that can not be met in full.
    pub shortfall: Shortfall,
}

/// Which bundles of the source account a rule acts on. An empty list restricts nothing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RuleFilter {
    /// Certificates of these bundles, also where they were split since.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub bundles: Vec<BundleRange>,
    /// Made by these devices.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub device_ids: Vec<DeviceId>,
    /// Made from these sources.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub energy_sources: Vec<EnergySource>,
    /// In one of these states; never empty.
    pub statuses: Vec<CertificateStatus>,
    /// Seconds that have passed since the end of production, at least.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub min_age_s: Option<i64>,
    /// Seconds that have passed since the end of production, at most.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_age_s: Option<i64>,
}

/// The certificates of a bundle: what is split from it lies within, and no serial is used twice.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct BundleRange {
    /// The bundle that was named.
    pub bundle_id: BundleId,
    /// Its device.
    pub device_id: DeviceId,
    /// Its first certificate.
    pub start: CertificateId,
    /// Its last certificate, inclusive.
    pub end: CertificateId,
    /// When its production began.
    pub interval_start: DateTime<Utc>,
}

/// When a rule runs: period `n`, counted from 0, at `start` plus n periods.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Schedule {
    /// When period 0 is due.
    pub start: DateTime<Utc>,
    /// Unit of a period; a calendar's own, in UTC.
    pub unit: PeriodUnit,
    /// Units per period, at least 1.
    pub quantity: u32,
    /// Periods there are; until it is ended where absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub repetitions: Option<i64>,
    /// What becomes of periods that went by unrun.
    pub missed: MissedPeriods,
}

/// A rule exists from here on, and is active.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RecurringRuleCreated {
    /// The new rule.
    pub rule_id: RuleId,
    /// Who created it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user_id: Option<UserId>,
    /// What it does.
    pub terms: RuleTerms,
    /// When it runs first.
    pub next_run: DateTime<Utc>,
}

/// A rule does not run until it is resumed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RecurringRulePaused {
    /// The rule.
    pub rule_id: RuleId,
}

/// A paused rule runs again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RecurringRuleResumed {
    /// The rule.
    pub rule_id: RuleId,
    /// When it runs next.
    pub next_run: DateTime<Utc>,
}

/// A rule never runs again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RecurringRuleEnded {
    /// The rule.
    pub rule_id: RuleId,
    /// Why.
    pub reason: EndReason,
}

/// What became of one or more consecutive periods of a rule, each of which is in exactly one run. Where a
/// run takes several actions there is one such event for each, and the last one tells of all.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RecurringRuleRan {
    /// The rule.
    pub rule_id: RuleId,
    /// First period of the run, counted from 0.
    pub period: i64,
    /// Periods the run stands for, at least 1.
    pub periods: i64,
    /// When the last of them was due.
    pub due_at: DateTime<Utc>,
    /// Which decision of the run this is, counted from 0.
    pub step: i64,
    /// What became of it.
    pub outcome: RunOutcome,
    /// Why, where it was not met: code of the rule that forbade it, or `paused` or `ended`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// Wh that the whole run was to act on, as far as is known.
    pub wanted_wh: WattHours,
    /// Wh that the run has acted on so far.
    pub moved_wh: WattHours,
    /// Actions of the run so far.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub action_ids: Vec<ActionId>,
    /// When the rule runs next; absent where it does not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next_run: Option<DateTime<Utc>>,
    /// Why the rule ended with this run, if it did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ended: Option<EndReason>,
    /// Where the run goes on; present exactly where it is ongoing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub open: Option<OpenRun>,
}

/// How far a run has come that takes several actions. Bundles are taken in the order of production start
/// and id.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct OpenRun {
    /// Wh that matched so far.
    pub matched_wh: WattHours,
    /// Production start of the last bundle looked at.
    pub after_start: DateTime<Utc>,
    /// Its id.
    pub after_id: BundleId,
    /// Bundles from this id on came into being after the run began, and do not count.
    pub horizon: BundleId,
}
