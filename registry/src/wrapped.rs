//! Stores for tests in whose way something is.

use event_store::{AppendError, EventStore, Head, Limits, NewEvent, RecordedEvent, StoreError};
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use futures_util::stream::BoxStream;
use schemas::log::{Position, StreamName};
use std::sync::Arc;

/// What is in the way of a store; what it does not say goes to the store as it is.
pub trait Wrap: Send + Sync + 'static {
    fn store(&self) -> &dyn EventStore;

    fn append<'a>(
        &'a self,
        stream: &'a StreamName,
        expected: Position,
        events: Vec<NewEvent>,
    ) -> BoxFuture<'a, Result<Head, AppendError>> {
        self.store().append(stream, expected, events)
    }

    fn read<'a>(
        &'a self,
        stream: &'a StreamName,
        after: Position,
        limit: usize,
    ) -> BoxFuture<'a, Result<Vec<RecordedEvent>, StoreError>> {
        self.store().read(stream, after, limit)
    }

    fn limits(&self) -> Limits {
        self.store().limits()
    }
}

/// The store with that in its way.
pub struct Wrapped<W>(pub W);

impl<W: Wrap> EventStore for Wrapped<W> {
    fn append<'a>(
        &'a self,
        stream: &'a StreamName,
        expected: Position,
        events: Vec<NewEvent>,
    ) -> BoxFuture<'a, Result<Head, AppendError>> {
        self.0.append(stream, expected, events)
    }

    fn read<'a>(
        &'a self,
        stream: &'a StreamName,
        after: Position,
        limit: usize,
    ) -> BoxFuture<'a, Result<Vec<RecordedEvent>, StoreError>> {
        self.0.read(stream, after, limit)
    }

    fn subscribe(
        &self,
        stream: &StreamName,
        after: Position,
    ) -> BoxStream<'static, Result<Vec<RecordedEvent>, StoreError>> {
        self.0.store().subscribe(stream, after)
    }

    fn head<'a>(&'a self, stream: &'a StreamName) -> BoxFuture<'a, Result<Head, StoreError>> {
        self.0.store().head(stream)
    }

    fn limits(&self) -> Limits {
        self.0.limits()
    }
}

/// Takes less in one append than a file does.
pub struct Narrow {
    pub store: Arc<dyn EventStore>,
    pub limits: Limits,
}

impl Wrap for Narrow {
    fn store(&self) -> &dyn EventStore {
        self.store.as_ref()
    }

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

    fn limits(&self) -> Limits {
        self.limits
    }
}
