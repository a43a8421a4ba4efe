//! Projecting.

use super::history::{DOMAIN, History, name};
use super::random::lived;
use super::rig::Rig;
use super::world;
use event_store::{EventStore, SqliteStore, StoreError};
use ledger::{Key, Stream};
use projections::checkpoint_watch::CheckpointWatch;
use projections::runner::Projector;
use projections::{Error, Target, entries, schema};
use schemas::event::action::BundleAction;
use schemas::id::AccountId;
use schemas::log::Position;
use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

const A_WHILE: Duration = Duration::from_secs(120);

#[tokio::test(flavor = "multi_thread")]
async fn live_databases_pass_the_audit_after_random_histories() {
    for seed in 1..=4 {
        let mut rig = Rig::on_shared_servers().await;
        let _running = rig.start_both();
        lived(&mut rig.history, seed, 150).await;
        rig.audit().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn chunks_of_any_size_give_the_same_databases() {
    let mut rig = Rig::on_shared_servers().await;
    lived(&mut rig.history, 7, 150).await;
    for rows in [1, 2, 17, 300] {
        for target in Target::ALL {
            let client = schema::connect(rig.connection(target), schema::LIVE)
                .await
                .unwrap();
            let drop_all = format!("DROP SCHEMA IF EXISTS {} CASCADE", schema::LIVE);
            client.batch_execute(&drop_all).await.unwrap();
        }
        let _running = Target::ALL.map(|target| rig.start_with(target, rows));
        // The audit replays in chunks of its own size and compares row by row.
        rig.audit().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_log_that_ends_before_the_checkpoint_is_refused_naming_both() {
    let mut rig = Rig::on_shared_servers().await;
    let running = rig.start_both();
    world::found(&mut rig.history, 2).await.unwrap();
    rig.caught_up().await;
    drop(running);
    let folder = tempfile::tempdir().unwrap();
    let empty: Arc<dyn EventStore> =
        Arc::new(SqliteStore::open(&folder.path().join("events.db")).unwrap());
    let head = rig.history.head(Stream::Identity);
    for target in Target::ALL {
        let connection = rig.connection(target).clone();
        let projector = Projector::new(target, connection, Arc::clone(&empty), DOMAIN).unwrap();
        let ended = tokio::time::timeout(A_WHILE, projector.run(std::future::pending())).await;
        let error = ended.unwrap().unwrap_err();
        assert!(
            matches!(&error, Error::Store(StoreError::BehindCheckpoint { head: Position::START, checkpoint, .. })
                if *checkpoint == head),
            "{error}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_log_of_another_history_is_refused() {
    let mut rig = Rig::on_shared_servers().await;
    let mut other = Rig::on_shared_servers().await;
    let running = rig.start_both();
    world::found(&mut rig.history, 2).await.unwrap();
    rig.caught_up().await;
    drop(running);
    other.history.now += chrono::TimeDelta::days(1);
    world::found(&mut other.history, 2).await.unwrap();
    let connection = rig.connection(Target::Read).clone();
    let projector = Projector::new(Target::Read, connection, other.store(), DOMAIN).unwrap();
    let ended = tokio::time::timeout(A_WHILE, projector.run(std::future::pending())).await;
    let error = ended.unwrap().unwrap_err();
    assert!(
        matches!(error, Error::Store(StoreError::Diverged { .. })),
        "{error}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn the_checkpoint_is_known_as_soon_as_it_moves() {
    let mut rig = Rig::on_shared_servers().await;
    let watch = CheckpointWatch::start(rig.connection(Target::Read).clone());
    let late = watch.wait_for(Stream::Ledger, Position(1), Duration::from_millis(50));
    assert_eq!(late.await.unwrap_err().wanted, Position(1));
    let _running = rig.start_both();
    world::found(&mut rig.history, 2).await.unwrap();
    for stream in Stream::OF_STATE {
        let head = rig.history.head(stream);
        watch.wait_for(stream, head, A_WHILE).await.unwrap();
        assert_eq!(watch.now(stream), head);
    }
    // Under load a position can be polled before the connection that listens is up.
    let connected = async || watch.is_connected().then_some(());
    tests::eventually("the watch listens", connected).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn loaded_entries_are_those_of_the_ledger_and_absence_is_loaded_too() {
    let mut rig = Rig::on_shared_servers().await;
    let _running = rig.start(Target::Write);
    lived(&mut rig.history, 11, 100).await;
    rig.caught_up_in(Target::Write).await;
    let client = schema::connect(rig.connection(Target::Write), schema::LIVE)
        .await
        .unwrap();
    for stream in Stream::OF_STATE {
        let is_identity =
            |key: &Key| matches!(key, Key::IdentityCounters | Key::User(_) | Key::Email(_));
        let mut keys: Vec<_> = rig
            .history
            .state
            .keys()
            .filter(|key| is_identity(key) == (stream == Stream::Identity))
            .copied()
            .collect();
        keys.push(match stream {
            Stream::Ledger => Key::Account(AccountId(999_999)),
            _ => Key::User(schemas::id::UserId(999_999)),
        });
        let loaded = entries::load(&client, stream, &keys).await.unwrap();
        assert_eq!(loaded.checkpoint.position, rig.history.head(stream));
        assert_eq!(loaded.slots.len(), keys.len());
        for key in keys {
            let found = &loaded.slots[&key];
            assert_eq!(found.as_of, loaded.checkpoint.position);
            let known = rig
                .history
                .state
                .get(&key)
                .and_then(|slot| slot.entry.clone());
            assert_eq!(found.entry, known, "{key:?}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn both_databases_agree_on_every_bundle() {
    let mut rig = Rig::on_shared_servers().await;
    let _running = rig.start_both();
    lived(&mut rig.history, 12, 200).await;
    rig.caught_up().await;
    let mut answers = Vec::new();
    for (target, [start, end]) in [
        (Target::Write, ["interval_start", "interval_end"]),
        (Target::Read, ["production_start", "production_end"]),
    ] {
        let client = schema::connect(rig.connection(target), schema::LIVE)
            .await
            .unwrap();
        let bundles = format!(
            "SELECT format('%s %s %s %s %s %s %s %s %s %s %s %s %s %s', bundle_id, account_id, device_id,
                status, locked_from, range_start, range_end, {start}, {end}, expiry, parent_id,
                beneficiary, beneficiary_account_id, position) FROM bundle ORDER BY bundle_id"
        );
        let rows = client.query(&bundles, &[]).await.unwrap();
        answers.push(rows.iter().map(|row| row.get(0)).collect::<Vec<String>>());
    }
    assert!(answers[0].len() > 100);
    assert_eq!(answers[0], answers[1]);
}

#[tokio::test]
async fn random_histories_hold_every_kind_of_event() {
    let mut kinds = BTreeSet::new();
    for seed in 1..=16 {
        let folder = tempfile::tempdir().unwrap();
        let store = SqliteStore::open(&folder.path().join("events.db")).unwrap();
        let mut history = History::new(Arc::new(store));
        lived(&mut history, seed, 240).await;
        for stream in Stream::OF_STATE {
            let name = name(stream);
            let events = history.store.read(&name, Position::START, 10_000);
            kinds.extend(
                events
                    .await
                    .unwrap()
                    .into_iter()
                    .map(|event| event.event_type),
            );
        }
    }
    let expected = [
        "AccountOpened",
        "AccountUpdated",
        "WhitelistChanged",
        "AccountClosed",
        "AccountStandingChanged",
        "DeviceRegistered",
        "DeviceUpdated",
        "DeviceRemoved",
        "IssuanceMetadataRecorded",
        "ReadingsAccepted",
        "MeasurementMoved",
        "MeasurementWithdrawn",
        "BundlesIssued",
        "BundlesImported",
        "MeterRegistered",
        "MeterUpdated",
        "ReadingCorrected",
        "DebtPaid",
        "UserRegistered",
        "UserUpdated",
        "UserRemoved",
        "OrganisationFounded",
        "AccountAssigned",
    ];
    // Those of storage are in histories of their own.
    let actions = BundleAction::EVENT_TYPES.into_iter();
    let actions = actions.filter(|kind| !kind.ends_with("ForStorage"));
    let expected = expected.into_iter().chain(actions);
    let missing: Vec<_> = expected.filter(|kind| !kinds.contains(*kind)).collect();
    assert!(missing.is_empty(), "{missing:?}");
}
