#![allow(clippy::unwrap_used)]
use super::field::{self, ERASURE};
use super::keys::Found;
use super::*;
use crate::{EventStore, Head, Location, NewEvent, RecordedEvent, SqliteStore, StoreError};
use schemas::id::UserId;
use schemas::log::{Position, StreamName};
use serde_json::{Value, json};
use std::borrow::Cow;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use tempfile::TempDir;
use uuid::Uuid;

const NAME: &str = "Ada Miller";

fn event(event_type: &'static str, data: &Value) -> NewEvent {
    NewEvent {
        event_id: Uuid::now_v7(),
        event_type: Cow::Borrowed(event_type),
        version: 1,
        data: serde_json::to_vec(data).unwrap(),
        metadata: b"{}".to_vec(),
    }
}

fn registered(user_id: i64) -> Value {
    json!({"user_id": user_id, "profile": {"name": NAME, "email": "ada@example.org", "role": 2}})
}

fn erasure(user_id: i64) -> NewEvent {
    event(ERASURE, &json!({"user_id": user_id}))
}

fn stream() -> StreamName {
    StreamName::identity("test").unwrap()
}

struct Folder(TempDir);

impl Folder {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn events(&self) -> PathBuf {
        self.0.path().join("events.db")
    }

    fn plain(&self) -> Arc<dyn EventStore> {
        Arc::new(SqliteStore::open(&self.events()).unwrap())
    }

    fn place(&self) -> KeyPlace {
        let events = Location::Sqlite(self.events());
        KeyPlace::new(None, None, &events, Path::new("/elsewhere"))
    }

    fn keys(&self) -> PersonKeys {
        PersonKeys::open(&self.place().path).unwrap()
    }

    async fn open(&self) -> Result<Arc<dyn EventStore>, StoreError> {
        self.place().seal(self.plain(), &stream()).await
    }

    /// Whether the bytes are in any of its files.
    fn holds(&self, bytes: &[u8]) -> bool {
        std::fs::read_dir(self.0.path()).unwrap().any(|file| {
            let content = std::fs::read(file.unwrap().path()).unwrap();
            content.windows(bytes.len()).any(|window| window == bytes)
        })
    }
}

async fn append(store: &Arc<dyn EventStore>, after: i64, events: Vec<NewEvent>) -> Head {
    let appended = store.append(&stream(), Position(after), events).await;
    appended.unwrap()
}

async fn read(store: &Arc<dyn EventStore>) -> Vec<RecordedEvent> {
    store.read(&stream(), Position::START, 100).await.unwrap()
}

async fn payloads(store: &Arc<dyn EventStore>) -> Vec<Value> {
    let events = read(store).await;
    let payload = |event: &RecordedEvent| serde_json::from_slice(&event.data).unwrap();
    events.iter().map(payload).collect()
}

#[tokio::test]
async fn what_is_personal_is_read_until_the_person_is_erased_and_is_never_in_a_file() {
    let folder = Folder::new();
    let store = folder.open().await.unwrap();
    let update = json!({"user_id": 7, "previous_email": Uuid::max(), "changes": {"role": 3}});
    let events = vec![
        event("UserRegistered", &registered(7)),
        event("UserUpdated", &update),
    ];
    append(&store, 0, events).await;
    assert_eq!(payloads(&store).await, [registered(7), update]);

    let head = append(&store, 2, vec![erasure(7)]).await;
    let left = payloads(&store).await;
    assert_eq!(
        left[0],
        json!({"user_id": 7, "profile":
            {"name": "erased user 7", "email": "user-7@erased.invalid", "role": 2}})
    );
    assert_eq!(left[1]["changes"]["role"], 3);
    assert_eq!(left[1]["previous_email"], json!(Uuid::nil()));
    let hash = |hash, event: &RecordedEvent| event.hash_after(hash);
    let hash = read(&store).await.iter().fold(Head::START.hash, hash);
    assert_eq!(
        hash, head.hash,
        "the running hash is that of what is stored"
    );
    store.close().await;
    for personal in [&NAME.as_bytes(), &&b"ada@example.org"[..]] {
        assert!(!folder.holds(personal));
    }
}

