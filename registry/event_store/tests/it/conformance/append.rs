//! One append, one read, one answer.

use super::{Place, event, events, fresh_stream, read_all};
use event_store::{AppendError, Head, StoreError};
use schemas::log::{Position, RunningHash};

pub async fn appended_events_are_read_as_they_were(place: &dyn Place) {
    let (store, stream) = (place.open().await, fresh_stream());
    let given = events(20);
    let first = store
        .append(&stream, Position(0), given[..7].to_vec())
        .await
        .unwrap();
    let second = store
        .append(&stream, first.position, given[7..].to_vec())
        .await
        .unwrap();
    let recorded = read_all(&*store, &stream).await;
    assert_eq!(recorded.len(), given.len());
    let mut hash = RunningHash::START;
    for (index, (recorded, given)) in recorded.iter().zip(&given).enumerate() {
        hash = given.hash_after(hash);
        assert_eq!(recorded.position.0, index as i64 + 1);
        assert_eq!(recorded.event_id, given.event_id);
        assert_eq!(recorded.event_type, given.event_type);
        assert_eq!(recorded.version, given.version);
        assert_eq!(recorded.data, given.data);
        assert_eq!(recorded.metadata, given.metadata);
        assert_eq!(recorded.hash, hash);
    }
    assert_eq!(
        first,
        Head {
            position: Position(7),
            hash: recorded[6].hash
        }
    );
    assert_eq!(
        second,
        Head {
            position: Position(20),
            hash
        }
    );
    assert_eq!(store.head(&stream).await.unwrap(), second);
}

pub async fn an_append_behind_another_head_is_refused_and_names_both(place: &dyn Place) {
    let (store, name) = (place.open().await, fresh_stream());
    store.append(&name, Position(0), events(3)).await.unwrap();
    for wrong in [0, 2, 4, 1_000_000] {
        let error = store
            .append(&name, Position(wrong), events(2))
            .await
            .unwrap_err();
        assert!(
            matches!(&error, AppendError::Conflict { stream, expected, actual }
                if *stream == name && *expected == Position(wrong) && *actual == Position(3)),
            "{error}"
        );
    }
    assert_eq!(read_all(&*store, &name).await.len(), 3);
    let fresh = fresh_stream();
    let error = store
        .append(&fresh, Position(1), events(1))
        .await
        .unwrap_err();
    assert!(
        matches!(
            error,
            AppendError::Conflict {
                actual: Position(0),
                ..
            }
        ),
        "{error}"
    );
}

pub async fn an_append_without_events_is_refused(place: &dyn Place) {
    let (store, stream) = (place.open().await, fresh_stream());
    let error = store
        .append(&stream, Position(0), vec![])
        .await
        .unwrap_err();
    assert!(matches!(error, AppendError::Empty), "{error}");
}

pub async fn a_stream_nobody_wrote_to_is_empty(place: &dyn Place) {
    let (store, stream) = (place.open().await, fresh_stream());
    assert_eq!(store.head(&stream).await.unwrap(), Head::START);
    assert_eq!(store.read(&stream, Position(0), 10).await.unwrap(), []);
    assert_eq!(store.read(&stream, Position(5), 10).await.unwrap(), []);
    store.check(&stream, Head::START).await.unwrap();
}

pub async fn reads_start_anywhere_and_take_any_limit(place: &dyn Place) {
    let (store, stream) = (place.open().await, fresh_stream());
    store
        .append(&stream, Position(0), events(12))
        .await
        .unwrap();
    let all = read_all(&*store, &stream).await;
    for after in -1..=14 {
        for limit in [0, 1, 5, 12, 13, usize::MAX] {
            let read = store.read(&stream, Position(after), limit).await.unwrap();
            let expected: Vec<_> = all
                .iter()
                .filter(|e| e.position.0 > after)
                .take(limit)
                .cloned()
                .collect();
            assert_eq!(read, expected, "after {after}, limit {limit}");
        }
    }
}

pub async fn streams_do_not_disturb_each_other(place: &dyn Place) {
    let (store, one, other) = (place.open().await, fresh_stream(), fresh_stream());
    let mut heads = [Head::START; 2];
    for round in 0..6 {
        for (stream, head) in [&one, &other].into_iter().zip(&mut heads) {
            *head = store
                .append(stream, head.position, events(round + 1))
                .await
                .unwrap();
        }
    }
    for (stream, head) in [&one, &other].into_iter().zip(heads) {
        let all = read_all(&*store, stream).await;
        assert_eq!(all.len(), 21);
        assert_eq!(
            Head {
                position: all[20].position,
                hash: all[20].hash
            },
            head
        );
    }
    assert_ne!(heads[0].hash, heads[1].hash);
}

