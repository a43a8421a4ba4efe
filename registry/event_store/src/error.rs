//! What can go wrong, sorted by what the caller should do about it.

use crate::person::PeopleError;
use schemas::log::{Position, RunningHash, StreamName};
use std::path::PathBuf;
use std::sync::Arc;

/// Cause of a failure, shared because one failed flush is the answer to several appends.
pub type Cause = Arc<dyn std::error::Error + Send + Sync>;

/// A server understood what it was asked and said no: it was given the wrong credentials, or too few rights. It goes on
/// doing so until somebody changes either.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct Refused(pub Cause);

/// Why an append was not done.
#[derive(Debug, Clone, thiserror::Error)]
pub enum AppendError {
    /// The stream is not where the caller believed it to be. Nothing was appended: read what is new,
    /// decide again.
    #[error("stream {stream} stands at position {actual}, the append expected {expected}")]
    Conflict {
        /// The stream.
        stream: StreamName,
        /// Position the caller decided on.
        expected: Position,
        /// Position of the stream's head.
        actual: Position,
    },
    /// A limit of [`crate::Limits`] is exceeded. Nothing was appended.
    #[error("{what} is {size}, the limit is {limit}")]
    TooLarge {
        /// What was measured, with its unit.
        what: &'static str,
        /// What it measures.
        size: usize,
        /// What is allowed.
        limit: usize,
    },
    /// An append without events.
    #[error("an append must hold at least one event")]
    Empty,
    /// The store was opened read-only.
    #[error("the event store was opened read-only")]
    ReadOnly,
    /// Nothing was appended; the same append may succeed later (another process holds the lock, the
    /// disk is full). A server that went away in the middle may still carry it out: then the next append
    /// behind the same position meets a [`AppendError::Conflict`].
    #[error("the event store is unavailable: {0}")]
    Unavailable(#[source] Cause),
    /// A write or flush failed, so it is unknown what the disk holds. The store refuses every later
    /// append; the process must exit and find out by opening the store again.
    #[error("the event store failed and must be opened again by a new process: {0}")]
    Fatal(#[source] Cause),
}

/// Why a store can not be opened or read.
#[derive(Debug, Clone, thiserror::Error)]
pub enum StoreError {
    /// What is stored is not what was written.
    #[error("the event store is damaged: {place}: {reason}. Restore it from a backup")]
    Corrupt {
        /// File, or stream and position.
        place: String,
        /// What is wrong there.
        reason: String,
    },
    /// The stream ends before a position that is known to have been recorded: events were lost.
    #[error(
        "stream {stream} ends at position {head}, but position {checkpoint} was recorded: \
         {} acknowledged events are missing. Restore the event store from a backup",
        checkpoint.0 - head.0
    )]
    BehindCheckpoint {
        /// The stream.
        stream: StreamName,
        /// Last position the store holds.
        head: Position,
        /// Position known to have been recorded.
        checkpoint: Position,
    },
    /// The stream holds another history than the one the checkpoint was taken from.
    #[error(
        "stream {stream} has running hash {stored} at position {position}, the checkpoint has \
         {checkpoint}: they belong to different histories"
    )]
    Diverged {
        /// The stream.
        stream: StreamName,
        /// Position of the checkpoint.
        position: Position,
        /// Hash the store has there.
        stored: RunningHash,
        /// Hash the checkpoint has.
        checkpoint: RunningHash,
    },
    /// The file with the recorded heads, which proves that nothing is missing, is gone or unreadable.
    #[error(
        "{path} is {what}, so it can not be proved that no acknowledged event is missing. Restore it \
         together with the database from one backup, or, if you know the database to be complete, \
         accept its present content as the whole (see `SqliteStore::accept_heads`)"
    )]
    WitnessUnusable {
        /// The sidecar file.
        path: PathBuf,
        /// `missing` or what is wrong with it.
        what: String,
    },
    /// There is no event store at this path.
    #[error("there is no event store at {path}")]
    Missing {
        /// Where it was looked for.
        path: PathBuf,
    },
    /// The file is a database of something else.
    #[error("{path} is not an event store (its SQLite application id is {application_id:#x})")]
    NotAnEventStore {
        /// The file.
        path: PathBuf,
        /// The application id found.
        application_id: i32,
    },
    /// A newer release wrote this file.
    #[error(
        "{path} has event store format {found}, this release knows formats up to {supported}: \
         use the release that wrote it, or a newer one"
    )]
    NewerFormat {
        /// The file.
        path: PathBuf,
        /// Format version found.
        found: i32,
        /// Newest format version this release reads.
        supported: i32,
    },
    /// What is personal in the log can not be read.
    #[error("{0}")]
    People(#[source] PeopleError),
    /// It may work later.
    #[error("the event store is unavailable: {0}")]
    Unavailable(#[source] Cause),
}

impl StoreError {
    /// Whether waiting may help: nobody answers, and nobody says no.
    #[must_use]
    pub fn may_pass(&self) -> bool {
        matches!(self, Self::Unavailable(cause) if !cause.is::<Refused>())
    }
}

impl From<PeopleError> for StoreError {
    fn from(error: PeopleError) -> Self {
        match error {
            PeopleError::File { .. } => Self::Unavailable(Arc::new(error)),
            error => Self::People(error),
        }
    }
}

/// The store was closed while it was in use.
#[derive(Debug, thiserror::Error)]
#[error("the event store is closed")]
pub(crate) struct Closed;
