//! Each refusal rule, and what each action does, by example.
#![allow(clippy::unwrap_used)]

mod world;

use chrono::TimeDelta;
use ledger::action::MAX_BUNDLES;
use ledger::command::{Amount, IssueBundle, ReadingRow, SubmitReadings};
use ledger::refusal::Place;
use ledger::{Code, Command, Decision, Refusal};
use rust_decimal::Decimal;
use schemas::energy::{EnergyCarrier, EnergySource};
use schemas::id::{AccountId, CertificateId, DeviceId, MetadataId};
use schemas::life_cycle::{ActionType, CertificateStatus, QuantityMode};
use schemas::{WattHours, Watts};
use world::{World, act, at, attributes, code, hours, readings};

fn thousand() -> World {
    let mut world = World::with_accounts();
    world.run(readings(1, hours(0, &[1_000]))).unwrap();
    world
}

fn run(
    world: &mut World,
    action: ActionType,
    source: i64,
    bundles: &[i64],
    amount: Amount,
) -> Result<Decision, Refusal> {
    let mut asked = act(action, source, bundles);
    asked.amount = amount;
    asked.target_id = Some(AccountId(source % 3 + 1));
    let result = world.run(Command::ActOnBundles(asked));
    world.audit();
    result
}

fn quantity(wh: i64) -> Amount {
    Amount::Quantity(WattHours(wh), QuantityMode::PerBundle)
}

fn share(text: &str) -> Amount {
    Amount::Percentage(text.parse::<Decimal>().unwrap(), QuantityMode::PerBundle)
}

#[test]
fn readings_issue_contiguous_ranges_from_one() {
    let mut world = World::with_accounts();
    world.run(readings(1, hours(0, &[10, 0, 15, 20]))).unwrap();
    let ranges: Vec<_> = world
        .bundles()
        .values()
        .map(|bundle| (bundle.start.0, bundle.end.0))
        .collect();
    assert_eq!(ranges, [(1, 10), (11, 25), (26, 45)]);
    world.audit();
}

#[test]
fn a_split_gives_two_ranges_that_partition_the_parent() {
    let mut world = thousand();
    run(&mut world, ActionType::Transfer, 1, &[1], quantity(250)).unwrap();
    assert_eq!(world.status(1), CertificateStatus::BundleSplit);
    let (taken, rest) = (world.bundle(2), world.bundle(3));
    assert_eq!(
        (taken.start.0, taken.end.0, taken.account_id.0),
        (1, 250, 2)
    );
    assert_eq!(
        (rest.start.0, rest.end.0, rest.account_id.0),
        (251, 1_000, 1)
    );
    assert_eq!((world.live_wh(1), world.live_wh(2)), (750, 250));
}

#[test]
fn a_quantity_of_the_bundle_or_more_takes_it_whole() {
    let mut world = thousand();
    run(&mut world, ActionType::Transfer, 1, &[1], quantity(5_000)).unwrap();
    assert_eq!(world.bundle(1).account_id, AccountId(2));
    assert_eq!(world.bundles().len(), 1);
}

#[test]
fn a_share_is_rounded_down_exactly() {
    let mut world = World::with_accounts();
    world.run(readings(1, hours(0, &[100]))).unwrap();
    // 0.57 × 100 is 56 in binary floating point.
    run(&mut world, ActionType::Cancel, 1, &[1], share("0.57")).unwrap();
    assert_eq!(world.bundle(2).quantity(), WattHours(57));
    run(&mut world, ActionType::Cancel, 1, &[3], share("1")).unwrap();
    assert_eq!(world.status(3), CertificateStatus::Cancelled);
}

#[test]
fn a_share_below_one_certificate_is_refused() {
    let mut world = thousand();
    assert_eq!(
        code(run(
            &mut world,
            ActionType::Transfer,
            1,
            &[1],
            share("0.0001")
        )),
        Code::SplitTooSmall
    );
}

