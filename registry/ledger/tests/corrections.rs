//! What becomes of a reading that gets another value, and of its certificates.
#![allow(clippy::unwrap_used)]

mod world;

use ledger::action::MAX_BUNDLES;
use ledger::command::Amount;
use ledger::refusal::Place;
use ledger::{Code, Command, Event};
use schemas::event::LedgerEvent;
use schemas::event::reading::ReadingCorrected;
use schemas::id::{AccountId, BundleId, MeasurementId};
use schemas::life_cycle::{ActionType, CertificateStatus, QuantityMode, Settle};
use schemas::{WattHours, event::reading::DebtPaid};
use world::{World, act, by_hand, code, hour, hours, readings, request, unissued};

/// One reading of 100 Wh, issued as bundle 1.
fn hundred() -> World {
    let mut world = World::with_accounts();
    world.run(readings(1, hours(0, &[100]))).unwrap();
    world
}

fn part(world: &mut World, action: ActionType, bundle: i64, wh: i64) {
    let mut asked = act(action, 1, &[bundle]);
    asked.amount = Amount::Quantity(WattHours(wh), QuantityMode::PerBundle);
    asked.target_id = Some(AccountId(2));
    world.run(Command::ActOnBundles(asked)).unwrap();
}

fn corrected(events: &[Event]) -> &ReadingCorrected {
    let found = events.iter().find_map(|event| match event {
        Event::Ledger(LedgerEvent::ReadingCorrected(event)) => Some(event),
        _ => None,
    });
    found.expect("a correction")
}

fn paid(events: &[Event]) -> Option<&DebtPaid> {
    events.iter().find_map(|event| match event {
        Event::Ledger(LedgerEvent::DebtPaid(event)) => Some(event),
        _ => None,
    })
}

fn ranges(world: &World, status: CertificateStatus) -> Vec<(i64, i64)> {
    let bundles = world.bundles();
    let of_status = bundles.values().filter(|bundle| bundle.status == status);
    of_status
        .map(|bundle| (bundle.start.0, bundle.end.0))
        .collect()
}

#[test]
fn a_lower_value_withdraws_and_issues_the_rest_anew_with_new_serials() {
    let mut world = hundred();
    let decision = world.correct(1, 0, 60, Settle::Now).unwrap();
    assert_eq!(world.status(1), CertificateStatus::Withdrawn);
    assert_eq!(ranges(&world, CertificateStatus::Active), [(101, 160)]);
    let event = corrected(&decision.events);
    assert_eq!((event.previous_wh.0, event.wh.0), (100, 60));
    assert_eq!(event.replaced, [BundleId(1)]);
    assert_eq!(event.reissued, Some(BundleId(2)));
    assert_eq!(world.bundle(2).expiry, world.bundle(1).expiry);
    assert_eq!(world.live_wh(1), 60);
    assert_eq!(world.reading(1, 0).unissued(), WattHours::ZERO);
    world.audit();
}

#[test]
fn a_lower_value_takes_as_few_bundles_as_suffice_the_largest_first() {
    let mut world = hundred();
    // 1 -> 2 (50) and 3 (50); 3 -> 4 (20) and 5 (30).
    part(&mut world, ActionType::Reserve, 1, 50);
    world
        .run(Command::ActOnBundles(act(ActionType::Release, 1, &[2])))
        .unwrap();
    part(&mut world, ActionType::Reserve, 3, 20);
    world
        .run(Command::ActOnBundles(act(ActionType::Release, 1, &[4])))
        .unwrap();
    let decision = world.correct(1, 0, 45, Settle::Now).unwrap();
    let event = corrected(&decision.events);
    assert_eq!(event.replaced, [BundleId(2), BundleId(5)]);
    assert_eq!(world.bundle(6).quantity(), WattHours(25));
    assert_eq!(world.status(4), CertificateStatus::Active);
    world.audit();
}

#[test]
fn a_value_that_takes_whole_bundles_issues_nothing_anew() {
    let mut world = hundred();
    let decision = world.correct(1, 0, 0, Settle::Now).unwrap();
    assert_eq!(corrected(&decision.events).reissued, None);
    assert_eq!(world.live_wh(1), 0);
    world.audit();
}

#[test]
fn a_correction_is_blocked_by_bundles_that_can_not_be_taken_back_which_it_names() {
    let mut world = hundred();
    part(&mut world, ActionType::Cancel, 1, 70);
    part(&mut world, ActionType::Transfer, 3, 10);
    let before = world.events.len();
    let refusal = world.correct(1, 0, 60, Settle::Now).unwrap_err();
    assert_eq!(refusal.code, Code::CorrectionBlocked);
    let named: Vec<_> = refusal
        .errors
        .iter()
        .map(|error| (error.place.clone(), error.detail.as_str()))
        .collect();
    assert_eq!(
        named,
        [
            (
                Place::Bundle(BundleId(2)),
                "bundle 2 with 70 Wh is Cancelled"
            ),
            (
                Place::Bundle(BundleId(4)),
                "bundle 4 with 10 Wh is Active in another account"
            ),
        ]
    );
    assert_eq!(world.events.len(), before);
    world.correct(1, 0, 80, Settle::Now).unwrap();
    world.audit();
}

