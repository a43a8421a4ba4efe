//! Running a period of a rule.

use super::{as_action, in_state, next_run};
use crate::action::{MAX_BUNDLES, check_bundle, check_parties, record, share_of};
use crate::command::{Amount, RunRule};
use crate::context::Context;
use crate::decide::Decision;
use crate::entry::{Bundle, RecurringRule};
use crate::key::Key;
use crate::period;
use crate::refusal::{Code, Refusal};
use crate::state::{Entries, get};
use crate::state_machine::transition;
use chrono::{DateTime, Utc};
use rust_decimal::Decimal;
use schemas::WattHours;
use schemas::event::LedgerEvent;
use schemas::event::recurring::{BundleRange, OpenRun, RecurringRuleRan, RuleFilter, Schedule};
use schemas::id::{ActionId, BundleId};
use schemas::interval::rfc3339;
use schemas::life_cycle::QuantityMode;
use schemas::recurring::{EndReason, MissedPeriods, RuleStatus, RunOutcome, Shortfall};
use std::collections::BTreeMap;

pub(crate) fn needed_to_run(entries: &impl Entries, run: &RunRule, keys: &mut Vec<Key>) {
    keys.push(Key::RecurringRule(run.rule_id));
    if let Ok(Some(rule)) = get::recurring_rule(entries, run.rule_id) {
        keys.push(Key::Account(rule.terms.source_id));
        keys.extend(rule.terms.target_id.map(Key::Account));
        keys.extend(rule.terms.beneficiary_account_id.map(Key::Account));
        keys.extend(
            run.candidates
                .iter()
                .take(MAX_BUNDLES)
                .copied()
                .map(Key::Bundle),
        );
    }
}

/// Periods that a run stands for.
#[derive(Debug, Clone, Copy)]
struct Covered {
    period: i64,
    periods: i64,
    due_at: DateTime<Utc>,
}

/// Periods that are due: those to be passed over, and those to be run.
fn due(
    schedule: &Schedule,
    next: i64,
    now: DateTime<Utc>,
) -> Option<(Option<Covered>, Option<Covered>)> {
    let last = period::last_due(schedule, now)?;
    let end = schedule.repetitions.unwrap_or(i64::MAX);
    let covered = |first: i64, behind: i64| {
        Some(Covered {
            period: first,
            periods: behind - first,
            due_at: period::due(schedule, behind - 1)?,
        })
        .filter(|covered| covered.periods > 0)
    };
    let behind = (last + 1).min(end);
    if behind <= next {
        return None;
    }
    Some(match schedule.missed {
        MissedPeriods::CatchUp => (None, covered(next, behind)),
        // A period was missed once the time of the one after it has come.
        MissedPeriods::Skip => {
            let missed = last.min(end).max(next);
            (covered(next, missed), covered(missed, behind))
        }
    })
}

/// Wh that the run which is due, or under way, has yet to act on; `None` for one that wants a share, which
/// depends on what matches.
#[must_use]
pub fn left_to_act_on(rule: &RecurringRule, now: DateTime<Utc>) -> Option<WattHours> {
    let quantity = rule.terms.certificate_quantity?;
    if let Some(so_far) = &rule.open {
        return Some(so_far.wanted - so_far.moved);
    }
    let (_, covered) = due(&rule.terms.schedule, rule.next_period, now)?;
    Some(times(quantity, covered?.periods))
}

/// A quantity once for each period.
const fn times(quantity: WattHours, periods: i64) -> WattHours {
    WattHours(quantity.0.saturating_mul(periods))
}

/// Runs what is due of a rule, or the next step of a run that is under way.
pub(crate) fn run(
    entries: &impl Entries,
    run: &RunRule,
    context: &Context,
) -> Result<Decision, Refusal> {
    let rule = in_state(entries, run.rule_id, &[RuleStatus::Active])?;
    let step = rule.open.as_ref().map_or(0, |open| open.steps);
    if (run.period, run.step) != (rule.next_period, step) {
        return Err(Refusal::new(
            Code::RecurringPeriodDone,
            format!(
                "rule {} is at step {step} of period {}, not at step {} of period {}",
                run.rule_id, rule.next_period, run.step, run.period
            ),
        ));
    }
    let (skipped, covered) = match &rule.open {
        Some(open) => (
            None,
            Some(Covered {
                period: rule.next_period,
                periods: open.periods,
                due_at: open.due_at,
            }),
        ),
        None => due(&rule.terms.schedule, rule.next_period, context.now).ok_or_else(|| {
            let at = rule.next_run.map_or_else(String::new, rfc3339);
            Refusal::new(
                Code::RecurringPeriodNotDue,
                format!(
                    "period {} of rule {} is due at {at}",
                    run.period, run.rule_id
                ),
            )
        })?,
    };
    let mut events = Vec::new();
    if let Some(skipped) = skipped {
        let done = Done {
            outcome: RunOutcome::Skipped,
            ..Done::default()
        };
        events.push(told(run, &rule, skipped, 0, done).into());
    }
    if let Some(covered) = covered {
        let (action, done) = acted(entries, run, &rule, covered, context)?;
        events.extend(action);
        events.push(told(run, &rule, covered, step, done).into());
    }
    Ok(Decision::of(events))
}