#[test]
fn shares_and_quantities_out_of_range_are_refused() {
    let mut world = thousand();
    for amount in [
        quantity(0),
        quantity(-500),
        share("0"),
        share("1.5"),
        share("-0.1"),
        share("0.1234567890123456789"),
    ] {
        assert_eq!(
            code(run(&mut world, ActionType::Cancel, 1, &[1], amount)),
            Code::ValueOutOfRange
        );
    }
    run(
        &mut world,
        ActionType::Cancel,
        1,
        &[1],
        share("0.123456789012345678"),
    )
    .unwrap();
}

#[test]
fn a_total_is_taken_across_the_listed_bundles_in_their_order() {
    let mut world = World::with_accounts();
    world.run(readings(1, hours(0, &[100, 100, 100]))).unwrap();
    let total = |wh| Amount::Quantity(WattHours(wh), QuantityMode::Total);
    assert_eq!(
        code(run(
            &mut world,
            ActionType::Transfer,
            1,
            &[1, 2],
            total(201)
        )),
        Code::QuantityExceedsTotal
    );
    run(&mut world, ActionType::Transfer, 1, &[3, 1, 2], total(150)).unwrap();
    assert_eq!((world.live_wh(1), world.live_wh(2)), (150, 150));
    assert_eq!(world.bundle(3).account_id, AccountId(2));
    assert_eq!(world.bundle(2).account_id, AccountId(1));
}

#[test]
fn one_bad_bundle_changes_nothing_and_is_named() {
    let mut world = thousand();
    let refusal = run(
        &mut world,
        ActionType::Transfer,
        1,
        &[1, 9_999],
        Amount::Whole,
    )
    .unwrap_err();
    assert_eq!(refusal.code, Code::BundleNotFound);
    assert_eq!(
        refusal.errors[0].place,
        Place::Pointer("/granular_certificate_bundle_ids/1".into())
    );
    assert_eq!(world.bundle(1).account_id, AccountId(1));
}

#[test]
fn a_bundle_of_another_account_is_not_found() {
    let mut world = thousand();
    for action in ActionType::ALL {
        if *action != ActionType::Expire {
            assert_eq!(
                code(run(&mut world, *action, 2, &[1], Amount::Whole)),
                Code::BundleNotFound
            );
        }
    }
}

#[test]
fn a_bundle_listed_twice_is_refused() {
    let mut world = thousand();
    assert_eq!(
        code(run(
            &mut world,
            ActionType::Cancel,
            1,
            &[1, 1],
            Amount::Whole
        )),
        Code::BundleRepeated
    );
}

#[test]
fn lists_are_taken_up_to_their_limit() {
    let mut world = thousand();
    let at_limit: Vec<i64> = (1..).take(MAX_BUNDLES).collect();
    assert_eq!(
        code(run(
            &mut world,
            ActionType::Cancel,
            1,
            &at_limit,
            Amount::Whole
        )),
        Code::BundleNotFound
    );
    let above: Vec<i64> = (1..).take(MAX_BUNDLES + 1).collect();
    assert_eq!(
        code(run(
            &mut world,
            ActionType::Cancel,
            1,
            &above,
            Amount::Whole
        )),
        Code::ListTooLong
    );
    assert_eq!(
        code(run(&mut world, ActionType::Cancel, 1, &[], Amount::Whole)),
        Code::ListEmpty
    );
}

#[test]
fn transfer_to_an_account_that_did_not_whitelist_the_source_is_refused() {
    let mut world = thousand();
    let mut asked = act(ActionType::Transfer, 1, &[1]);
    asked.target_id = Some(AccountId(3));
    assert_eq!(
        code(world.run(Command::ActOnBundles(asked.clone()))),
        Code::NotWhitelisted
    );
    asked.target_id = Some(AccountId(99));
    assert_eq!(
        code(world.run(Command::ActOnBundles(asked))),
        Code::AccountNotFound
    );
}

