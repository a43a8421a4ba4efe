//! The drill with an object store.

mod faults;

use super::{Machine, end_of_ledger, position};
use http::Method;
use registry::backup::{BackupError, Buckets, Manifest, send};
use registry::config::Config;
use serde_json::Value;
use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use tests::object_store::{Asked, Fate, ObjectStore};
use tests::{PASSWORD, World, volume};

/// So little that the streams of a test come in many pieces.
const PIECE_BYTES: u64 = 1 << 10;
/// The manifest, as it is asked for.
const MANIFEST: &str = "/backup/gb/manifest.json";

fn buckets() -> Buckets {
    Buckets {
        events: "s3://backup/gb".parse().unwrap(),
        keys: "s3://keys".parse().unwrap(),
    }
}

async fn back_up(config: &Config) -> Result<Manifest, BackupError> {
    send(config, &buckets(), PIECE_BYTES, |_, _| ()).await
}

/// A registry that backs up to an object store.
async fn world() -> (World, ObjectStore) {
    let (mut world, store) = (World::start().await, ObjectStore::start().await);
    store.configure(&mut world.registry.config);
    (world, store)
}

/// An empty machine that knows the object store.
async fn machine(store: &ObjectStore) -> Machine {
    let mut machine = Machine::empty().await;
    store.configure(&mut machine.registry.config);
    machine
}

/// What the manifest in the object store says.
fn manifest(store: &ObjectStore) -> Value {
    let files = store.files("backup");
    let file = files.iter().find(|file| file.ends_with("manifest.json"));
    serde_json::from_slice(&fs::read(file.unwrap()).unwrap()).unwrap()
}

/// The objects that the manifest names, behind the names of their buckets, and itself.
fn named(store: &ObjectStore) -> BTreeSet<String> {
    let manifest = manifest(store);
    let objects = |list: &str, before: &str| {
        let objects = manifest[list].as_array().unwrap().iter();
        let name = |object: &Value| format!("{before}{}", object["object"].as_str().unwrap());
        objects.map(name).collect::<Vec<_>>()
    };
    let pieces = objects("segments", "backup/gb/").into_iter();
    let itself = MANIFEST.trim_start_matches('/').to_owned();
    pieces
        .chain(objects("keys", "keys/"))
        .chain([itself])
        .collect()
}

/// All objects that are there.
fn there(store: &ObjectStore) -> BTreeSet<String> {
    let files = ["backup", "keys"].map(|bucket| store.files(bucket));
    files.iter().flatten().map(|file| store.key(file)).collect()
}

fn is_piece(asked: &Asked) -> bool {
    asked.method == Method::PUT && asked.path.ends_with(".jsonl.zst")
}

