//! An event before and after it is recorded.

use schemas::log::{Position, RunningHash};
use std::borrow::Cow;
use uuid::Uuid;

/// An event to append. The store does not look into `data` and `metadata`; by convention both are
/// JSON.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewEvent {
    /// Unique over all streams (a UUIDv7). After a lost answer it tells whether an append arrived.
    pub event_id: Uuid,
    /// Name of the kind of event, e.g. `BundlesIssued`.
    pub event_type: Cow<'static, str>,
    /// Version of the payload's shape.
    pub version: u16,
    /// The payload.
    pub data: Vec<u8>,
    /// The envelope: who, when, why.
    pub metadata: Vec<u8>,
}

impl NewEvent {
    /// Bytes counted against [`crate::Limits::event_bytes`]: type, data and metadata.
    #[must_use]
    pub fn size(&self) -> usize {
        self.event_type.len() + self.data.len() + self.metadata.len()
    }

    /// The running hash after this event, given the one before it.
    #[must_use]
    pub fn hash_after(&self, previous: RunningHash) -> RunningHash {
        previous.next(
            self.event_id,
            &self.event_type,
            self.version,
            &self.data,
            &self.metadata,
        )
    }
}

/// An event as the store holds it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RecordedEvent {
    /// Its place in the stream, from 1.
    pub position: Position,
    /// As given in [`NewEvent::event_id`].
    pub event_id: Uuid,
    /// As given in [`NewEvent::event_type`].
    pub event_type: String,
    /// As given in [`NewEvent::version`].
    pub version: u16,
    /// As given in [`NewEvent::data`].
    pub data: Vec<u8>,
    /// As given in [`NewEvent::metadata`].
    pub metadata: Vec<u8>,
    /// Running hash over the stream up to and including this event.
    pub hash: RunningHash,
    /// The payload as it is stored, where `data` is what was sealed in it ([`crate::SealedStore`]).
    pub sealed: Option<Vec<u8>>,
}

impl RecordedEvent {
    /// Bytes counted against the byte cap of one read: type, data and metadata.
    #[must_use]
    pub fn size(&self) -> usize {
        self.event_type.len() + self.data.len() + self.metadata.len()
    }

    /// The running hash this event must carry, given the one of the event before it.
    #[must_use]
    pub fn hash_after(&self, previous: RunningHash) -> RunningHash {
        previous.next(
            self.event_id,
            &self.event_type,
            self.version,
            self.sealed.as_ref().unwrap_or(&self.data),
            &self.metadata,
        )
    }
}