#[test]
fn transfer_of_a_cancelled_bundle_is_refused() {
    let mut world = thousand();
    run(&mut world, ActionType::Cancel, 1, &[1], Amount::Whole).unwrap();
    assert_eq!(
        code(run(
            &mut world,
            ActionType::Transfer,
            1,
            &[1],
            Amount::Whole
        )),
        Code::BundleState
    );
    assert_eq!(
        code(run(&mut world, ActionType::Cancel, 1, &[1], Amount::Whole)),
        Code::BundleState
    );
    assert_eq!(
        code(run(&mut world, ActionType::Reserve, 1, &[1], Amount::Whole)),
        Code::BundleState
    );
}

#[test]
fn a_split_parent_refuses_everything() {
    let mut world = thousand();
    run(&mut world, ActionType::Cancel, 1, &[1], quantity(400)).unwrap();
    for action in ActionType::ALL {
        if *action != ActionType::Expire {
            assert_eq!(
                code(run(&mut world, *action, 1, &[1], Amount::Whole)),
                Code::BundleState
            );
        }
    }
}

#[test]
fn a_claim_is_for_the_recorded_beneficiary_only() {
    let mut world = thousand();
    let mut cancel = act(ActionType::Cancel, 1, &[1]);
    cancel.beneficiary = Some("Acme".into());
    assert_eq!(
        code(run(&mut world, ActionType::Claim, 1, &[1], Amount::Whole)),
        Code::BundleState
    );
    world.run(Command::ActOnBundles(cancel)).unwrap();
    let mut claim = act(ActionType::Claim, 1, &[1]);
    claim.beneficiary = Some("Somebody else".into());
    assert_eq!(
        code(world.run(Command::ActOnBundles(claim.clone()))),
        Code::BeneficiaryMismatch
    );
    claim.beneficiary = Some("Acme".into());
    world.run(Command::ActOnBundles(claim.clone())).unwrap();
    assert_eq!(world.status(1), CertificateStatus::Claimed);
    assert_eq!(
        code(world.run(Command::ActOnBundles(claim))),
        Code::BundleState
    );
}

#[test]
fn a_beneficiary_with_an_account_claims_by_itself() {
    let mut world = thousand();
    let mut cancel = act(ActionType::Cancel, 1, &[1]);
    cancel.beneficiary_account_id = Some(AccountId(3));
    world.run(Command::ActOnBundles(cancel)).unwrap();
    assert_eq!(
        code(run(&mut world, ActionType::Claim, 1, &[1], Amount::Whole)),
        Code::BeneficiaryMismatch
    );
    assert_eq!(
        code(run(&mut world, ActionType::Claim, 2, &[1], Amount::Whole)),
        Code::BundleNotFound
    );
    run(&mut world, ActionType::Claim, 3, &[1], Amount::Whole).unwrap();
    assert_eq!(world.status(1), CertificateStatus::Claimed);
}

#[test]
fn a_cancellation_names_the_holder_where_nobody_else_is_named() {
    let mut world = thousand();
    run(&mut world, ActionType::Cancel, 1, &[1], Amount::Whole).unwrap();
    assert_eq!(world.bundle(1).beneficiary.as_deref(), Some("One"));
}

#[test]
fn lock_refuses_everything_but_unlock_and_withdraw() {
    let mut world = thousand();
    run(&mut world, ActionType::Reserve, 1, &[1], Amount::Whole).unwrap();
    run(&mut world, ActionType::Lock, 1, &[1], Amount::Whole).unwrap();
    for action in [
        ActionType::Transfer,
        ActionType::Cancel,
        ActionType::Claim,
        ActionType::Reserve,
        ActionType::Release,
    ] {
        assert_eq!(
            code(run(&mut world, action, 1, &[1], Amount::Whole)),
            Code::BundleState
        );
    }
    run(&mut world, ActionType::Unlock, 1, &[1], Amount::Whole).unwrap();
    assert_eq!(world.status(1), CertificateStatus::Reserved);
    run(&mut world, ActionType::Release, 1, &[1], Amount::Whole).unwrap();
    assert_eq!(world.status(1), CertificateStatus::Active);
    run(&mut world, ActionType::Lock, 1, &[1], Amount::Whole).unwrap();
    run(&mut world, ActionType::Withdraw, 1, &[1], Amount::Whole).unwrap();
    assert_eq!(world.status(1), CertificateStatus::Withdrawn);
}

