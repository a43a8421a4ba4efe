//! A process is killed between an event of a person and what becomes of their key.

use super::{EMAIL, NAME, PROGRAM, register, said_by_read};
use projections::Target;
use projections::rebuild::{CHUNK_ROWS, rebuild};
use rusqlite::Connection;
use schemas::log::StreamName;
use std::path::Path;
use tests::{Clusters, PASSWORD, Process, Registry, World, eventually};

const ENTRY: &str = "erasure::killed::a_registry_for_the_tests_beside";

#[tokio::test(flavor = "multi_thread")]
#[ignore = "it serves in a process that other tests start and kill"]
async fn a_registry_for_the_tests_beside() {
    Process::serve().await;
}

async fn world_in_a_process() -> (World, Process) {
    let mut registry = Registry::prepare(Clusters::shared().await).await;
    let process = Process::start(&mut registry.config, ENTRY);
    (World::on(registry).await, process)
}

/// Keeps everybody else from writing to a file, as a disk that hangs would, while they read it.
fn hold(path: &Path) -> Connection {
    let db = Connection::open(path).unwrap();
    db.busy_timeout(std::time::Duration::from_secs(5)).unwrap();
    db.execute_batch("BEGIN IMMEDIATE").unwrap();
    db
}

/// Whether there is a key of the user, or was; none where nothing was ever said of them.
fn key(path: &Path, user_id: i64) -> Option<bool> {
    let db = Connection::open(path).unwrap();
    let question = "SELECT key IS NOT NULL FROM person WHERE user_id = ?1";
    db.query_row(question, [user_id], |row| row.get(0)).ok()
}

#[tokio::test(flavor = "multi_thread")]
async fn who_is_erased_as_the_process_is_killed_before_their_key_is_gone_is_erased_for_good() {
    let (mut world, mut process) = world_in_a_process().await;
    let person = register(&world).await;
    world.registry.caught_up().await;
    let keys = world.registry.config.people_keys().unwrap().path;
    let location = world.registry.config.event_store_location().unwrap();
    let store = location.open_read_only().await.unwrap();
    let stream = StreamName::identity(&world.registry.config.domain).unwrap();
    let before = store.head(&stream).await.unwrap().position;
    let held = hold(&keys);
    let admin = world.admin.clone();
    let path = format!("/user/erase/{}", person.id);
    let asked = tokio::spawn(async move { admin.post_nothing(&path).await });
    eventually("the erasure is durable", || async {
        let head = store.head(&stream).await.unwrap();
        (head.position > before).then_some(())
    })
    .await;
    process.kill9();
    store.close().await;
    assert!(asked.await.is_err(), "it was answered");
    held.execute_batch("ROLLBACK").unwrap();
    assert_eq!(key(&keys, person.id), Some(true));

    process = Process::start(&mut world.registry.config, ENTRY);
    assert_eq!(key(&keys, person.id), Some(false));
    person.get("/user/me").await.refused(401, "token_invalid");
    let anonymous = world.registry.anonymous();
    let refused = anonymous.login(EMAIL, PASSWORD).await;
    refused.refused(401, "login_failed");
    world.registry.audit().await;
    let store = world.registry.events().await;
    for target in Target::ALL {
        let config = &world.registry.config;
        let database = match target {
            Target::Write => &config.database.write,
            Target::Read => &config.database.read,
        };
        rebuild(target, database, &store, &config.domain, CHUNK_ROWS, |_| {})
            .await
            .unwrap();
    }
    store.close().await;
    world.registry.audit().await;
    let said = said_by_read(&world).await;
    for text in [NAME, EMAIL, PROGRAM] {
        assert!(!said.contains(text), "{text}");
    }
    drop(process);
}

#[tokio::test(flavor = "multi_thread")]
async fn who_was_to_be_registered_as_the_process_is_killed_after_their_key_was_made_is_registered_again()
 {
    let (mut world, mut process) = world_in_a_process().await;
    world.registry.caught_up().await;
    let keys = world.registry.config.people_keys().unwrap().path;
    let people = [&world.admin, &world.producer, &world.trader, &world.auditor];
    let next = people.map(|person| person.id).into_iter().max().unwrap() + 1;
    assert_eq!(key(&keys, next), None);
    let events = world.registry.config.data_dir.join("events.db");
    let held = hold(&events);
    let admin = world.admin.clone();
    let asked = tokio::spawn(async move { admin.create_user(NAME, EMAIL, 3, PASSWORD).await });
    eventually("the key is durable", || async { key(&keys, next) }).await;
    process.kill9();
    assert!(asked.await.is_err(), "it was answered");
    held.execute_batch("ROLLBACK").unwrap();
    drop(held);

    process = Process::start(&mut world.registry.config, ENTRY);
    let person = register(&world).await;
    assert_eq!((person.id, key(&keys, next)), (next, Some(true)));
    world.registry.audit().await;
    drop(process);
}
