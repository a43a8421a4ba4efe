//! Storage: what is refused, what is allocated, and that nothing is minted on the way.
#![allow(clippy::unwrap_used)]

mod world;

use chrono::{DateTime, TimeDelta, Utc};
use ledger::command::{
    AllocateRows, AllocateStorage, AllocationRow, Amount, FixStorageEfficiency, Flow, FlowRow,
    IssueForStorage, RecordPlace, RegisterDevice, RowAmount, StatedFactor, SubmitStorageRecords,
    WithdrawStorageRecords,
};
use ledger::entry::{Allocation, Entry, StorageDay};
use ledger::refusal::Place;
use ledger::storage::efficiency::MAX_WINDOWS;
use ledger::storage::issuance::MAX_ALLOCATIONS;
use ledger::storage::record::MAX_WITHDRAWN_DAYS;
use ledger::storage::{MAX_LOOK_BACK_DAYS, MAX_ROWS, MAX_WINDOW_DAYS};
use ledger::{Code, Command, Decision, Event, Key, Refusal};
use rust_decimal::Decimal;
use schemas::event::LedgerEvent;
use schemas::event::device::DeviceAttributes;
use schemas::event::storage::StorageAllocated;
use schemas::id::{AccountId, AllocationId, BundleId, DeviceId, StorageRecordId};
use schemas::life_cycle::{ActionType, CertificateStatus, QuantityMode};
use schemas::storage::AllocationMethod;
use schemas::{WattHours, Watts};
use world::{World, act, at, attributes, code, hours, readings};

/// The battery, registered behind the two wind farms.
const BATTERY: i64 = 3;

fn hour(n: i64) -> DateTime<Utc> {
    at("2024-01-01T00:00:00Z") + TimeDelta::hours(n)
}

/// Rows of one hour each from the given hour of 2024 on.
fn flows(first: i64, amounts: &[i64]) -> Vec<FlowRow> {
    (0..)
        .zip(amounts)
        .map(|(index, wh)| FlowRow {
            row: u32::try_from(index + 1).unwrap(),
            start: hour(first + index),
            end: hour(first + index + 1),
            wh: WattHours(*wh),
            validator_id: None,
        })
        .collect()
}

fn submit(rows: Vec<FlowRow>) -> Command {
    Command::SubmitStorageRecords(SubmitStorageRecords {
        device_id: DeviceId(BATTERY),
        rows,
        unreadable: Vec::new(),
    })
}

fn stated(from: i64, to: i64, factor: &str) -> Command {
    Command::FixStorageEfficiency(FixStorageEfficiency {
        device_id: DeviceId(BATTERY),
        from: hour(from),
        to: hour(to),
        stated: Some(factor.parse().unwrap()),
    })
}

fn measured(from: i64, to: i64) -> Command {
    Command::FixStorageEfficiency(FixStorageEfficiency {
        device_id: DeviceId(BATTERY),
        from: hour(from),
        to: hour(to),
        stated: None,
    })
}

fn allocate(from: i64, to: i64, method: Option<AllocationMethod>) -> Command {
    Command::AllocateStorage(AllocateStorage {
        device_id: DeviceId(BATTERY),
        from: hour(from),
        to: hour(to),
        method,
    })
}

fn issue(allocations: &[i64], bundles: &[i64], are_named: bool) -> Command {
    Command::IssueForStorage(IssueForStorage {
        device_id: DeviceId(BATTERY),
        allocation_ids: allocations.iter().copied().map(AllocationId).collect(),
        bundle_ids: bundles.iter().copied().map(BundleId).collect(),
        are_named,
    })
}

fn withdraw(from: i64, only: Option<(i64, Flow)>) -> Command {
    Command::WithdrawStorageRecords(WithdrawStorageRecords {
        device_id: DeviceId(BATTERY),
        from: hour(from),
        only: only.map(|(id, flow)| (StorageRecordId(id), flow)),
    })
}

fn battery() -> DeviceAttributes {
    DeviceAttributes {
        device_name: "Battery".into(),
        local_device_identifier: Some("BAT-1".into()),
        energy_source: schemas::energy::EnergySource::BatteryStorage,
        technology_type: schemas::energy::TechnologyType::BatteryStorage,
        capacity_w: Watts(1_000_000),
        is_storage: true,
        ..attributes()
    }
}

fn with_battery() -> World {
    let mut world = World::with_accounts();
    let register = RegisterDevice {
        account_id: AccountId(1),
        attributes: battery(),
    };
    world.run(Command::RegisterDevice(register)).unwrap();
    world
}

fn run(world: &mut World, command: Command) -> Result<Decision, Refusal> {
    let result = world.run(command);
    world.audit();
    audit_storage(world);
    result
}

fn allocated(decision: &Decision) -> &StorageAllocated {
    let found = decision.events.iter().find_map(|event| match event {
        Event::Ledger(LedgerEvent::StorageAllocated(allocated)) => Some(allocated),
        _ => None,
    });
    found.expect("an allocation")
}

