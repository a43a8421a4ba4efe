//! A recurring rule and its runs.

use crate::WattHours;
use crate::api::decimal::ExactNumber;
use crate::api::field::{Fields, FromFields};
use crate::api::named::Named;
use crate::energy::EnergySource;
use crate::event::recurring::{RecurringRuleCreated, RuleTerms};
use crate::id::{AccountId, ActionId, BundleId, DeviceId, RuleId, UserId};
use crate::life_cycle::{ActionType, CertificateStatus};
use crate::recurring::{EndReason, MissedPeriods, PeriodUnit, RuleStatus, RunOutcome, Shortfall};
use chrono::{DateTime, Utc};
use serde::Serialize;
use utoipa::{IntoParams, ToSchema};

/// A rule by which the registry acts on bundles of an account once per period.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
#[schema(as = RecurringRuleRead, example = json!({
    "id": 4, "created_at": "2025-01-15T12:00:00.2Z", "action_type": "recurring_transfer",
    "source_id": 1, "target_id": 2, "user_id": 3, "beneficiary": null, "beneficiary_account_id": null,
    "granular_certificate_bundle_ids": [], "certificate_quantity": 5_000_000,
    "certificate_bundle_percentage": null, "localise_time": true, "device_ids": [],
    "energy_sources": ["wind"], "certificate_bundle_statuses": ["Active"], "min_age_s": null,
    "max_age_s": null, "initial_action_datetime": "2025-01-31T06:00:00Z",
    "recurring_period_units": "month", "recurring_period_quantity": 1,
    "number_of_recurring_actions": 12, "missed_periods": "catch_up", "shortfall": "partial",
    "status": "active", "end_reason": null, "next_run": "2025-02-28T06:00:00Z", "periods_done": 1,
    "last_outcome": "met"
}))]
pub struct RecurringRule {
    /// Its id.
    #[schema(value_type = i64)]
    pub id: RuleId,
    /// When it was created.
    pub created_at: DateTime<Utc>,
    /// `recurring_transfer` or `recurring_cancel`.
    pub action_type: &'static str,
    /// The account whose bundles it acts on.
    #[schema(value_type = i64)]
    pub source_id: AccountId,
    /// The account that receives (transfer).
    #[schema(value_type = Option<i64>)]
    pub target_id: Option<AccountId>,
    /// Who created it.
    #[schema(value_type = Option<i64>)]
    pub user_id: Option<UserId>,
    /// Who benefits (cancel); the name of the source account where null.
    pub beneficiary: Option<String>,
    /// The beneficiary's account in this registry (cancel).
    #[schema(value_type = Option<i64>)]
    pub beneficiary_account_id: Option<AccountId>,
    /// Bundles it is restricted to, with what is split from them; empty restricts nothing.
    #[schema(value_type = Vec<i64>)]
    pub granular_certificate_bundle_ids: Vec<BundleId>,
    /// Wh per period over all bundles together.
    #[schema(value_type = Option<i64>)]
    pub certificate_quantity: Option<WattHours>,
    /// Share of all that matches; without it and a quantity: all of it.
    #[schema(value_type = Option<f64>)]
    pub certificate_bundle_percentage: Option<ExactNumber>,
    /// As in the request.
    pub localise_time: bool,
    /// Devices it is restricted to; empty restricts nothing.
    #[schema(value_type = Vec<i64>)]
    pub device_ids: Vec<DeviceId>,
    /// Sources it is restricted to; empty restricts nothing.
    pub energy_sources: Vec<EnergySource>,
    /// States it takes bundles in.
    pub certificate_bundle_statuses: Vec<CertificateStatus>,
    /// Seconds between the end of production and the run, at least.
    pub min_age_s: Option<i64>,
    /// Seconds between the end of production and the run, at most.
    pub max_age_s: Option<i64>,
    /// When it runs first.
    pub initial_action_datetime: DateTime<Utc>,
    /// Unit of its period.
    pub recurring_period_units: PeriodUnit,
    /// Units per period.
    pub recurring_period_quantity: u32,
    /// Periods after which it ends; null until somebody ends it.
    pub number_of_recurring_actions: Option<i64>,
    /// What becomes of missed periods.
    pub missed_periods: MissedPeriods,
    /// What a run does that can not be met in full.
    pub shortfall: Shortfall,
    /// Whether it runs.
    pub status: RuleStatus,
    /// Why it ended.
    pub end_reason: Option<EndReason>,
    /// When it runs next; of an ongoing run, when that was due. Null unless it is active.
    pub next_run: Option<DateTime<Utc>>,
    /// Periods that are behind it, run or passed over.
    pub periods_done: i64,
    /// What became of the last run.
    pub last_outcome: Option<RunOutcome>,
}

