//! Backups that are killed, overtaken, or not told what became of what they sent; stores that are not to be trusted.

use super::{MANIFEST, PIECE_BYTES, back_up, buckets, is_piece, machine, named, there, world};
use crate::drill::{end_of_ledger, position};
use event_store::person::PersonKeys;
use projections::postgres::Secret;
use registry::backup::{BackupError, Until, restore_from_bucket, send};
use registry::config::{Config, Hazard};
use serde::{Deserialize, Serialize};
use std::path::PathBuf;
use std::process::Stdio;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use tests::object_store::{Fate, ObjectStore, SECRET_ACCESS_KEY, configure};
use tests::{Clusters, Registry, World};
use tokio::process::Command;
use tokio::sync::Notify;

const ENTRY: &str = "drill::bucket::faults::a_backup_for_the_test_beside";
/// Says what to back up; set for the child only.
const VARIABLE: &str = "GCR_TEST_BACK_UP";

#[derive(Serialize, Deserialize)]
struct Told {
    data_dir: PathBuf,
    endpoint: String,
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "it backs up in a process that another test starts and kills"]
async fn a_backup_for_the_test_beside() {
    let Ok(told) = std::env::var(VARIABLE) else {
        return;
    };
    let Told { data_dir, endpoint } = serde_json::from_str(&told).unwrap();
    let mut config = Config {
        data_dir,
        ..Config::default()
    };
    configure(&mut config, endpoint);
    let taken = send(&config, &buckets(), PIECE_BYTES, |_, _| ()).await;
    panic!("it was not killed: {taken:?}");
}

