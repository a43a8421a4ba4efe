//! Subscriptions see each event once and in order, whenever they start.

use super::{Place, events, fresh_stream, read_all, soon};
use event_store::{EventStore, RecordedEvent};
use futures_util::StreamExt;
use schemas::log::{Position, StreamName};
use std::sync::Arc;
use tokio::task::JoinHandle;

/// Collects what a subscription gives until the stream's position `last` has come.
fn collect(
    store: &Arc<dyn EventStore>,
    stream: &StreamName,
    after: Position,
    last: Position,
) -> JoinHandle<Vec<RecordedEvent>> {
    let mut subscription = store.subscribe(stream, after);
    tokio::spawn(soon(async move {
        let mut seen: Vec<RecordedEvent> = Vec::new();
        while seen.last().is_none_or(|event| event.position < last) {
            let batch = subscription.next().await.expect("never ends").unwrap();
            assert!(!batch.is_empty());
            seen.extend(batch);
        }
        seen
    }))
}

pub async fn a_subscription_gives_history_and_then_news(place: &dyn Place) {
    let (store, stream) = (place.open().await, fresh_stream());
    store.append(&stream, Position(0), events(5)).await.unwrap();
    let mut subscription = store.subscribe(&stream, Position(2));
    let history = soon(subscription.next()).await.unwrap().unwrap();
    assert_eq!(
        history
            .iter()
            .map(|event| event.position.0)
            .collect::<Vec<_>>(),
        [3, 4, 5]
    );
    for round in 5..10 {
        store
            .append(&stream, Position(round), events(1))
            .await
            .unwrap();
        let news = soon(subscription.next()).await.unwrap().unwrap();
        assert_eq!(news.len(), 1);
        assert_eq!(news[0].position, Position(round + 1));
    }
}

pub async fn subscriptions_started_at_any_time_see_each_event_once(place: &dyn Place) {
    const APPENDS: i64 = 60;
    const PER_APPEND: usize = 5;
    let last = Position(APPENDS * PER_APPEND as i64);
    let (store, stream) = (place.open().await, fresh_stream());
    let mut subscriptions = vec![
        (Position(0), collect(&store, &stream, Position(0), last)),
        (Position(100), collect(&store, &stream, Position(100), last)),
    ];
    let mut head = Position(0);
    for round in 0..APPENDS {
        head = store
            .append(&stream, head, events(PER_APPEND))
            .await
            .unwrap()
            .position;
        if round % 10 == 5 {
            for after in [Position(0), head.plus(-3), head] {
                subscriptions.push((after, collect(&store, &stream, after, last)));
            }
        }
    }
    subscriptions.push((Position(7), collect(&store, &stream, Position(7), last)));
    let all = read_all(&*store, &stream).await;
    assert_eq!(all.len(), usize::try_from(last.0).unwrap());
    for (after, subscription) in subscriptions {
        let seen = subscription.await.unwrap();
        let expected: Vec<_> = all.iter().filter(|e| e.position > after).cloned().collect();
        assert!(
            seen == expected,
            "a subscription after {after} missed or repeated something"
        );
    }
}

pub async fn a_subscription_sees_what_another_handle_appends(place: &dyn Place) {
    let (reader, writer) = (place.open().await, place.open().await);
    let stream = fresh_stream();
    let mut subscription = reader.subscribe(&stream, Position(0));
    for round in 0..5 {
        writer
            .append(&stream, Position(round), events(1))
            .await
            .unwrap();
        let news = soon(subscription.next()).await.unwrap().unwrap();
        assert_eq!(
            news.iter()
                .map(|event| event.position.0)
                .collect::<Vec<_>>(),
            [round + 1]
        );
    }
}

pub async fn a_subscription_to_a_stream_that_does_not_exist_yet_waits_for_it(place: &dyn Place) {
    let (store, stream, other) = (place.open().await, fresh_stream(), fresh_stream());
    let subscription = collect(&store, &stream, Position(0), Position(3));
    store.append(&other, Position(0), events(4)).await.unwrap();
    store.append(&stream, Position(0), events(3)).await.unwrap();
    let seen = subscription.await.unwrap();
    assert_eq!(seen, read_all(&*store, &stream).await);
}