/// What a step did of a run.
#[derive(Debug)]
struct Done {
    outcome: RunOutcome,
    reason: Option<String>,
    wanted: WattHours,
    moved: WattHours,
    action_ids: Vec<ActionId>,
    is_last: bool,
    open: Option<OpenRun>,
}

impl Default for Done {
    fn default() -> Self {
        Self {
            outcome: RunOutcome::Nothing,
            reason: None,
            wanted: WattHours::ZERO,
            moved: WattHours::ZERO,
            action_ids: Vec::new(),
            is_last: false,
            open: None,
        }
    }
}

fn told(
    run: &RunRule,
    rule: &RecurringRule,
    covered: Covered,
    step: i64,
    done: Done,
) -> RecurringRuleRan {
    let next = next_run(&rule.terms.schedule, covered.period + covered.periods);
    let (next_run, ended) = match (done.open, done.is_last, next) {
        (Some(_), ..) => (Some(covered.due_at), None),
        (None, true, _) => (None, Some(EndReason::AccountClosed)),
        (None, false, None) => (None, Some(EndReason::Repetitions)),
        (None, false, next) => (next, None),
    };
    RecurringRuleRan {
        rule_id: run.rule_id,
        period: covered.period,
        periods: covered.periods,
        due_at: covered.due_at,
        step,
        outcome: done.outcome,
        reason: done.reason,
        wanted_wh: done.wanted,
        moved_wh: done.moved,
        action_ids: done.action_ids,
        next_run,
        ended,
        open: done.open,
    }
}

/// Order in which bundles are taken: oldest production first.
type Place = (DateTime<Utc>, BundleId);

/// What of the candidates can be acted on, and what can not.
struct Sifted<'e> {
    matching: BTreeMap<Place, &'e Bundle>,
    stale: usize,
    last: Option<Place>,
}

fn sift<'e>(
    entries: &'e impl Entries,
    run: &RunRule,
    rule: &RecurringRule,
    context: &Context,
) -> Result<Sifted<'e>, Refusal> {
    let terms = &rule.terms;
    let (row, act) = (
        transition(terms.action_type),
        as_action(terms, Vec::new(), Amount::Whole),
    );
    let mut sifted = Sifted {
        matching: BTreeMap::new(),
        stale: 0,
        last: None,
    };
    for bundle_id in run.candidates.iter().take(MAX_BUNDLES) {
        if let Some(found) = get::bundle(entries, *bundle_id)? {
            let place = (found.interval.start(), *bundle_id);
            sifted.last = sifted.last.max(Some(place));
        }
        match check_bundle(entries, &act, row, *bundle_id, context)? {
            Ok(bundle)
                if matches(&terms.filter, bundle, context.now)
                    && is_ahead(rule, (bundle.interval.start(), *bundle_id)) =>
            {
                sifted
                    .matching
                    .insert((bundle.interval.start(), *bundle_id), bundle);
            }
            _ => sifted.stale += 1,
        }
    }
    Ok(sifted)
}

/// Whether a run that is under way has yet to look at the bundle.
fn is_ahead(rule: &RecurringRule, place: Place) -> bool {
    rule.open.as_ref().is_none_or(|so_far| {
        let open = so_far.open;
        place > (open.after_start, open.after_id) && place.1 < open.horizon
    })
}

fn matches(filter: &RuleFilter, bundle: &Bundle, now: DateTime<Utc>) -> bool {
    let age_s = (now - bundle.interval.end()).num_seconds();
    let within = |range: &BundleRange| {
        range.device_id == bundle.device_id
            && range.start <= bundle.start
            && bundle.end <= range.end
    };
    filter.statuses.contains(&bundle.status)
        && (filter.device_ids.is_empty() || filter.device_ids.contains(&bundle.device_id))
        && (filter.energy_sources.is_empty()
            || filter.energy_sources.contains(&bundle.energy_source))
        && (filter.bundles.is_empty() || filter.bundles.iter().any(within))
        && filter.min_age_s.is_none_or(|min| age_s >= min)
        && filter.max_age_s.is_none_or(|max| age_s <= max)
}

