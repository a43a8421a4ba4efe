//! Pieces of a stream as objects: events one after another as JSON, compressed (RFC 8878).

use super::super::BackupError;
use super::super::manifest::Digest;
use event_store::{Head, NewEvent, RecordedEvent};
use schemas::log::{Position, RunningHash, StreamName};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use std::borrow::Cow;
use std::io::{BufReader, Read, Write};
use std::path::Path;
use uuid::Uuid;

/// What a piece comes to at most: one event more than is full, the largest that an engine takes, and what stands around
/// each.
const MOST_BYTES: u64 = 4 * super::PIECE_BYTES;
const LEVEL: i32 = 3;

/// A piece of a stream, and where it is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Segment {
    pub stream: StreamName,
    /// Position of its first event.
    pub first: Position,
    /// Position of its last event.
    pub last: Position,
    /// Running hash of the stream there.
    pub hash: RunningHash,
    /// Bytes of events in it, before they were compressed.
    pub event_bytes: u64,
    /// Name of the object.
    pub object: String,
    /// Its bytes.
    pub bytes: u64,
    pub sha256: Digest,
}

impl Segment {
    /// Where the stream stands behind it.
    pub fn head(&self) -> Head {
        Head {
            position: self.last,
            hash: self.hash,
        }
    }
}

/// An event. `data` and `metadata` stand in it byte for byte.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Line<'a> {
    id: Uuid,
    #[serde(rename = "type")]
    event_type: Cow<'a, str>,
    version: u16,
    metadata: Cow<'a, RawValue>,
    data: Cow<'a, RawValue>,
}

/// A piece that is being filled.
pub(super) struct Draft {
    pub first: Position,
    pub head: Head,
    pub event_bytes: u64,
    encoder: zstd::Encoder<'static, Vec<u8>>,
}

impl Draft {
    /// An empty one behind `head`.
    pub fn behind(head: Head) -> Result<Self, BackupError> {
        let encoder = zstd::Encoder::new(Vec::new(), LEVEL).map_err(in_memory)?;
        Ok(Self {
            first: head.position.plus(1),
            head,
            event_bytes: 0,
            encoder,
        })
    }

    /// Takes the next event.
    ///
    /// # Errors
    /// [`BackupError::NotJson`].
    pub fn add(&mut self, stream: &StreamName, event: &RecordedEvent) -> Result<(), BackupError> {
        let raw = |bytes| {
            exact(bytes).ok_or_else(|| BackupError::NotJson {
                stream: stream.clone(),
                position: event.position,
            })
        };
        let line = Line {
            id: event.event_id,
            event_type: Cow::Borrowed(&event.event_type),
            version: event.version,
            metadata: Cow::Borrowed(raw(&event.metadata)?),
            data: Cow::Borrowed(raw(&event.data)?),
        };
        serde_json::to_writer(&mut self.encoder, &line).map_err(|error| in_memory(error.into()))?;
        self.encoder.write_all(b"\n").map_err(in_memory)?;
        self.event_bytes += event.size() as u64;
        self.head = Head {
            position: event.position,
            hash: event.hash_after(self.head.hash),
        };
        Ok(())
    }

    /// What is to be sent.
    pub fn finish(self) -> Result<Vec<u8>, BackupError> {
        self.encoder.finish().map_err(in_memory)
    }
}

/// JSON text that has nothing around it, which would be lost.
fn exact(bytes: &[u8]) -> Option<&RawValue> {
    let raw: &RawValue = serde_json::from_slice(bytes).ok()?;
    (raw.get().len() == bytes.len()).then_some(raw)
}

fn in_memory(error: std::io::Error) -> BackupError {
    BackupError::file(Path::new("a piece of the backup"))(error)
}

/// The events of a piece, in order, no more of them in memory than are asked for.
pub(super) fn events(
    bytes: &[u8],
) -> std::io::Result<impl Iterator<Item = std::io::Result<NewEvent>>> {
    let text = BufReader::new(zstd::Decoder::new(bytes)?.take(MOST_BYTES));
    let lines = serde_json::Deserializer::from_reader(text).into_iter::<Line<'static>>();
    Ok(lines.map(|line| Ok(event(line?))))
}

fn event(line: Line<'static>) -> NewEvent {
    let bytes = |raw: Cow<'static, RawValue>| {
        let text: Box<str> = raw.into_owned().into();
        text.into_string().into_bytes()
    };
    NewEvent {
        event_id: line.id,
        event_type: Cow::Owned(line.event_type.into_owned()),
        version: line.version,
        data: bytes(line.data),
        metadata: bytes(line.metadata),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use proptest::prelude::*;

    fn recorded(data: &str, previous: Head) -> RecordedEvent {
        let mut event = RecordedEvent {
            position: previous.position.plus(1),
            event_id: Uuid::from_u128(7),
            event_type: "Något".to_owned(),
            version: 3,
            data: data.as_bytes().to_vec(),
            metadata: b"{\"a\": 1}".to_vec(),
            hash: RunningHash::START,
            sealed: None,
        };
        event.hash = event.hash_after(previous.hash);
        event
    }

    fn stream() -> StreamName {
        StreamName::ledger("gb").unwrap()
    }

    proptest! {
        #[test]
        fn events_come_out_of_a_piece_byte_for_byte(
            data in prop::collection::vec(prop::sample::select(vec![
                "{}", "{ \"b\" :\n [1.0e5, \"\\u00e9\\n\"] }", "\"é\"", "18446744073709551616.10", "null",
            ]), 0..20),
        ) {
            let (mut draft, mut head) = (Draft::behind(Head::START).unwrap(), Head::START);
            let mut given = Vec::new();
            for data in data {
                let event = recorded(data, head);
                draft.add(&stream(), &event).unwrap();
                head = Head { position: event.position, hash: event.hash };
                given.push(event);
            }
            prop_assert_eq!(draft.head, head);
            let packed = draft.finish().unwrap();
            let taken: Vec<NewEvent> = events(&packed).unwrap().map(Result::unwrap).collect();
            prop_assert_eq!(taken.len(), given.len());
            let mut hash = RunningHash::START;
            for (taken, given) in taken.iter().zip(&given) {
                hash = taken.hash_after(hash);
                prop_assert_eq!(&taken.data, &given.data);
                prop_assert_eq!(hash, given.hash);
            }
        }
    }

    #[test]
    fn what_would_not_come_out_as_it_went_in_is_refused() {
        for data in ["", " {}", "{}\n", "{", "{}{}", "\u{fe}"] {
            let mut draft = Draft::behind(Head::START).unwrap();
            let refused = draft.add(&stream(), &recorded(data, Head::START));
            assert!(
                matches!(refused, Err(BackupError::NotJson { .. })),
                "{data:?}"
            );
        }
    }

    #[test]
    fn a_piece_that_was_cut_off_does_not_read_as_a_shorter_one() {
        let mut draft = Draft::behind(Head::START).unwrap();
        draft.add(&stream(), &recorded("{}", Head::START)).unwrap();
        let packed = draft.finish().unwrap();
        let cut = &packed[..packed.len() - 1];
        let last = events(cut).unwrap().last().unwrap();
        assert!(last.is_err());
    }
}