#[test]
fn an_expired_bundle_can_not_move() {
    let mut world = thousand();
    assert!(
        run(&mut world, ActionType::Expire, 1, &[1], Amount::Whole)
            .unwrap()
            .events
            .is_empty()
    );
    world.now = world.bundle(1).expiry;
    for action in [
        ActionType::Transfer,
        ActionType::Cancel,
        ActionType::Reserve,
    ] {
        assert_eq!(
            code(run(&mut world, action, 1, &[1], Amount::Whole)),
            Code::BundleExpired
        );
    }
    run(&mut world, ActionType::Expire, 1, &[1, 2], Amount::Whole).unwrap();
    assert_eq!(world.status(1), CertificateStatus::Expired);
    assert_eq!(world.live_wh(1), 0);
}

#[test]
fn the_same_reading_again_changes_nothing() {
    let mut world = thousand();
    let again = world.run(readings(1, hours(0, &[1_000]))).unwrap();
    assert!(again.events.is_empty());
    let submission = again.submission.unwrap();
    assert_eq!(
        (submission.accepted, submission.repeated, submission.total.0),
        (0, 1, 1_000)
    );
}

#[test]
fn a_repeated_row_of_one_submission_counts_once() {
    let mut world = World::with_accounts();
    let mut rows = hours(0, &[7, 8]);
    rows.extend(hours(0, &[7]));
    let submission = world.run(readings(1, rows)).unwrap().submission.unwrap();
    assert_eq!(
        (submission.accepted, submission.repeated, submission.total.0),
        (2, 1, 15)
    );
    world.audit();
}

#[test]
fn another_value_for_an_accepted_interval_is_a_conflict_that_names_both() {
    let mut world = thousand();
    let refusal = world.run(readings(1, hours(0, &[999]))).unwrap_err();
    assert_eq!(refusal.code, Code::ReadingConflict);
    assert!(
        refusal.errors[0].detail.contains("1000 Wh") && refusal.errors[0].detail.contains("999 Wh")
    );
}

#[test]
fn a_late_reading_for_a_skipped_hour_is_issued() {
    let mut world = World::with_accounts();
    world.run(readings(1, hours(5, &[50]))).unwrap();
    world.run(readings(1, hours(2, &[20]))).unwrap();
    let bundle = world.bundle(2);
    assert_eq!((bundle.start.0, bundle.end.0), (51, 70));
    world.audit();
}

#[test]
fn withdrawn_serials_are_never_used_again() {
    let mut world = thousand();
    run(&mut world, ActionType::Withdraw, 1, &[1], Amount::Whole).unwrap();
    assert!(
        world
            .run(readings(1, hours(0, &[1_000])))
            .unwrap()
            .events
            .is_empty()
    );
    world.run(by_hand(1_000, None)).unwrap();
    assert_eq!(
        (world.bundle(2).start.0, world.bundle(2).end.0),
        (1_001, 2_000)
    );
    world.audit();
    assert_eq!(code(world.run(by_hand(1, None))), Code::OverMetered);
}

fn by_hand(wh: i64, start: Option<i64>) -> Command {
    Command::IssueBundle(Box::new(IssueBundle {
        device_id: DeviceId(1),
        account_id: AccountId(1),
        metadata_id: MetadataId(1),
        start: start.map(CertificateId),
        end: None,
        quantity: WattHours(wh),
        production_start: at("2024-01-01T00:00:00Z"),
        production_end: at("2024-01-01T01:00:00Z"),
        energy_source: EnergySource::Wind,
        energy_carrier: EnergyCarrier::Electricity,
        issuance_post_energy_carrier_conversion: false,
        expiry: None,
        emissions_factor_production_device: None,
        emissions_factor_source: None,
    }))
}

