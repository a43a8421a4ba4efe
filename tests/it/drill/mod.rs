//! The drill: a backup is taken under load, and restored on an empty machine.

mod bucket;
mod keys;

use chrono::{DateTime, TimeDelta, Utc};
use event_store::Head;
use event_store::copy::CopyError;
use registry::backup::{
    BackupError, Buckets, Manifest, Restored, Until, restore, restore_from_bucket, take,
};
use registry::config::Config;
use schemas::log::{Position, StreamName};
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use tempfile::TempDir;
use tests::{Actor, Clusters, PASSWORD, Registry, World, email, volume};

async fn back_up(config: &Config, to: &Path) -> Manifest {
    let taken = take(config, to, to, |_, _| ()).await;
    taken.unwrap_or_else(|error| panic!("no backup: {error}"))
}

/// Another machine: nothing is there, and its databases are empty.
struct Machine {
    registry: Registry,
    _folder: TempDir,
}

impl Machine {
    async fn empty() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mut registry = Registry::prepare(Clusters::shared().await).await;
        registry.config.data_dir = folder.path().join("data");
        Self {
            registry,
            _folder: folder,
        }
    }

    async fn restore(&self, from: &Path, until: Until) -> Result<Restored, BackupError> {
        restore(&self.registry.config, from, from, until, |_, _| ()).await
    }

    async fn restore_bucket(&self, buckets: &Buckets) -> Result<Restored, BackupError> {
        restore_from_bucket(&self.registry.config, buckets, Until::End, |_, _| ()).await
    }

    async fn starts(&mut self) {
        self.registry.up().await;
        self.registry.caught_up().await;
    }

    async fn trader(&self) -> Actor {
        let anonymous = self.registry.anonymous();
        anonymous.signed_in(&email("trader"), PASSWORD).await
    }
}

fn ledger() -> StreamName {
    StreamName::ledger(&Config::default().domain).unwrap()
}

fn position(manifest: &Manifest) -> Position {
    let ending = manifest.streams.iter().find(|end| end.stream == ledger());
    ending.unwrap().position
}

fn end_of_ledger(restored: &Restored) -> Head {
    let mut streams = restored.streams.iter();
    streams.find(|(name, _)| *name == ledger()).unwrap().1
}