#[tokio::test]
async fn where_people_asked_from_is_sealed_for_each_of_them_in_one_event() {
    let folder = Folder::new();
    let store = folder.open().await.unwrap();
    let audit = StreamName::audit("test").unwrap();
    let attempt = |actor: &str, address: &str| json!({"actor": actor, "address": address});
    let attempts = json!({"attempts": [
        attempt("user:7", "192.0.2.7"),
        attempt("user:8", "192.0.2.8"),
        attempt("gateway:7", "192.0.2.9"),
        {"address": "192.0.2.10"},
        {"actor": "user:9"},
    ]});
    let clients = json!({"clients": [
        {"address": "192.0.2.7", "user_id": 7, "command_ids": []},
        {"address": "192.0.2.9", "command_ids": []},
    ]});
    let events = vec![
        event("AttemptsRecorded", &attempts),
        event("ClientsRecorded", &clients),
    ];
    store.append(&audit, Position::START, events).await.unwrap();
    let read = async || {
        let events = store.read(&audit, Position::START, 10).await.unwrap();
        let payload = |event: &RecordedEvent| serde_json::from_slice::<Value>(&event.data).unwrap();
        (payload(&events[0]), payload(&events[1]))
    };
    assert_eq!(read().await, (attempts.clone(), clients.clone()));
    for sealed in ["192.0.2.7", "192.0.2.8"] {
        assert!(!folder.holds(sealed.as_bytes()), "{sealed}");
    }
    append(
        &store,
        0,
        vec![event("UserRegistered", &registered(7)), erasure(7)],
    )
    .await;
    let (mut left_attempts, mut left_clients) = (attempts, clients);
    left_attempts["attempts"][0] = json!({"actor": "user:7"});
    left_clients["clients"][0] = json!({"user_id": 7, "command_ids": []});
    assert_eq!(read().await, (left_attempts, left_clients));
}

#[tokio::test]
async fn an_event_counts_as_many_bytes_as_it_has_once_it_is_sealed() {
    let folder = Folder::new();
    let store = folder.open().await.unwrap();
    for length in 0..40 {
        let mut long = registered(7);
        long["profile"]["name"] = json!("ä\"".repeat(length));
        let attempts = (0..length).map(|user| {
            json!({"actor": format!("user:{user}"), "address": "192.0.2.7", "operation": "login_user"})
        });
        let clients = json!([{"address": "192.0.2.7", "user_id": 7, "command_ids": []}, {}]);
        let events = vec![
            event("UserRegistered", &long),
            event(
                "UserUpdated",
                &json!({"user_id": 7, "changes": {"role": 1}}),
            ),
            event(
                "AttemptsRecorded",
                &json!({"attempts": attempts.collect::<Vec<_>>()}),
            ),
            event("ClientsRecorded", &json!({"clients": clients})),
            event("AccountOpened", &long),
        ];
        let counted: Vec<_> = events.iter().map(|event| store.size(event)).collect();
        let head = store.head(&stream()).await.unwrap().position;
        append(&store, head.0, events).await;
        let stored = store.read(&stream(), head, 10).await.unwrap();
        let sizes = stored.iter().map(|event| {
            let data = event.sealed.as_ref().unwrap_or(&event.data);
            event.event_type.len() + data.len() + event.metadata.len()
        });
        assert_eq!(counted, sizes.collect::<Vec<_>>(), "{length}");
    }
}

#[tokio::test]
async fn a_destroyed_key_is_in_no_file_any_more_and_is_not_made_again() {
    let folder = Folder::new();
    let keys = folder.keys();
    // Others on the same page.
    for user_id in 1..50 {
        keys.find_or_make("test", UserId(user_id)).unwrap();
    }
    let Found::Key(key) = keys.find_or_make("test", UserId(7)).unwrap() else {
        panic!("a new person has a key");
    };
    assert!(keys.find_or_make("test", UserId(7)).unwrap() == Found::Key(key.clone()));
    assert!(keys.find("other", UserId(7)).unwrap() == Found::Never);
    assert!(folder.holds(&key.0));
    assert!(keys.destroy("test", UserId(7)).unwrap());
    assert!(!folder.holds(&key.0));
    assert!(!keys.destroy("test", UserId(7)).unwrap());
    assert!(keys.find_or_make("test", UserId(7)).unwrap() == Found::Destroyed);
    assert!(matches!(
        keys.find("test", UserId(8)).unwrap(),
        Found::Key(_)
    ));
}

#[cfg(unix)]
#[test]
fn nobody_but_the_owner_reads_the_keys() {
    use std::os::unix::fs::PermissionsExt;
    let folder = Folder::new();
    let keys = folder.keys();
    let mode = std::fs::metadata(keys.path()).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
}

