//! What becomes of readings, and each rule that refuses one.
#![allow(clippy::unwrap_used)]

mod world;

use chrono::TimeDelta;
use ledger::command::{ReadingRow, SubmitReadings};
use ledger::refusal::Place;
use ledger::{Code, Command};
use schemas::id::{AccountId, CertificateId, DeviceId, MetadataId};
use schemas::life_cycle::ActionType;
use schemas::{WattHours, Watts};
use world::{World, act, at, attributes, code, hour, hours, readings};

fn thousand() -> World {
    let mut world = World::with_accounts();
    world.run(readings(1, hours(0, &[1_000]))).unwrap();
    world
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
    world
        .run(Command::ActOnBundles(act(ActionType::Withdraw, 1, &[1])))
        .unwrap();
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
    match world::by_hand(1, hour(0), wh) {
        Command::IssueBundle(mut issue) => {
            issue.start = start.map(CertificateId);
            Command::IssueBundle(issue)
        }
        other => other,
    }
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
        meter_identifier: None,
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
            issue: true,
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