/// Somebody more, who has a key.
async fn somebody(world: &World, email: &str) {
    let created = world.admin.create_user("Somebody", email, 3, PASSWORD);
    created.await.expect(200);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_acknowledged_before_a_backup_to_an_object_store_is_there_on_an_empty_machine() {
    const BUNDLES: usize = 60;
    let (world, store) = world().await;
    let bundles = world.issue([7; BUNDLES]).await;
    let first = back_up(&world.registry.config).await.unwrap();
    // Each third request is refused, and tried again.
    let count = AtomicUsize::new(0);
    store.decide(move |_| match count.fetch_add(1, Ordering::Relaxed) % 3 {
        0 => Fate::Refused,
        _ => Fate::Answered,
    });
    let moved = AtomicUsize::new(0);
    let load = async {
        for bundle in bundles {
            let answer = world.trader.transfer(world.s, world.t, &[bundle]).await;
            answer.expect(202);
            moved.fetch_add(1, Ordering::AcqRel);
        }
    };
    let backup = async {
        while moved.load(Ordering::Acquire) < BUNDLES / 4 {
            tokio::task::yield_now().await;
        }
        let acknowledged = moved.load(Ordering::Acquire);
        (acknowledged, back_up(&world.registry.config).await.unwrap())
    };
    let ((), (acknowledged, manifest)) = tokio::join!(load, backup);
    assert!(position(&manifest) > position(&first));

    let mut machine = machine(&store).await;
    let restored = machine.restore_bucket(&buckets()).await.unwrap();
    assert_eq!(end_of_ledger(&restored).position, position(&manifest));
    let left = fs::read_dir(machine.registry.config.data_dir.join("restore.partial")).unwrap();
    let left: Vec<_> = left.map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(left, [".lock"]);
    machine.starts().await;
    machine.registry.audit().await;
    let trader = machine.trader().await;
    let arrived = volume(&trader.holdings(world.t).await) / 7;
    let stayed = volume(&trader.holdings(world.s).await) / 7;
    assert!(
        arrived >= i64::try_from(acknowledged).unwrap(),
        "{arrived} of {acknowledged}"
    );
    assert_eq!(arrived + stayed, i64::try_from(BUNDLES).unwrap());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_backup_sends_what_is_new_and_removes_what_no_longer_belongs_to_it() {
    let (mut world, store) = world().await;
    let config = world.registry.config.clone();
    world.issue([1; 40]).await;
    somebody(&world, "first@registry.test").await;
    back_up(&config).await.unwrap();
    let first = named(&store);
    assert_eq!(there(&store), first);
    let full = |manifest: &Value| -> BTreeSet<String> {
        let pieces = manifest["segments"].as_array().unwrap().iter();
        let full = pieces.filter(|piece| piece["event_bytes"].as_u64().unwrap() >= PIECE_BYTES);
        full.map(|piece| piece["object"].as_str().unwrap().to_owned())
            .collect()
    };
    let kept = full(&manifest(&store));
    assert!(kept.len() > 2, "{kept:?}");

    // Others' objects, and what a backup has left that was broken off.
    let run = store.files("backup")[0].parent().unwrap().to_owned();
    let orphan = run.join("ledger-gb-1-2.jsonl.zst");
    let others = run.with_file_name("others.txt");
    fs::write(&orphan, "left").unwrap();
    fs::write(&others, "others'").unwrap();

    world.issue([2; 4]).await;
    somebody(&world, "second@registry.test").await;
    store.asked(&Method::PUT);
    back_up(&config).await.unwrap();
    let sent = store.asked(&Method::PUT);
    let again = |name: &String| sent.iter().any(|path| path.ends_with(name.as_str()));
    assert!(!kept.iter().any(again), "{kept:?} {sent:?}");
    assert!(kept.is_subset(&full(&manifest(&store))));
    assert!(!orphan.exists());
    fs::remove_file(others).unwrap();
    assert_eq!(there(&store), named(&store));
    // The keys of who was erased since are in the earlier ones.
    assert_eq!(store.files("keys").len(), 2);
    let machine = machine(&store).await;
    machine.restore_bucket(&buckets()).await.unwrap();

    // Nothing is new.
    world.registry.down().await;
    back_up(&config).await.unwrap();
    store.asked(&Method::PUT);
    back_up(&config).await.unwrap();
    assert_eq!(store.asked(&Method::PUT), [MANIFEST]);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_in_the_object_store_any_more_is_sent_again() {
    let (world, store) = world().await;
    world.issue([1; 40]).await;
    back_up(&world.registry.config).await.unwrap();
    let pieces = store.files("backup").into_iter();
    let mut pieces = pieces.filter(|file| !file.ends_with("manifest.json"));
    fs::remove_file(pieces.next().unwrap()).unwrap();
    fs::write(pieces.next().unwrap(), "cut").unwrap();
    for keys in store.files("keys") {
        fs::remove_file(keys).unwrap();
    }
    back_up(&world.registry.config).await.unwrap();
    let mut machine = machine(&store).await;
    machine.restore_bucket(&buckets()).await.unwrap();
    machine.starts().await;
    machine.registry.audit().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_object_that_is_changed_cut_or_gone_is_named_and_nothing_restored() {
    let (world, store) = world().await;
    world.issue([1; 40]).await;
    back_up(&world.registry.config).await.unwrap();
    let machine = machine(&store).await;
    let refused = async |file: &Path| {
        let error = machine.restore_bucket(&buckets()).await.unwrap_err();
        let url = format!("s3://{}", store.key(file));
        assert!(error.to_string().contains(&url), "{error} {url}");
        let data = &machine.registry.config.data_dir;
        assert!(!data.join("events.db").exists() && !data.join("people.db").exists());
        error
    };
    for file in ["backup", "keys"]
        .map(|bucket| store.files(bucket))
        .concat()
    {
        let good = fs::read(&file).unwrap();
        fs::write(&file, &good[..good.len() - 1]).unwrap();
        refused(&file).await;
        fs::remove_file(&file).unwrap();
        if !file.ends_with("manifest.json") {
            let mut changed = good.clone();
            *changed.last_mut().unwrap() ^= 1;
            fs::write(&file, changed).unwrap();
            let error = refused(&file).await;
            assert!(matches!(error, BackupError::Changed(_)), "{error}");
            fs::remove_file(&file).unwrap();
            let error = refused(&file).await;
            assert!(matches!(error, BackupError::ObjectGone(_)), "{error}");
        }
        fs::write(&file, good).unwrap();
    }
    machine.restore_bucket(&buckets()).await.unwrap();
    let again = machine.restore_bucket(&buckets()).await;
    assert!(matches!(again, Err(BackupError::InTheWay(_))), "{again:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_backup_of_another_log_is_left_alone() {
    let (world, store) = world().await;
    world.issue([1]).await;
    let manifest = back_up(&world.registry.config).await.unwrap();
    let before = there(&store);
    let mut other = World::start().await;
    store.configure(&mut other.registry.config);
    let refused = back_up(&other.registry.config).await;
    assert!(
        matches!(refused, Err(BackupError::OtherLog(_))),
        "{refused:?}"
    );
    assert_eq!(there(&store), before);

    let mut machine = machine(&store).await;
    let nothing = Buckets {
        events: "s3://backup/nothing".parse().unwrap(),
        ..buckets()
    };
    let refused = machine.restore_bucket(&nothing).await;
    assert!(
        matches!(refused, Err(BackupError::NoBackup(_))),
        "{refused:?}"
    );
    "fr".clone_into(&mut machine.registry.config.domain);
    let refused = machine.restore_bucket(&buckets()).await;
    assert!(
        matches!(refused, Err(BackupError::OtherDomain { .. })),
        "{refused:?}"
    );
    machine.registry.config.domain = Config::default().domain;
    let restored = machine.restore_bucket(&buckets()).await.unwrap();
    assert_eq!(end_of_ledger(&restored).position, position(&manifest));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_backup_that_does_not_see_the_exchange_key_keeps_the_object_that_has_it() {
    let (world, store) = world().await;
    let config = &world.registry.config;
    back_up(config).await.unwrap();
    let before = there(&store);
    let key = config.exchange.key_file(&config.data_dir);
    fs::remove_file(key).unwrap();
    let refused = back_up(config).await.unwrap_err();
    assert!(
        matches!(refused, BackupError::ExchangeGone { .. }),
        "{refused}"
    );
    let is_kept = |name: &&String| before.contains(*name);
    assert_eq!(there(&store).iter().filter(is_kept).count(), before.len());
    let files = store.files("keys").into_iter();
    let mut exchange = files.filter(|file| store.key(file).contains("/exchange-key-"));
    let kept = exchange.next().unwrap();
    assert!(refused.to_string().contains(&store.key(&kept)), "{refused}");
    fs::remove_file(kept).unwrap();
    assert_eq!(back_up(config).await.unwrap().exchange_key, None);
}