#[test]
fn issuing_by_hand_keeps_the_rules_of_an_issuance() {
    let mut world = World::with_accounts();
    world.run(by_hand(600, Some(1))).unwrap();
    world.audit();
    assert_eq!(code(world.run(by_hand(600, Some(600)))), Code::RangeTaken);
    assert_eq!(code(world.run(by_hand(1, None))), Code::OverMetered);
    assert_eq!(code(world.run(by_hand(0, None))), Code::ValueOutOfRange);
    assert_eq!(
        code(world.run(by_hand(11_000_000, None))),
        Code::OverCapacity
    );
}

#[test]
fn capacity_is_a_strict_bound_with_its_margin() {
    let mut world = World::with_accounts();
    assert_eq!(
        first_error(&mut world, hours(0, &[11_000_000])),
        "over_capacity"
    );
    world.run(readings(1, hours(0, &[10_999_999]))).unwrap();
    let mut half = hours(1, &[5_500_000]);
    half[0].end = half[0].start + TimeDelta::minutes(30);
    assert_eq!(first_error(&mut world, half.clone()), "over_capacity");
    half[0].wh = WattHours(5_499_999);
    world.run(readings(1, half)).unwrap();
}

fn first_error(world: &mut World, rows: Vec<ReadingRow>) -> &'static str {
    world.run(readings(1, rows)).unwrap_err().errors[0].code
}

fn row(start: &str, end: &str, wh: i64) -> Vec<ReadingRow> {
    let (start, end) = (at(start), at(end));
    vec![ReadingRow {
        row: 1,
        start,
        end,
        wh: WattHours(wh),
        gross_net_indicator: "NET".into(),
    }]
}

#[test]
fn intervals_off_the_grid_are_refused() {
    let mut world = World::with_accounts();
    let cases = [
        (
            "2024-01-01T01:00:00Z",
            "2024-01-01T01:00:00Z",
            "interval_order",
        ),
        (
            "2024-01-01T02:00:00Z",
            "2024-01-01T01:00:00Z",
            "interval_order",
        ),
        (
            "2024-01-01T00:00:00Z",
            "2024-01-01T02:00:00Z",
            "interval_grid",
        ),
        (
            "2024-01-01T00:00:00Z",
            "2024-01-01T00:25:00Z",
            "interval_grid",
        ),
        (
            "2024-01-01T00:30:00Z",
            "2024-01-01T01:30:00Z",
            "interval_grid",
        ),
        (
            "2024-01-01T00:05:00Z",
            "2024-01-01T00:15:00Z",
            "interval_grid",
        ),
        (
            "2024-01-01T00:00:00.5Z",
            "2024-01-01T00:30:00.5Z",
            "interval_grid",
        ),
        (
            "2019-12-31T23:00:00Z",
            "2020-01-01T00:00:00Z",
            "before_operation",
        ),
        ("2025-06-01T12:00:00Z", "2025-06-01T13:00:00Z", "in_future"),
    ];
    for (start, end, expected) in cases {
        assert_eq!(
            first_error(&mut world, row(start, end, 5)),
            expected,
            "{start} {end}"
        );
    }
    assert_eq!(
        first_error(
            &mut world,
            row("2024-01-01T00:00:00Z", "2024-01-01T01:00:00Z", -5)
        ),
        "negative_amount"
    );
    world
        .run(readings(
            1,
            row("2025-06-01T11:00:00Z", "2025-06-01T12:00:00Z", 5),
        ))
        .unwrap();
}