/// By which everything so far is recorded, and nothing that comes later.
fn now(world: &World) -> DateTime<Utc> {
    let now = world.registry.clock.now();
    world.registry.clock.advance(TimeDelta::hours(1));
    now + TimeDelta::minutes(30)
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_acknowledged_before_a_backup_is_there_when_it_is_restored_on_an_empty_machine() {
    const BUNDLES: usize = 60;
    let world = World::start().await;
    let bundles = world.issue([7; BUNDLES]).await;
    let folder = tempfile::tempdir().unwrap();
    // The first of a row, to which the next one adds.
    let first = back_up(&world.registry.config, folder.path()).await;
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
        let manifest = back_up(&world.registry.config, folder.path()).await;
        (acknowledged, manifest)
    };
    let ((), (acknowledged, manifest)) = tokio::join!(load, backup);
    assert!(position(&manifest) > position(&first));

    let mut machine = Machine::empty().await;
    let restored = machine.restore(folder.path(), Until::End).await.unwrap();
    assert_eq!(end_of_ledger(&restored).position, position(&manifest));
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
    // And it goes on.
    let left = trader.query(world.s, serde_json::json!({})).await;
    if let Some(bundle) = tests::ids(&left).first() {
        let answer = trader.transfer(world.s, world.t, &[*bundle]).await;
        answer.expect(202);
    }
    machine.registry.audit().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_backup_is_restored_as_of_a_time_and_who_came_later_leaves_no_trace_in_it() {
    const LATER: &str = "later@registry.test";
    let world = World::start().await;
    let [bundle] = world.issue([100]).await;
    let then = now(&world);
    let answer = world.trader.cancel(world.s, &[bundle], "Somebody").await;
    answer.expect(202);
    let created = world.admin.create_user("Later", LATER, 3, PASSWORD).await;
    let later = created.expect(200)["id"].as_i64().unwrap();
    let erased = format!("/user/erase/{later}");
    world.admin.post_nothing(&erased).await.expect(200);
    let folder = tempfile::tempdir().unwrap();
    let manifest = back_up(&world.registry.config, folder.path()).await;

    let mut machine = Machine::empty().await;
    let until = Until::Instant(then);
    let restored = machine.restore(folder.path(), until).await.unwrap();
    let head = end_of_ledger(&restored);
    assert_eq!(head.position, position(&manifest).plus(-1));
    machine.starts().await;
    let shown = machine.trader().await.bundle(bundle).await;
    assert_eq!(shown["certificate_bundle_status"], "Active");
    // Who comes now gets the number of who came then, and is not taken for them.
    let anonymous = machine.registry.anonymous();
    let admin = anonymous.signed_in(&email("admin"), PASSWORD).await;
    let created = admin.create_user("Other", LATER, 3, PASSWORD).await;
    assert_eq!(created.expect(200)["id"], later);
    assert_eq!(anonymous.signed_in(LATER, PASSWORD).await.id, later);
    machine.registry.audit().await;

    // By its place in the ledger the same.
    let machine = Machine::empty().await;
    let until = Until::Ledger(head.position);
    let by_place = machine.restore(folder.path(), until).await.unwrap();
    assert_eq!(end_of_ledger(&by_place), head);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_backup_that_is_not_whole_or_would_replace_something_is_refused() {
    let mut world = World::start().await;
    let folder = tempfile::tempdir().unwrap();
    let from = folder.path();
    let manifest = back_up(&world.registry.config, from).await;
    world.issue([1]).await;

    // Its own machine goes on, so its keys are there.
    let config = &world.registry.config;
    let sha256 = hex::encode(manifest.people_keys.sha256.0);
    let keys = from.join(format!("people-{sha256}.db"));
    let own = restore(config, from, from, Until::End, |_, _| ()).await;
    assert!(matches!(own, Err(BackupError::InTheWay(_))), "{own:?}");

    let mut machine = Machine::empty().await;
    let end = position(&manifest);
    for asked in [Position(0), end.plus(1)] {
        let behind = machine.restore(from, Until::Ledger(asked)).await;
        assert!(
            matches!(behind, Err(BackupError::NotReached { .. })),
            "{behind:?}"
        );
    }
    "fr".clone_into(&mut machine.registry.config.domain);
    let other = machine.restore(from, Until::End).await;
    assert!(
        matches!(other, Err(BackupError::OtherDomain { .. })),
        "{other:?}"
    );
    machine.registry.config.domain = Config::default().domain;

    let good = std::fs::read(&keys).unwrap();
    let mut changed = good.clone();
    *changed.last_mut().unwrap() ^= 1;
    std::fs::write(&keys, changed).unwrap();
    let changed = machine.restore(from, Until::End).await;
    assert!(
        matches!(changed, Err(BackupError::Changed(_))),
        "{changed:?}"
    );
    std::fs::write(&keys, good).unwrap();

    // Broken off before the keys were put in their place, it can be done again; with another end it can not.
    let restored = machine.restore(from, Until::End).await.unwrap();
    std::fs::remove_file(&restored.people_keys).unwrap();
    let again = machine.restore(from, Until::End).await.unwrap();
    assert_eq!(again, restored);
    std::fs::remove_file(&restored.people_keys).unwrap();
    let less = machine.restore(from, Until::Ledger(Position(1))).await;
    assert!(
        matches!(&less, Err(BackupError::Copy(error)) if matches!(**error, CopyError::Further { .. })),
        "{less:?}"
    );

    // A log that is shorter than its manifest says is no backup.
    let events = from.join("events.db");
    world.registry.down().await;
    let other = Registry::prepare(Clusters::shared().await).await;
    std::fs::copy(other.config.data_dir.join("events.db"), &events).unwrap();
    std::fs::copy(
        other.config.data_dir.join("events.db-head"),
        from.join("events.db-head"),
    )
    .unwrap();
    let machine = Machine::empty().await;
    let shorter = machine.restore(from, Until::End).await;
    assert!(matches!(shorter, Err(BackupError::Store(_))), "{shorter:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_backup_to_which_nothing_is_added_is_not_read_a_second_time() {
    let mut world = World::start().await;
    world.registry.down().await;
    let (config, folder) = (&world.registry.config, tempfile::tempdir().unwrap());
    let first = back_up(config, folder.path()).await;
    let mut steps = Vec::new();
    let told = |stream: &StreamName, step| steps.push((stream.clone(), step));
    let again = take(config, folder.path(), folder.path(), told).await;
    assert_eq!(again.unwrap().streams, first.streams);
    assert_eq!(steps, []);
}
