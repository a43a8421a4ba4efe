//! Where an event stands: stream, position, and the running hash over everything up to it.

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::fmt;

/// Position of an event in its stream: the N-th event has position N, counted from 1 without gaps.
/// [`Position::START`] stands before the first event.
#[derive(
    Debug,
    Clone,
    Copy,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    Default,
    Serialize,
    Deserialize,
    utoipa::ToSchema,
)]
#[serde(transparent)]
pub struct Position(pub i64);

impl Position {
    /// Before the first event: the head of an empty stream.
    pub const START: Self = Self(0);

    /// The position `count` events later.
    #[must_use]
    pub const fn plus(self, count: i64) -> Self {
        Self(self.0 + count)
    }
}

impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// Name of a stream: `<kind>-<domain>`, lower case only, because KurrentDB compares names with case
/// in some calls and without in others.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct StreamName(String);

/// The name is empty, longer than 100 characters, or has a character outside `a-z 0-9 -`.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("stream name {0:?} must be 1 to 100 characters out of a-z, 0-9 and '-'")]
pub struct BadStreamName(pub String);

impl StreamName {
    /// The stream of every life-cycle action and meter reading of a domain.
    pub fn ledger(domain: &str) -> Result<Self, BadStreamName> {
        Self::try_from(format!("ledger-{domain}"))
    }

    /// The stream of people and credentials of a domain.
    pub fn identity(domain: &str) -> Result<Self, BadStreamName> {
        Self::try_from(format!("identity-{domain}"))
    }

    /// The stream of what was tried in a domain: refusals and signing in, with addresses of clients.
    pub fn audit(domain: &str) -> Result<Self, BadStreamName> {
        Self::try_from(format!("audit-{domain}"))
    }

    /// The name as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for StreamName {
    type Error = BadStreamName;
    fn try_from(name: String) -> Result<Self, BadStreamName> {
        let ok = (1..=100).contains(&name.len())
            && name
                .bytes()
                .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-');
        if ok {
            Ok(Self(name))
        } else {
            Err(BadStreamName(name))
        }
    }
}

impl From<StreamName> for String {
    fn from(name: StreamName) -> Self {
        name.0
    }
}

impl fmt::Display for StreamName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// SHA-256 over all events of a stream up to a position:
/// `H(N) = SHA-256(H(N-1) || event_id || u16 version || then type, data, metadata, each after its u64
/// length)`,
/// integers big-endian, `H(0)` all zero.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct RunningHash(#[serde(with = "hex::serde")] pub [u8; 32]);

impl RunningHash {
    /// The hash before the first event.
    pub const START: Self = Self([0; 32]);

    /// The hash after one more event with these bytes.
    #[must_use]
    pub fn next(
        self,
        event_id: uuid::Uuid,
        event_type: &str,
        version: u16,
        data: &[u8],
        metadata: &[u8],
    ) -> Self {
        let mut hash = Sha256::new();
        hash.update(self.0);
        hash.update(event_id.as_bytes());
        hash.update(version.to_be_bytes());
        for part in [event_type.as_bytes(), data, metadata] {
            hash.update((part.len() as u64).to_be_bytes());
            hash.update(part);
        }
        Self(hash.finalize().into())
    }
}

impl fmt::Display for RunningHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex::encode(self.0))
    }
}

impl fmt::Debug for RunningHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}
