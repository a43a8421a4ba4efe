//! Reading what the stream holds that is not in memory: our own events before a restart, and those of
//! other writers.

use super::memory::{Memory, View};
use super::source::{SourceError, StateSource};
use super::time::Time;
use super::{Receipt, SequencerError};
use event_store::{EventStore, Head, RecordedEvent};
use ledger::{Changes, Entries, Event, Key, Recorded, Stream};
use schemas::envelope::Envelope;
use schemas::log::{Position, StreamName};
use std::collections::{HashMap, HashSet};

/// Events folded at a time.
const CHUNK_EVENTS: usize = 1_000;

/// Why recovery did not finish.
pub(super) enum Stopped {
    /// Try again later.
    Unavailable(String),
    /// The process can not go on.
    Failed(SequencerError),
}

impl From<SequencerError> for Stopped {
    fn from(error: SequencerError) -> Self {
        Self::Failed(error)
    }
}

impl From<SourceError> for Stopped {
    fn from(error: SourceError) -> Self {
        Self::Unavailable(error.to_string())
    }
}

/// An event with its envelope, as read back.
pub(super) fn decode(
    stream: Stream,
    stored: &RecordedEvent,
) -> Result<(Envelope, Event), SequencerError> {
    let failed =
        |error: &dyn std::fmt::Display| SequencerError::Decode(stored.position, error.to_string());
    let event = Event::decode(stream, &stored.event_type, stored.version, &stored.data)
        .map_err(|error| failed(&error))?;
    let envelope = serde_json::from_slice(&stored.metadata).map_err(|error| failed(&error))?;
    Ok((envelope, event))
}

/// Folds what is behind `head` into memory, up to `end` at least; `head` follows. What others append meanwhile is left:
/// on a slow way to the store, who reads that as well never comes to an end.
pub(super) async fn catch_up(
    store: &dyn EventStore,
    source: &dyn StateSource,
    (stream, name): (Stream, &StreamName),
    time: &Time,
    memory: &mut Memory,
    (head, end): (&mut Head, Position),
) -> Result<(), Stopped> {
    while head.position < end {
        let stored = store
            .read(name, head.position, CHUNK_EVENTS)
            .await
            .map_err(read_failed)?;
        if stored.is_empty() {
            return Ok(());
        }
        let (mut events, mut latest) = (Vec::with_capacity(stored.len()), None);
        for event in &stored {
            let (envelope, decoded) = decode(stream, event)?;
            latest = latest.max(Some(envelope.recorded_at));
            events.push((event.position, envelope.idempotency, decoded));
        }
        latest.into_iter().for_each(|latest| time.recorded(latest));
        let recorded: Vec<_> = events
            .iter()
            .map(|(position, idempotency, event)| Recorded {
                position: *position,
                idempotency: *idempotency,
                event,
            })
            .collect();
        let unknown: HashSet<Key> = recorded
            .iter()
            .flat_map(ledger::touched)
            .filter(|key| memory.slot(key).is_none())
            .collect();
        let (mut loaded, mut known) = (HashMap::new(), Position::START);
        if !unknown.is_empty() {
            let keys: Vec<_> = unknown.into_iter().collect();
            let found = source.load(stream, &keys).await?;
            usable(memory, found.checkpoint)?;
            known = found.checkpoint;
            loaded = found.slots;
        }
        for one in &recorded {
            let changed = {
                let view = View {
                    ahead: None,
                    memory,
                    loaded: &loaded,
                };
                let mut changes = Changes::on(&view);
                ledger::apply(&mut changes, one).map_err(SequencerError::from)?;
                changes.into_changed()
            };
            memory.pin(changed);
        }
        // What the WRITE database had of these events already is not pinned, so it must not go back behind them.
        memory.advance(known);
        if let Some(last) = stored.last() {
            *head = Head {
                position: last.position,
                hash: last.hash,
            };
        }
    }
    Ok(())
}

/// Takes note of when the event at `position` was recorded, behind which there may be none.
pub(super) async fn read_time(
    store: &dyn EventStore,
    name: &StreamName,
    position: Position,
    time: &Time,
) -> Result<(), Stopped> {
    if position == Position::START {
        return Ok(());
    }
    let stored = store.read(name, position.plus(-1), 1).await;
    if let Some(event) = stored.map_err(read_failed)?.first() {
        let envelope: Result<Envelope, _> = serde_json::from_slice(&event.metadata);
        let envelope = envelope.map_err(|e| SequencerError::Decode(position, e.to_string()))?;
        time.recorded(envelope.recorded_at);
    }
    Ok(())
}

/// The receipt of an earlier command, from its events; else why they can not be read.
pub(super) async fn receipt(
    store: &dyn EventStore,
    (stream, name): (Stream, &StreamName),
    (first, last): (Position, Position),
) -> Result<Receipt, String> {
    let count = usize::try_from(last.0 - first.0 + 1).unwrap_or(usize::MAX);
    let stored = store.read(name, first.plus(-1), count).await;
    let stored = stored.map_err(|error| error.to_string())?;
    let (mut recorded_at, mut events) = (None, Vec::with_capacity(stored.len()));
    for event in &stored {
        let (envelope, decoded) = decode(stream, event).map_err(|error| error.to_string())?;
        recorded_at.get_or_insert(envelope.recorded_at);
        events.push((event.position, decoded));
    }
    Ok(Receipt {
        position: last,
        recorded_at: recorded_at.ok_or("its events can not be read")?,
        is_repeat: true,
        events,
        proposed: Vec::new(),
        submission: None,
        envelope: None,
    })
}

/// Whether what a WRITE database at this checkpoint says may be used: entries are not in memory up to the
/// horizon, so one that stands before it (restored from a backup) lacks what they said.
pub(super) fn usable(memory: &Memory, checkpoint: Position) -> Result<(), Stopped> {
    if checkpoint < memory.horizon() {
        return Err(Stopped::Unavailable(format!(
            "the WRITE database went back to position {checkpoint}; it has to reach {} again",
            memory.horizon()
        )));
    }
    Ok(())
}

pub(super) fn read_failed(error: event_store::StoreError) -> Stopped {
    match error {
        event_store::StoreError::Unavailable(_) => Stopped::Unavailable(error.to_string()),
        other => Stopped::Failed(SequencerError::Read(other)),
    }
}