/// Charge, discharge, consumed and produced of each allocation.
fn rows_of(decision: &Decision) -> Vec<(i64, i64, i64, i64)> {
    allocated(decision)
        .allocations()
        .map(|one| {
            (
                one.charge.scr.record_id.0,
                one.sdr.record_id.0,
                one.charge.consumed.0,
                one.charge.produced.0,
            )
        })
        .collect()
}

fn allocations(world: &World) -> Vec<(AllocationId, Allocation)> {
    let mut found: Vec<_> = world
        .entries
        .iter()
        .filter_map(|(key, slot)| match (key, &slot.entry) {
            (Key::Allocation(id), Some(Entry::Allocation(allocation))) => Some((*id, *allocation)),
            _ => None,
        })
        .collect();
    found.sort_by_key(|(id, _)| *id);
    found
}

fn records(world: &World) -> Vec<(i64, i64, i64)> {
    let mut found = Vec::new();
    for (key, slot) in &world.entries {
        if let (Key::StorageDay(..), Some(Entry::StorageDay(StorageDay(records)))) =
            (key, &slot.entry)
        {
            let row = |record: &ledger::entry::DayRecord| {
                (record.record_id.0, record.wh.0, record.allocated.0)
            };
            found.extend(records.values().map(row));
        }
    }
    found.sort_unstable();
    found
}

/// Nothing is minted: recomputed from events and entries.
fn audit_storage(world: &World) {
    let mut taken: std::collections::BTreeMap<i64, i64> = std::collections::BTreeMap::new();
    for event in &world.events {
        let Event::Ledger(LedgerEvent::StorageAllocated(event)) = event else {
            continue;
        };
        for one in event.allocations() {
            let (consumed, produced) = (one.charge.consumed, one.charge.produced);
            assert_eq!(one.factor.efficiency.produced_by(consumed), produced);
            assert!(WattHours::ZERO < produced && produced <= consumed);
            assert!(one.charge.scr.interval.end() <= one.sdr.interval.start());
            *taken.entry(one.charge.scr.record_id.0).or_default() += consumed.0;
            *taken.entry(one.sdr.record_id.0).or_default() += produced.0;
        }
    }
    for (id, wh, allocated) in records(world) {
        assert_eq!(
            taken.remove(&id).unwrap_or_default(),
            allocated,
            "record {id}"
        );
        assert!(
            allocated <= wh.abs(),
            "record {id} of {wh}: {allocated} allocated"
        );
    }
    assert!(taken.is_empty(), "allocated of no record: {taken:?}");
    let leaves: Vec<_> = world
        .bundles()
        .into_values()
        .filter(|bundle| bundle.status != CertificateStatus::BundleSplit)
        .collect();
    for (id, allocation) in allocations(world) {
        let issued: i64 = leaves
            .iter()
            .filter(|bundle| bundle.trail().issued_for == Some(id))
            .map(|bundle| bundle.quantity().0)
            .sum();
        let used: Vec<_> = leaves
            .iter()
            .filter(|bundle| bundle.trail().used_for == Some(id))
            .collect();
        for bundle in &used {
            assert_eq!(bundle.status, CertificateStatus::CancelledForStorage);
            assert_eq!(bundle.trail().cancelled_for, Some(allocation.device_id));
            assert!(allocation.charged.start() <= bundle.interval.start());
            assert!(bundle.interval.end() <= allocation.charged.end());
        }
        let used: i64 = used.iter().map(|bundle| bundle.quantity().0).sum();
        let expected = if allocation.is_issued {
            (allocation.produced.0, allocation.consumed.0)
        } else {
            (0, 0)
        };
        assert_eq!((issued, used), expected, "allocation {id}");
    }
}

#[test]
fn records_follow_each_other_and_what_stands_is_recognised() {
    let mut world = with_battery();
    run(&mut world, submit(flows(0, &[-1000, 0, 800]))).unwrap();
    assert_eq!(records(&world), [(1, -1000, 0), (2, 0, 0), (3, 800, 0)]);
    let again = run(&mut world, submit(flows(0, &[-1000, 0, 800]))).unwrap();
    assert!(again.events.is_empty());
    run(&mut world, submit(flows(2, &[800, -5]))).unwrap();
    assert_eq!(records(&world).len(), 4);
}