pub async fn an_event_at_the_limit_is_taken_and_one_byte_more_is_refused(place: &dyn Place) {
    let (store, stream) = (place.open().await, fresh_stream());
    let most = store.limits().event_bytes;
    let around = event(0).size();
    let error = store
        .append(&stream, Position(0), vec![event(most - around + 1)])
        .await
        .unwrap_err();
    assert!(
        matches!(error, AppendError::TooLarge { size, limit, .. } if size == most + 1 && limit == most),
        "{error}"
    );
    assert_eq!(store.head(&stream).await.unwrap(), Head::START);

    let largest = event(most - around);
    store
        .append(&stream, Position(0), vec![largest.clone()])
        .await
        .unwrap();
    let read = store.read(&stream, Position(0), 10).await.unwrap();
    assert_eq!(read.len(), 1);
    assert!(
        read[0].data == largest.data,
        "the data of the largest event has changed"
    );
}

pub async fn an_append_at_the_limit_of_events_is_taken_and_one_more_is_refused(place: &dyn Place) {
    let (store, stream) = (place.open().await, fresh_stream());
    let most = store.limits().append_events;
    let mut many: Vec<_> = (0..=most).map(|_| event(1)).collect();
    let error = store
        .append(&stream, Position(0), many.clone())
        .await
        .unwrap_err();
    assert!(
        matches!(error, AppendError::TooLarge { size, limit, .. } if size == most + 1 && limit == most),
        "{error}"
    );
    many.pop();
    let head = store.append(&stream, Position(0), many).await.unwrap();
    assert_eq!(head.position.0, most as i64);
}

pub async fn an_append_at_the_limit_of_bytes_is_taken_and_one_more_is_refused(place: &dyn Place) {
    let (store, stream) = (place.open().await, fresh_stream());
    let limits = store.limits();
    let around = event(0).size();
    let mut many = Vec::new();
    let mut left = limits.append_bytes;
    while left > 0 {
        let size = left.min(limits.event_bytes);
        many.push(event(size - around));
        left -= size;
    }
    let mut more = many.clone();
    more.push(event(0));
    let error = store.append(&stream, Position(0), more).await.unwrap_err();
    assert!(matches!(error, AppendError::TooLarge { size, limit, .. }
        if size == limits.append_bytes + around && limit == limits.append_bytes));
    let count = many.len();
    let head = store.append(&stream, Position(0), many).await.unwrap();
    assert_eq!(head.position.0, count as i64);
    assert_eq!(
        read_all(&*store, &stream).await.len(),
        count,
        "reads are cut, not refused"
    );
}

pub async fn a_checkpoint_of_this_history_is_confirmed(place: &dyn Place) {
    let (store, stream) = (place.open().await, fresh_stream());
    store.append(&stream, Position(0), events(9)).await.unwrap();
    for event in read_all(&*store, &stream).await {
        store
            .check(
                &stream,
                Head {
                    position: event.position,
                    hash: event.hash,
                },
            )
            .await
            .unwrap();
    }
    store.check(&stream, Head::START).await.unwrap();
}

pub async fn a_checkpoint_beyond_the_head_is_refused_naming_both(place: &dyn Place) {
    let (store, name) = (place.open().await, fresh_stream());
    let head = store.append(&name, Position(0), events(9)).await.unwrap();
    let beyond = Head {
        position: Position(12),
        ..head
    };
    let error = store.check(&name, beyond).await.unwrap_err();
    assert!(
        matches!(&error, StoreError::BehindCheckpoint { stream, head, checkpoint }
            if *stream == name && *head == Position(9) && *checkpoint == Position(12)),
        "{error}"
    );
    assert!(
        error
            .to_string()
            .contains("3 acknowledged events are missing"),
        "{error}"
    );
}

pub async fn a_checkpoint_of_another_history_is_refused(place: &dyn Place) {
    let (store, one, other) = (place.open().await, fresh_stream(), fresh_stream());
    store.append(&one, Position(0), events(9)).await.unwrap();
    let head = store.append(&other, Position(0), events(5)).await.unwrap();
    let error = store.check(&one, head).await.unwrap_err();
    assert!(
        matches!(error, StoreError::Diverged { position: Position(5), checkpoint, .. }
            if checkpoint == head.hash),
        "{error}"
    );
}
