//! Several meters of one device.
#![allow(clippy::unwrap_used)]

mod world;

use chrono::TimeDelta;
use ledger::command::{IssueReadings, UpdateMeter};
use ledger::meter::MAX_METERS;
use ledger::{Code, Command};
use schemas::WattHours;
use schemas::id::{DeviceId, MeterId};
use schemas::life_cycle::{ActionType, Settle};
use world::{World, act, by_hand, code, hour, hours, hours_of, readings, request, unissued};

fn metered() -> World {
    let mut world = World::with_accounts();
    world.register_meter(1, "M").unwrap();
    world
}

fn first_error(world: &mut World, rows: Vec<ledger::command::ReadingRow>) -> &'static str {
    world.run(readings(1, rows)).unwrap_err().errors[0].code
}

#[test]
fn each_meter_has_its_own_intervals_and_the_device_one_row_of_serials() {
    let mut world = metered();
    let mut rows = hours(0, &[10, 20]);
    rows.extend(hours_of("M", 0, &[30, 40]));
    for (number, row) in (1..).zip(&mut rows) {
        row.row = number;
    }
    world.run(readings(1, rows)).unwrap();
    let bundles = world.bundles();
    let found: Vec<_> = bundles
        .values()
        .map(|bundle| (bundle.meter_id, bundle.start.0, bundle.end.0))
        .collect();
    let m = MeterId::new(1);
    assert_eq!(
        found,
        [(None, 1, 10), (None, 11, 30), (m, 31, 60), (m, 61, 100)]
    );
    world.audit();
    let again = world.run(readings(1, hours_of("M", 0, &[30]))).unwrap();
    assert_eq!(again.submission.unwrap().repeated, 1);
    assert_eq!(
        first_error(&mut world, hours_of("M", 0, &[31])),
        "reading_conflict"
    );
}

#[test]
fn a_withdrawal_finds_the_meter_of_a_bundle() {
    let mut world = metered();
    world.run(readings(1, hours(0, &[10]))).unwrap();
    world.run(readings(1, hours_of("M", 0, &[30]))).unwrap();
    world
        .run(Command::ActOnBundles(act(ActionType::Withdraw, 1, &[2])))
        .unwrap();
    let of_meter = &world.readings()[&(DeviceId(1), MeterId::new(1), hour(0).start())];
    assert_eq!(of_meter.withdrawn(), WattHours(30));
    world.audit();
}

#[test]
fn capacity_limits_what_all_meters_counted_together() {
    let mut world = metered();
    world.run(readings(1, hours(0, &[6_000_000]))).unwrap();
    assert_eq!(
        first_error(&mut world, hours_of("M", 0, &[5_000_000])),
        "over_capacity"
    );
    world
        .run(readings(1, hours_of("M", 0, &[4_999_999])))
        .unwrap();
    // The rows of one submission count for each other.
    let mut rows = hours(1, &[6_000_000]);
    rows.extend(hours_of("M", 1, &[5_000_000]));
    assert_eq!(first_error(&mut world, rows), "over_capacity");
    // A quarter of the hour may have all of it, unless another meter says otherwise.
    let mut quarter = hours_of("M", 2, &[2_700_000]);
    quarter[0].end = quarter[0].start + TimeDelta::minutes(15);
    world.run(readings(1, quarter)).unwrap();
    assert_eq!(
        first_error(&mut world, hours(2, &[8_300_000])),
        "over_capacity"
    );
    world.run(readings(1, hours(2, &[8_299_999]))).unwrap();
    world.audit();
}

#[test]
fn a_correction_and_an_issuance_by_hand_count_with_the_other_meters() {
    let mut world = metered();
    world
        .run(readings(1, hours_of("M", 0, &[6_000_000])))
        .unwrap();
    world.run(readings(1, hours(0, &[1_000_000]))).unwrap();
    assert_eq!(
        code(world.correct(1, 0, 5_000_000, Settle::Now)),
        Code::OverCapacity
    );
    world.correct(1, 0, 4_999_999, Settle::Now).unwrap();
    world
        .run(readings(1, hours_of("M", 5, &[6_000_000])))
        .unwrap();
    assert_eq!(
        code(world.run(by_hand(1, hour(5), 5_000_000))),
        Code::OverCapacity
    );
    world.run(by_hand(1, hour(5), 4_999_999)).unwrap();
    world.audit();
}

#[test]
fn readings_of_an_unknown_or_inactive_meter_are_refused() {
    let mut world = metered();
    assert_eq!(
        first_error(&mut world, hours_of("N", 0, &[1])),
        "meter_not_found"
    );
    world.run(unissued(1, hours_of("M", 0, &[5]))).unwrap();
    let update = |is_active| {
        Command::UpdateMeter(UpdateMeter {
            device_id: DeviceId(1),
            identifier: "M".into(),
            is_active,
        })
    };
    world.run(update(false)).unwrap();
    assert!(world.run(update(false)).unwrap().events.is_empty());
    assert_eq!(
        first_error(&mut world, hours_of("M", 1, &[1])),
        "meter_inactive"
    );
    // What it counted before is still there to be issued.
    let only = |identifier: &str| {
        Command::IssueReadings(IssueReadings {
            meter_identifier: Some(identifier.into()),
            ..request(1, 0, 24)
        })
    };
    assert_eq!(code(world.run(only("N"))), Code::MeterNotFound);
    assert_eq!(world.run(only("M")).unwrap().events.len(), 1);
    world.run(update(true)).unwrap();
    world.run(readings(1, hours_of("M", 1, &[1]))).unwrap();
    world.audit();
}

#[test]
fn a_request_for_one_meter_leaves_the_others() {
    let mut world = metered();
    world.run(unissued(1, hours(0, &[7]))).unwrap();
    world.run(unissued(1, hours_of("M", 0, &[9]))).unwrap();
    let only = IssueReadings {
        meter_identifier: Some("M".into()),
        ..request(1, 0, 24)
    };
    world.run(Command::IssueReadings(only)).unwrap();
    assert_eq!(world.reading(1, 0).unissued(), WattHours(7));
    world
        .run(Command::IssueReadings(request(1, 0, 24)))
        .unwrap();
    let quantities: Vec<_> = world
        .bundles()
        .values()
        .map(|bundle| bundle.quantity().0)
        .collect();
    assert_eq!(quantities, [9, 7]);
    world.audit();
}

#[test]
fn the_identifier_of_a_meter_is_unique_within_its_device() {
    let mut world = metered();
    assert_eq!(
        code(world.register_meter(1, " M ")),
        Code::MeterIdentifierTaken
    );
    world.register_meter(2, "M").unwrap();
    for identifier in ["", "  "] {
        assert_eq!(
            code(world.register_meter(1, identifier)),
            Code::ValueOutOfRange
        );
    }
    world.register_meter(1, &"x".repeat(500)).unwrap();
    assert_eq!(
        code(world.register_meter(1, &"y".repeat(501))),
        Code::ValueOutOfRange
    );
}

#[test]
fn a_device_has_a_limited_number_of_meters() {
    let mut world = World::with_accounts();
    for number in 1..=MAX_METERS {
        world.register_meter(1, &format!("M{number}")).unwrap();
    }
    assert_eq!(code(world.register_meter(1, "one more")), Code::ListTooLong);
}