#[test]
fn every_rule_that_a_row_breaks_is_named_and_nothing_is_stored() {
    let mut world = with_battery();
    run(&mut world, submit(flows(0, &[-1000, 800]))).unwrap();
    let mut check = |rows: Vec<FlowRow>, whole: Code, each: &[(u32, Code)]| {
        let refusal = run(&mut world, submit(rows)).unwrap_err();
        let found: Vec<_> = refusal
            .errors
            .iter()
            .map(|error| match error.place {
                Place::Cell { row, .. } => (row, error.code),
                Place::Pointer(_) | Place::Bundle(_) => panic!("a row has a cell"),
            })
            .collect();
        let expected: Vec<_> = each
            .iter()
            .map(|(row, code)| (*row, code.as_str()))
            .collect();
        assert_eq!((refusal.code, found), (whole, expected));
        assert_eq!(records(&world).len(), 2);
    };
    let refused = Code::StorageRecordsRefused;
    check(flows(3, &[1]), refused, &[(1, Code::StorageGap)]);
    check(flows(-1, &[1]), refused, &[(1, Code::StorageOverlap)]);
    let mut twice = flows(2, &[1]);
    twice.extend(flows(2, &[1]));
    twice[1].row = 2;
    check(twice, refused, &[(2, Code::StorageOverlap)]);
    check(
        flows(1, &[801]),
        Code::StorageRecordConflict,
        &[(1, Code::StorageRecordConflict)],
    );
    // 1 MW × 1 h × 1.1, which a flow must stay below either way.
    check(
        flows(2, &[1_100_000, -1_100_000]),
        refused,
        &[(1, Code::OverCapacity), (2, Code::OverCapacity)],
    );
    let mut late = flows(2, &[1, 1]);
    late[0].end = late[0].start;
    late[1].end = late[1].start + TimeDelta::hours(2);
    check(
        late,
        refused,
        &[(1, Code::IntervalOrder), (2, Code::IntervalGrid)],
    );
    world.now = hour(2);
    let refusal = run(&mut world, submit(flows(2, &[1]))).unwrap_err();
    assert_eq!(refusal.errors[0].code, Code::InFuture.as_str());
    world.now = at("2025-06-01T12:00:00Z");
    run(&mut world, submit(flows(2, &[1_099_999, -1_099_999]))).unwrap();
}

#[test]
fn a_submission_of_no_rows_or_for_no_storage_is_refused() {
    let mut world = with_battery();
    assert_eq!(code(world.run(submit(Vec::new()))), Code::ListEmpty);
    let of_wind = Command::SubmitStorageRecords(SubmitStorageRecords {
        device_id: DeviceId(1),
        rows: flows(0, &[1]),
        unreadable: Vec::new(),
    });
    assert_eq!(code(world.run(of_wind)), Code::DeviceNotStorage);
    let at_limit = vec![flows(0, &[1]).remove(0); MAX_ROWS];
    assert_eq!(
        code(world.run(submit(at_limit.clone()))),
        Code::StorageRecordsRefused
    );
    let above = [at_limit, flows(0, &[1])].concat();
    assert_eq!(code(world.run(submit(above))), Code::ListTooLong);
}

#[test]
fn an_efficiency_is_what_came_out_of_what_went_in() {
    let mut world = with_battery();
    run(&mut world, submit(flows(0, &[-1000, 0, 893, -7]))).unwrap();
    let decision = run(&mut world, measured(0, 3)).unwrap();
    let Event::Ledger(LedgerEvent::StorageEfficiencyFixed(event)) = &decision.events[0] else {
        panic!("{decision:?}");
    };
    let efficiency = event.fixed.efficiency;
    assert_eq!(
        (efficiency.numerator(), efficiency.denominator()),
        (893, 1000)
    );
    assert!(event.fixed.is_measured);
    // A window without a discharge, one that is not covered, and one that gave more than it took.
    assert_eq!(
        code(run(&mut world, measured(3, 4))),
        Code::StorageEfficiencyRange
    );
    assert_eq!(code(run(&mut world, measured(3, 5))), Code::StorageWindow);
    run(&mut world, submit(flows(4, &[8]))).unwrap();
    assert_eq!(
        code(run(&mut world, measured(3, 5))),
        Code::StorageEfficiencyRange
    );
    for factor in ["0", "1.1", "0.1234567890123"] {
        let refused = run(&mut world, stated(5, 6, factor));
        assert_eq!(code(refused), Code::StorageEfficiencyRange, "{factor}");
    }
    assert_eq!(
        code(run(&mut world, stated(6, 6, "0.9"))),
        Code::IntervalOrder
    );
}

#[test]
fn windows_are_half_a_year_at_most_and_do_not_overlap() {
    let mut world = with_battery();
    let days = MAX_WINDOW_DAYS * 24;
    assert_eq!(
        code(run(&mut world, stated(0, days + 1, "0.9"))),
        Code::StorageWindow
    );
    run(&mut world, stated(0, days, "0.9")).unwrap();
    run(&mut world, stated(0, days, "0.8")).expect("nothing rests on it");
    assert_eq!(
        code(run(&mut world, stated(1, 2, "0.9"))),
        Code::StorageWindowFixed
    );
    run(&mut world, submit(flows(0, &[-1000, 800]))).unwrap();
    run(&mut world, allocate(0, 2, None)).unwrap();
    assert_eq!(
        code(run(&mut world, stated(0, days, "0.9"))),
        Code::StorageWindowFixed
    );
}

