//! The embedded event store: one SQLite file and the witness beside it.

mod checkpoint;
mod connection;
mod open;
mod reader;
mod schema;
mod subscription;
mod verify;
mod witness;
mod writer;

pub use reader::READ_BYTES;
pub use schema::PAGE_BYTES;
pub use subscription::{BATCH_EVENTS, POLL_INTERVAL};

use crate::error::Closed;
use crate::{AppendError, EventStore, Head, Limits, NewEvent, RecordedEvent, StoreError};
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use futures_util::stream::BoxStream;
use reader::Readers;
use schemas::log::{Position, StreamName};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use tokio::sync::{mpsc, oneshot, watch};
use writer::Request;

/// What one append may hold. An event of 16 MiB is what KurrentDB takes at most as well.
pub const LIMITS: Limits = Limits {
    event_bytes: 16 << 20,
    append_bytes: 32 << 20,
    append_events: 10_000,
};

/// An open event store in a SQLite file.
pub struct SqliteStore {
    /// None if opened read-only.
    appends: Option<mpsc::Sender<Option<Request>>>,
    readers: Readers,
    commits: watch::Receiver<()>,
    background: Mutex<Background>,
}

/// The threads of a store, and what ends the one that polls.
struct Background {
    stop_poll: Option<std::sync::mpsc::Sender<()>>,
    readers: Vec<JoinHandle<()>>,
    writer: Option<JoinHandle<()>>,
}

impl SqliteStore {
    /// Ends the threads when they are done with what waits, and closes the files. Appends, reads and
    /// subscriptions fail from then on. A store that is dropped instead loses nothing either.
    pub async fn close(&self) {
        let (readers, writer) = {
            let mut background = self
                .background
                .lock()
                .unwrap_or_else(PoisonError::into_inner);
            background.stop_poll = None;
            (
                std::mem::take(&mut background.readers),
                background.writer.take(),
            )
        };
        self.readers.stop().await;
        join(readers).await;
        // The writer goes last: the last connection moves the log into the database.
        if let Some(appends) = &self.appends {
            // An error says that the thread has ended already.
            let _ = appends.send(None).await;
        }
        join(Vec::from_iter(writer)).await;
    }
}

async fn join(threads: Vec<JoinHandle<()>>) {
    let join = move || {
        for thread in threads {
            if thread.join().is_err() {
                tracing::error!("a thread of the event store has panicked");
            }
        }
    };
    if let Err(error) = tokio::task::spawn_blocking(join).await {
        tracing::error!(%error, "the event store could not be closed");
    }
}

impl EventStore for SqliteStore {
    fn append<'a>(
        &'a self,
        stream: &'a StreamName,
        expected: Position,
        events: Vec<NewEvent>,
    ) -> BoxFuture<'a, Result<Head, AppendError>> {
        async move {
            let sizes: Vec<_> = events.iter().map(NewEvent::size).collect();
            LIMITS.admit(&sizes)?;
            let appends = self.appends.as_ref().ok_or(AppendError::ReadOnly)?;
            let closed = || AppendError::Unavailable(Arc::new(Closed));
            let (reply, answer) = oneshot::channel();
            let request = Request {
                stream: stream.clone(),
                expected,
                events,
                reply,
            };
            appends.send(Some(request)).await.map_err(|_| closed())?;
            // The thread answers everything it takes, unless it dies in the middle.
            answer
                .await
                .map_err(|_| AppendError::Fatal(Arc::new(Closed)))?
        }
        .boxed()
    }

    fn read<'a>(
        &'a self,
        stream: &'a StreamName,
        after: Position,
        limit: usize,
    ) -> BoxFuture<'a, Result<Vec<RecordedEvent>, StoreError>> {
        let stream = stream.clone();
        self.readers
            .run(move |reader| reader.read(&stream, after, limit))
            .boxed()
    }

    fn subscribe(
        &self,
        stream: &StreamName,
        after: Position,
    ) -> BoxStream<'static, Result<Vec<RecordedEvent>, StoreError>> {
        let (readers, commits) = (self.readers.clone(), self.commits.clone());
        subscription::subscribe(readers, commits, stream.clone(), after)
    }

    fn head<'a>(&'a self, stream: &'a StreamName) -> BoxFuture<'a, Result<Head, StoreError>> {
        let stream = stream.clone();
        self.readers.run(move |reader| reader.head(&stream)).boxed()
    }

    fn limits(&self) -> Limits {
        LIMITS
    }

    fn close(&self) -> BoxFuture<'_, ()> {
        self.close().boxed()
    }
}
