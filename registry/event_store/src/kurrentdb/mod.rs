//! The adapter for a KurrentDB server or cluster. Position = revision + 1.

mod address;
mod append;
mod backoff;
mod certificates;
mod chain;
mod connection;
mod failure;
mod read;
mod record;
mod subscription;

pub use address::{Address, BadAddress};
pub use append::APPEND_WITHIN;
pub use certificates::BadFile;
pub use connection::ATTEMPT_WITHIN;
pub use read::READ_BYTES;
pub use subscription::{BATCH_EVENTS, POLL_INTERVAL};

use crate::{AppendError, EventStore, Head, Limits, NewEvent, RecordedEvent, StoreError};
use append::Batch;
use connection::Connection;
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use futures_util::stream::BoxStream;
use schemas::log::{Position, RunningHash, StreamName};
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use tokio::sync::{Semaphore, watch};

/// What servers take in one append unless they are told otherwise (`MaxAppendSize`), in bytes.
pub const SERVER_APPEND_BYTES: usize = 1 << 20;

/// What one append may hold on a server with that setting.
pub const LIMITS: Limits = limits(SERVER_APPEND_BYTES);

/// What a server counts beside each event, at most: version, hash and names before the envelope, and the type.
const BESIDE_EACH: usize = 256;

/// What one append may hold where the server takes `server_append_bytes`: three quarters of it, the rest is for
/// what we write beside each event.
#[must_use]
pub const fn limits(server_append_bytes: usize) -> Limits {
    let rest = server_append_bytes / 4;
    let events = rest / BESIDE_EACH;
    Limits {
        event_bytes: server_append_bytes - rest,
        append_bytes: server_append_bytes - rest,
        append_events: if events < 1_000 { events } else { 1_000 },
    }
}

/// Appends of all streams under way at the same time; further callers wait. The client itself would queue without a
/// bound. Of one stream there is one where its writer waits for each answer, as all of ours do.
const APPENDS_IN_FLIGHT: usize = 16;

/// Streams whose head is remembered, so that the next append need not ask for it. A registry has three.
const HEADS: usize = 64;

/// An event store on a KurrentDB server. It connects when it is used first.
pub struct KurrentStore {
    inner: Arc<Inner>,
    in_flight: Semaphore,
    limits: Limits,
}

/// What the subscriptions share with the store.
struct Inner {
    connection: Connection,
    heads: Mutex<HashMap<StreamName, Head>>,
    /// Changes with every append of this store.
    appends: watch::Sender<()>,
}

impl Inner {
    fn remember(&self, stream: &StreamName, head: Head) {
        let mut heads = self.heads.lock().unwrap_or_else(PoisonError::into_inner);
        insert(&mut heads, stream, head);
    }

    /// What was read, unless more is known: who has read up to the end may append there next.
    fn remember_read(&self, stream: &StreamName, events: &[RecordedEvent]) {
        let Some(last) = events.last() else { return };
        let (position, hash) = (last.position, last.hash);
        let mut heads = self.heads.lock().unwrap_or_else(PoisonError::into_inner);
        if heads
            .get(stream)
            .is_none_or(|head| head.position < position)
        {
            insert(&mut heads, stream, Head { position, hash });
        }
    }

    fn hash_at(&self, stream: &StreamName, position: Position) -> Option<RunningHash> {
        let heads = self.heads.lock().unwrap_or_else(PoisonError::into_inner);
        let head = heads.get(stream)?;
        (head.position == position).then_some(head.hash)
    }
}

fn insert(heads: &mut HashMap<StreamName, Head>, stream: &StreamName, head: Head) {
    if heads.len() >= HEADS && !heads.contains_key(stream) {
        heads.clear();
    }
    heads.insert(stream.clone(), head);
}

impl KurrentStore {
    /// A store on this server. Whether it can be reached is found out by using it.
    #[must_use]
    pub fn new(address: Address) -> Self {
        Self::with_limits(address, LIMITS)
    }

    /// Likewise, on one that takes other appends than servers do by default.
    #[must_use]
    pub fn with_limits(address: Address, limits: Limits) -> Self {
        Self {
            limits,
            inner: Arc::new(Inner {
                connection: Connection::new(address),
                heads: Mutex::default(),
                appends: watch::Sender::new(()),
            }),
            in_flight: Semaphore::new(APPENDS_IN_FLIGHT),
        }
    }
}

impl EventStore for KurrentStore {
    fn append<'a>(
        &'a self,
        stream: &'a StreamName,
        expected: Position,
        events: Vec<NewEvent>,
    ) -> BoxFuture<'a, Result<Head, AppendError>> {
        async move {
            let sizes: Vec<_> = events.iter().map(NewEvent::size).collect();
            self.limits.admit(&sizes)?;
            // It is never closed.
            let _permit = self.in_flight.acquire().await;
            let batch = Batch {
                stream,
                expected,
                events: &events,
            };
            let head = append::append(&self.inner, &batch).await?;
            self.inner.remember(stream, head);
            self.inner.appends.send_replace(());
            Ok(head)
        }
        .boxed()
    }

    fn read<'a>(
        &'a self,
        stream: &'a StreamName,
        after: Position,
        limit: usize,
    ) -> BoxFuture<'a, Result<Vec<RecordedEvent>, StoreError>> {
        async move {
            let events = read::read(&self.inner.connection, stream, after, limit).await?;
            self.inner.remember_read(stream, &events);
            Ok(events)
        }
        .boxed()
    }

    fn subscribe(
        &self,
        stream: &StreamName,
        after: Position,
    ) -> BoxStream<'static, Result<Vec<RecordedEvent>, StoreError>> {
        subscription::subscribe(self.inner.clone(), stream.clone(), after)
    }

    fn head<'a>(&'a self, stream: &'a StreamName) -> BoxFuture<'a, Result<Head, StoreError>> {
        read::head(&self.inner.connection, stream).boxed()
    }

    fn limits(&self) -> Limits {
        self.limits
    }
}