#[test]
fn a_device_has_so_many_windows_and_no_more() {
    let mut world = with_battery();
    for n in 0..i64::try_from(MAX_WINDOWS).unwrap() {
        world.run(stated(n, n + 1, "0.9")).unwrap();
    }
    let one_more = i64::try_from(MAX_WINDOWS).unwrap();
    assert_eq!(
        code(world.run(stated(one_more, one_more + 1, "0.9"))),
        Code::ListTooLong
    );
}

#[test]
fn a_discharge_takes_the_least_that_gives_it_and_what_is_uncovered_is_said() {
    let mut world = with_battery();
    run(&mut world, submit(flows(0, &[-1000, 445, -100, 600]))).unwrap();
    assert_eq!(
        code(run(&mut world, allocate(0, 4, None))),
        Code::StorageEfficiencyMissing
    );
    run(&mut world, stated(0, 24, "0.89")).unwrap();
    let decision = run(&mut world, allocate(0, 4, None)).unwrap();
    // 445 / 0.89 = 500; of the rest 500 × 0.89 = 445 and 100 × 0.89 = 89 are left for the second.
    assert_eq!(
        rows_of(&decision),
        [(1, 2, 500, 445), (1, 4, 500, 445), (3, 4, 100, 89)]
    );
    let event = allocated(&decision);
    assert_eq!(event.method, AllocationMethod::Fifo);
    let uncovered: Vec<_> = event.discharges.iter().map(|one| one.uncovered.0).collect();
    assert_eq!(uncovered, [0, 66]);
    assert_eq!(
        code(run(&mut world, allocate(0, 4, None))),
        Code::NothingToAllocate
    );
    assert_eq!(
        code(run(&mut world, allocate(10, 12, None))),
        Code::NothingToAllocate
    );
}

#[test]
fn charges_of_a_year_back_are_looked_at_and_older_ones_are_not() {
    for (days, covered) in [(MAX_LOOK_BACK_DAYS, true), (MAX_LOOK_BACK_DAYS + 1, false)] {
        let mut world = with_battery();
        let end = days * 24;
        let idle = vec![0; usize::try_from(end).unwrap() - 2];
        run(&mut world, submit(flows(0, &[-1000]))).unwrap();
        run(&mut world, submit(flows(1, &idle))).unwrap();
        run(&mut world, submit(flows(end - 1, &[500]))).unwrap();
        run(&mut world, stated(end - 24, end, "0.5")).unwrap();
        let result = run(&mut world, allocate(end - 24, end, None));
        assert_eq!(result.is_ok(), covered, "{days} days: {result:?}");
    }
}

#[test]
fn the_first_allocation_fixes_the_method() {
    let mut world = with_battery();
    run(&mut world, stated(0, 24, "0.5")).unwrap();
    run(&mut world, submit(flows(0, &[-100, -100, 30, 30]))).unwrap();
    let decision = run(&mut world, allocate(0, 3, Some(AllocationMethod::Lifo))).unwrap();
    assert_eq!(rows_of(&decision), [(2, 3, 60, 30)]);
    let fifo = allocate(0, 4, Some(AllocationMethod::Fifo));
    assert_eq!(code(run(&mut world, fifo)), Code::StorageMethodFixed);
    let rows = by_hand(vec![row(1, 1, 4, RowAmount::Consumed(WattHours(2)))]);
    assert_eq!(code(run(&mut world, rows)), Code::StorageMethodFixed);
    let decision = run(&mut world, allocate(0, 4, None)).unwrap();
    assert_eq!(rows_of(&decision), [(2, 4, 40, 20), (1, 4, 20, 10)]);
}

fn row(number: u32, scr: i64, sdr: i64, amount: RowAmount) -> AllocationRow {
    // Records of these tests are numbered by the hours from 0 on.
    let place = |id: i64| RecordPlace {
        record_id: StorageRecordId(id),
        start: Some(hour(id - 1)),
    };
    AllocationRow {
        row: number,
        scr: place(scr),
        sdr: place(sdr),
        amount,
        produced: None,
        factor: None,
    }
}

fn by_hand(rows: Vec<AllocationRow>) -> Command {
    Command::AllocateRows(AllocateRows {
        device_id: DeviceId(BATTERY),
        rows,
        unreadable: Vec::new(),
    })
}

