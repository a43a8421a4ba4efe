//! An event as the server keeps it: type, id and payload are its own, version and running hash stand before
//! the envelope in its metadata.
//!
//! The metadata read `{"version":7,"hash":"<64 hex digits>","envelope":<the envelope's bytes>}`: JSON to whoever
//! looks at it, and the bytes of the envelope are cut out again as they were.

use crate::{NewEvent, RecordedEvent};
use bytes::Bytes;
use eventstore::EventData;
use schemas::log::{Position, RunningHash};
use serde_json::value::RawValue;

const VERSION: &str = r#"{"version":"#;
const HASH: &str = r#","hash":""#;
const ENVELOPE: &str = r#"","envelope":"#;
const END: &str = "}";
const HASH_DIGITS: usize = 64;

/// The event as it is sent, with the running hash after it.
pub(super) fn encode(event: &NewEvent, hash: RunningHash) -> EventData {
    let mut metadata = format!("{VERSION}{}{HASH}{hash}{ENVELOPE}", event.version).into_bytes();
    metadata.extend_from_slice(&event.metadata);
    metadata.extend_from_slice(END.as_bytes());
    // Whether it is JSON is a mark for those who look at it on the server. Space around it would not
    // survive, so such an event is sent as bytes.
    let json = serde_json::from_slice::<&RawValue>(&event.data)
        .ok()
        .filter(|json| json.get().len() == event.data.len())
        .and_then(|json| EventData::json(&event.event_type, &json).ok());
    json.unwrap_or_else(|| {
        EventData::binary(&event.event_type, Bytes::copy_from_slice(&event.data))
    })
    .id(event.event_id)
    .metadata(metadata.into())
}

/// The event as it was appended, with the running hash that was recorded. `None` if somebody else wrote it.
pub(super) fn decode(event: eventstore::RecordedEvent) -> Option<RecordedEvent> {
    let rest = event.custom_metadata.strip_prefix(VERSION.as_bytes())?;
    let comma = rest.iter().position(|byte| *byte == b',')?;
    let (version, rest) = rest.split_at(comma);
    let rest = rest.strip_prefix(HASH.as_bytes())?;
    let (digits, rest) = rest.split_at_checked(HASH_DIGITS)?;
    let metadata = rest
        .strip_prefix(ENVELOPE.as_bytes())?
        .strip_suffix(END.as_bytes())?;
    let mut hash = RunningHash::START;
    hex::decode_to_slice(digits, &mut hash.0).ok()?;
    Some(RecordedEvent {
        position: position(event.revision)?,
        event_id: event.id,
        version: std::str::from_utf8(version).ok()?.parse().ok()?,
        metadata: metadata.to_vec(),
        data: event.data.to_vec(),
        event_type: event.event_type,
        hash,
        sealed: None,
    })
}

/// Positions count from 1, the server's revisions from 0.
pub(super) fn position(revision: u64) -> Option<Position> {
    i64::try_from(revision).ok()?.checked_add(1).map(Position)
}

/// The revision of the event at this position; none before the first.
pub(super) fn revision(position: Position) -> Option<u64> {
    u64::try_from(position.0).ok()?.checked_sub(1)
}
