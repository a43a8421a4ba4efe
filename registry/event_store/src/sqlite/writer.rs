//! The thread that appends. It commits all appends that wait in one transaction.

use super::checkpoint::Checkpoint;
use super::schema;
use super::witness::Witness;
use crate::error::{Cause, Closed};
use crate::{AppendError, Head, NewEvent};
use rusqlite::{Connection, ErrorCode, Transaction, TransactionBehavior};
use schemas::log::{Position, StreamName};
use std::collections::HashMap;
use std::sync::Arc;
use std::thread::JoinHandle;
use tokio::sync::{mpsc, oneshot, watch};

/// Appends that may wait; further callers wait for room.
pub(super) const QUEUE: usize = 512;

/// Most appends of one transaction.
const GROUP_APPENDS: usize = 512;

/// Bytes after which a transaction takes no further append.
const GROUP_BYTES: usize = 8 << 20;

/// An append that waits.
pub(super) struct Request {
    pub(super) stream: StreamName,
    pub(super) expected: Position,
    pub(super) events: Vec<NewEvent>,
    pub(super) reply: oneshot::Sender<Result<Head, AppendError>>,
}

impl Request {
    fn size(&self) -> usize {
        self.events.iter().map(NewEvent::size).sum()
    }
}

/// What a failure of a whole transaction means.
enum Failure {
    /// Rolled back: as if it had never been tried.
    Undone(Cause),
    /// It is unknown what the disk holds.
    Unknown(Cause),
}

impl Failure {
    fn before_commit(error: rusqlite::Error) -> Self {
        match error.sqlite_error_code() {
            Some(
                ErrorCode::DatabaseBusy
                | ErrorCode::DatabaseLocked
                | ErrorCode::DiskFull
                | ErrorCode::OutOfMemory
                | ErrorCode::ReadOnly,
            ) => Self::Undone(Arc::new(error)),
            _ => Self::Unknown(Arc::new(error)),
        }
    }
}

/// Owns the connection that writes, and the witness.
pub(super) struct Writer {
    pub(super) db: Connection,
    pub(super) witness: Witness,
    pub(super) checkpoint: Checkpoint,
    pub(super) queue: mpsc::Receiver<Option<Request>>,
    pub(super) commits: watch::Sender<()>,
    /// Set for good by the first failure that leaves the disk's content unknown.
    pub(super) failed: Option<Cause>,
}

impl Writer {
    /// Starts the thread. It ends when the queue is closed or a `None` comes.
    pub(super) fn start(self) -> std::io::Result<JoinHandle<()>> {
        std::thread::Builder::new()
            .name("events-write".into())
            .spawn(move || self.work())
    }

    fn work(mut self) {
        let mut open = true;
        while open {
            let Some(Some(first)) = self.queue.blocking_recv() else {
                break;
            };
            let mut bytes = first.size();
            let mut group = vec![first];
            while group.len() < GROUP_APPENDS && bytes < GROUP_BYTES {
                match self.queue.try_recv() {
                    Ok(Some(request)) => {
                        bytes += request.size();
                        group.push(request);
                    }
                    Ok(None) => {
                        open = false;
                        break;
                    }
                    Err(_) => break,
                }
            }
            self.serve(group);
            // Behind the answers: nobody waits for it but the next group.
            if self.failed.is_none()
                && let Err(error) = self.checkpoint.run(&self.db)
            {
                self.fail(Arc::new(error));
            }
        }
        self.queue.close();
        while let Ok(waiting) = self.queue.try_recv() {
            if let Some(request) = waiting {
                let closed = AppendError::Unavailable(Arc::new(Closed));
                // The caller has gone: nobody to tell.
                let _ = request.reply.send(Err(closed));
            }
        }
    }

    fn serve(&mut self, group: Vec<Request>) {
        let answers = match &self.failed {
            Some(cause) => Err(Failure::Unknown(Arc::clone(cause))),
            None => self.commit(&group),
        };
        match answers {
            Ok(answers) => {
                for (request, answer) in group.into_iter().zip(answers) {
                    // The caller has gone; the append stands, as documented.
                    let _ = request.reply.send(answer);
                }
            }
            Err(failure) => {
                let error = match failure {
                    Failure::Undone(cause) => AppendError::Unavailable(cause),
                    Failure::Unknown(cause) => {
                        self.fail(Arc::clone(&cause));
                        AppendError::Fatal(cause)
                    }
                };
                for request in group {
                    let _ = request.reply.send(Err(error.clone()));
                }
            }
        }
    }

    /// Refuses everything from now on.
    fn fail(&mut self, cause: Cause) {
        if self.failed.is_none() {
            tracing::error!(%cause, "the event store failed, it takes no further appends");
            self.failed = Some(cause);
        }
    }

    /// One transaction for the group. Returns an answer per request once all are durable.
    fn commit(&mut self, group: &[Request]) -> Result<Vec<Result<Head, AppendError>>, Failure> {
        let tx = self
            .db
            .transaction_with_behavior(TransactionBehavior::Immediate)
            .map_err(Failure::before_commit)?;
        let mut heads = HashMap::new();
        let mut moved = HashMap::new();
        let mut answers = Vec::with_capacity(group.len());
        for request in group {
            let answer = append(&tx, request, &mut heads).map_err(Failure::before_commit)?;
            if let Ok(head) = &answer {
                moved.insert(request.stream.clone(), *head);
            }
            answers.push(answer);
        }
        if moved.is_empty() {
            return Ok(answers);
        }
        tx.commit()
            .map_err(|error| match error.sqlite_error_code() {
                // No lock or no room: SQLite has undone it before anything was flushed.
                Some(ErrorCode::DatabaseBusy | ErrorCode::DiskFull) => {
                    Failure::Undone(Arc::new(error) as Cause)
                }
                _ => Failure::Unknown(Arc::new(error)),
            })?;
        self.commits.send_replace(());
        let moved: Vec<_> = moved.into_iter().collect();
        self.witness
            .record(&moved)
            .map_err(|error| Failure::Unknown(Arc::new(error)))?;
        Ok(answers)
    }
}

/// Checks the expectation against the head as this transaction sees it, and inserts the events.
fn append(
    tx: &Transaction<'_>,
    request: &Request,
    heads: &mut HashMap<StreamName, Option<Head>>,
) -> rusqlite::Result<Result<Head, AppendError>> {
    let stream = &request.stream;
    let known = match heads.get(stream) {
        Some(known) => *known,
        None if schema::stream_exists(tx, stream)? => Some(schema::head(tx, stream)?),
        None => None,
    };
    heads.insert(stream.clone(), known);
    let mut head = known.unwrap_or(Head::START);
    if head.position != request.expected {
        return Ok(Err(AppendError::Conflict {
            stream: stream.clone(),
            expected: request.expected,
            actual: head.position,
        }));
    }
    if known.is_none() {
        tx.execute(&schema::create_stream(stream), [])?;
    }
    let mut insert = tx.prepare_cached(&schema::insert(stream))?;
    for event in &request.events {
        head = Head {
            position: head.position.plus(1),
            hash: event.hash_after(head.hash),
        };
        insert.execute((
            head.position.0,
            event.event_id.as_bytes(),
            head.hash.0,
            event.version,
            &*event.event_type,
            &event.metadata,
            &event.data,
        ))?;
    }
    heads.insert(stream.clone(), Some(head));
    Ok(Ok(head))
}

#[cfg(test)]
#[path = "writer_tests.rs"]
mod tests;