#[test]
fn a_validator_allocates_row_by_row_and_states_the_efficiency() {
    let mut world = with_battery();
    run(&mut world, submit(flows(0, &[-1000, 445, 300]))).unwrap();
    let consumed = |wh| RowAmount::Consumed(WattHours(wh));
    let mut first = row(1, 1, 2, consumed(500));
    first.produced = Some(WattHours(445));
    first.factor = Some(StatedFactor {
        from: hour(0),
        to: hour(24),
        factor: Decimal::new(89, 2),
    });
    let half = RowAmount::Proportion(Decimal::new(5, 1));
    let decision = run(&mut world, by_hand(vec![first.clone(), row(2, 1, 3, half)])).unwrap();
    assert_eq!(rows_of(&decision), [(1, 2, 500, 445), (1, 3, 169, 150)]);
    assert_eq!(
        allocated(&decision).method,
        AllocationMethod::OperatorDiscretion
    );
    assert_eq!(
        code(run(&mut world, allocate(0, 3, None))),
        Code::StorageMethodFixed
    );
    let mut other = row(1, 1, 3, consumed(100));
    other.factor = Some(StatedFactor {
        factor: Decimal::new(9, 1),
        ..first.factor.unwrap()
    });
    let mut said = row(2, 1, 3, consumed(100));
    said.produced = Some(WattHours(90));
    let mut nowhere = row(3, 9, 3, consumed(1));
    nowhere.scr.start = None;
    let rows = vec![
        other,
        said,
        nowhere,
        row(4, 2, 3, consumed(1)),
        row(5, 1, 1, consumed(1)),
        row(6, 1, 3, consumed(0)),
        row(7, 1, 3, consumed(1)),
        row(8, 1, 3, consumed(332)),
        row(9, 1, 3, RowAmount::Proportion(Decimal::new(11, 1))),
        row(
            10,
            1,
            3,
            RowAmount::Proportion(Decimal::new(25 * 10_i64.pow(16) + 1, 19)),
        ),
    ];
    let refusal = run(&mut world, by_hand(rows)).unwrap_err();
    assert_eq!(refusal.code, Code::AllocationsRefused);
    let codes: Vec<_> = refusal.errors.iter().map(|error| error.code).collect();
    let expected = [
        Code::StorageWindowFixed,
        Code::AllocationAmount,
        Code::StorageRecordNotFound,
        Code::StorageRecordKind,
        Code::StorageRecordKind,
        Code::AllocationAmount,
        Code::AllocationAmount,
        Code::OverAllocated,
        Code::AllocationAmount,
        Code::AllocationAmount,
    ];
    assert_eq!(codes, expected.map(Code::as_str));
    let too_much = by_hand(vec![row(1, 1, 3, consumed(332))]);
    assert_eq!(code(run(&mut world, too_much)), Code::OverAllocated);
}

#[test]
fn a_discharge_before_the_charge_has_ended_is_refused() {
    let mut world = with_battery();
    run(&mut world, stated(0, 24, "0.9")).unwrap();
    run(&mut world, submit(flows(0, &[5, -100]))).unwrap();
    let early = by_hand(vec![row(1, 2, 1, RowAmount::Consumed(WattHours(2)))]);
    let refusal = run(&mut world, early).unwrap_err();
    assert_eq!(refusal.errors[0].code, Code::AllocationOrder.as_str());
    assert_eq!(
        code(run(&mut world, allocate(0, 2, None))),
        Code::NothingToAllocate
    );
}

#[test]
fn records_are_taken_back_from_the_end_and_only_where_nothing_rests_on_them() {
    let mut world = with_battery();
    run(&mut world, stated(0, 24, "0.5")).unwrap();
    run(&mut world, submit(flows(0, &[-100, 10, -50, 20]))).unwrap();
    let charge = |from, id| withdraw(from, Some((id, Flow::Charging)));
    assert_eq!(
        code(run(&mut world, charge(2, 3))),
        Code::StorageRecordNotLast
    );
    assert_eq!(code(run(&mut world, charge(3, 4))), Code::StorageRecordKind);
    assert_eq!(
        code(run(&mut world, charge(3, 9))),
        Code::StorageRecordNotFound
    );
    assert_eq!(
        code(run(&mut world, withdraw(4, None))),
        Code::StorageRecordNotFound
    );
    run(&mut world, withdraw(3, Some((4, Flow::Discharging)))).unwrap();
    run(&mut world, allocate(0, 2, None)).unwrap();
    assert_eq!(
        code(run(&mut world, withdraw(1, None))),
        Code::StorageRecordInUse
    );
    run(&mut world, withdraw(2, None)).unwrap();
    assert_eq!(records(&world).len(), 2);
    // What comes next follows the record before, under a new id.
    run(&mut world, submit(flows(2, &[-60]))).unwrap();
    assert_eq!(records(&world)[2], (5, -60, 0));
    run(&mut world, submit(flows(3, &[30]))).unwrap();
    run(&mut world, stated(24, 48, "0.5")).unwrap();
}

#[test]
fn records_under_a_measured_efficiency_stay() {
    let mut world = with_battery();
    run(&mut world, submit(flows(0, &[-100, 90]))).unwrap();
    run(&mut world, measured(0, 2)).unwrap();
    assert_eq!(
        code(run(&mut world, withdraw(1, None))),
        Code::StorageRecordInUse
    );
}

#[test]
fn a_month_of_records_is_taken_back_at_once_and_no_more() {
    let mut world = with_battery();
    let month = MAX_WITHDRAWN_DAYS * 24;
    let idle = vec![0; usize::try_from(month).unwrap() + 1];
    run(&mut world, submit(flows(0, &idle))).unwrap();
    assert_eq!(
        code(run(&mut world, withdraw(0, None))),
        Code::StorageWindow
    );
    run(&mut world, withdraw(1, None)).unwrap();
    run(&mut world, withdraw(0, None)).unwrap();
    // With no record left, the first may begin anywhere.
    run(&mut world, submit(flows(700, &[-1]))).unwrap();
}