#[tokio::test]
async fn an_erasure_that_was_broken_off_is_finished_by_who_reads_it() {
    let folder = Folder::new();
    let store = folder.open().await.unwrap();
    append(&store, 0, vec![event("UserRegistered", &registered(7))]).await;
    // As if the process had ended as soon as the event was durable.
    append(&folder.plain(), 1, vec![erasure(7)]).await;
    assert!(matches!(
        folder.keys().find("test", UserId(7)).unwrap(),
        Found::Key(_)
    ));
    store.read(&stream(), Position(1), 1).await.unwrap();
    assert!(folder.keys().find("test", UserId(7)).unwrap() == Found::Destroyed);
}

#[tokio::test]
async fn opening_the_store_finishes_erasures_also_after_the_keys_came_back_from_a_backup() {
    let folder = Folder::new();
    let store = folder.open().await.unwrap();
    append(&store, 0, vec![event("UserRegistered", &registered(7))]).await;
    let backup = std::fs::read(folder.place().path).unwrap();
    append(&store, 1, vec![erasure(7)]).await;
    store.close().await;
    drop(store);
    std::fs::write(folder.place().path, backup).unwrap();
    assert!(folder.keys().find("test", UserId(7)).unwrap() != Found::Destroyed);
    folder.open().await.unwrap();
    assert!(folder.keys().find("test", UserId(7)).unwrap() == Found::Destroyed);
}

#[tokio::test]
async fn an_event_from_before_there_were_keys_stays_as_it_is_and_later_ones_are_sealed() {
    let folder = Folder::new();
    append(
        &folder.plain(),
        0,
        vec![event("UserRegistered", &registered(7))],
    )
    .await;
    let store = folder.open().await.unwrap();
    let renamed = json!({"user_id": 7, "previous_email": Uuid::max(), "changes": {"name": "Eve"}});
    append(&store, 1, vec![event("UserUpdated", &renamed)]).await;
    assert_eq!(payloads(&store).await, [registered(7), renamed]);
    let sealed_with = field::file(&read(&folder.plain()).await[1]);
    assert_eq!(sealed_with, Some(folder.keys().id()));
    append(&store, 2, vec![erasure(7)]).await;
    assert_eq!(payloads(&store).await[0], registered(7));
}

#[tokio::test]
async fn a_log_without_its_keys_is_not_opened_unless_they_are_named_as_lost() {
    let folder = Folder::new();
    let store = folder.open().await.unwrap();
    append(&store, 0, vec![event("UserRegistered", &registered(7))]).await;
    store.close().await;
    drop(store);
    let id = folder.keys().id();
    std::fs::remove_file(folder.place().path).unwrap();
    let refused = folder.open().await.err().unwrap().to_string();
    assert!(refused.contains(&id.to_string()), "{refused}");
    assert!(refused.contains("people.db"), "{refused}");
    assert!(!folder.place().path.exists(), "nothing was made");

    let place = KeyPlace {
        lost: Some(id),
        ..folder.place()
    };
    let store = place.seal(folder.plain(), &stream()).await.unwrap();
    append(&store, 1, vec![event("UserRegistered", &registered(8))]).await;
    let names: Vec<_> = payloads(&store).await;
    assert_eq!(names[0]["profile"]["name"], "erased user 7");
    assert_eq!(names[1]["profile"]["name"], NAME);
}

#[tokio::test]
async fn a_log_with_the_keys_of_another_is_not_read() {
    let (folder, other) = (Folder::new(), Folder::new());
    let store = folder.open().await.unwrap();
    append(&store, 0, vec![event("UserRegistered", &registered(7))]).await;
    let place = other.place();
    drop(other.keys());
    let refused = place.seal(folder.plain(), &stream()).await.err().unwrap();
    assert!(
        matches!(refused, StoreError::People(PeopleError::Other { .. })),
        "{refused}"
    );
}

#[tokio::test]
async fn keys_that_are_older_than_the_log_are_refused_and_so_is_a_log_that_is_older_than_the_keys()
{
    let folder = Folder::new();
    let empty = folder.keys();
    let backup = std::fs::read(empty.path()).unwrap();
    let store = folder.open().await.unwrap();
    append(&store, 0, vec![event("UserRegistered", &registered(7))]).await;
    std::fs::write(empty.path(), backup).unwrap();
    let refused = store.read(&stream(), Position::START, 1).await;
    let refused = refused.err().unwrap();
    assert!(
        matches!(refused, StoreError::People(PeopleError::Outdated { .. })),
        "{refused}"
    );

    let folder = Folder::new();
    folder.keys().destroy("test", UserId(7)).unwrap();
    let store = folder.open().await.unwrap();
    let first = vec![event("UserRegistered", &registered(7))];
    let refused = store.append(&stream(), Position::START, first).await;
    assert!(refused.unwrap_err().to_string().contains("was erased"));
}