#[test]
fn expired_and_reserved_bundles_are_not_taken_back() {
    let mut world = hundred();
    part(&mut world, ActionType::Reserve, 1, 40);
    assert_eq!(
        code(world.correct(1, 0, 30, Settle::Now)),
        Code::CorrectionBlocked
    );
    world.now += chrono::TimeDelta::days(800);
    let refusal = world.correct(1, 0, 90, Settle::Now).unwrap_err();
    assert_eq!(refusal.code, Code::CorrectionBlocked);
    assert!(refusal.errors[1].detail.contains("expired at"));
}

#[test]
fn what_can_not_be_taken_back_becomes_a_debt_that_the_next_issuance_pays_first() {
    let mut world = hundred();
    part(&mut world, ActionType::Cancel, 1, 70);
    let decision = world.correct(1, 0, 20, Settle::Later).unwrap();
    let event = corrected(&decision.events);
    assert_eq!((event.debt.0, event.excess.0), (50, 50));
    assert_eq!(event.replaced, [BundleId(3)]);
    assert_eq!(world.device(1).debt, WattHours(50));
    world.audit();
    // The oldest interval pays first, whole, and nothing is issued for it.
    let decision = world.run(readings(1, hours(5, &[30, 40, 7]))).unwrap();
    let parts = &paid(&decision.events).unwrap().parts;
    let wh: Vec<_> = parts.iter().map(|part| part.wh.0).collect();
    assert_eq!(wh, [30, 20]);
    assert_eq!(world.device(1).debt, WattHours::ZERO);
    assert_eq!(
        ranges(&world, CertificateStatus::Active),
        [(101, 120), (121, 127)]
    );
    assert_eq!(world.reading(1, 5).paid(), WattHours(30));
    world.audit();
    assert!(paid(&world.run(readings(1, hours(9, &[5]))).unwrap().events).is_none());
}

#[test]
fn a_higher_value_pays_the_debt_and_issues_the_difference() {
    let mut world = hundred();
    part(&mut world, ActionType::Cancel, 1, 100);
    world.correct(1, 0, 60, Settle::Later).unwrap();
    let decision = world.correct(1, 0, 90, Settle::Now).unwrap();
    let event = corrected(&decision.events);
    assert_eq!((event.paid.0, event.issued), (30, None));
    assert_eq!(world.device(1).debt, WattHours(10));
    let decision = world.correct(1, 0, 150, Settle::Now).unwrap();
    let event = corrected(&decision.events);
    assert_eq!((event.paid.0, event.issued), (10, Some(BundleId(2))));
    assert_eq!(world.bundle(2).quantity(), WattHours(50));
    world.audit();
}

#[test]
fn a_higher_value_of_an_unissued_reading_waits_with_it() {
    let mut world = World::with_accounts();
    world.run(unissued(1, hours(0, &[100]))).unwrap();
    world.correct(1, 0, 130, Settle::Now).unwrap();
    assert!(world.bundles().is_empty());
    world.correct(1, 0, 110, Settle::Now).unwrap();
    world.run(Command::IssueReadings(request(1, 0, 1))).unwrap();
    assert_eq!(world.bundle(1).quantity(), WattHours(110));
    world.audit();
}

#[test]
fn the_same_value_again_changes_nothing() {
    let mut world = hundred();
    let decision = world.correct(1, 0, 100, Settle::Now).unwrap();
    assert!(decision.events.is_empty());
}

#[test]
fn a_corrected_value_keeps_the_rules_of_a_reading() {
    let mut world = hundred();
    assert_eq!(
        code(world.correct(1, 0, -1, Settle::Now)),
        Code::NegativeAmount
    );
    assert_eq!(
        code(world.correct(1, 0, 11_000_000, Settle::Now)),
        Code::OverCapacity
    );
    world.correct(1, 0, 10_999_999, Settle::Now).unwrap();
    world.audit();
}

#[test]
fn a_correction_needs_a_reason() {
    let mut world = hundred();
    for (reason, refused) in [
        (String::new(), true),
        (" \t".to_owned(), true),
        ("x".repeat(501), true),
        ("x".repeat(500), false),
    ] {
        let mut correction = world.correction(1, 0, 90, Settle::Now);
        correction.reason = reason;
        correction.dry_run = true;
        let decided = world.run(Command::CorrectReading(correction));
        if refused {
            assert_eq!(code(decided), Code::ValueOutOfRange);
        } else {
            decided.unwrap();
        }
    }
}

