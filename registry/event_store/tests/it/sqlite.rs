//! The SQLite adapter: the suite, and what only a file can do.

use crate::conformance::{Place, conformance, event, events, fresh_stream, read_all, soon};
use event_store::sqlite::{LIMITS, PAGE_BYTES, READ_BYTES};
use event_store::{AppendError, EventStore, Head, SqliteStore, StoreError};
use futures_util::future::BoxFuture;
use futures_util::{FutureExt, StreamExt};
use schemas::log::{Position, StreamName};
use std::path::PathBuf;
use std::sync::Arc;
use tempfile::TempDir;

/// A folder with a store in it.
pub struct Folder(TempDir);

impl Folder {
    pub fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    pub fn database(&self) -> PathBuf {
        self.0.path().join("events.db")
    }

    pub fn open(&self) -> Result<SqliteStore, StoreError> {
        SqliteStore::open(&self.database())
    }
}

impl Place for Folder {
    fn open(&self) -> BoxFuture<'_, Arc<dyn EventStore>> {
        async { Arc::new(self.open().unwrap()) as Arc<dyn EventStore> }.boxed()
    }
}

conformance!(Folder::new());

/// What earlier releases wrote has pages of 4 KiB.
#[tokio::test]
async fn a_store_with_pages_of_another_length_goes_on_with_them() {
    let folder = Folder::new();
    let stream = fresh_stream();
    let store = folder.open().unwrap();
    let head = store.append(&stream, Position::START, events(50)).await;
    store.close().await;
    let page_bytes = |change: &str| -> i64 {
        let db = rusqlite::Connection::open(folder.database()).unwrap();
        db.execute_batch(change).unwrap();
        db.pragma_query_value(None, "page_size", |row| row.get(0))
            .unwrap()
    };
    assert_eq!(page_bytes(""), PAGE_BYTES);
    let shorter = "PRAGMA journal_mode = DELETE; PRAGMA page_size = 4096; VACUUM";
    assert_eq!(page_bytes(shorter), 4_096);
    let store = folder.open().unwrap();
    // Enough that the write-ahead log is moved into the file meanwhile.
    let mut position = head.unwrap().position;
    for _ in 0..100 {
        let more = store.append(&stream, position, vec![event(100_000)]).await;
        position = more.unwrap().position;
    }
    store.close().await;
    let store = folder.open().unwrap();
    assert_eq!(read_all(&store, &stream).await.len(), 150);
    store.close().await;
    assert_eq!(page_bytes(""), 4_096);
}

fn pragma(folder: &Folder, sql: &str) {
    rusqlite::Connection::open(folder.database())
        .unwrap()
        .execute_batch(sql)
        .unwrap();
}

#[tokio::test]
async fn a_store_holds_what_it_held_when_it_is_opened_again() {
    let (folder, stream) = (Folder::new(), fresh_stream());
    let mut all = Vec::new();
    for round in 0..5 {
        let store = folder.open().unwrap();
        assert_eq!(read_all(&store, &stream).await, all);
        store
            .append(&stream, Position(round * 4), events(4))
            .await
            .unwrap();
        all = read_all(&store, &stream).await;
        store.close().await;
    }
    assert_eq!(all.len(), 20);
}

#[tokio::test]
async fn a_closed_store_refuses_everything_and_ends_its_subscriptions() {
    let (folder, stream) = (Folder::new(), fresh_stream());
    let store = folder.open().unwrap();
    let mut subscription = store.subscribe(&stream, Position(0));
    store.append(&stream, Position(0), events(1)).await.unwrap();
    assert_eq!(soon(subscription.next()).await.unwrap().unwrap().len(), 1);
    store.close().await;
    let error = store
        .append(&stream, Position(1), events(1))
        .await
        .unwrap_err();
    assert!(matches!(error, AppendError::Unavailable(_)), "{error}");
    assert!(matches!(
        store.head(&stream).await,
        Err(StoreError::Unavailable(_))
    ));
    assert!(matches!(
        soon(subscription.next()).await,
        Some(Err(StoreError::Unavailable(_)))
    ));
    assert!(soon(subscription.next()).await.is_none());
}