#[tokio::test]
async fn another_database_is_not_taken_for_one_of_keys() {
    let folder = Folder::new();
    drop(folder.plain());
    let refused = PersonKeys::open(&folder.events()).err().unwrap();
    assert!(matches!(refused, PeopleError::NotKeys(_)), "{refused}");
}

#[tokio::test]
async fn a_sealed_event_can_not_be_put_in_the_place_of_another() {
    let folder = Folder::new();
    let store = folder.open().await.unwrap();
    append(&store, 0, vec![event("UserRegistered", &registered(7))]).await;
    let plain = folder.plain();
    let stolen = read(&plain).await.remove(0);
    let moved = NewEvent {
        event_id: Uuid::now_v7(),
        event_type: Cow::Owned(stolen.event_type),
        version: stolen.version,
        data: stolen.data,
        metadata: stolen.metadata,
    };
    append(&plain, 1, vec![moved]).await;
    let refused = store.read(&stream(), Position(1), 1).await.err().unwrap();
    assert!(
        matches!(refused, StoreError::People(PeopleError::Damaged(_))),
        "{refused}"
    );
}

#[tokio::test]
async fn a_copy_of_the_keys_opens_what_they_opened_and_forgets_who_is_not_known() {
    let folder = Folder::new();
    let store = folder.open().await.unwrap();
    let events = [1, 2, 3].map(|id| event(field::BEGINNING, &registered(id)));
    append(&store, 0, events.to_vec()).await;
    append(&store, 3, vec![erasure(2)]).await;
    let before = payloads(&store).await;
    let elsewhere = Folder::new();
    let path = elsewhere.place().path;
    folder.keys().copy_to(&path).unwrap();
    assert!(
        folder.keys().copy_to(&path).is_err(),
        "nothing is overwritten"
    );
    let copied = KeyPlace {
        path: path.clone(),
        ..folder.place()
    };
    let again = copied.seal(folder.plain(), &stream()).await.unwrap();
    assert_eq!(payloads(&again).await, before);

    let mentioned = mentioned(store.as_ref(), &stream()).await.unwrap();
    assert_eq!(mentioned, [1, 2, 3].map(UserId).into());
    let keys = PersonKeys::open(&path).unwrap();
    assert!(keys.find("test", UserId(2)).unwrap() == Found::Destroyed);
    keys.keep_only("test", &[UserId(1)].into()).unwrap();
    assert!(matches!(
        keys.find("test", UserId(1)).unwrap(),
        Found::Key(_)
    ));
    assert!(keys.find("test", UserId(2)).unwrap() == Found::Never);
    assert!(keys.find("test", UserId(3)).unwrap() == Found::Never);
    assert_eq!(keys.erased_up_to("test").unwrap(), Position::START);
    assert_eq!(keys.id(), folder.keys().id());
}

#[tokio::test]
async fn keys_are_proved_without_being_touched() {
    let folder = Folder::new();
    let store = folder.open().await.unwrap();
    append(&store, 0, vec![event(field::BEGINNING, &registered(1))]).await;
    let plain = folder.plain();
    let prove = async |place: KeyPlace| place.prove(plain.as_ref(), &stream()).await;
    assert!(prove(folder.place()).await.is_ok());
    let missing = KeyPlace {
        path: folder.0.path().join("none"),
        ..folder.place()
    };
    let error = prove(missing.clone()).await.unwrap_err();
    assert!(
        matches!(error, StoreError::People(PeopleError::Missing { .. })),
        "{error}"
    );
    assert!(!missing.path.exists());
    let other = Folder::new();
    other.keys();
    let error = prove(other.place()).await.unwrap_err();
    assert!(
        matches!(error, StoreError::People(PeopleError::Other { .. })),
        "{error}"
    );
    let events = KeyPlace {
        path: folder.events(),
        ..folder.place()
    };
    let error = prove(events).await.unwrap_err();
    assert!(
        matches!(error, StoreError::People(PeopleError::NotKeys(_))),
        "{error}"
    );
}
