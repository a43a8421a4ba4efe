//! What is in the file, and who may look at it.

use super::*;

#[tokio::test]
async fn what_was_taken_is_there_after_a_restart_with_the_accounts_it_came_from() {
    let folder = Folder::new();
    let buffer = folder.open(SHARE);
    assert_eq!(buffer.accounts(DeviceId(1)).await.unwrap(), None);
    buffer.record(taken(1, 0..3)).await.unwrap();
    buffer.record(taken(2, 0..1)).await.unwrap();
    buffer.close().await;
    let buffer = folder.open(SHARE);
    assert_eq!(
        buffer.accounts(DeviceId(1)).await.unwrap().unwrap(),
        "after 3"
    );
    let runs = buffer.unsealed(None, Vec::new(), 100).await.unwrap();
    let found: Vec<_> = runs
        .iter()
        .map(|run| (run.device.0, run.readings.clone()))
        .collect();
    let expected = |numbers: std::ops::Range<i64>| numbers.map(reading).collect::<Vec<_>>();
    assert_eq!(found, [(1, expected(0..3)), (2, expected(0..1))]);
    let usage = buffer.usage().await.unwrap();
    assert_eq!((usage.readings, usage.envelopes), (4, 0));
    assert_eq!(usage.oldest, Some(at(5)));
}

#[tokio::test]
async fn the_state_of_accounts_alone_is_kept_too() {
    let buffer = Folder::new().open(SHARE);
    buffer.record(taken(1, 0..0)).await.unwrap();
    assert_eq!(
        buffer.accounts(DeviceId(1)).await.unwrap().unwrap(),
        "after 0"
    );
    assert_eq!(buffer.usage().await.unwrap().readings, 0);
}

#[tokio::test]
async fn one_request_that_fails_does_not_fail_those_beside_it() {
    let buffer = Folder::new().open(SHARE);
    buffer.record(taken(1, 0..1)).await.unwrap();
    let bad = envelopes(buffer.unsealed(None, Vec::new(), 9).await.unwrap(), 1)
        .into_iter()
        .map(|one| Sealed { sequence: 7, ..one })
        .collect();
    let (first, second, third) = tokio::join!(
        buffer.record(taken(2, 0..1)),
        buffer.seal(bad),
        buffer.record(taken(3, 0..1))
    );
    first.unwrap();
    assert!(second.is_err());
    third.unwrap();
    assert_eq!(buffer.usage().await.unwrap().readings, 3);
}

#[tokio::test]
async fn a_file_of_another_format_is_refused() {
    let folder = Folder::new();
    folder.open(SHARE).close().await;
    let path = folder.dir.path().join(FILE_NAME);
    Connection::open(&path)
        .unwrap()
        .pragma_update(None, "user_version", 99)
        .unwrap();
    let refused = Buffer::open(&path, SHARE).err().unwrap();
    assert!(matches!(refused, BufferError::Format { found: 99, .. }));
}

#[tokio::test]
async fn others_can_look_at_it_while_it_is_written_to() {
    let folder = Folder::new();
    let buffer = folder.open(SHARE);
    buffer.record(taken(1, 0..3)).await.unwrap();
    let (usage, streams) = look(&folder.dir.path().join(FILE_NAME), SHARE).unwrap();
    assert_eq!((usage.readings, streams[0].waiting), (3, 3));
}
