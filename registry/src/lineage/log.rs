//! Single events of the ledger, each by its position.

use event_store::{EventStore, StoreError};
use schemas::envelope::Envelope;
use schemas::event::{DecodeError, LedgerEvent};
use schemas::log::{Position, StreamName};

/// The ledger's stream in its store.
#[derive(Clone, Copy)]
pub struct Log<'a> {
    /// The store.
    pub store: &'a dyn EventStore,
    /// The stream.
    pub stream: &'a StreamName,
}

/// An event as it stands in the log.
pub struct Recorded {
    /// What surrounds it.
    pub envelope: Envelope,
    /// Its type as recorded.
    pub event_type: String,
    /// What happened.
    pub event: LedgerEvent,
}

/// An event can not be shown.
#[derive(Debug, thiserror::Error)]
pub enum LogError {
    /// The log can not be read.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The log does not reach as far as the READ database.
    #[error("the log has no event at position {0}")]
    Missing(Position),
    /// An event does not parse.
    #[error(transparent)]
    Event(#[from] DecodeError),
    /// Its envelope or its extract does not.
    #[error("the event at position {0} is not JSON: {1}")]
    Json(Position, #[source] serde_json::Error),
    /// READ says that another event stands there.
    #[error("the event at position {0} is a {1}, another was expected")]
    Other(Position, String),
}

impl Log<'_> {
    /// The event at a position.
    ///
    /// # Errors
    /// [`LogError`].
    pub async fn at(self, position: Position) -> Result<Recorded, LogError> {
        let found = self.store.read(self.stream, position.plus(-1), 1).await?;
        let recorded = found
            .into_iter()
            .next()
            .ok_or(LogError::Missing(position))?;
        let envelope = serde_json::from_slice(&recorded.metadata)
            .map_err(|error| LogError::Json(position, error))?;
        let event = LedgerEvent::decode(&recorded.event_type, recorded.version, &recorded.data)?;
        Ok(Recorded {
            envelope,
            event_type: recorded.event_type,
            event,
        })
    }
}
