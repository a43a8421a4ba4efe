//! The signed envelope behind a reading, and what it is checked with.

use super::log::{Log, LogError};
use crate::read::ReadError;
use crate::read::gateway::key_added_at;
use crate::read::lineage::EnvelopeAt;
use chrono::{DateTime, Utc};
use deadpool_postgres::Client;
use schemas::api::certificate::LineageEnvelope;
use schemas::event::LedgerEvent;
use schemas::event::gateway::EnvelopeAccepted;
use schemas::gateway::KeyId;
use schemas::id::MeasurementId;
use schemas::log::Position;

/// An envelope in the ledger.
pub struct Stored {
    /// When it was accepted.
    pub accepted_at: DateTime<Utc>,
    /// The envelope, and what became of it.
    pub accepted: EnvelopeAccepted,
}

/// The envelope at a position.
///
/// # Errors
/// [`LogError`].
pub async fn envelope(log: Log<'_>, position: Position) -> Result<Stored, LogError> {
    let recorded = log.at(position).await?;
    match recorded.event {
        LedgerEvent::EnvelopeAccepted(accepted) => Ok(Stored {
            accepted_at: recorded.envelope.recorded_at,
            accepted,
        }),
        _ => Err(LogError::Other(position, recorded.event_type)),
    }
}

/// An envelope as the source of a reading.
pub struct Evidence {
    /// The reading.
    pub measurement_id: MeasurementId,
    /// Where the envelope stands, and what it is called.
    pub named: LineageEnvelope,
    /// Position of the device's envelope before, which it names by its hash.
    pub previous: Option<Position>,
    /// Position of the event by which the gateway got the key.
    pub key: Position,
}

/// Why there is no evidence of a reading that a gateway signed.
#[derive(Debug, thiserror::Error)]
pub enum EvidenceError {
    /// The log can not be read.
    #[error(transparent)]
    Log(#[from] LogError),
    /// The READ database can not be asked.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// The database was filled before it kept where keys came from.
    #[error("the READ database does not know where key {0} came from; it has to be rebuilt")]
    KeyUnknown(KeyId),
}

impl Evidence {
    /// The evidence that stands here.
    ///
    /// # Errors
    /// [`EvidenceError`].
    pub async fn of(at: EnvelopeAt, log: Log<'_>, client: &Client) -> Result<Self, EvidenceError> {
        let accepted = envelope(log, at.position).await?.accepted;
        let key = key_added_at(client, accepted.key_id).await?;
        Ok(Self {
            measurement_id: at.measurement_id,
            named: LineageEnvelope {
                gateway_id: accepted.gateway_id,
                device_id: at.device_id,
                sequence: accepted.sequence,
                key_id: accepted.key_id,
                hash: accepted.hash,
                ledger_position: at.position,
            },
            previous: at.previous,
            key: key.ok_or(EvidenceError::KeyUnknown(accepted.key_id))?,
        })
    }

    /// Positions of all events that it takes to check the envelope.
    pub(super) fn positions(&self) -> impl Iterator<Item = Position> {
        let envelope = self.named.ledger_position;
        [self.key, envelope].into_iter().chain(self.previous)
    }
}
