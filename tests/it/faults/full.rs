//! An event store on a disk without room.

use event_store::{AppendError, EventStore, SqliteStore};
use schemas::log::{Position, StreamName};
use tests::{SmallDisk, event};

/// Of an event, so that it takes a page by itself.
const BYTES: usize = 3_000;
/// Enough of them that the log is moved into the database, and begins anew in the room that it has.
const MOVED: usize = 1_200;

#[tokio::test(flavor = "multi_thread")]
async fn a_full_disk_refuses_appends_until_there_is_room_also_where_the_log_is_to_be_moved() {
    let Some(disk) = SmallDisk::mount(64) else {
        eprintln!("not run: nothing that could be filled");
        return;
    };
    let store = SqliteStore::open(&disk.path().join("events.db")).unwrap();
    let stream = StreamName::ledger("gb").unwrap();
    let append = async |after| {
        let events = vec![event("SomethingHappened", 1, vec![b'x'; BYTES])];
        store.append(&stream, after, events).await
    };
    let mut at = Position::START;
    for _ in 0..MOVED {
        at = append(at).await.unwrap().position;
    }
    disk.fill();
    let mut refused = 0;
    for _ in 0..MOVED {
        match append(at).await {
            Ok(head) => at = head.position,
            Err(AppendError::Unavailable(_)) => refused += 1,
            Err(error) => panic!("after {at}: {error}"),
        }
    }
    assert!(refused > 0, "there is room for {MOVED} more");
    assert_eq!(store.head(&stream).await.unwrap().position, at);
    disk.free();
    for _ in 0..MOVED {
        at = append(at).await.unwrap().position;
    }
    assert_eq!(store.head(&stream).await.unwrap().position, at);
    store.close().await;
}
