//! Creating a rule.

use super::{as_action, next_run};
use crate::action::{check_amount, check_parties, check_texts, text};
use crate::command::{Amount, CreateRule};
use crate::context::Context;
use crate::key::Key;
use crate::refusal::{Code, Refusal};
use crate::state::{Entries, get};
use crate::state_machine::transition;
use chrono::{DateTime, TimeDelta, Utc};
use schemas::event::LedgerEvent;
use schemas::event::recurring::{
    BundleRange, RecurringRuleCreated, RuleFilter, RuleTerms, Schedule,
};
use schemas::id::{BundleId, DeviceId};
use schemas::interval::rfc3339;
use schemas::life_cycle::{ActionType, CertificateStatus, QuantityMode};
use std::collections::HashSet;
use std::hash::Hash;
use std::ops::RangeInclusive;

/// Most units a period may have.
pub const MAX_PERIOD_QUANTITY: i64 = 1_000;
/// Most periods a rule may be limited to: more than ten years of hours.
pub const MAX_REPETITIONS: i64 = 100_000;
/// How far back a rule may begin: a year that is to be caught up.
pub const MAX_START_PAST: TimeDelta = TimeDelta::days(366);
/// How far ahead a rule may begin.
pub const MAX_START_FUTURE: TimeDelta = TimeDelta::days(3_653);
/// Most bundles a rule may be restricted to by name.
pub const MAX_RULE_BUNDLES: usize = 1_000;
/// Most devices a rule may be restricted to.
pub const MAX_RULE_DEVICES: usize = 1_000;
/// Longest age, in seconds, that a rule may ask for: a century.
pub const MAX_AGE_S: i64 = 36_525 * 86_400;

pub(crate) fn needed_to_create(create: &CreateRule, keys: &mut Vec<Key>) {
    keys.push(Key::Account(create.source_id));
    keys.extend(create.target_id.map(Key::Account));
    keys.extend(create.beneficiary_account_id.map(Key::Account));
    // Longer lists are refused whatever they name.
    keys.extend(
        create
            .device_ids
            .iter()
            .take(MAX_RULE_DEVICES)
            .copied()
            .map(Key::Device),
    );
    keys.extend(
        create
            .bundle_ids
            .iter()
            .take(MAX_RULE_BUNDLES)
            .copied()
            .map(Key::Bundle),
    );
}

/// Creates a rule, with the checks of an action as far as they concern no bundle.
pub(crate) fn create(
    entries: &impl Entries,
    create: &CreateRule,
    context: &Context,
) -> Result<LedgerEvent, Refusal> {
    if !matches!(
        create.action_type,
        ActionType::Transfer | ActionType::Cancel
    ) {
        return Err(out_of_range(
            "action_type",
            format!(
                "a rule transfers or cancels; it can not {}",
                create.action_type
            ),
        ));
    }
    let amount = amount(create)?;
    let schedule = schedule(create, context.now)?;
    let terms = RuleTerms {
        action_type: create.action_type,
        source_id: create.source_id,
        target_id: create
            .target_id
            .filter(|_| create.action_type == ActionType::Transfer),
        beneficiary: text(create.beneficiary.as_deref())
            .filter(|_| create.action_type == ActionType::Cancel)
            .map(str::to_owned),
        beneficiary_account_id: create
            .beneficiary_account_id
            .filter(|_| create.action_type == ActionType::Cancel),
        certificate_quantity: create.certificate_quantity,
        certificate_bundle_percentage: create.certificate_bundle_percentage,
        localise_time: create.localise_time,
        filter: filter(entries, create)?,
        schedule,
        shortfall: create.shortfall,
    };
    let act = as_action(&terms, Vec::new(), amount);
    check_texts(&act)?;
    check_parties(entries, &act)?;
    check_amount(&act)?;
    // The start is at most ten years ahead, so period 0 lies within what can be written.
    let first = next_run(&schedule, 0).unwrap_or(schedule.start);
    Ok(RecurringRuleCreated {
        rule_id: get::counters(entries)?.rule,
        user_id: context.actor.user_id(),
        terms,
        next_run: first,
    }
    .into())
}

fn out_of_range(field: &str, detail: String) -> Refusal {
    Refusal::new(Code::ValueOutOfRange, detail).at(format!("/{field}"))
}

fn amount(create: &CreateRule) -> Result<Amount, Refusal> {
    match (
        create.certificate_quantity,
        create.certificate_bundle_percentage,
    ) {
        (Some(_), Some(_)) => Err(Refusal::new(
            Code::QuantityAndPercentage,
            "Can only pass one of `certificate_quantity` or `certificate_bundle_percentage`.",
        )
        .at("/certificate_bundle_percentage")),
        (Some(wh), None) => Ok(Amount::Quantity(wh, QuantityMode::Total)),
        (None, Some(share)) => Ok(Amount::Percentage(share, QuantityMode::Total)),
        (None, None) => Ok(Amount::Whole),
    }
}

fn within(field: &str, value: i64, allowed: RangeInclusive<i64>) -> Result<i64, Refusal> {
    if allowed.contains(&value) {
        return Ok(value);
    }
    let (low, high) = allowed.into_inner();
    Err(out_of_range(
        field,
        format!("{field} must be {low} to {high}, not {value}"),
    ))
}