#[tokio::test]
async fn a_read_only_store_follows_the_writer_and_refuses_appends() {
    let (folder, stream) = (Folder::new(), fresh_stream());
    let writer = folder.open().unwrap();
    writer
        .append(&stream, Position(0), events(2))
        .await
        .unwrap();
    let reader = SqliteStore::open_read_only(&folder.database()).unwrap();
    let mut subscription = reader.subscribe(&stream, Position(0));
    assert_eq!(soon(subscription.next()).await.unwrap().unwrap().len(), 2);
    writer
        .append(&stream, Position(2), events(3))
        .await
        .unwrap();
    assert_eq!(soon(subscription.next()).await.unwrap().unwrap().len(), 3);
    let error = reader
        .append(&stream, Position(5), events(1))
        .await
        .unwrap_err();
    assert!(matches!(error, AppendError::ReadOnly), "{error}");
}

#[tokio::test]
async fn a_read_only_store_is_not_created() {
    let folder = Folder::new();
    let error = SqliteStore::open_read_only(&folder.database())
        .err()
        .unwrap();
    assert!(matches!(error, StoreError::Missing { .. }), "{error}");
    assert!(!folder.database().exists());
}

#[tokio::test]
async fn a_read_stops_at_its_byte_cap_but_not_before_the_first_event() {
    let (folder, stream) = (Folder::new(), fresh_stream());
    let store = folder.open().unwrap();
    let sizes = [READ_BYTES / 2, READ_BYTES / 2, 10, READ_BYTES + 1, 10];
    let batch = sizes.iter().map(|size| event(*size)).collect();
    store.append(&stream, Position(0), batch).await.unwrap();
    let mut lengths = Vec::new();
    let mut after = Position(0);
    while let Some(last) = store.read(&stream, after, 100).await.unwrap().last() {
        lengths.push(last.position.0 - after.0);
        after = last.position;
    }
    assert_eq!(lengths, [2, 2, 1]);
    let mut subscription = store.subscribe(&stream, Position(0));
    assert_eq!(soon(subscription.next()).await.unwrap().unwrap().len(), 2);
    // The largest event is larger than a read.
    const { assert!(LIMITS.event_bytes > READ_BYTES) };
}

#[test]
fn a_store_of_a_newer_format_is_refused_by_name() {
    let folder = Folder::new();
    drop(folder.open().unwrap());
    pragma(&folder, "PRAGMA user_version = 2");
    let error = folder.open().err().unwrap();
    assert!(
        matches!(
            error,
            StoreError::NewerFormat {
                found: 2,
                supported: 1,
                ..
            }
        ),
        "{error}"
    );
}

#[test]
fn the_database_of_another_program_is_refused() {
    let folder = Folder::new();
    pragma(&folder, "CREATE TABLE customer(name TEXT)");
    let error = folder.open().err().unwrap();
    assert!(
        matches!(
            error,
            StoreError::NotAnEventStore {
                application_id: 0,
                ..
            }
        ),
        "{error}"
    );
    pragma(&folder, "PRAGMA application_id = 77");
    let error = folder.open().err().unwrap();
    assert!(
        matches!(
            error,
            StoreError::NotAnEventStore {
                application_id: 77,
                ..
            }
        ),
        "{error}"
    );
}

#[test]
fn a_store_may_be_created_by_several_at_once() {
    let folder = Folder::new();
    let stream = StreamName::ledger("gb").unwrap();
    std::thread::scope(|scope| {
        for _ in 0..6 {
            scope.spawn(|| {
                let store = folder.open().unwrap();
                let runtime = tokio::runtime::Builder::new_current_thread()
                    .build()
                    .unwrap();
                let head = runtime.block_on(store.append(&stream, Position(0), events(1)));
                assert!(
                    matches!(head, Ok(_) | Err(AppendError::Conflict { .. })),
                    "{head:?}"
                );
            });
        }
    });
    drop(folder.open().unwrap());
}

