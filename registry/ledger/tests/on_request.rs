//! Readings accepted without issuing, and issuance on request.
#![allow(clippy::unwrap_used)]

mod world;

use chrono::TimeDelta;
use ledger::command::{IssueReadings, ReadingRow};
use ledger::on_request::MAX_RANGE_DAYS;
use ledger::reading::MAX_ROWS;
use ledger::{Code, Command, Key};
use schemas::WattHours;
use schemas::life_cycle::ActionType;
use world::{World, act, attributes, code, hours, readings, request, unissued};

fn issue(world: &mut World, request: IssueReadings) -> Vec<ledger::Event> {
    let command = Command::IssueReadings(request);
    world.run(command).unwrap().events
}

#[test]
fn readings_are_accepted_without_issuing_and_issued_on_request_in_time_order() {
    let mut world = World::with_accounts();
    world.run(unissued(1, hours(22, &[30, 40, 50]))).unwrap();
    world.run(unissued(1, hours(5, &[10, 0]))).unwrap();
    assert!(world.bundles().is_empty());
    world.audit();
    issue(&mut world, request(1, 0, 24));
    let of = |world: &World| {
        let bundles = world.bundles();
        let ranges = bundles
            .values()
            .map(|bundle| (bundle.start.0, bundle.end.0));
        ranges.collect::<Vec<_>>()
    };
    assert_eq!(of(&world), [(1, 10), (11, 40), (41, 80)]);
    world.audit();
    issue(&mut world, request(1, 0, 48));
    assert_eq!(world.bundle(4).quantity(), WattHours(50));
    assert!(
        issue(&mut world, request(1, 0, 48)).is_empty(),
        "all of it is issued"
    );
    world.audit();
}

#[test]
fn withdrawn_certificates_are_issued_anew_only_where_asked_for() {
    let mut world = World::with_accounts();
    world.run(readings(1, hours(0, &[100]))).unwrap();
    world
        .run(Command::ActOnBundles(act(ActionType::Withdraw, 1, &[1])))
        .unwrap();
    assert!(issue(&mut world, request(1, 0, 1)).is_empty());
    let anew = IssueReadings {
        include_withdrawn: true,
        ..request(1, 0, 1)
    };
    issue(&mut world, anew);
    assert_eq!((world.bundle(2).start.0, world.bundle(2).end.0), (101, 200));
    assert_eq!(world.reading(1, 0).withdrawn(), WattHours::ZERO);
    world.audit();
}

#[test]
fn the_range_of_a_request_has_an_order_and_a_limit() {
    let mut world = World::with_accounts();
    assert_eq!(
        code(world.run(Command::IssueReadings(request(1, 5, 5)))),
        Code::IntervalOrder
    );
    let longest = request(1, 0, MAX_RANGE_DAYS * 24);
    world.run(Command::IssueReadings(longest.clone())).unwrap();
    let longer = IssueReadings {
        to: longest.to + TimeDelta::seconds(1),
        ..longest
    };
    assert_eq!(
        code(world.run(Command::IssueReadings(longer))),
        Code::ValueOutOfRange
    );
}

#[test]
fn a_request_loads_each_day_of_its_range_once() {
    let mut world = World::with_accounts();
    world.register_meter(1, "M").unwrap();
    let command = Command::IssueReadings(request(1, 0, 72));
    let needed = ledger::needed(&world.entries, &command);
    let days = |key: &&Key| matches!(key, Key::DeviceDay(..) | Key::MeterDay(..));
    assert_eq!(needed.iter().filter(days).count(), 6);
}

#[test]
fn a_request_issues_for_a_limited_number_of_readings() {
    let mut world = World::with_accounts();
    let mut row = hours(0, &[1]).remove(0);
    let step = TimeDelta::minutes(5);
    let mut rows: Vec<ReadingRow> = Vec::new();
    for number in 1..=u32::try_from(MAX_ROWS).unwrap() {
        row.row = number;
        row.end = row.start + step;
        rows.push(row.clone());
        row.start = row.end;
    }
    world.now += TimeDelta::days(400);
    world.run(unissued(1, rows)).unwrap();
    let all = Command::IssueReadings(IssueReadings {
        dry_run: true,
        ..request(1, 0, 366 * 24)
    });
    assert_eq!(world.run(all.clone()).unwrap().proposed.len(), 1);
    row.end = row.start + step;
    world.run(unissued(1, vec![row])).unwrap();
    assert_eq!(code(world.run(all)), Code::ListTooLong);
}

#[test]
fn a_consumption_device_has_nothing_to_issue() {
    let mut world = World::with_accounts();
    let register = ledger::command::RegisterDevice {
        account_id: schemas::id::AccountId(1),
        attributes: schemas::event::device::DeviceAttributes {
            device_type: schemas::energy::DeviceType::Consumption,
            ..attributes()
        },
    };
    world.run(Command::RegisterDevice(register)).unwrap();
    assert_eq!(
        code(world.run(Command::IssueReadings(request(3, 0, 1)))),
        Code::DeviceNotCertified
    );
}