/// Charges 1,000 Wh in hour 0 from two wind farms' certificates, and discharges 890 Wh in hour 1.
fn charged() -> World {
    let mut world = with_battery();
    run(&mut world, readings(1, hours(0, &[700, 5]))).unwrap();
    let mut give = act(ActionType::Transfer, 2, &[3]);
    run(&mut world, readings(2, hours(0, &[400]))).unwrap();
    give.target_id = Some(AccountId(3));
    run(&mut world, Command::ActOnBundles(give)).unwrap();
    let mut give = act(ActionType::Transfer, 3, &[3]);
    give.target_id = Some(AccountId(1));
    run(&mut world, Command::ActOnBundles(give)).unwrap();
    run(&mut world, stated(0, 24, "0.89")).unwrap();
    run(&mut world, submit(flows(0, &[-1000, 890]))).unwrap();
    run(&mut world, allocate(0, 2, None)).unwrap();
    world
}

fn cancel_for_storage(
    world: &mut World,
    bundles: &[i64],
    amount: Amount,
) -> Result<Decision, Refusal> {
    let mut cancel = act(ActionType::CancelForStorage, 1, bundles);
    cancel.storage_device_id = Some(DeviceId(BATTERY));
    cancel.amount = amount;
    run(world, Command::ActOnBundles(cancel))
}

#[test]
fn what_storage_releases_is_issued_once_with_a_bundle_for_each_source() {
    let mut world = charged();
    assert_eq!(
        code(run(&mut world, issue(&[1], &[1, 3], false))),
        Code::ChargeUncovered
    );
    cancel_for_storage(&mut world, &[1, 3], Amount::Whole).unwrap();
    assert_eq!(world.status(1), CertificateStatus::CancelledForStorage);
    assert_eq!(
        world.bundle(1).beneficiary.as_deref(),
        Some("for storage: BAT-1")
    );
    run(&mut world, issue(&[1], &[1, 3], true)).unwrap();
    // Bundle 3 holds 100 Wh more than were consumed: 4 is used up, 5 stays for another allocation.
    assert_eq!(world.status(3), CertificateStatus::BundleSplit);
    let used = Some(AllocationId(1));
    for (bundle, wh, used_for) in [(1, 700, used), (4, 300, used), (5, 100, None)] {
        assert_eq!(world.bundle(bundle).quantity().0, wh);
        assert_eq!(world.bundle(bundle).trail().used_for, used_for);
    }
    let issued = [6, 7].map(|id| world.bundle(id));
    let quantities: Vec<_> = issued.iter().map(|bundle| bundle.quantity().0).collect();
    assert_eq!(quantities, [623, 267]);
    assert_eq!(issued[0].interval.start(), hour(1));
    assert_eq!((issued[0].start.0, issued[1].end.0), (1, 890));
    assert_eq!(
        code(run(&mut world, issue(&[1], &[5], false))),
        Code::AllocationIssued
    );
}

#[test]
fn bundles_that_do_not_stand_for_the_charge_are_refused_where_they_are_named() {
    let mut world = charged();
    let named = |bundles: &[i64]| issue(&[1], bundles, true);
    assert_eq!(code(run(&mut world, named(&[1]))), Code::BundleNotForCharge);
    assert_eq!(code(run(&mut world, named(&[99]))), Code::BundleNotFound);
    assert_eq!(code(run(&mut world, named(&[1, 1]))), Code::BundleRepeated);
    // Bundle 2 was produced while nothing was charged.
    cancel_for_storage(&mut world, &[2], Amount::Whole).unwrap();
    assert_eq!(code(run(&mut world, named(&[2]))), Code::BundleNotForCharge);
    cancel_for_storage(&mut world, &[1], Amount::Whole).unwrap();
    assert_eq!(code(run(&mut world, named(&[1]))), Code::ChargeUncovered);
    assert_eq!(
        code(run(&mut world, issue(&[2], &[1], false))),
        Code::AllocationNotFound
    );
    assert_eq!(
        code(run(&mut world, issue(&[], &[1], false))),
        Code::ListEmpty
    );
    assert_eq!(
        code(run(&mut world, issue(&[1, 1], &[1], false))),
        Code::AllocationIssued
    );
    let ids: Vec<i64> = (1..).take(MAX_ALLOCATIONS + 1).collect();
    assert_eq!(
        code(run(&mut world, issue(&ids, &[], false))),
        Code::ListTooLong
    );
    let at_limit = issue(&ids[..MAX_ALLOCATIONS], &[], false);
    assert_eq!(code(run(&mut world, at_limit)), Code::AllocationNotFound);
}

