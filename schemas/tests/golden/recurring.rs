//! Samples of recurring rules.

use super::{at, hour};
use rust_decimal::Decimal;
use schemas::WattHours;
use schemas::energy::EnergySource;
use schemas::event::LedgerEvent;
use schemas::event::recurring::{
    BundleRange, OpenRun, RecurringRuleCreated, RecurringRuleEnded, RecurringRulePaused,
    RecurringRuleRan, RecurringRuleResumed, RuleFilter, RuleTerms, Schedule,
};
use schemas::id::{AccountId, ActionId, BundleId, CertificateId, DeviceId, RuleId, UserId};
use schemas::life_cycle::{ActionType, CertificateStatus};
use schemas::recurring::{EndReason, MissedPeriods, PeriodUnit, RunOutcome, Shortfall};

pub fn samples() -> Vec<LedgerEvent> {
    let rule_id = RuleId(2);
    let open = OpenRun {
        matched_wh: WattHours(700),
        after_start: hour().start(),
        after_id: BundleId(7),
        horizon: BundleId(8),
    };
    vec![
        RecurringRuleCreated {
            rule_id,
            user_id: Some(UserId(3)),
            terms: RuleTerms {
                action_type: ActionType::Cancel,
                source_id: AccountId(1),
                target_id: None,
                beneficiary: Some("Acme".into()),
                beneficiary_account_id: Some(AccountId(2)),
                certificate_quantity: None,
                certificate_bundle_percentage: Some(Decimal::new(25, 2)),
                localise_time: true,
                filter: RuleFilter {
                    bundles: vec![BundleRange {
                        bundle_id: BundleId(7),
                        device_id: DeviceId(5),
                        start: CertificateId(1),
                        end: CertificateId(10),
                        interval_start: hour().start(),
                    }],
                    device_ids: vec![DeviceId(5)],
                    energy_sources: vec![EnergySource::Wind],
                    statuses: vec![CertificateStatus::Active, CertificateStatus::Reserved],
                    min_age_s: Some(3_600),
                    max_age_s: Some(86_400),
                },
                schedule: Schedule {
                    start: at("2024-11-30T00:00:00Z"),
                    unit: PeriodUnit::Month,
                    quantity: 1,
                    repetitions: Some(12),
                    missed: MissedPeriods::CatchUp,
                },
                shortfall: Shortfall::Partial,
            },
            next_run: at("2024-11-30T00:00:00Z"),
        }
        .into(),
        RecurringRulePaused { rule_id }.into(),
        RecurringRuleResumed {
            rule_id,
            next_run: at("2024-12-30T00:00:00Z"),
        }
        .into(),
        RecurringRuleEnded {
            rule_id,
            reason: EndReason::ByHand,
        }
        .into(),
        RecurringRuleRan {
            rule_id,
            period: 1,
            periods: 2,
            due_at: at("2024-12-30T00:00:00Z"),
            step: 0,
            outcome: RunOutcome::Ongoing,
            reason: Some("list_too_long".into()),
            wanted_wh: WattHours(900),
            moved_wh: WattHours(700),
            action_ids: vec![ActionId(4)],
            next_run: Some(at("2024-12-30T00:00:00Z")),
            ended: Some(EndReason::Repetitions),
            open: Some(open),
        }
        .into(),
    ]
}