/// Backs up in a process of its own until the object store has that many pieces of it, and kills it.
async fn killed_after(pieces: usize, world: &World, store: &ObjectStore) {
    let (count, stuck) = (AtomicUsize::new(0), Arc::new(Notify::new()));
    let is_stuck = stuck.clone();
    store.decide(move |asked| {
        if is_piece(asked) && count.fetch_add(1, Ordering::Relaxed) >= pieces {
            is_stuck.notify_one();
            return Fate::Stuck;
        }
        Fate::Answered
    });
    let told = Told {
        data_dir: world.registry.config.data_dir.clone(),
        endpoint: store.endpoint(),
    };
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", ENTRY, "--include-ignored", "--nocapture"])
        .env(VARIABLE, serde_json::to_string(&told).unwrap())
        .stdout(Stdio::null())
        .kill_on_drop(true)
        .spawn()
        .unwrap();
    tokio::select! {
        () = stuck.notified() => {}
        ended = child.wait() => panic!("it ended by itself: {ended:?}"),
    }
    child.kill().await.unwrap();
    store.decide(|_| Fate::Answered);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_backup_that_is_killed_between_two_objects_leaves_the_one_before_restorable() {
    let (world, store) = world().await;
    let first = back_up(&world.registry.config).await.unwrap();
    let before = there(&store);
    for _ in 0..4 {
        world.issue([1; 40]).await;
    }
    killed_after(2, &world, &store).await;
    let left: Vec<String> = there(&store).difference(&before).cloned().collect();
    assert_eq!(left.len(), 2, "{left:?}");
    assert!(before.is_subset(&there(&store)));
    let mut restored_to = machine(&store).await;
    let restored = restored_to.restore_bucket(&buckets()).await.unwrap();
    assert_eq!(end_of_ledger(&restored).position, position(&first));
    restored_to.starts().await;
    restored_to.registry.audit().await;

    let next = back_up(&world.registry.config).await.unwrap();
    assert_eq!(there(&store), named(&store));
    assert!(left.iter().all(|name| !there(&store).contains(name)));
    let machine = machine(&store).await;
    let restored = machine.restore_bucket(&buckets()).await.unwrap();
    assert_eq!(end_of_ledger(&restored).position, position(&next));
}

/// The same registry from another machine, which has the keys as well.
fn from_another_machine(config: &Config, keys: PathBuf) -> Config {
    let own = config.people_keys().unwrap().path;
    PersonKeys::open(&own).unwrap().copy_to(&keys).unwrap();
    let mut other = config.clone();
    other.event_store.people_keys = Some(keys);
    other
}

#[tokio::test(flavor = "multi_thread")]
async fn of_two_backups_at_once_one_counts_and_the_other_takes_nothing_from_it() {
    let (world, store) = world().await;
    let (config, folder) = (&world.registry.config, tempfile::tempdir().unwrap());
    back_up(config).await.unwrap();
    world.issue([1; 40]).await;
    let other = from_another_machine(config, folder.path().join("people.db"));
    let (held, go_on) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
    let (is_held, until) = (held.clone(), go_on.clone());
    let mut is_first = true;
    store.decide(move |asked| {
        if is_piece(asked) && std::mem::take(&mut is_first) {
            is_held.notify_one();
            return Fate::Held(until.clone());
        }
        Fate::Answered
    });
    let meanwhile = async {
        held.notified().await;
        let same = back_up(config).await;
        assert!(matches!(same, Err(BackupError::InUse(_))), "{same:?}");
        let taken = back_up(&other).await.unwrap();
        go_on.notify_one();
        taken
    };
    let (late, taken) = tokio::join!(back_up(config), meanwhile);
    assert!(matches!(late, Err(BackupError::Overtaken(_))), "{late:?}");
    assert!(named(&store).is_subset(&there(&store)));
    let restored_to = machine(&store).await;
    let restored = restored_to.restore_bucket(&buckets()).await.unwrap();
    assert_eq!(end_of_ledger(&restored).position, position(&taken));
    back_up(config).await.unwrap();
    assert_eq!(there(&store), named(&store));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_manifest_whose_answer_was_lost_is_found_to_be_there() {
    let (world, store) = world().await;
    for _ in 0..2 {
        let mut is_first = true;
        store.decide(move |asked| {
            let is_manifest = asked.method == http::Method::PUT && asked.path == MANIFEST;
            if is_manifest && std::mem::take(&mut is_first) {
                return Fate::AnswerLost;
            }
            Fate::Answered
        });
        world.issue([1]).await;
        let taken = back_up(&world.registry.config).await.unwrap();
        let machine = machine(&store).await;
        let restored = machine.restore_bucket(&buckets()).await.unwrap();
        assert_eq!(end_of_ledger(&restored).position, position(&taken));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn keys_go_over_no_network_in_the_clear_unless_that_is_meant_and_errors_tell_no_secret() {
    let store = ObjectStore::start().await;
    let registry = Registry::prepare(Clusters::shared().await).await;
    let mut config = registry.config.clone();
    store.configure(&mut config);
    config.object_store.endpoint = Some("http://minio.invalid:9000".to_owned());
    for refused in [back_up(&config).await.map(|_| ()), restore(&config).await] {
        let error = refused.unwrap_err();
        assert!(matches!(error, BackupError::Unsafe(_)), "{error}");
        assert!(error.to_string().contains("plain_object_store"), "{error}");
    }
    config.allow_unsafe = vec![Hazard::PlainObjectStore];
    store.configure(&mut config);
    let mut nowhere = buckets();
    nowhere.events = "s3://nowhere/gb".parse().unwrap();
    let refused = send(&config, &nowhere, PIECE_BYTES, |_, _| ()).await;
    let error = refused.unwrap_err();
    assert!(matches!(error, BackupError::Bucket { .. }), "{error}");
    assert!(error.to_string().contains("s3://nowhere/gb"), "{error}");

    let wrong = SECRET_ACCESS_KEY.replace("only", "hardly");
    config.object_store.secret_access_key = Secret::new(&*wrong);
    let error = restore(&config).await.unwrap_err();
    assert!(matches!(error, BackupError::Bucket { .. }), "{error}");
    let said = format!("{error} {error:?}");
    assert!(
        !said.contains(&wrong) && !said.contains(SECRET_ACCESS_KEY),
        "{said}"
    );

    config.object_store.secret_access_key = Secret::default();
    let error = restore(&config).await.unwrap_err();
    assert!(matches!(error, BackupError::NoCredentials(_)), "{error}");
}

async fn restore(config: &Config) -> Result<(), BackupError> {
    let restored = restore_from_bucket(config, &buckets(), Until::End, |_, _| ()).await;
    restored.map(|_| ())
}