#[test]
fn what_is_cancelled_for_storage_is_final_and_only_for_a_device_of_the_account() {
    let mut world = charged();
    let mut cancel = act(ActionType::CancelForStorage, 1, &[1]);
    assert_eq!(
        code(run(&mut world, Command::ActOnBundles(cancel.clone()))),
        Code::DeviceNotFound
    );
    cancel.storage_device_id = Some(DeviceId(1));
    assert_eq!(
        code(run(&mut world, Command::ActOnBundles(cancel.clone()))),
        Code::DeviceNotStorage
    );
    let register = RegisterDevice {
        account_id: AccountId(2),
        attributes: battery(),
    };
    run(&mut world, Command::RegisterDevice(register)).unwrap();
    cancel.storage_device_id = Some(DeviceId(BATTERY + 1));
    assert_eq!(
        code(run(&mut world, Command::ActOnBundles(cancel))),
        Code::DeviceNotFound
    );
    cancel_for_storage(&mut world, &[1], Amount::Whole).unwrap();
    for action in ActionType::ALL {
        let mut asked = act(*action, 1, &[1]);
        asked.target_id = Some(AccountId(2));
        asked.storage_device_id = Some(DeviceId(BATTERY));
        let result = run(&mut world, Command::ActOnBundles(asked));
        match result {
            Ok(decision) => assert!(decision.events.is_empty(), "{action}"),
            Err(refusal) => assert_eq!(refusal.code, Code::BundleState, "{action}"),
        }
    }
}

#[test]
fn a_withdrawn_storage_certificate_is_not_issued_again() {
    let mut world = charged();
    cancel_for_storage(&mut world, &[1, 3], Amount::Whole).unwrap();
    run(&mut world, issue(&[1], &[1, 3], false)).unwrap();
    run(
        &mut world,
        Command::ActOnBundles(act(ActionType::Withdraw, 1, &[6])),
    )
    .unwrap();
    assert_eq!(
        code(run(&mut world, issue(&[1], &[5], false))),
        Code::AllocationIssued
    );
}

#[test]
fn one_cancelled_bundle_serves_several_allocations_of_its_hour() {
    let mut world = with_battery();
    run(&mut world, readings(1, hours(0, &[1000]))).unwrap();
    run(&mut world, stated(0, 24, "0.5")).unwrap();
    run(&mut world, submit(flows(0, &[-1000, 100, 200, 200]))).unwrap();
    run(&mut world, allocate(0, 4, None)).unwrap();
    let quantity = Amount::Quantity(WattHours(900), QuantityMode::PerBundle);
    cancel_for_storage(&mut world, &[1], quantity).unwrap();
    assert_eq!(
        code(run(&mut world, issue(&[1, 2, 3], &[2], true))),
        Code::ChargeUncovered
    );
    run(&mut world, issue(&[1, 2], &[2], true)).unwrap();
    assert_eq!(world.live_wh(1), 100 + 100 + 200);
}

mod random {
    use super::*;
    use proptest::prelude::*;

    #[derive(Debug, Clone)]
    enum Step {
        Records(Vec<i64>),
        Produce {
            first: i64,
            amounts: Vec<i64>,
        },
        Fix {
            from: i64,
            length: i64,
            factor: Option<i64>,
        },
        Allocate {
            from: i64,
            length: i64,
            method: Option<usize>,
        },
        Rows(Vec<(i64, i64, i64)>),
        Withdraw {
            back: i64,
        },
        Cancel {
            picks: Vec<usize>,
            wh: Option<i64>,
        },
        Issue {
            picks: Vec<usize>,
            named: bool,
        },
        Act {
            action: usize,
            pick: usize,
        },
    }

    fn step() -> impl Strategy<Value = Step> {
        prop_oneof![
            4 => prop::collection::vec(-600_i64..600, 1..8).prop_map(Step::Records),
            3 => (0_i64..24, prop::collection::vec(0_i64..700, 1..8))
                .prop_map(|(first, amounts)| Step::Produce { first, amounts }),
            3 => (0_i64..30, 1_i64..30, prop::option::of(1_i64..=1000))
                .prop_map(|(from, length, factor)| Step::Fix { from, length, factor }),
            4 => (0_i64..24, 1_i64..30, prop::option::of(0_usize..4))
                .prop_map(|(from, length, method)| Step::Allocate { from, length, method }),
            1 => prop::collection::vec((0_i64..12, 0_i64..12, 1_i64..300), 1..4).prop_map(Step::Rows),
            1 => (0_i64..4).prop_map(|back| Step::Withdraw { back }),
            4 => (prop::collection::vec(0_usize..64, 1..5), prop::option::of(1_i64..400))
                .prop_map(|(picks, wh)| Step::Cancel { picks, wh }),
            4 => (prop::collection::vec(0_usize..64, 1..4), any::<bool>())
                .prop_map(|(picks, named)| Step::Issue { picks, named }),
            2 => (0..ActionType::ALL.len(), 0_usize..64)
                .prop_map(|(action, pick)| Step::Act { action, pick }),
        ]
    }