fn acted(
    entries: &impl Entries,
    run: &RunRule,
    rule: &RecurringRule,
    covered: Covered,
    context: &Context,
) -> Result<(Option<LedgerEvent>, Done), Refusal> {
    let terms = &rule.terms;
    let so_far = rule.open.as_ref();
    let moved = so_far.map_or(WattHours::ZERO, |so_far| so_far.moved);
    let mut action_ids = so_far.map_or_else(Vec::new, |so_far| so_far.action_ids.clone());
    let whole = as_action(terms, Vec::new(), Amount::Whole);
    if let Err(refusal) = check_parties(entries, &whole) {
        return match refusal.code {
            Code::Internal => Err(refusal),
            code => Ok((
                None,
                Done {
                    outcome: if moved > WattHours::ZERO {
                        RunOutcome::Partial
                    } else {
                        RunOutcome::Refused
                    },
                    reason: Some(code.as_str().to_owned()),
                    wanted: so_far.map_or(WattHours::ZERO, |so_far| so_far.wanted),
                    moved,
                    action_ids,
                    // What is not there or closed now was there once, and never opens again.
                    is_last: matches!(code, Code::AccountClosed | Code::AccountNotFound),
                    open: None,
                },
            )),
        };
    }
    let sifted = sift(entries, run, rule, context)?;
    let here: WattHours = sifted
        .matching
        .values()
        .map(|bundle| bundle.quantity())
        .sum();
    let matched = so_far.map_or(WattHours::ZERO, |so_far| so_far.open.matched_wh) + here;
    let (wanted, left) = match terms.certificate_quantity {
        Some(quantity) => {
            let wanted =
                so_far.map_or_else(|| times(quantity, covered.periods), |so_far| so_far.wanted);
            (wanted, (wanted - moved).min(here))
        }
        // The share of all that matched so far, less what was taken of it: rounded down once, however
        // many steps there are.
        None => {
            let share = terms.certificate_bundle_percentage.unwrap_or(Decimal::ONE);
            let wanted = share_of(share, matched);
            (wanted, wanted - moved)
        }
    };
    let is_met = terms.certificate_quantity.is_some() && moved + left == wanted;
    let goes_on = run.more && !is_met;
    let all_or_nothing =
        terms.shortfall == Shortfall::Nothing && terms.certificate_quantity.is_some();
    let looks_again = !run.settle && !is_met && (sifted.stale > 0 || goes_on && all_or_nothing);
    if looks_again || goes_on && sifted.last.is_none() {
        return Err(Refusal::new(
            Code::RecurringCandidatesChanged,
            format!(
                "rule {} is not met by the {} bundles looked up, {} of which can not be acted on any more; \
                 look again",
                run.rule_id,
                run.candidates.len(),
                sifted.stale
            ),
        ));
    }
    // All or nothing means one action, and one action lists so many bundles.
    let too_many = goes_on && all_or_nothing;
    let take = if all_or_nothing && !is_met {
        WattHours::ZERO
    } else {
        left
    };
    let action = action(entries, rule, run, &sifted, take, context)?;
    action_ids.extend(action.as_ref().map(|(id, _)| *id));
    let moved = moved + take;
    let open = match (goes_on && !too_many, sifted.last) {
        (true, Some((after_start, after_id))) => Some(OpenRun {
            matched_wh: matched,
            after_start,
            after_id,
            horizon: match so_far {
                Some(so_far) => so_far.open.horizon,
                None => get::counters(entries)?.bundle,
            },
        }),
        _ => None,
    };
    let outcome = match () {
        () if open.is_some() => RunOutcome::Ongoing,
        () if moved == WattHours::ZERO => RunOutcome::Nothing,
        () if moved == wanted => RunOutcome::Met,
        () => RunOutcome::Partial,
    };
    let done = Done {
        outcome,
        reason: too_many.then(|| Code::ListTooLong.as_str().to_owned()),
        wanted,
        moved,
        action_ids,
        is_last: false,
        open,
    };
    Ok((action.map(|(_, event)| event), done))
}

/// The action that takes so much of what matches, in order.
fn action(
    entries: &impl Entries,
    rule: &RecurringRule,
    run: &RunRule,
    sifted: &Sifted<'_>,
    take: WattHours,
    context: &Context,
) -> Result<Option<(ActionId, LedgerEvent)>, Refusal> {
    let mut left = take;
    let mut taken = Vec::new();
    for ((_, bundle_id), bundle) in &sifted.matching {
        let part = bundle.quantity().min(left);
        if part == WattHours::ZERO {
            break;
        }
        left -= part;
        taken.push(((*bundle_id, *bundle), part));
    }
    if taken.is_empty() {
        return Ok(None);
    }
    let act = as_action(
        &rule.terms,
        Vec::new(),
        Amount::Quantity(take, QuantityMode::Total),
    );
    let mut event = record(entries, &act, &taken, context)?;
    event.rule_id = Some(run.rule_id);
    Ok(Some((event.action_id, event.into())))
}