#[test]
fn a_reading_that_does_not_stand_can_not_be_corrected() {
    let mut world = hundred();
    let mut correction = world.correction(1, 0, 90, Settle::Now);
    correction.measurement.measurement_id = MeasurementId(99);
    assert_eq!(
        code(world.run(Command::CorrectReading(correction))),
        Code::MeasurementNotFound
    );
}

#[test]
fn a_correction_that_does_not_know_all_bundles_is_asked_to_look_again() {
    let mut world = hundred();
    let correction = world.correction(1, 0, 10, Settle::Later);
    // Split in the meantime: bundle 3 could be taken back.
    part(&mut world, ActionType::Transfer, 1, 20);
    assert_eq!(
        code(world.run(Command::CorrectReading(correction))),
        Code::BundlesChanged
    );
    world.correct(1, 0, 10, Settle::Later).unwrap();
    assert_eq!(world.device(1).debt, WattHours(10));
    world.audit();
}

#[test]
fn a_correction_looks_at_a_limited_number_of_bundles() {
    let mut world = hundred();
    let limit = i64::try_from(MAX_BUNDLES).unwrap();
    let mut correction = world.correction(1, 0, 90, Settle::Now);
    correction.dry_run = true;
    correction.candidates = (1..=limit).map(BundleId).collect();
    world
        .run(Command::CorrectReading(correction.clone()))
        .unwrap();
    correction.candidates.push(BundleId(limit + 1));
    assert_eq!(
        code(world.run(Command::CorrectReading(correction))),
        Code::ListTooLong
    );
}

#[test]
fn bundles_of_other_readings_are_passed_over() {
    let mut world = hundred();
    world.run(readings(1, hours(1, &[500]))).unwrap();
    world.run(readings(2, hours(0, &[500]))).unwrap();
    let mut correction = world.correction(1, 0, 60, Settle::Now);
    correction.candidates = vec![BundleId(3), BundleId(2), BundleId(1), BundleId(1)];
    world.run(Command::CorrectReading(correction)).unwrap();
    assert_eq!(world.status(2), CertificateStatus::Active);
    assert_eq!(world.status(3), CertificateStatus::Active);
    world.audit();
}

#[test]
fn a_dry_run_of_a_correction_says_what_follows_and_does_nothing() {
    let mut world = hundred();
    let mut correction = world.correction(1, 0, 60, Settle::Now);
    correction.dry_run = true;
    let before = world.events.len();
    let asked = world
        .run(Command::CorrectReading(correction.clone()))
        .unwrap();
    assert_eq!(world.events.len(), before);
    correction.dry_run = false;
    let done = world.run(Command::CorrectReading(correction)).unwrap();
    assert_eq!(asked.proposed, done.events);
}

#[test]
fn corrections_down_and_up_do_not_issue_what_the_issuing_body_withdrew() {
    let mut world = hundred();
    part(&mut world, ActionType::Withdraw, 1, 60);
    world.correct(1, 0, 30, Settle::Now).unwrap();
    world.correct(1, 0, 100, Settle::Now).unwrap();
    assert_eq!(world.live_wh(1), 40, "60 of 100 stay withdrawn");
    assert_eq!(world.reading(1, 0).withdrawn(), WattHours(60));
    world.audit();
    world.correct(1, 0, 120, Settle::Now).unwrap();
    assert_eq!(world.live_wh(1), 60);
    world.audit();
}

#[test]
fn a_bundle_issued_by_hand_pays_the_debt_out_of_its_quantity() {
    let mut world = hundred();
    part(&mut world, ActionType::Cancel, 1, 100);
    world.correct(1, 0, 60, Settle::Later).unwrap();
    let interval = hour(7);
    assert_eq!(
        code(world.run(by_hand(1, interval, 40))),
        Code::DeviceInDebt
    );
    world.run(by_hand(1, interval, 55)).unwrap();
    assert_eq!(world.bundle(2).quantity(), WattHours(15));
    assert_eq!(world.device(1).debt, WattHours::ZERO);
    world.audit();
}

#[test]
fn a_reading_that_pays_or_is_paid_for_is_not_taken_back() {
    let mut world = hundred();
    part(&mut world, ActionType::Cancel, 1, 100);
    world.correct(1, 0, 60, Settle::Later).unwrap();
    world.run(readings(1, hours(3, &[10]))).unwrap();
    let paying = world.correction(1, 3, 0, Settle::Now).measurement;
    assert_eq!(
        code(world.run(Command::WithdrawMeasurement(paying))),
        Code::MeasurementIssued
    );
}
