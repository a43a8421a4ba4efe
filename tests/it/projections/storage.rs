//! Histories of storage among others.

use super::history::{History, name};
use super::random::{self, Random};
use super::rig::Rig;
use super::world;
use chrono::TimeDelta;
use event_store::SqliteStore;
use ledger::command::{
    ActOnBundles, AllocateStorage, Amount, FixStorageEfficiency, FlowRow, IssueForStorage,
    RegisterDevice, SubmitStorageRecords, WithdrawStorageRecords,
};
use ledger::entry::{Allocation, Device, Storage};
use ledger::{Command, Entry, Key, Stream};
use schemas::WattHours;
use schemas::energy::{EnergySource, TechnologyType};
use schemas::event::device::DeviceAttributes;
use schemas::id::{AccountId, AllocationId, BundleId, DeviceId};
use schemas::life_cycle::{ActionType, CertificateStatus, QuantityMode};
use schemas::log::Position;
use std::collections::BTreeSet;
use std::sync::Arc;

/// Decides `commands` random commands, every other one about storage, and appends what follows.
async fn stored(history: &mut History, seed: u64, commands: u32) {
    world::found(history, 4).await.unwrap();
    let mut random = Random::new(seed);
    let mut accepted = 0;
    for _ in 0..commands {
        let command = if random.one_in(2) {
            command(history, &mut random)
        } else {
            random::command(history, &mut random)
        };
        accepted += u32::from(history.decide(&command).is_ok());
        if random.one_in(3) {
            history.flush().await.unwrap();
        }
    }
    history.flush().await.unwrap();
    assert!(
        accepted * 3 > commands,
        "seed {seed}: only {accepted} accepted"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn both_databases_hold_a_history_of_storage_as_the_log_tells_it() {
    let mut rig = Rig::on_shared_servers().await;
    let _running = rig.start_both();
    stored(&mut rig.history, 7, 400).await;
    rig.audit().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn random_histories_of_storage_hold_every_kind_of_its_events() {
    let mut kinds = BTreeSet::new();
    for seed in 1..=6 {
        let folder = tempfile::tempdir().unwrap();
        let store = SqliteStore::open(&folder.path().join("events.db")).unwrap();
        let mut history = History::new(Arc::new(store));
        stored(&mut history, seed, 300).await;
        let ledger = name(Stream::Ledger);
        let events = history.store.read(&ledger, Position::START, 10_000).await;
        kinds.extend(events.unwrap().into_iter().map(|event| event.event_type));
    }
    for kind in [
        "StorageRecordsAccepted",
        "StorageRecordsWithdrawn",
        "StorageEfficiencyFixed",
        "StorageAllocated",
        "StorageCertificatesIssued",
        "BundlesCancelledForStorage",
        "BundlesUsedForStorage",
    ] {
        assert!(kinds.contains(kind), "{kind} is not among {kinds:?}");
    }
}

/// A command about some storage device; the registration of one where there is none.
fn command(history: &History, random: &mut Random) -> Command {
    let Some((device_id, device)) = a_battery(history, random) else {
        return battery();
    };
    let known = match history
        .state
        .get(&Key::Storage(device_id))
        .map(|slot| &slot.entry)
    {
        Some(Some(Entry::Storage(storage))) => (**storage).clone(),
        _ => Storage::default(),
    };
    let first = known.first_start.unwrap_or_else(world::first_day);
    let next = known.next_start.unwrap_or(first);
    match random.below(10) {
        0..3 => records(device_id, next, random),
        3 => Command::FixStorageEfficiency(FixStorageEfficiency {
            device_id,
            from: next - TimeDelta::hours(random.below(40)),
            to: next + TimeDelta::hours(1 + random.below(100)),
            stated: format!("0.{}", 500 + random.below(500)).parse().ok(),
        }),
        4 => Command::FixStorageEfficiency(FixStorageEfficiency {
            device_id,
            from: first,
            to: next,
            stated: None,
        }),
        5 if random.below(4) == 0 => Command::WithdrawStorageRecords(WithdrawStorageRecords {
            device_id,
            from: next - TimeDelta::hours(1 + random.below(3)),
            only: None,
        }),
        5..7 => Command::AllocateStorage(AllocateStorage {
            device_id,
            from: first,
            to: next + TimeDelta::hours(1),
            method: None,
        }),
        _ => release(history, device_id, &device, random),
    }
}

fn battery() -> Command {
    Command::RegisterDevice(RegisterDevice {
        account_id: AccountId(1),
        attributes: DeviceAttributes {
            local_device_identifier: Some("BAT-1".into()),
            energy_source: EnergySource::BatteryStorage,
            technology_type: TechnologyType::BatteryStorage,
            is_storage: true,
            ..world::attributes("Battery")
        },
    })
}

fn a_battery(history: &History, random: &mut Random) -> Option<(DeviceId, Device)> {
    let mut found: Vec<_> = history
        .state
        .iter()
        .filter_map(|(key, slot)| match (key, &slot.entry) {
            (Key::Device(id), Some(Entry::Device(device)))
                if device.attributes.is_storage && !device.is_removed =>
            {
                Some((*id, (**device).clone()))
            }
            _ => None,
        })
        .collect();
    found.sort_by_key(|(id, _)| *id);
    random.pick(&found).cloned()
}

fn records(
    device_id: DeviceId,
    next: chrono::DateTime<chrono::Utc>,
    random: &mut Random,
) -> Command {
    let rows = (0..=random.below(12)).map(|index| FlowRow {
        row: u32::try_from(index + 1).expect("a dozen rows"),
        start: next + TimeDelta::hours(index),
        end: next + TimeDelta::hours(index + 1),
        wh: WattHours(random.below(2_000) - 1_100),
        validator_id: (random.below(3) == 0).then_some(7),
    });
    Command::SubmitStorageRecords(SubmitStorageRecords {
        device_id,
        rows: rows.collect(),
        unreadable: Vec::new(),
    })
}

/// The next step towards certificates for an allocation: production in its charge's hour, cancellation,
/// issuance.
fn release(
    history: &History,
    device_id: DeviceId,
    device: &Device,
    random: &mut Random,
) -> Command {
    let mut waiting: Vec<(AllocationId, Allocation)> = history
        .state
        .iter()
        .filter_map(|(key, slot)| match (key, &slot.entry) {
            (Key::Allocation(id), Some(Entry::Allocation(allocation)))
                if !allocation.is_issued && allocation.device_id == device_id =>
            {
                Some((*id, *allocation))
            }
            _ => None,
        })
        .collect();
    waiting.sort_by_key(|(id, _)| *id);
    let Some((allocation_id, allocation)) = random.pick(&waiting).copied() else {
        return battery_or_records(history, device_id, random);
    };
    let fitting = |status: &[CertificateStatus]| {
        let mut found: Vec<(BundleId, i64)> = history
            .state
            .iter()
            .filter_map(|(key, slot)| match (key, &slot.entry) {
                (Key::Bundle(id), Some(Entry::Bundle(bundle)))
                    if bundle.account_id == device.account_id
                        && status.contains(&bundle.status)
                        && bundle.expiry > history.now
                        && bundle.trail().used_for.is_none()
                        && allocation.charged.start() <= bundle.interval.start()
                        && bundle.interval.end() <= allocation.charged.end() =>
                {
                    Some((*id, bundle.quantity().0))
                }
                _ => None,
            })
            .collect();
        found.sort_unstable();
        found
    };
    let cancelled = fitting(&[CertificateStatus::CancelledForStorage]);
    if cancelled.iter().map(|(_, wh)| wh).sum::<i64>() >= allocation.consumed.0 {
        return Command::IssueForStorage(IssueForStorage {
            device_id,
            allocation_ids: vec![allocation_id],
            bundle_ids: cancelled.into_iter().map(|(id, _)| id).collect(),
            are_named: false,
        });
    }
    let live = fitting(&[CertificateStatus::Active, CertificateStatus::Reserved]);
    if live.is_empty() {
        let wh = allocation.consumed.0 + random.below(50);
        let producer = 1 + random.below(4);
        return world::readings(producer, allocation.charged.start(), 60, &[wh]);
    }
    let quantity = WattHours(1 + random.below(allocation.consumed.0));
    Command::ActOnBundles(ActOnBundles {
        action_type: ActionType::CancelForStorage,
        source_id: device.account_id,
        bundle_ids: live.into_iter().map(|(id, _)| id).collect(),
        amount: match random.below(3) {
            0 => Amount::Quantity(quantity, QuantityMode::PerBundle),
            _ => Amount::Whole,
        },
        target_id: None,
        beneficiary: None,
        beneficiary_account_id: None,
        storage_device_id: Some(device_id),
        reason: None,
        receiving_registry: None,
        here: String::new(),
        localise_time: true,
    })
}

fn battery_or_records(history: &History, device_id: DeviceId, random: &mut Random) -> Command {
    match history
        .state
        .get(&Key::Storage(device_id))
        .map(|slot| &slot.entry)
    {
        Some(Some(Entry::Storage(storage))) => {
            let next = storage.next_start.unwrap_or_else(world::first_day);
            records(device_id, next, random)
        }
        _ => records(device_id, world::first_day(), random),
    }
}
