//! Random calls against the store and against a plain list.

use super::{Place, event, fresh_stream};
use event_store::{AppendError, EventStore, Head, RecordedEvent};
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use schemas::log::{Position, StreamName};
use std::sync::Arc;
use tokio::runtime::Handle;

const STREAMS: usize = 3;
const HANDLES: usize = 2;

#[derive(Debug, Clone)]
enum Call {
    Append { off: i64, sizes: Vec<usize> },
    Read { after: i64, limit: usize },
    Head,
    Check { at: usize, honest: bool },
}

fn call() -> impl Strategy<Value = Call> {
    let right = (Just(0), prop::collection::vec(0..6000_usize, 1..6));
    let wrong = (-3..=3_i64, prop::collection::vec(0..50_usize, 1..3));
    prop_oneof![
        4 => right.prop_map(|(off, sizes)| Call::Append { off, sizes }),
        2 => wrong.prop_map(|(off, sizes)| Call::Append { off, sizes }),
        3 => (-1..40_i64, 0..20_usize).prop_map(|(after, limit)| Call::Read { after, limit }),
        1 => Just(Call::Head),
        1 => (0..30_usize, any::<bool>()).prop_map(|(at, honest)| Call::Check { at, honest }),
    ]
}

pub async fn a_store_does_what_a_list_does(place: &dyn Place) {
    let handles = [place.open().await, place.open().await];
    let runtime = Handle::current();
    let calls = prop::collection::vec((0..STREAMS, 0..HANDLES, call()), 1..40);
    let run = move || {
        let config = Config {
            cases: 48,
            failure_persistence: None,
            ..Config::default()
        };
        TestRunner::new(config).run(&calls, |calls| {
            runtime.block_on(async {
                let streams: [StreamName; STREAMS] = std::array::from_fn(|_| fresh_stream());
                let mut model: [Vec<RecordedEvent>; STREAMS] = Default::default();
                for (stream, handle, call) in calls {
                    let store = &handles[handle];
                    apply(store, &streams[stream], &mut model[stream], call).await?;
                }
                for (stream, model) in streams.iter().zip(&model) {
                    prop_assert_eq!(&super::read_all(&*handles[0], stream).await, model);
                }
                Ok(())
            })
        })
    };
    tokio::task::spawn_blocking(run).await.unwrap().unwrap();
}

async fn apply(
    store: &Arc<dyn EventStore>,
    stream: &StreamName,
    model: &mut Vec<RecordedEvent>,
    call: Call,
) -> Result<(), TestCaseError> {
    let head = model.last().map_or(Head::START, head_at);
    match call {
        Call::Append { off, sizes } => {
            let expected = head.position.plus(off);
            let events: Vec<_> = sizes.into_iter().map(event).collect();
            let result = store.append(stream, expected, events.clone()).await;
            if off != 0 {
                let refused = matches!(result, Err(AppendError::Conflict { actual, .. })
                    if actual == head.position);
                prop_assert!(refused, "{:?}", result);
                return Ok(());
            }
            let mut hash = head.hash;
            for event in events {
                hash = event.hash_after(hash);
                model.push(RecordedEvent {
                    position: Position(model.len() as i64 + 1),
                    event_id: event.event_id,
                    event_type: event.event_type.into_owned(),
                    version: event.version,
                    data: event.data,
                    metadata: event.metadata,
                    hash,
                    sealed: None,
                });
            }
            prop_assert_eq!(result.ok(), model.last().map(head_at));
        }
        Call::Read { after, limit } => {
            let read = store.read(stream, Position(after), limit).await.unwrap();
            let skip = usize::try_from(after).unwrap_or(0);
            let expected: Vec<_> = model.iter().skip(skip).take(limit).cloned().collect();
            prop_assert_eq!(read, expected);
        }
        Call::Head => prop_assert_eq!(store.head(stream).await.unwrap(), head),
        Call::Check { at, honest } => {
            let mut checkpoint = match at.checked_sub(1) {
                None => Head::START,
                Some(index) => model.get(index).map_or(
                    Head {
                        position: Position(at as i64),
                        hash: head.hash,
                    },
                    head_at,
                ),
            };
            checkpoint.hash.0[5] ^= u8::from(!honest);
            let confirmed = store.check(stream, checkpoint).await.is_ok();
            prop_assert_eq!(confirmed, honest && at <= model.len());
        }
    }
    Ok(())
}

fn head_at(event: &RecordedEvent) -> Head {
    Head {
        position: event.position,
        hash: event.hash,
    }
}
