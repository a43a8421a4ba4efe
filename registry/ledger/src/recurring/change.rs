//! Pausing, resuming and ending a rule.

use super::{in_state, next_run};
use crate::account::open_account;
use crate::context::Context;
use crate::decide::Decision;
use crate::entry::RecurringRule;
use crate::key::Key;
use crate::period;
use crate::refusal::Refusal;
use crate::state::{Entries, get};
use schemas::WattHours;
use schemas::event::LedgerEvent;
use schemas::event::recurring::{
    RecurringRuleEnded, RecurringRulePaused, RecurringRuleRan, RecurringRuleResumed,
};
use schemas::id::RuleId;
use schemas::recurring::{EndReason, RuleStatus, RunOutcome};

/// Why periods are passed over, or a run stops halfway.
const PAUSED: &str = "paused";
const ENDED: &str = "ended";

pub(crate) fn needed_to_resume(entries: &impl Entries, rule_id: RuleId, keys: &mut Vec<Key>) {
    keys.push(Key::RecurringRule(rule_id));
    if let Ok(Some(rule)) = get::recurring_rule(entries, rule_id) {
        keys.push(Key::Account(rule.terms.source_id));
    }
}

/// Closes the run that is under way, if there is one: what it has done stands.
fn stopped(rule_id: RuleId, rule: &RecurringRule, reason: &str) -> Option<LedgerEvent> {
    let open = rule.open.as_ref()?;
    let outcome = match open.moved {
        WattHours::ZERO => RunOutcome::Nothing,
        _ => RunOutcome::Partial,
    };
    let ran = RecurringRuleRan {
        rule_id,
        period: rule.next_period,
        periods: open.periods,
        due_at: open.due_at,
        step: open.steps,
        outcome,
        reason: Some(reason.to_owned()),
        wanted_wh: open.wanted,
        moved_wh: open.moved,
        action_ids: open.action_ids.clone(),
        next_run: None,
        ended: None,
        open: None,
    };
    Some(ran.into())
}

/// Keeps an active rule from running.
pub(crate) fn pause(entries: &impl Entries, rule_id: RuleId) -> Result<Decision, Refusal> {
    let rule = in_state(entries, rule_id, &[RuleStatus::Active])?;
    let mut events: Vec<_> = stopped(rule_id, &rule, PAUSED).into_iter().collect();
    events.push(RecurringRulePaused { rule_id }.into());
    Ok(Decision::of(events))
}

/// Ends a rule that has not ended.
pub(crate) fn end(entries: &impl Entries, rule_id: RuleId) -> Result<Decision, Refusal> {
    let rule = in_state(entries, rule_id, &[RuleStatus::Active, RuleStatus::Paused])?;
    let mut events: Vec<_> = stopped(rule_id, &rule, ENDED).into_iter().collect();
    let reason = EndReason::ByHand;
    events.push(RecurringRuleEnded { rule_id, reason }.into());
    Ok(Decision::of(events))
}

/// Lets a paused rule run again, from the first period after now: who paused it wanted none before.
pub(crate) fn resume(
    entries: &impl Entries,
    rule_id: RuleId,
    context: &Context,
) -> Result<Decision, Refusal> {
    let rule = in_state(entries, rule_id, &[RuleStatus::Paused])?;
    open_account(entries, rule.terms.source_id)?;
    let schedule = &rule.terms.schedule;
    let first = rule.next_period;
    let due = period::last_due(schedule, context.now).map_or(0, |last| last + 1);
    let next = due.min(schedule.repetitions.unwrap_or(due)).max(first);
    let next_run = next_run(schedule, next);
    let mut events: Vec<LedgerEvent> = Vec::new();
    if next > first {
        events.push(
            RecurringRuleRan {
                rule_id,
                period: first,
                periods: next - first,
                due_at: period::due(schedule, next - 1).unwrap_or(context.now),
                step: 0,
                outcome: RunOutcome::Skipped,
                reason: Some(PAUSED.to_owned()),
                wanted_wh: WattHours::ZERO,
                moved_wh: WattHours::ZERO,
                action_ids: Vec::new(),
                next_run: None,
                ended: None,
                open: None,
            }
            .into(),
        );
    }
    events.push(match next_run {
        Some(next_run) => RecurringRuleResumed { rule_id, next_run }.into(),
        None => {
            let reason = EndReason::Repetitions;
            RecurringRuleEnded { rule_id, reason }.into()
        }
    });
    Ok(Decision::of(events))
}
