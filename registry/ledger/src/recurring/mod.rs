//! Rules of recurring actions: a rule acts on bundles of one account once per period.

mod change;
mod create;
mod run;

pub use create::{
    MAX_AGE_S, MAX_PERIOD_QUANTITY, MAX_REPETITIONS, MAX_RULE_BUNDLES, MAX_RULE_DEVICES,
    MAX_START_FUTURE, MAX_START_PAST,
};

pub use run::left_to_act_on;

pub(crate) use change::{end, needed_to_resume, pause, resume};
pub(crate) use create::{create, needed_to_create};
pub(crate) use run::{needed_to_run, run};

use crate::command::{ActOnBundles, Amount};
use crate::entry::{RecurringRule, RunSoFar};
use crate::period;
use crate::refusal::{Code, Refusal};
use crate::state::{Entries, get};
use chrono::{DateTime, Utc};
use schemas::event::recurring::{RecurringRuleRan, RuleTerms, Schedule};
use schemas::id::{BundleId, RuleId};
use schemas::recurring::RuleStatus;

impl RecurringRule {
    /// What becomes of the rule by a run of it.
    pub(crate) fn ran(&mut self, event: &RecurringRuleRan) {
        self.next_run = event.next_run;
        self.open = event.open.map(|open| RunSoFar {
            periods: event.periods,
            due_at: event.due_at,
            steps: event.step + 1,
            wanted: event.wanted_wh,
            moved: event.moved_wh,
            action_ids: event.action_ids.clone(),
            open,
        });
        if self.open.is_none() {
            self.next_period = event.period + event.periods;
        }
        if event.ended.is_some() {
            self.status = RuleStatus::Ended;
        }
    }
}

fn existing(entries: &impl Entries, rule_id: RuleId) -> Result<&RecurringRule, Refusal> {
    get::recurring_rule(entries, rule_id)?.ok_or_else(|| {
        Refusal::new(
            Code::RecurringRuleNotFound,
            format!("RecurringRule with id {rule_id} not found"),
        )
    })
}

fn in_state(
    entries: &impl Entries,
    rule_id: RuleId,
    allowed: &[RuleStatus],
) -> Result<RecurringRule, Refusal> {
    let rule = existing(entries, rule_id)?;
    if !allowed.contains(&rule.status) {
        let allowed: Vec<_> = allowed.iter().map(|status| status.as_str()).collect();
        return Err(Refusal::new(
            Code::RecurringRuleState,
            format!(
                "rule {rule_id} is {}; this is possible with one that is {} only",
                rule.status,
                allowed.join(" or ")
            ),
        ));
    }
    Ok(rule.clone())
}

/// When the rule runs the period: `None` where there is no such period any more.
fn next_run(schedule: &Schedule, period: i64) -> Option<DateTime<Utc>> {
    let is_left = schedule.repetitions.is_none_or(|count| period < count);
    period::due(schedule, period).filter(|_| is_left)
}

/// What a rule asks for in one action on these bundles.
fn as_action(terms: &RuleTerms, bundle_ids: Vec<BundleId>, amount: Amount) -> ActOnBundles {
    ActOnBundles {
        action_type: terms.action_type,
        source_id: terms.source_id,
        bundle_ids,
        amount,
        target_id: terms.target_id,
        beneficiary: terms.beneficiary.clone(),
        beneficiary_account_id: terms.beneficiary_account_id,
        storage_device_id: None,
        reason: None,
        receiving_registry: None,
        here: String::new(),
        localise_time: terms.localise_time,
    }
}