#[test]
fn overlapping_intervals_are_refused_in_the_file_and_against_the_registry() {
    let mut world = World::with_accounts();
    world
        .run(readings(
            1,
            row("2024-01-01T00:00:00Z", "2024-01-01T00:30:00Z", 5),
        ))
        .unwrap();
    assert_eq!(
        first_error(
            &mut world,
            row("2024-01-01T00:00:00Z", "2024-01-01T01:00:00Z", 9)
        ),
        "reading_overlap"
    );
    assert_eq!(
        first_error(
            &mut world,
            row("2024-01-01T00:15:00Z", "2024-01-01T00:30:00Z", 2)
        ),
        "reading_overlap"
    );
    let mut rows = hours(3, &[10]);
    rows.extend(row("2024-01-01T03:30:00Z", "2024-01-01T04:00:00Z", 5));
    assert_eq!(first_error(&mut world, rows), "reading_overlap");
}

#[test]
fn all_bad_rows_are_reported_at_once_and_nothing_is_stored() {
    let mut world = World::with_accounts();
    let mut rows = hours(0, &[1, -1, 3, 99_000_000]);
    let command = |partial, rows: &Vec<ReadingRow>| {
        Command::SubmitReadings(SubmitReadings {
            device_id: DeviceId(1),
            rows: rows.clone(),
            unreadable: Vec::new(),
            partial,
        })
    };
    let refusal = world.run(command(false, &rows)).unwrap_err();
    assert_eq!(refusal.code, Code::ReadingsRefused);
    let places: Vec<_> = refusal
        .errors
        .iter()
        .map(|error| (error.place.clone(), error.code))
        .collect();
    let cell = |row| Place::Cell {
        row,
        column: "interval_usage",
    };
    assert_eq!(
        places,
        [(cell(2), "negative_amount"), (cell(4), "over_capacity")]
    );
    assert!(world.bundles().is_empty());
    let kept = world.run(command(true, &rows)).unwrap().submission.unwrap();
    assert_eq!((kept.accepted, kept.refused.len()), (2, 2));
    rows.retain(|row| row.wh.0 < 0);
    assert_eq!(code(world.run(command(true, &rows))), Code::ReadingsRefused);
}

#[test]
fn without_issuance_metadata_nothing_is_stored() {
    let mut world = World::with_accounts();
    let mut bare = World::empty();
    bare.entries = world.entries.clone();
    bare.entries
        .retain(|key, _| !matches!(key, ledger::Key::Metadata(_)));
    if let Some(ledger::Entry::Counters(counters)) =
        &mut bare.entries.get_mut(&ledger::Key::Counters).unwrap().entry
    {
        counters.metadata = MetadataId(1);
    }
    assert_eq!(
        code(bare.run(readings(1, hours(0, &[5])))),
        Code::IssuanceMetadataMissing
    );
    world.run(readings(1, hours(0, &[5]))).unwrap();
}

#[test]
fn a_consumption_device_stores_readings_and_issues_nothing() {
    let mut world = World::with_accounts();
    let consumer = schemas::event::device::DeviceAttributes {
        device_type: schemas::energy::DeviceType::Consumption,
        capacity_w: Watts(0),
        peak_demand_w: Watts(5_000),
        ..attributes()
    };
    let register = ledger::command::RegisterDevice {
        account_id: AccountId(1),
        attributes: consumer,
    };
    world.run(Command::RegisterDevice(register)).unwrap();
    world.run(readings(3, hours(0, &[4_000]))).unwrap();
    assert!(world.bundles().is_empty());
    world.audit();
}

#[test]
fn an_account_closes_only_when_nothing_of_value_is_in_it() {
    let mut world = thousand();
    assert_eq!(
        code(world.run(Command::CloseAccount(AccountId(1)))),
        Code::AccountNotEmpty
    );
    world.run(Command::CloseAccount(AccountId(3))).unwrap();
    assert_eq!(
        code(world.run(Command::CloseAccount(AccountId(3)))),
        Code::AccountClosed
    );
    let mut asked = act(ActionType::Transfer, 1, &[1]);
    asked.target_id = Some(AccountId(3));
    assert_eq!(
        code(world.run(Command::ActOnBundles(asked))),
        Code::AccountNotFound
    );
}
