//! Positions of the streams that belong together.

use super::{BackupError, STREAMS};
use chrono::{DateTime, Utc};
use event_store::{EventStore, Head};
use schemas::envelope::Envelope;
use schemas::log::{Position, StreamName};
use std::time::Duration;
use tokio::time::Instant;

/// How long a moment is waited for in which nothing is appended.
const PATIENCE: Duration = Duration::from_secs(30);

/// Where each stream stands at one instant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cut(pub Vec<(StreamName, Head)>);

impl Cut {
    /// Where the streams of `domain` stand now. They are looked at until nothing was appended between one look at
    /// all of them and the next: so what is in one stream because of something in another never comes without it.
    ///
    /// # Errors
    /// [`BackupError::Restless`], [`BackupError::Empty`], [`BackupError::Store`].
    pub async fn now(store: &dyn EventStore, domain: &str) -> Result<Self, BackupError> {
        let deadline = Instant::now() + PATIENCE;
        let mut last = Self::look(store, domain).await?;
        if last.0.iter().all(|(_, head)| *head == Head::START) {
            return Err(BackupError::Empty(domain.to_owned()));
        }
        while Instant::now() < deadline {
            let next = Self::look(store, domain).await?;
            if next == last {
                return Ok(next);
            }
            last = next;
        }
        Err(BackupError::Restless(PATIENCE.as_secs()))
    }

    async fn look(store: &dyn EventStore, domain: &str) -> Result<Self, BackupError> {
        let mut heads = Vec::with_capacity(STREAMS.len());
        for stream in STREAMS {
            let name = stream.name(domain)?;
            let head = store.head(&name).await?;
            heads.push((name, head));
        }
        Ok(Self(heads))
    }
}

/// Up to where a stream was recorded by an instant, at most up to `end`. What is recorded later is not older, but for
/// what clocks of several machines differ.
pub(super) async fn recorded_by(
    store: &dyn EventStore,
    stream: &StreamName,
    end: Position,
    at: DateTime<Utc>,
) -> Result<Position, BackupError> {
    let (mut known, mut end) = (Position::START, end);
    while known < end {
        let middle = Position(known.0 + (end.0 - known.0 + 1) / 2);
        if recorded_at(store, stream, middle).await? <= at {
            known = middle;
        } else {
            end = middle.plus(-1);
        }
    }
    Ok(known)
}

/// When the event at a position was recorded.
pub(super) async fn recorded_at(
    store: &dyn EventStore,
    stream: &StreamName,
    position: Position,
) -> Result<DateTime<Utc>, BackupError> {
    let events = store.read(stream, position.plus(-1), 1).await?;
    let envelope: Option<Envelope> = events
        .first()
        .and_then(|event| serde_json::from_slice(&event.metadata).ok());
    let undated = || BackupError::Undated {
        stream: stream.clone(),
        position,
    };
    Ok(envelope.ok_or_else(undated)?.recorded_at)
}
