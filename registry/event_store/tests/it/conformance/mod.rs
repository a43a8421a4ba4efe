//! What every event store must do, whatever it is made of. Each adapter runs all of it.

pub mod append;
pub mod model;
pub mod subscription;
pub mod writers;

use event_store::{EventStore, NewEvent, RecordedEvent};
use futures_util::future::BoxFuture;
use schemas::log::{Position, StreamName};
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;
use uuid::Uuid;

/// Longest a test waits for something that must happen.
pub const DEADLINE: Duration = Duration::from_secs(60);

/// Where a store is. Opening it again gives another handle on the same streams, as another process
/// would have.
pub trait Place: Send + Sync {
    fn open(&self) -> BoxFuture<'_, Arc<dyn EventStore>>;
}

/// A stream nobody has used.
pub fn fresh_stream() -> StreamName {
    StreamName::ledger(&Uuid::now_v7().to_string()).unwrap()
}

/// An event with `size` bytes of data that differ from event to event.
pub fn event(size: usize) -> NewEvent {
    let event_id = Uuid::now_v7();
    let data = event_id
        .as_bytes()
        .iter()
        .copied()
        .cycle()
        .take(size)
        .collect();
    NewEvent {
        event_id,
        event_type: "SomethingHappened".into(),
        version: 7,
        data,
        metadata: b"{\"actor\":\"somebody\"}".to_vec(),
    }
}

pub fn events(count: usize) -> Vec<NewEvent> {
    (0..count).map(|index| event(index * 37 % 500)).collect()
}

/// The whole stream, a few events at a time.
pub async fn read_all(store: &dyn EventStore, stream: &StreamName) -> Vec<RecordedEvent> {
    let mut all: Vec<RecordedEvent> = Vec::new();
    loop {
        let after = all.last().map_or(Position::START, |event| event.position);
        let batch = store.read(stream, after, 100).await.unwrap();
        if batch.is_empty() {
            return all;
        }
        all.extend(batch);
    }
}

/// Fails if `future` is not done by the deadline.
pub async fn soon<T>(future: impl Future<Output = T>) -> T {
    tokio::time::timeout(DEADLINE, future)
        .await
        .expect("this takes too long")
}

/// Runs all of the suite against a place.
macro_rules! conformance {
    ($place:expr) => {
        conformance!($place;
            append: appended_events_are_read_as_they_were,
                an_append_behind_another_head_is_refused_and_names_both,
                an_append_without_events_is_refused,
                a_stream_nobody_wrote_to_is_empty,
                reads_start_anywhere_and_take_any_limit,
                streams_do_not_disturb_each_other,
                an_event_at_the_limit_is_taken_and_one_byte_more_is_refused,
                an_append_at_the_limit_of_events_is_taken_and_one_more_is_refused,
                an_append_at_the_limit_of_bytes_is_taken_and_one_more_is_refused,
                a_checkpoint_of_this_history_is_confirmed,
                a_checkpoint_beyond_the_head_is_refused_naming_both,
                a_checkpoint_of_another_history_is_refused;
            model: a_store_does_what_a_list_does;
            writers: racing_writers_on_one_handle_lose_and_repeat_nothing,
                racing_writers_on_two_handles_lose_and_repeat_nothing;
            subscription: a_subscription_gives_history_and_then_news,
                subscriptions_started_at_any_time_see_each_event_once,
                a_subscription_sees_what_another_handle_appends,
                a_subscription_to_a_stream_that_does_not_exist_yet_waits_for_it,
        );
    };
    ($place:expr; $($module:ident: $($test:ident),+ $(,)?);+) => {$($(
        #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
        async fn $test() {
            $crate::conformance::$module::$test(&$place).await;
        }
    )+)+};
}
pub(crate) use conformance;
