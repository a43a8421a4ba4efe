#![allow(clippy::unwrap_used)]
use super::super::flood::SINGLY;
use super::super::trail::Trail;
use super::*;
use crate::wrapped::{Narrow, Wrapped};
use chrono::Utc;
use event_store::person::PersonKeys;
use event_store::{Limits, SealedStore, SqliteStore};
use schemas::envelope::Actor;
use schemas::event::AuditEvent;
use schemas::id::UserId;
use std::collections::HashSet;
use tempfile::TempDir;
use uuid::Uuid;

fn attempt(user: i64) -> Attempt {
    Attempt {
        at: Utc::now(),
        last_at: None,
        count: 1,
        actor: Some(Actor::User(UserId(user))),
        via: None,
        address: Some("192.0.2.1".parse().unwrap()),
        operation: "transfer_certificates".to_owned(),
        account_id: None,
        idempotency_key: None,
        target: None,
        code: Some("bundle_state".to_owned()),
        request_id: Uuid::now_v7(),
    }
}

async fn recorded(store: &dyn EventStore, stream: &StreamName) -> (Vec<Attempt>, Vec<Client>) {
    let (mut attempts, mut clients) = (Vec::new(), Vec::new());
    for event in store.read(stream, Position::START, 10_000).await.unwrap() {
        match AuditEvent::decode(&event.event_type, event.version, &event.data).unwrap() {
            AuditEvent::AttemptsRecorded(event) => attempts.extend(event.attempts),
            AuditEvent::ClientsRecorded(event) => clients.extend(event.clients),
            AuditEvent::ApiKeysUsed(_) => {}
        }
    }
    (attempts, clients)
}

struct Written {
    store: Arc<SqliteStore>,
    stream: StreamName,
    _folder: TempDir,
}

fn written() -> Written {
    let folder = TempDir::new().unwrap();
    Written {
        store: Arc::new(SqliteStore::open(&folder.path().join("events.db")).unwrap()),
        stream: StreamName::audit("test").unwrap(),
        _folder: folder,
    }
}

#[tokio::test]
async fn a_flood_is_counted_to_the_last_and_an_attempt_is_durable_when_it_is_recorded() {
    const FLOOD: usize = 3_000;
    let written = written();
    let never = std::future::pending();
    let (trail, writer) = Trail::new(written.store.clone(), written.stream.clone(), never);
    let writer = tokio::spawn(writer);
    trail.record(vec![attempt(2)]).await;
    assert_eq!(
        recorded(written.store.as_ref(), &written.stream)
            .await
            .0
            .len(),
        1
    );
    let flood = (0..FLOOD).map(|_| trail.record(vec![attempt(1)]));
    futures_util::future::join_all(flood).await;
    let (attempts, _) = recorded(written.store.as_ref(), &written.stream).await;
    let of_flood = attempts.iter().filter(|one| one.actor == attempt(1).actor);
    let counts: Vec<_> = of_flood.map(|one| one.count).collect();
    assert_eq!(counts.iter().sum::<i64>(), i64::try_from(FLOOD).unwrap());
    assert!(
        counts.len() > SINGLY as usize && counts.len() < FLOOD / 10,
        "{counts:?}"
    );
    drop(trail);
    writer.await.unwrap();
}

#[tokio::test]
async fn who_is_refused_is_answered_when_the_event_store_is_away() {
    let written = written();
    let never = std::future::pending();
    let (trail, writer) = Trail::new(written.store.clone(), written.stream.clone(), never);
    let writer = tokio::spawn(writer);
    written.store.close().await;
    trail.record(vec![attempt(1)]).await;
    trail.record(vec![attempt(1)]).await;
    drop(trail);
    writer.await.unwrap();
}

#[tokio::test]
async fn two_processes_write_one_trail_and_what_waits_at_the_end_is_written() {
    let written = written();
    let (stop, stopping) = oneshot::channel::<()>();
    let stopping = async move { drop(stopping.await) };
    let (one, first) = Trail::new(written.store.clone(), written.stream.clone(), stopping);
    let never = std::future::pending();
    let (other, second) = Trail::new(written.store.clone(), written.stream.clone(), never);
    let (first, second) = (tokio::spawn(first), tokio::spawn(second));
    for user in 0..10 {
        one.record(vec![attempt(user)]).await;
        other.record(vec![attempt(user)]).await;
    }
    let command = Uuid::now_v7();
    one.came_from(Client {
        address: Some("192.0.2.9".parse().unwrap()),
        user_id: None,
        command_ids: vec![command],
    });
    stop.send(()).unwrap();
    first.await.unwrap();
    drop(other);
    second.await.unwrap();
    let (attempts, clients) = recorded(written.store.as_ref(), &written.stream).await;
    assert_eq!(attempts.len(), 20);
    assert_eq!(clients[0].command_ids, [command]);
}

/// A store of people that takes so many bytes in an append.
fn sealed(written: &Written, bytes: usize) -> Arc<dyn EventStore> {
    let limits = Limits {
        event_bytes: bytes,
        append_bytes: bytes,
        append_events: 1_000,
    };
    let store = written.store.clone();
    let keys = PersonKeys::open(&written._folder.path().join("people.db")).unwrap();
    let narrow = Arc::new(Wrapped(Narrow { store, limits }));
    Arc::new(SealedStore::new(narrow, keys, None))
}

/// 100 attempts are about 31 kB, 45 kB once they are sealed.
#[tokio::test]
async fn attempts_are_in_the_trail_whatever_sealing_adds_to_them() {
    for bytes in [40_000, 32_000, 2_000] {
        let written = written();
        let store = sealed(&written, bytes);
        let never = std::future::pending();
        let (trail, writer) = Trail::new(store.clone(), written.stream.clone(), never);
        let writer = tokio::spawn(writer);
        trail.record((0..100).map(attempt).collect()).await;
        drop(trail);
        writer.await.unwrap();
        let (attempts, _) = recorded(store.as_ref(), &written.stream).await;
        assert_eq!(attempts.len(), 100, "{bytes}");
    }
}

#[tokio::test]
async fn where_commands_came_from_is_in_the_trail_however_many_there_were_at_once() {
    let written = written();
    let store = sealed(&written, 50_000);
    let never = std::future::pending();
    let (trail, writer) = Trail::new(store.clone(), written.stream.clone(), never);
    let writer = tokio::spawn(writer);
    let commands = |count| (0..count).map(|_| Uuid::now_v7()).collect::<Vec<_>>();
    // Many who asked for little, and one who asked for more than an event takes.
    let mut asked = HashSet::new();
    for user in 0..1_000 {
        let command_ids = commands(if user == 0 { 2_500 } else { 2 });
        asked.extend(command_ids.iter().copied());
        trail.came_from(Client {
            address: Some("192.0.2.9".parse().unwrap()),
            user_id: Some(UserId(user)),
            command_ids,
        });
    }
    drop(trail);
    writer.await.unwrap();
    let (_, clients) = recorded(store.as_ref(), &written.stream).await;
    let told: Vec<_> = clients.iter().flat_map(|one| &one.command_ids).collect();
    assert_eq!(told.len(), asked.len());
    assert!(told.into_iter().all(|command| asked.contains(command)));
}
