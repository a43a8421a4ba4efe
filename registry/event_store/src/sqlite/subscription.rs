//! Subscriptions, and the thread that notices what other processes append.

use super::connection::{self, Use};
use super::reader::{Reader, Readers};
use crate::error::Closed;
use crate::{RecordedEvent, StoreError};
use futures_util::stream::{self, BoxStream};
use futures_util::{FutureExt, StreamExt};
use schemas::log::{Position, StreamName};
use std::path::Path;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::thread::JoinHandle;
use std::time::Duration;
use tokio::sync::watch;

/// How often to look for appends of other processes. A look costs microseconds.
pub const POLL_INTERVAL: Duration = Duration::from_millis(25);

/// Most events of one batch.
pub const BATCH_EVENTS: usize = 4096;

type Batch = Result<Vec<RecordedEvent>, StoreError>;

struct Subscription {
    readers: Readers,
    /// Changes with every commit to the database.
    commits: watch::Receiver<()>,
    stream: StreamName,
    /// Last position handed out.
    after: Position,
    ended: bool,
}

impl Subscription {
    async fn next(&mut self) -> Batch {
        loop {
            // Commits from here on are news: the read may or may not see them.
            self.commits.mark_unchanged();
            let (stream, after) = (self.stream.clone(), self.after);
            let read = move |reader: &mut Reader| reader.read(&stream, after, BATCH_EVENTS);
            let batch = self.readers.run(read).await?;
            if let Some(last) = batch.last() {
                self.after = last.position;
                return Ok(batch);
            }
            let closed = |_| StoreError::Unavailable(Arc::new(Closed));
            self.commits.changed().await.map_err(closed)?;
        }
    }
}

/// See [`crate::EventStore::subscribe`].
pub(super) fn subscribe(
    readers: Readers,
    commits: watch::Receiver<()>,
    stream: StreamName,
    after: Position,
) -> BoxStream<'static, Batch> {
    let ended = false;
    let state = Subscription {
        readers,
        commits,
        stream,
        after,
        ended,
    };
    stream::unfold(state, |mut state| {
        async move {
            if state.ended {
                return None;
            }
            let batch = state.next().await;
            state.ended = batch.is_err();
            Some((batch, state))
        }
        .boxed()
    })
    .boxed()
}

/// Starts the thread that looks for appends of other processes, until `stop` is closed.
pub(super) fn start_poll(
    path: &Path,
    purpose: Use,
    commits: watch::Sender<()>,
    stop: Receiver<()>,
) -> Result<JoinHandle<()>, StoreError> {
    let db = connection::open(path, purpose)?;
    let poll = move || {
        let mut seen = None;
        while stop.recv_timeout(POLL_INTERVAL) == Err(RecvTimeoutError::Timeout) {
            // Changes when another connection has committed, this process' own writer included.
            match db.query_row("PRAGMA data_version", [], |row| row.get::<_, i64>(0)) {
                Ok(version) if seen == Some(version) => {}
                Ok(version) => {
                    seen = Some(version);
                    commits.send_replace(());
                }
                Err(error) => tracing::warn!(%error, "the event store could not be polled"),
            }
        }
    };
    std::thread::Builder::new()
        .name("events-poll".into())
        .spawn(poll)
        .map_err(|error| StoreError::Unavailable(Arc::new(error)))
}