#[tokio::test]
async fn an_event_changed_by_hand_is_found_by_read_and_by_open() {
    let (folder, stream) = (Folder::new(), fresh_stream());
    let store = folder.open().unwrap();
    store.append(&stream, Position(0), events(9)).await.unwrap();
    store.close().await;
    let change = format!("UPDATE \"{stream}\" SET metadata = x'7b7d' WHERE position = 5");
    pragma(&folder, &change);

    let error = folder.open().err().unwrap();
    let named = format!("stream {stream}, position 5");
    assert!(
        matches!(&error, StoreError::Corrupt { place, .. } if *place == named),
        "{error}"
    );

    let reader = SqliteStore::open_read_only(&folder.database()).unwrap();
    assert_eq!(reader.read(&stream, Position(0), 4).await.unwrap().len(), 4);
    assert_eq!(reader.read(&stream, Position(5), 9).await.unwrap().len(), 4);
    let error = reader.read(&stream, Position(4), 1).await.unwrap_err();
    assert!(
        matches!(&error, StoreError::Corrupt { place, .. } if *place == named),
        "{error}"
    );
    let mut subscription = reader.subscribe(&stream, Position(2));
    assert!(matches!(
        soon(subscription.next()).await,
        Some(Err(StoreError::Corrupt { .. }))
    ));
    assert!(soon(subscription.next()).await.is_none());
}

#[tokio::test]
async fn an_event_deleted_by_hand_is_found_by_read_and_by_open() {
    let (folder, stream) = (Folder::new(), fresh_stream());
    let store = folder.open().unwrap();
    store.append(&stream, Position(0), events(9)).await.unwrap();
    store.close().await;
    pragma(
        &folder,
        &format!("DELETE FROM \"{stream}\" WHERE position = 5"),
    );
    let error = folder.open().err().unwrap();
    assert!(matches!(error, StoreError::Corrupt { .. }), "{error}");
    let reader = SqliteStore::open_read_only(&folder.database()).unwrap();
    for after in [3, 4, 5] {
        let error = reader.read(&stream, Position(after), 9).await.unwrap_err();
        assert!(matches!(error, StoreError::Corrupt { .. }), "{error}");
    }
}

#[tokio::test]
async fn a_lost_tail_is_refused_until_the_operator_accepts_it() {
    let (folder, stream) = (Folder::new(), fresh_stream());
    let store = folder.open().unwrap();
    let head = store.append(&stream, Position(0), events(9)).await.unwrap();
    store.close().await;
    pragma(
        &folder,
        &format!("DELETE FROM \"{stream}\" WHERE position > 6"),
    );
    let error = folder.open().err().unwrap();
    assert!(
        matches!(&error, StoreError::BehindCheckpoint { head: Position(6), checkpoint, .. }
            if *checkpoint == head.position),
        "{error}"
    );
    let error = SqliteStore::open_read_only(&folder.database())
        .err()
        .unwrap();
    assert!(
        matches!(error, StoreError::BehindCheckpoint { .. }),
        "{error}"
    );

    let accepted = SqliteStore::accept_heads(&folder.database()).unwrap();
    let store = folder.open().unwrap();
    let head = store.head(&stream).await.unwrap();
    assert_eq!(accepted, [(stream.clone(), head)]);
    assert_eq!(head.position, Position(6));
    store.append(&stream, Position(6), events(1)).await.unwrap();
}

#[tokio::test]
async fn another_history_beside_the_witness_is_refused() {
    let (one, other, stream) = (Folder::new(), Folder::new(), fresh_stream());
    for folder in [&one, &other] {
        let store = folder.open().unwrap();
        store.append(&stream, Position(0), events(9)).await.unwrap();
        store.close().await;
    }
    std::fs::copy(other.database(), one.database()).unwrap();
    let error = one.open().err().unwrap();
    assert!(
        matches!(
            error,
            StoreError::Diverged {
                position: Position(9),
                ..
            }
        ),
        "{error}"
    );
}

#[tokio::test]
async fn the_checkpoint_of_a_long_log_loses_nothing() {
    let (folder, stream) = (Folder::new(), fresh_stream());
    let store = folder.open().unwrap();
    let mut head = Head::START;
    for _ in 0..12 {
        head = store
            .append(&stream, head.position, vec![event(4 << 20)])
            .await
            .unwrap();
    }
    let log = std::fs::metadata(folder.0.path().join("events.db-wal"))
        .unwrap()
        .len();
    assert!(
        log < 40 << 20,
        "the log was never moved into the database: {log} bytes"
    );
    drop(store);
    assert_eq!(folder.open().unwrap().head(&stream).await.unwrap(), head);
}