    fn pick<T: Copy>(all: &[T], picks: &[usize]) -> Vec<T> {
        let mut chosen: Vec<usize> = picks.iter().map(|pick| pick % all.len().max(1)).collect();
        chosen.sort_unstable();
        chosen.dedup();
        chosen
            .iter()
            .filter_map(|index| all.get(*index).copied())
            .collect()
    }

    fn bundles(world: &World, status: CertificateStatus) -> Vec<i64> {
        let held = world.bundles().into_iter();
        held.filter(|(_, bundle)| bundle.account_id == AccountId(1) && bundle.status == status)
            .map(|(id, _)| id.0)
            .collect()
    }

    fn next_hour(world: &World) -> i64 {
        match world
            .entries
            .get(&Key::Storage(DeviceId(BATTERY)))
            .map(|slot| &slot.entry)
        {
            Some(Some(Entry::Storage(storage))) => storage
                .next_start
                .map_or(0, |next| (next - hour(0)).num_hours()),
            _ => 0,
        }
    }

    /// The records of the battery with the hours they start in.
    fn places(world: &World) -> Vec<(RecordPlace, i64)> {
        let mut found = Vec::new();
        for (key, slot) in &world.entries {
            if let (Key::StorageDay(_, day), Some(Entry::StorageDay(records))) = (key, &slot.entry)
            {
                found.extend(records.records(*day).map(|(interval, record)| {
                    let place = RecordPlace {
                        record_id: record.record_id,
                        start: Some(interval.start()),
                    };
                    (place, record.wh.0)
                }));
            }
        }
        found.sort_by_key(|(place, _)| place.start);
        found
    }

    fn command(world: &World, step: Step) -> Command {
        match step {
            Step::Records(amounts) => submit(flows(next_hour(world), &amounts)),
            Step::Produce { first, amounts } => readings(1, hours(first, &amounts)),
            Step::Fix {
                from,
                length,
                factor,
            } => match factor {
                Some(factor) => {
                    let factor = Decimal::new(factor, 3).to_string();
                    stated(from, from + length, &factor)
                }
                None => measured(from, from + length),
            },
            Step::Allocate {
                from,
                length,
                method,
            } => {
                let method = method.map(|index| AllocationMethod::ALL[index]);
                allocate(from, from + length, method)
            }
            Step::Rows(rows) => {
                let places = places(world);
                let of = |charging: bool| -> Vec<RecordPlace> {
                    let flows = places
                        .iter()
                        .filter(|(_, wh)| *wh != 0 && (*wh < 0) == charging);
                    flows.map(|(place, _)| *place).collect()
                };
                let (charges, discharges) = (of(true), of(false));
                let nothing = RecordPlace {
                    record_id: StorageRecordId(0),
                    start: None,
                };
                let at = |all: &[RecordPlace], index: i64| {
                    let index = usize::try_from(index).unwrap() % all.len().max(1);
                    all.get(index).copied().unwrap_or(nothing)
                };
                let rows = (1..).zip(rows).map(|(row, (scr, sdr, wh))| AllocationRow {
                    row,
                    scr: at(&charges, scr),
                    sdr: at(&discharges, sdr),
                    amount: RowAmount::Consumed(WattHours(wh)),
                    produced: None,
                    factor: None,
                });
                by_hand(rows.collect())
            }
            Step::Withdraw { back } => withdraw(next_hour(world) - 1 - back, None),
            Step::Cancel { picks, wh } => {
                let held = bundles(world, CertificateStatus::Active);
                let mut cancel = act(ActionType::CancelForStorage, 1, &pick(&held, &picks));
                cancel.storage_device_id = Some(DeviceId(BATTERY));
                if let Some(wh) = wh {
                    cancel.amount = Amount::Quantity(WattHours(wh), QuantityMode::PerBundle);
                }
                Command::ActOnBundles(cancel)
            }
            Step::Issue { picks, named } => {
                let known: Vec<i64> = allocations(world).iter().map(|(id, _)| id.0).collect();
                let cancelled = bundles(world, CertificateStatus::CancelledForStorage);
                issue(&pick(&known, &picks), &cancelled, named && picks.len() > 2)
            }
            Step::Act {
                action,
                pick: chosen,
            } => {
                let held: Vec<i64> = world.bundles().into_keys().map(|id| id.0).collect();
                let mut asked = act(ActionType::ALL[action], 1, &pick(&held, &[chosen]));
                asked.target_id = Some(AccountId(2));
                asked.amount = Amount::Quantity(WattHours(50), QuantityMode::PerBundle);
                Command::ActOnBundles(asked)
            }
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 96, ..ProptestConfig::default() })]

        #[test]
        fn no_watt_hour_is_minted_by_any_history_of_storage(steps in prop::collection::vec(step(), 1..60)) {
            let mut world = with_battery();
            for step in steps {
                let command = command(&world, step);
                let before = world.events.len();
                if let Err(refusal) = run(&mut world, command) {
                    prop_assert_ne!(refusal.code, Code::Internal, "{}", refusal);
                    prop_assert_eq!(world.events.len(), before);
                }
            }
        }
    }
}
