//! Rules of recurring actions: what may be created, what a run takes, and that each period runs once.
#![allow(clippy::unwrap_used)]

mod amounts;
mod creation;
mod histories;
mod periods;
#[path = "../world/mod.rs"]
mod world;

use chrono::{DateTime, TimeDelta, Utc};
use ledger::command::{Command, CreateRule, RunRule, UpdateWhitelist};
use ledger::entry::RecurringRule;
use ledger::recurring::{
    MAX_AGE_S, MAX_PERIOD_QUANTITY, MAX_REPETITIONS, MAX_RULE_BUNDLES, MAX_RULE_DEVICES,
    MAX_START_FUTURE, MAX_START_PAST,
};
use ledger::{Code, Decision, Entry, Event, Key};
use proptest::prelude::*;
use rust_decimal::Decimal;
use schemas::WattHours;
use schemas::energy::EnergySource;
use schemas::event::LedgerEvent;
use schemas::event::action::BundleAction;
use schemas::event::recurring::RecurringRuleRan;
use schemas::id::{AccountId, BundleId, DeviceId, RuleId};
use schemas::life_cycle::{ActionType, CertificateStatus};
use schemas::recurring::{EndReason, MissedPeriods, PeriodUnit, RuleStatus, RunOutcome, Shortfall};
use std::collections::BTreeMap;
use world::{World, act, code, hours, readings};

/// Transfers 100 Wh per hour from account 1 to 2, from now on.
fn rule() -> CreateRule {
    CreateRule {
        action_type: ActionType::Transfer,
        source_id: AccountId(1),
        target_id: Some(AccountId(2)),
        beneficiary: None,
        beneficiary_account_id: None,
        certificate_quantity: Some(WattHours(100)),
        certificate_bundle_percentage: None,
        localise_time: true,
        bundle_ids: Vec::new(),
        device_ids: Vec::new(),
        energy_sources: Vec::new(),
        statuses: Vec::new(),
        min_age_s: None,
        max_age_s: None,
        start: None,
        period_unit: PeriodUnit::Hour,
        period_quantity: 1,
        repetitions: None,
        missed: MissedPeriods::CatchUp,
        shortfall: Shortfall::Partial,
    }
}

fn share(percent: i64) -> CreateRule {
    CreateRule {
        certificate_quantity: None,
        certificate_bundle_percentage: Some(Decimal::new(percent, 2)),
        ..rule()
    }
}

/// Account 1 with bundles 1, 2 and so on of these amounts.
fn issued(amounts: &[i64]) -> World {
    let mut world = World::with_accounts();
    world.run(readings(1, hours(0, amounts))).unwrap();
    world
}

fn create(world: &mut World, rule: CreateRule) -> Result<Decision, ledger::Refusal> {
    world.run(Command::CreateRule(Box::new(rule)))
}

fn state(world: &World, id: i64) -> &RecurringRule {
    match &world.entries[&Key::RecurringRule(RuleId(id))].entry {
        Some(Entry::RecurringRule(rule)) => rule,
        other => panic!("rule {id} is {other:?}"),
    }
}

/// Runs what rule 1 is at, on these candidates.
fn run_with(world: &World, candidates: &[i64]) -> RunRule {
    let rule = state(world, 1);
    RunRule {
        rule_id: RuleId(1),
        period: rule.next_period,
        step: rule.open.as_ref().map_or(0, |open| open.steps),
        candidates: candidates.iter().copied().map(BundleId).collect(),
        more: false,
        settle: true,
    }
}

fn run(world: &mut World, candidates: &[i64]) -> RecurringRuleRan {
    let command = run_with(world, candidates);
    last_run(&world.run(Command::RunRule(command)).unwrap())
}

fn runs(decision: &Decision) -> Vec<RecurringRuleRan> {
    let ran = |event: &Event| match event {
        Event::Ledger(LedgerEvent::RecurringRuleRan(ran)) => Some(ran.clone()),
        _ => None,
    };
    decision.events.iter().filter_map(ran).collect()
}

fn last_run(decision: &Decision) -> RecurringRuleRan {
    runs(decision).pop().unwrap()
}

fn actions(world: &World) -> Vec<&BundleAction> {
    let acted = |event| match event {
        &Event::Ledger(LedgerEvent::BundlesActed(ref action)) => Some(action),
        _ => None,
    };
    world.events.iter().filter_map(acted).collect()
}
