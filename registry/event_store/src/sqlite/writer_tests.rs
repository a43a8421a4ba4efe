#![allow(clippy::unwrap_used)]

use super::*;
use crate::sqlite::connection::{self, Use};
use crate::sqlite::witness;
use std::path::Path;
use std::time::Duration;
use uuid::Uuid;

fn writer(path: &Path) -> Writer {
    let mut db = connection::open(path, Use::Write).unwrap();
    connection::make_writer(&db).unwrap();
    schema::initialise(&mut db).unwrap();
    Writer {
        checkpoint: Checkpoint::of(&mut db).unwrap(),
        db,
        witness: Witness::open_or_create(&witness::path_of(path)).unwrap(),
        queue: mpsc::channel(1).1,
        commits: watch::channel(()).0,
        failed: None,
    }
}

fn stream() -> StreamName {
    StreamName::ledger("gb").unwrap()
}

/// Appends one event of `size` bytes.
fn append_one(writer: &mut Writer, expected: i64, size: usize) -> Result<Head, AppendError> {
    let events = vec![NewEvent {
        event_id: Uuid::now_v7(),
        event_type: "SomethingHappened".into(),
        version: 1,
        data: vec![b'x'; size],
        metadata: vec![],
    }];
    let (reply, mut answer) = oneshot::channel();
    let request = Request {
        stream: stream(),
        expected: Position(expected),
        events,
        reply,
    };
    writer.serve(vec![request]);
    answer.try_recv().unwrap()
}

#[test]
fn an_append_to_a_full_disk_is_undone_and_works_when_there_is_room() {
    let folder = tempfile::tempdir().unwrap();
    let mut writer = writer(&folder.path().join("events.db"));
    append_one(&mut writer, 0, 100).unwrap();
    writer.db.pragma_update(None, "max_page_count", 10).unwrap();
    let error = append_one(&mut writer, 1, 1 << 20).unwrap_err();
    assert!(matches!(error, AppendError::Unavailable(_)), "{error}");
    append_one(&mut writer, 1, 100).unwrap();
    writer
        .db
        .pragma_update(None, "max_page_count", 100_000)
        .unwrap();
    assert_eq!(
        append_one(&mut writer, 2, 1 << 20).unwrap().position,
        Position(3)
    );
}

#[test]
fn an_append_behind_a_lock_that_is_not_released_is_unavailable() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("events.db");
    let mut writer = writer(&path);
    writer.db.busy_timeout(Duration::from_millis(1)).unwrap();
    let other = Connection::open(&path).unwrap();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    let error = append_one(&mut writer, 0, 100).unwrap_err();
    assert!(matches!(error, AppendError::Unavailable(_)), "{error}");
    other.execute_batch("ROLLBACK").unwrap();
    append_one(&mut writer, 0, 100).unwrap();
}

#[test]
fn nothing_is_acknowledged_or_taken_after_a_failed_flush() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("events.db");
    let mut writer = writer(&path);
    append_one(&mut writer, 0, 100).unwrap();
    // A witness that can not be written to.
    writer.witness = Witness::open(&witness::path_of(&path), true)
        .unwrap()
        .unwrap();
    let error = append_one(&mut writer, 1, 100).unwrap_err();
    assert!(matches!(error, AppendError::Fatal(_)), "{error}");
    writer.witness = Witness::open_or_create(&witness::path_of(&path)).unwrap();
    for expected in [1, 2] {
        let error = append_one(&mut writer, expected, 100).unwrap_err();
        assert!(matches!(error, AppendError::Fatal(_)), "{error}");
    }
    let head = schema::head(&writer.db, &stream()).unwrap();
    assert!(head.position <= Position(2), "appended after the failure");
}

#[test]
fn appends_of_one_group_are_answered_each_by_itself() {
    let folder = tempfile::tempdir().unwrap();
    let mut writer = writer(&folder.path().join("events.db"));
    let event = NewEvent {
        event_id: Uuid::now_v7(),
        event_type: "SomethingHappened".into(),
        version: 1,
        data: vec![],
        metadata: vec![],
    };
    let (group, answers): (Vec<_>, Vec<_>) = [0, 0, 1, 5, 2]
        .into_iter()
        .map(|expected| {
            let (reply, answer) = oneshot::channel();
            let events = vec![event.clone()];
            let expected = Position(expected);
            (
                Request {
                    stream: stream(),
                    expected,
                    events,
                    reply,
                },
                answer,
            )
        })
        .unzip();
    writer.serve(group);
    let positions: Vec<_> = answers
        .into_iter()
        .map(|mut answer| match answer.try_recv().unwrap() {
            Ok(head) => Ok(head.position.0),
            Err(AppendError::Conflict { actual, .. }) => Err(actual.0),
            Err(error) => panic!("{error}"),
        })
        .collect();
    assert_eq!(positions, [Ok(1), Err(1), Ok(2), Err(2), Ok(3)]);
}
