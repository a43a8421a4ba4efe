//! What can go wrong while projecting, sorted by what to do about it.

use crate::Target;
use crate::postgres::PoolError;
use event_store::StoreError;
use ledger::NotLoaded;
use schemas::event::DecodeError;
use schemas::log::{Position, StreamName};

/// Why a projection did not move on.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The database refused or was lost.
    #[error("Postgres: {}", sentence(.0))]
    Postgres(#[from] tokio_postgres::Error),
    /// There is no connection.
    #[error(transparent)]
    Pool(#[from] PoolError),
    /// The database does not answer, and nothing says that it is gone.
    #[error("Postgres has not answered in time")]
    Late,
    /// The tables could not be made.
    #[error("migration: {0}")]
    Migration(#[from] Box<refinery::Error>),
    /// The event store can not be read, or does not hold the history of the database.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// An event can not be read.
    #[error("stream {stream}, position {position}: {source}")]
    Event {
        /// The stream.
        stream: StreamName,
        /// The event's position.
        position: Position,
        /// What is wrong with it.
        source: EventError,
    },
    /// The checkpoint is not where it was: another projector has moved it, or a rebuild took its place.
    #[error("the checkpoint was moved by somebody else")]
    Moved,
    /// The tables are of a later version of the projection than this program makes.
    #[error("the {target} tables are of version {version}, and this release makes version {}: it has been replaced", target.version())]
    Replaced {
        /// Which tables.
        target: Target,
        /// Their version.
        version: i32,
    },
    /// Somebody else is building these tables anew.
    #[error("another rebuild of this database is running")]
    Rebuilding,
    /// A defect: an event changed an entry that nobody loaded.
    #[error(transparent)]
    NotLoaded(#[from] NotLoaded),
    /// What is stored contradicts the events.
    #[error("{0}")]
    Inconsistent(String),
    /// Folding events panicked.
    #[error("a projection's task ended: {0}")]
    Task(#[from] tokio::task::JoinError),
    /// The domain's stream has no proper name.
    #[error(transparent)]
    StreamName(#[from] schemas::log::BadStreamName),
}

/// What is wrong with an event.
#[derive(Debug, thiserror::Error)]
pub enum EventError {
    /// Its payload.
    #[error(transparent)]
    Payload(#[from] DecodeError),
    /// Its envelope.
    #[error("its envelope does not parse: {0}")]
    Envelope(serde_json::Error),
}

/// `tokio_postgres` prints only "db error"; what the server said is one level below.
fn sentence(error: &tokio_postgres::Error) -> String {
    match (error.as_db_error(), std::error::Error::source(error)) {
        (Some(said), _) => format!("{} ({})", said.message(), said.code().code()),
        (None, Some(source)) => format!("{error}: {source}"),
        (None, None) => error.to_string(),
    }
}

impl Error {
    /// Whether trying again later may help. What is wrong with an event, or between the log and a
    /// checkpoint, stays wrong.
    #[must_use]
    pub fn is_transient(&self) -> bool {
        match self {
            Self::Postgres(_) | Self::Late | Self::Moved => true,
            Self::Pool(error) => matches!(error, PoolError::Connect { .. }),
            // A lost connection shows as an error of the migration that was running.
            Self::Migration(error) => matches!(error.kind(), refinery::error::Kind::Connection(..)),
            Self::Store(error) => matches!(error, StoreError::Unavailable(_)),
            Self::Event { .. }
            | Self::Replaced { .. }
            | Self::Rebuilding
            | Self::NotLoaded(_)
            | Self::Inconsistent(_)
            | Self::Task(_)
            | Self::StreamName(_) => false,
        }
    }
}
