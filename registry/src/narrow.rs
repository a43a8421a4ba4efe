//! A store for tests that takes less in one append than a file does.

use event_store::{AppendError, EventStore, Head, Limits, NewEvent, RecordedEvent, StoreError};
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use futures_util::stream::BoxStream;
use schemas::log::{Position, StreamName};
use std::sync::Arc;

pub struct Narrow {
    pub store: Arc<dyn EventStore>,
    pub limits: Limits,
}

impl EventStore for Narrow {
    fn append<'a>(
        &'a self,
        stream: &'a StreamName,
        expected: Position,
        events: Vec<NewEvent>,
    ) -> BoxFuture<'a, Result<Head, AppendError>> {
        async move {
            let sizes: Vec<_> = events.iter().map(NewEvent::size).collect();
            self.limits.admit(&sizes)?;
            self.store.append(stream, expected, events).await
        }
        .boxed()
    }

    fn read<'a>(
        &'a self,
        stream: &'a StreamName,
        after: Position,
        limit: usize,
    ) -> BoxFuture<'a, Result<Vec<RecordedEvent>, StoreError>> {
        self.store.read(stream, after, limit)
    }

    fn subscribe(
        &self,
        stream: &StreamName,
        after: Position,
    ) -> BoxStream<'static, Result<Vec<RecordedEvent>, StoreError>> {
        self.store.subscribe(stream, after)
    }

    fn head<'a>(&'a self, stream: &'a StreamName) -> BoxFuture<'a, Result<Head, StoreError>> {
        self.store.head(stream)
    }

    fn limits(&self) -> Limits {
        self.limits
    }
}