fn schedule(create: &CreateRule, now: DateTime<Utc>) -> Result<Schedule, Refusal> {
    let quantity = within(
        "recurring_period_quantity",
        create.period_quantity,
        1..=MAX_PERIOD_QUANTITY,
    )?;
    let repetitions = create
        .repetitions
        .map(|count| within("number_of_recurring_actions", count, 1..=MAX_REPETITIONS))
        .transpose()?;
    let start = create.start.unwrap_or(now);
    if start < now - MAX_START_PAST || start > now + MAX_START_FUTURE {
        return Err(Refusal::new(
            Code::RecurringStart,
            format!(
                "a rule begins at most {} days ago and {} days ahead; {} is neither",
                MAX_START_PAST.num_days(),
                MAX_START_FUTURE.num_days(),
                rfc3339(start)
            ),
        )
        .at("/initial_action_datetime"));
    }
    Ok(Schedule {
        start,
        unit: create.period_unit,
        quantity: u32::try_from(quantity).unwrap_or(1),
        repetitions,
        missed: create.missed,
    })
}

/// Each once, in the order given.
fn once<T: Copy + Eq + Hash>(listed: &[T]) -> Vec<T> {
    let mut seen = HashSet::new();
    listed
        .iter()
        .copied()
        .filter(|one| seen.insert(*one))
        .collect()
}

fn filter(entries: &impl Entries, create: &CreateRule) -> Result<RuleFilter, Refusal> {
    let device_ids = once(&create.device_ids);
    if create.device_ids.len() > MAX_RULE_DEVICES {
        return Err(Refusal::new(
            Code::ListTooLong,
            format!("a rule names at most {MAX_RULE_DEVICES} devices"),
        )
        .at("/device_ids"));
    }
    for (index, device_id) in create.device_ids.iter().enumerate() {
        device_exists(entries, *device_id)
            .map_err(|refusal| refusal.at(format!("/device_ids/{index}")))?;
    }
    let (min_age_s, max_age_s) = (
        age("min_age_s", create.min_age_s)?,
        age("max_age_s", create.max_age_s)?,
    );
    if let (Some(min), Some(max)) = (min_age_s, max_age_s)
        && min > max
    {
        return Err(out_of_range(
            "max_age_s",
            format!(
                "max_age_s is {max}, less than min_age_s with {min}: no bundle is ever of such an age"
            ),
        ));
    }
    Ok(RuleFilter {
        bundles: ranges(entries, create)?,
        device_ids,
        energy_sources: once(&create.energy_sources),
        statuses: statuses(create)?,
        min_age_s,
        max_age_s,
    })
}

fn age(field: &str, age_s: Option<i64>) -> Result<Option<i64>, Refusal> {
    age_s
        .map(|age_s| within(field, age_s, 0..=MAX_AGE_S))
        .transpose()
}

fn device_exists(entries: &impl Entries, device_id: DeviceId) -> Result<(), Refusal> {
    match get::device(entries, device_id)? {
        Some(_) => Ok(()),
        None => Err(Refusal::new(
            Code::DeviceNotFound,
            format!("Device with id {device_id} not found"),
        )),
    }
}

fn statuses(create: &CreateRule) -> Result<Vec<CertificateStatus>, Refusal> {
    if create.statuses.is_empty() {
        return Ok(vec![CertificateStatus::Active]);
    }
    let allowed = transition(create.action_type).from;
    match create
        .statuses
        .iter()
        .position(|status| !allowed.contains(status))
    {
        Some(index) => {
            let words: Vec<_> = allowed.iter().map(|status| status.as_str()).collect();
            Err(out_of_range(
                &format!("certificate_bundle_statuses/{index}"),
                format!(
                    "a {} takes bundles that are {}, not {}",
                    create.action_type,
                    words.join(" or "),
                    create.statuses[index]
                ),
            ))
        }
        None => Ok(once(&create.statuses)),
    }
}

/// The certificates of the bundles named. Ids end with the next split, certificates do not.
fn ranges(entries: &impl Entries, create: &CreateRule) -> Result<Vec<BundleRange>, Refusal> {
    const LIST: &str = "/granular_certificate_bundle_ids";
    if create.bundle_ids.len() > MAX_RULE_BUNDLES {
        return Err(Refusal::new(
            Code::ListTooLong,
            format!(
                "a rule names at most {MAX_RULE_BUNDLES} bundles; describe more of them by device, source or age"
            ),
        )
        .at(LIST));
    }
    let mut seen = HashSet::new();
    let range = |(index, bundle_id): (usize, &BundleId)| {
        let refuse = |code, detail| Err(Refusal::new(code, detail).at(format!("{LIST}/{index}")));
        if !seen.insert(*bundle_id) {
            return refuse(
                Code::BundleRepeated,
                format!("bundle {bundle_id} is listed twice"),
            );
        }
        let held = get::bundle(entries, *bundle_id)?
            .filter(|bundle| bundle.account_id == create.source_id);
        let Some(bundle) = held else {
            return refuse(
                Code::BundleNotFound,
                format!(
                    "account {} holds no certificate bundle with id {bundle_id}",
                    create.source_id
                ),
            );
        };
        if !bundle.status.is_live() {
            return refuse(
                Code::BundleState,
                format!(
                    "bundle {bundle_id} is {}: no rule ever acts on it",
                    bundle.status
                ),
            );
        }
        Ok(BundleRange {
            bundle_id: *bundle_id,
            device_id: bundle.device_id,
            start: bundle.start,
            end: bundle.end,
            interval_start: bundle.interval.start(),
        })
    };
    create.bundle_ids.iter().enumerate().map(range).collect()
}
