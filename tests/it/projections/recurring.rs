//! Random commands of recurring rules.

use super::history::History;
use super::random::Random;
use ledger::command::{CreateRule, RunRule};
use ledger::entry::RecurringRule;
use ledger::{Command, Entry, Key};
use schemas::WattHours;
use schemas::energy::EnergySource;
use schemas::id::{AccountId, BundleId, RuleId};
use schemas::life_cycle::{ActionType, CertificateStatus};
use schemas::recurring::{MissedPeriods, PeriodUnit, Shortfall};

/// Creates, changes or runs a rule.
pub fn command(history: &History, accounts: i64, random: &mut Random) -> Command {
    let mut rules: Vec<(RuleId, &RecurringRule)> = history
        .state
        .iter()
        .filter_map(|(key, slot)| match (key, &slot.entry) {
            (Key::RecurringRule(id), Some(Entry::RecurringRule(rule))) => Some((*id, &**rule)),
            _ => None,
        })
        .collect();
    rules.sort_unstable_by_key(|(id, _)| *id);
    match (random.below(8), random.pick(&rules).copied()) {
        (0, Some((rule_id, _))) => Command::PauseRule(rule_id),
        (1, Some((rule_id, _))) => Command::ResumeRule(rule_id),
        (2, Some((rule_id, _))) if random.one_in(3) => Command::EndRule(rule_id),
        (3..8, Some((rule_id, rule))) => run(history, rule_id, rule, random),
        _ => create(accounts, random),
    }
}

fn create(accounts: i64, random: &mut Random) -> Command {
    let source = random.below(accounts);
    let cancels = random.one_in(2);
    let quantity = random
        .one_in(2)
        .then(|| WattHours(1 + random.below(20_000)));
    Command::CreateRule(Box::new(CreateRule {
        action_type: if cancels {
            ActionType::Cancel
        } else {
            ActionType::Transfer
        },
        source_id: AccountId(1 + source),
        target_id: (!cancels).then(|| AccountId(1 + (source + 1) % accounts)),
        beneficiary: cancels.then(|| "Some \"quoted\" B\u{e9}n\u{e9}ficiaire".to_owned()),
        beneficiary_account_id: None,
        certificate_quantity: quantity,
        certificate_bundle_percentage: match quantity {
            None if random.one_in(2) => Some("0.123456789".parse().unwrap()),
            _ => None,
        },
        localise_time: random.one_in(2),
        bundle_ids: Vec::new(),
        device_ids: Vec::new(),
        energy_sources: vec![EnergySource::Wind],
        statuses: vec![CertificateStatus::Active],
        min_age_s: random.one_in(2).then_some(3_600),
        max_age_s: None,
        start: None,
        period_unit: *random.pick(PeriodUnit::ALL).unwrap(),
        period_quantity: 1 + random.below(3),
        repetitions: random.one_in(3).then(|| 1 + random.below(5)),
        missed: *random.pick(MissedPeriods::ALL).unwrap(),
        shortfall: *random.pick(Shortfall::ALL).unwrap(),
    }))
}

fn run(history: &History, rule_id: RuleId, rule: &RecurringRule, random: &mut Random) -> Command {
    let mut candidates: Vec<BundleId> = history
        .state
        .iter()
        .filter_map(|(key, slot)| match (key, &slot.entry) {
            (Key::Bundle(id), Some(Entry::Bundle(bundle)))
                if bundle.account_id == rule.terms.source_id
                    && bundle.status == CertificateStatus::Active =>
            {
                Some(*id)
            }
            _ => None,
        })
        .collect();
    candidates.sort_unstable();
    candidates.truncate(usize::try_from(random.below(12)).unwrap());
    Command::RunRule(RunRule {
        rule_id,
        period: rule.next_period,
        step: rule.open.as_ref().map_or(0, |open| open.steps),
        candidates,
        more: random.one_in(3),
        settle: true,
    })
}
