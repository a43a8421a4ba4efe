//! Storage: what is refused, what is allocated, and that nothing is minted on the way.
#![allow(clippy::unwrap_used)]

mod allocation;
mod efficiency;
mod random;
mod record;
mod release;
#[path = "../world/mod.rs"]
mod world;

use chrono::{DateTime, TimeDelta, Utc};
use ledger::command::{
    AllocateRows, AllocateStorage, AllocationRow, Amount, FixStorageEfficiency, Flow, FlowRow,
    IssueForStorage, RecordPlace, RegisterDevice, RowAmount, StatedFactor, SubmitStorageRecords,
    WithdrawStorageRecords,
};
use ledger::entry::{Allocation, Entry, StorageDay};
use ledger::refusal::Place;
use ledger::storage::allocation::MAX_PROPORTION_SCALE;
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

fn by_hand(rows: Vec<AllocationRow>) -> Command {
    Command::AllocateRows(AllocateRows {
        device_id: DeviceId(BATTERY),
        rows,
        unreadable: Vec::new(),
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
