//! Times what the projector of READ computes of the log: decoding, hashes of bundles, and the rows that change.
//! The rules' own folding, which the WRITE database is made by, is among the paths of the ledger.
#![allow(clippy::unwrap_used)]

#[path = "../it/projections/history.rs"]
#[allow(dead_code)]
mod history;
#[path = "../it/projections/world.rs"]
#[allow(dead_code)]
mod world;

use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use event_store::{EventStore, RecordedEvent, SqliteStore};
use history::History;
use ledger::Command;
use ledger::Stream;
use ledger::command::{ActOnBundles, Amount};
use projections::fold_read;
use schemas::WattHours;
use schemas::id::{AccountId, BundleId};
use schemas::life_cycle::{ActionType, QuantityMode};
use schemas::log::Position;
use std::sync::Arc;

/// Readings of each log.
const READINGS: i64 = 8_760;
/// Events that are read at a time.
const AT_ONCE: usize = 10_000;
/// Bundles that are transferred in part.
const TRANSFERS: i64 = 500;

/// The events of commands on a ledger with two accounts.
async fn log(commands: impl Iterator<Item = Command>) -> Vec<RecordedEvent> {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("events.db");
    let store: Arc<dyn EventStore> = Arc::new(SqliteStore::open(&file).unwrap());
    let mut history = History::new(Arc::clone(&store));
    world::found(&mut history, 2).await.unwrap();
    for command in commands {
        history.decide(&command).unwrap();
    }
    history.flush().await.unwrap();
    let name = history::name(Stream::Ledger);
    let mut log: Vec<RecordedEvent> = Vec::new();
    loop {
        let last = log.last().map_or(Position::START, |event| event.position);
        let events = store.read(&name, last, AT_ONCE).await.unwrap();
        if events.is_empty() {
            return log;
        }
        log.extend(events);
    }
}

/// Half-hours of device 1, so many in each submission.
fn submissions(readings: i64) -> impl Iterator<Item = Command> {
    let amounts = vec![1_000; usize::try_from(readings).unwrap()];
    (0..READINGS / readings).map(move |number| {
        let half_hours = i32::try_from(number * readings).unwrap();
        let start = world::first_day() + chrono::TimeDelta::minutes(30) * half_hours;
        world::readings(1, start, 30, &amounts)
    })
}

fn transfers() -> impl Iterator<Item = Command> {
    (1..=TRANSFERS).map(|bundle| {
        Command::ActOnBundles(ActOnBundles {
            action_type: ActionType::Transfer,
            source_id: AccountId(1),
            bundle_ids: vec![BundleId(bundle)],
            amount: Amount::Quantity(WattHours(400), QuantityMode::PerBundle),
            target_id: Some(AccountId(2)),
            beneficiary: None,
            beneficiary_account_id: None,
            storage_device_id: None,
            reason: None,
            receiving_registry: None,
            here: String::new(),
            localise_time: true,
        })
    })
}

fn folding(criterion: &mut Criterion) {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let name = history::name(Stream::Ledger);
    let mut group = criterion.benchmark_group("read");
    for (path, log) in [
        (
            "submit_a_year",
            runtime.block_on(log(submissions(READINGS))),
        ),
        (
            "submit_single_readings",
            runtime.block_on(log(submissions(1))),
        ),
        (
            "submit_a_year_and_transfer_parts",
            runtime.block_on(log(submissions(READINGS).chain(transfers()))),
        ),
    ] {
        let fold = |log| fold_read(Stream::Ledger, &name, log).unwrap();
        group.throughput(Throughput::Elements(fold(log.clone()).rows));
        group.bench_function(path, |bencher| {
            bencher.iter_batched(|| log.clone(), fold, BatchSize::LargeInput);
        });
    }
    group.finish();
}

criterion_group!(benches, folding);
criterion_main!(benches);
