//! The threads that read, each with a connection of its own.

use super::connection::{self, Use, damaged};
use super::schema;
use super::verify::Chain;
use crate::error::Closed;
use crate::{Head, RecordedEvent, StoreError};
use rusqlite::Connection;
use schemas::log::{Position, StreamName};
use std::collections::HashSet;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use tokio::sync::{mpsc, oneshot};

/// Threads that read. A projector of each database, and one for everybody else.
const THREADS: usize = 3;

/// Reads that may wait; further callers wait for room.
const QUEUE: usize = 64;

/// Bytes after which a read ends, though never before its first event. In bulk that is 130,000 bundles, which whoever follows
/// decodes at once.
pub const READ_BYTES: usize = 2 << 20;

type Job = Box<dyn FnOnce(&mut Reader) + Send>;

/// One connection, and the streams it knows to exist.
pub(super) struct Reader {
    db: Connection,
    path: PathBuf,
    known: HashSet<StreamName>,
}

impl Reader {
    fn exists(&mut self, stream: &StreamName) -> Result<bool, StoreError> {
        if self.known.contains(stream) {
            return Ok(true);
        }
        let exists =
            schema::stream_exists(&self.db, stream).map_err(|error| damaged(&self.path, error))?;
        if exists {
            self.known.insert(stream.clone());
        }
        Ok(exists)
    }

    /// See [`crate::EventStore::head`].
    pub(super) fn head(&mut self, stream: &StreamName) -> Result<Head, StoreError> {
        if !self.exists(stream)? {
            return Ok(Head::START);
        }
        schema::head(&self.db, stream).map_err(|error| damaged(&self.path, error))
    }

    /// See [`crate::EventStore::read`].
    pub(super) fn read(
        &mut self,
        stream: &StreamName,
        after: Position,
        limit: usize,
    ) -> Result<Vec<RecordedEvent>, StoreError> {
        if limit == 0 || !self.exists(stream)? {
            return Ok(Vec::new());
        }
        let after = after.max(Position::START);
        let Some(hash) =
            schema::hash_at(&self.db, stream, after).map_err(|error| damaged(&self.path, error))?
        else {
            let head = self.head(stream)?.position;
            if head <= after {
                return Ok(Vec::new());
            }
            return Err(StoreError::Corrupt {
                place: format!("stream {stream}, position {after}"),
                reason: format!("it is missing, though the stream goes on to {head}"),
            });
        };
        let mut chain = Chain::after(
            stream,
            Head {
                position: after,
                hash,
            },
        );
        let mut statement = self
            .db
            .prepare_cached(&schema::select_after(stream))
            .map_err(|error| damaged(&self.path, error))?;
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        let mut rows = statement
            .query((after.0, limit))
            .map_err(|e| damaged(&self.path, e))?;
        let (mut events, mut bytes) = (Vec::new(), 0);
        while bytes < READ_BYTES {
            let Some(row) = rows.next().map_err(|error| chain.unreadable(error))? else {
                break;
            };
            let event = chain.follow(row)?.to_event();
            bytes += event.size();
            events.push(event);
        }
        Ok(events)
    }
}

/// Hands reads to the threads.
#[derive(Clone)]
pub(super) struct Readers {
    jobs: mpsc::Sender<Option<Job>>,
}

impl Readers {
    /// Starts the threads.
    pub(super) fn start(
        path: &Path,
        purpose: Use,
    ) -> Result<(Self, Vec<JoinHandle<()>>), StoreError> {
        let (jobs, queue) = mpsc::channel(QUEUE);
        let queue = Arc::new(Mutex::new(queue));
        let mut threads = Vec::with_capacity(THREADS);
        for index in 0..THREADS {
            let db = connection::open(path, purpose)?;
            let reader = Reader {
                db,
                path: path.into(),
                known: HashSet::new(),
            };
            let queue = Arc::clone(&queue);
            let thread = std::thread::Builder::new()
                .name(format!("events-read-{index}"))
                .spawn(move || work(reader, &queue))
                .map_err(|error| StoreError::Unavailable(Arc::new(error)))?;
            threads.push(thread);
        }
        Ok((Self { jobs }, threads))
    }

    /// Runs `read` on one of the threads.
    pub(super) async fn run<T: Send + 'static>(
        &self,
        read: impl FnOnce(&mut Reader) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        let (reply, answer) = oneshot::channel();
        let job: Job = Box::new(move |reader| {
            // Nobody waits for a read any more: nothing to do.
            let _ = reply.send(read(reader));
        });
        let closed = || StoreError::Unavailable(Arc::new(Closed));
        self.jobs.send(Some(job)).await.map_err(|_| closed())?;
        answer.await.map_err(|_| closed())?
    }

    /// Ends the threads once they are done with what waits.
    pub(super) async fn stop(&self) {
        for _ in 0..THREADS {
            // An error says that they have ended already.
            let _ = self.jobs.send(None).await;
        }
    }
}

fn work(mut reader: Reader, queue: &Mutex<mpsc::Receiver<Option<Job>>>) {
    loop {
        // The guard lives for this statement only: others may take jobs while this one is done.
        let job = queue
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .blocking_recv();
        match job {
            Some(Some(job)) => job(&mut reader),
            Some(None) | None => break,
        }
    }
}
