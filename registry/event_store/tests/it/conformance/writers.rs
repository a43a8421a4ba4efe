//! Several writers at once.

use super::{Place, events, fresh_stream, read_all, soon};
use event_store::{AppendError, EventStore};
use schemas::log::{Position, StreamName};
use std::collections::HashMap;
use std::sync::Arc;
use tokio::task::JoinSet;
use uuid::Uuid;

const WRITERS: usize = 8;
const APPENDS: usize = 15;

pub async fn racing_writers_on_one_handle_lose_and_repeat_nothing(place: &dyn Place) {
    let store = place.open().await;
    soon(race(&[store])).await;
}

pub async fn racing_writers_on_two_handles_lose_and_repeat_nothing(place: &dyn Place) {
    let handles = [place.open().await, place.open().await];
    soon(race(&handles)).await;
}

async fn race(handles: &[Arc<dyn EventStore>]) {
    let stream = fresh_stream();
    let mut tasks = JoinSet::new();
    for writer in 0..WRITERS {
        tasks.spawn(write(
            Arc::clone(&handles[writer % handles.len()]),
            stream.clone(),
        ));
    }
    let mut acknowledged = HashMap::new();
    let mut conflicts = 0;
    while let Some(task) = tasks.join_next().await {
        let (events, lost) = task.unwrap();
        conflicts += lost;
        for (position, event) in events {
            let twice = acknowledged.insert(position, event);
            assert_eq!(twice, None, "position {position} was acknowledged twice");
        }
    }
    let content: HashMap<_, _> = read_all(&*handles[0], &stream)
        .await
        .into_iter()
        .map(|event| (event.position, event.event_id))
        .collect();
    assert_eq!(content, acknowledged);
    assert!(conflicts > 0, "the writers never met");
}

/// Appends with the head it believes in; after a conflict, with the one it was told.
async fn write(store: Arc<dyn EventStore>, stream: StreamName) -> (Vec<(Position, Uuid)>, usize) {
    let mut acknowledged = Vec::new();
    let (mut head, mut conflicts) = (Position::START, 0);
    for round in 0..APPENDS {
        let batch = events(round % 3 + 1);
        let ids: Vec<_> = batch.iter().map(|event| event.event_id).collect();
        loop {
            match store.append(&stream, head, batch.clone()).await {
                Ok(new) => {
                    let positions = (head.0 + 1..=new.position.0).map(Position);
                    acknowledged.extend(positions.zip(ids));
                    head = new.position;
                    break;
                }
                Err(AppendError::Conflict { actual, .. }) => {
                    conflicts += 1;
                    head = actual;
                }
                Err(error) => panic!("{error}"),
            }
        }
    }
    (acknowledged, conflicts)
}