/// What changes of a rule in the course of time.
#[derive(Debug, Clone, Copy)]
pub struct RuleProgress {
    /// Whether it runs.
    pub status: RuleStatus,
    /// Why it ended.
    pub end_reason: Option<EndReason>,
    /// When it runs next.
    pub next_run: Option<DateTime<Utc>>,
    /// Periods that are behind it.
    pub periods_done: i64,
    /// What became of the last run.
    pub last_outcome: Option<RunOutcome>,
}

impl RecurringRule {
    /// A rule as it stands.
    #[must_use]
    pub fn of(
        (id, user_id, created_at): (RuleId, Option<UserId>, DateTime<Utc>),
        terms: RuleTerms,
        progress: RuleProgress,
    ) -> Self {
        let RuleTerms {
            filter, schedule, ..
        } = terms;
        Self {
            id,
            created_at,
            action_type: match terms.action_type {
                ActionType::Cancel => "recurring_cancel",
                _ => "recurring_transfer",
            },
            source_id: terms.source_id,
            target_id: terms.target_id,
            user_id,
            beneficiary: terms.beneficiary,
            beneficiary_account_id: terms.beneficiary_account_id,
            granular_certificate_bundle_ids: filter
                .bundles
                .iter()
                .map(|range| range.bundle_id)
                .collect(),
            certificate_quantity: terms.certificate_quantity,
            certificate_bundle_percentage: terms.certificate_bundle_percentage.map(ExactNumber),
            localise_time: terms.localise_time,
            device_ids: filter.device_ids,
            energy_sources: filter.energy_sources,
            certificate_bundle_statuses: filter.statuses,
            min_age_s: filter.min_age_s,
            max_age_s: filter.max_age_s,
            initial_action_datetime: schedule.start,
            recurring_period_units: schedule.unit,
            recurring_period_quantity: schedule.quantity,
            number_of_recurring_actions: schedule.repetitions,
            missed_periods: schedule.missed,
            shortfall: terms.shortfall,
            status: progress.status,
            end_reason: progress.end_reason,
            next_run: progress.next_run,
            periods_done: progress.periods_done,
            last_outcome: progress.last_outcome,
        }
    }

    /// A rule as it was created at `recorded_at`.
    #[must_use]
    pub fn created(event: RecurringRuleCreated, recorded_at: DateTime<Utc>) -> Self {
        let progress = RuleProgress {
            status: RuleStatus::Active,
            end_reason: None,
            next_run: Some(event.next_run),
            periods_done: 0,
            last_outcome: None,
        };
        Self::of(
            (event.rule_id, event.user_id, recorded_at),
            event.terms,
            progress,
        )
    }
}

/// What became of one or more consecutive periods of a rule.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
#[schema(as = RecurringRunRead, example = json!({
    "period": 0, "periods": 1, "due_at": "2025-01-31T06:00:00Z", "ran_at": "2025-01-31T06:00:00.8Z",
    "outcome": "partial", "reason": null, "wanted_wh": 5_000_000, "moved_wh": 4_120_000,
    "action_ids": [118]
}))]
pub struct RecurringRun {
    /// First period it stands for, counted from 0.
    pub period: i64,
    /// Periods it stands for: more than one where missed ones are caught up with or passed over.
    pub periods: i64,
    /// When the last of them was due.
    pub due_at: DateTime<Utc>,
    /// When the registry ran it, or last went on with it.
    pub ran_at: DateTime<Utc>,
    /// What became of it.
    pub outcome: RunOutcome,
    /// Why it was not met: code of the rule that forbade it, or `paused` or `ended`.
    pub reason: Option<String>,
    /// Wh it was to act on.
    #[schema(value_type = i64)]
    pub wanted_wh: WattHours,
    /// Wh it has acted on.
    #[schema(value_type = i64)]
    pub moved_wh: WattHours,
    /// Its actions: more than one where more bundles matched than one action lists.
    #[schema(value_type = Vec<i64>)]
    pub action_ids: Vec<ActionId>,
}

/// A rule with its latest runs.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
#[schema(as = RecurringRuleWithRuns)]
pub struct RecurringRuleWithRuns {
    /// The rule.
    #[serde(flatten)]
    pub rule: RecurringRule,
    /// Its latest runs, newest first, at most 100; all of them in `/certificate/recurring/{id}/runs`.
    pub runs: Vec<RecurringRun>,
}

/// Which rules of a list are wanted.
#[derive(Debug, Clone, Default, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct RecurringRuleQuery {
    /// The account whose bundles they act on; all that the caller may see where absent.
    #[param(value_type = Option<i64>)]
    pub account_id: Option<Named<AccountId>>,
    /// Their state.
    pub status: Option<RuleStatus>,
}

impl FromFields for RecurringRuleQuery {
    fn from_fields(fields: &mut Fields<'_>) -> Option<Self> {
        Some(Self {
            account_id: fields.optional("account_id"),
            status: fields.optional("status"),
        })
    }
}
