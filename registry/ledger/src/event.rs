//! An event of any stream.

use schemas::event::{AuditEvent, DecodeError, IdentityEvent, LedgerEvent};
use schemas::log::{BadStreamName, StreamName};

/// The streams of a registry.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Stream {
    /// Life-cycle actions and meter readings.
    Ledger,
    /// People and credentials.
    Identity,
    /// What was tried. Nothing is decided on it.
    Audit,
}

impl Stream {
    /// Every one.
    pub const ALL: [Self; 3] = [Self::Ledger, Self::Identity, Self::Audit];

    /// Those whose events make up the state.
    pub const OF_STATE: [Self; 2] = [Self::Ledger, Self::Identity];

    /// Name used in checkpoints and metrics.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Ledger => "ledger",
            Self::Identity => "identity",
            Self::Audit => "audit",
        }
    }

    /// Its name in the event store.
    ///
    /// # Errors
    /// If `domain` can not be part of one.
    pub fn name(self, domain: &str) -> Result<StreamName, BadStreamName> {
        match self {
            Self::Ledger => StreamName::ledger(domain),
            Self::Identity => StreamName::identity(domain),
            Self::Audit => StreamName::audit(domain),
        }
    }
}

/// An event of any stream.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// Of the ledger.
    Ledger(LedgerEvent),
    /// Of the identity stream.
    Identity(IdentityEvent),
    /// Of the audit stream.
    Audit(AuditEvent),
}

impl Event {
    /// Name under which the event is stored.
    #[must_use]
    pub fn event_type(&self) -> &'static str {
        match self {
            Self::Ledger(event) => event.event_type(),
            Self::Identity(event) => event.event_type(),
            Self::Audit(event) => event.event_type(),
        }
    }

    /// Version of its payload.
    #[must_use]
    pub fn version(&self) -> u16 {
        match self {
            Self::Ledger(event) => event.version(),
            Self::Identity(event) => event.version(),
            Self::Audit(event) => event.version(),
        }
    }

    /// JSON payload.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        match self {
            Self::Ledger(event) => event.encode(),
            Self::Identity(event) => event.encode(),
            Self::Audit(event) => event.encode(),
        }
    }

    /// Reads a payload stored in `stream`.
    pub fn decode(
        stream: Stream,
        event_type: &str,
        version: u16,
        data: &[u8],
    ) -> Result<Self, DecodeError> {
        match stream {
            Stream::Ledger => LedgerEvent::decode(event_type, version, data).map(Self::Ledger),
            Stream::Identity => {
                IdentityEvent::decode(event_type, version, data).map(Self::Identity)
            }
            Stream::Audit => AuditEvent::decode(event_type, version, data).map(Self::Audit),
        }
    }
}

impl From<LedgerEvent> for Event {
    fn from(event: LedgerEvent) -> Self {
        Self::Ledger(event)
    }
}

impl From<IdentityEvent> for Event {
    fn from(event: IdentityEvent) -> Self {
        Self::Identity(event)
    }
}
