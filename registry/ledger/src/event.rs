//! An event of either stream.

use schemas::event::{DecodeError, IdentityEvent, LedgerEvent};

/// The two streams whose events make up the state.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Stream {
    /// Life-cycle actions and meter readings.
    Ledger,
    /// People and credentials.
    Identity,
}

impl Stream {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Ledger, Self::Identity];

    /// Name used in checkpoints and metrics.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Ledger => "ledger",
            Self::Identity => "identity",
        }
    }
}

/// An event of either stream.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// Of the ledger.
    Ledger(LedgerEvent),
    /// Of the identity stream.
    Identity(IdentityEvent),
}

impl Event {
    /// Name under which the event is stored.
    #[must_use]
    pub fn event_type(&self) -> &'static str {
        match self {
            Self::Ledger(event) => event.event_type(),
            Self::Identity(event) => event.event_type(),
        }
    }

    /// Version of its payload.
    #[must_use]
    pub fn version(&self) -> u16 {
        match self {
            Self::Ledger(event) => event.version(),
            Self::Identity(event) => event.version(),
        }
    }

    /// JSON payload.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        match self {
            Self::Ledger(event) => event.encode(),
            Self::Identity(event) => event.encode(),
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
