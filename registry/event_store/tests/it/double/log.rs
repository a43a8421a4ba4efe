//! What the double stores, with the rules of the server.

use super::protocol::{Empty, Id, Proposed, Recorded, StreamIdentifier, WrongExpectedVersion};
use bytes::Bytes;
use std::collections::HashMap;
use uuid::Uuid;

/// Streams by name.
#[derive(Default)]
pub struct Log {
    pub streams: HashMap<Bytes, Vec<Recorded>>,
    /// Whether it has forgotten what it was sent before, as a server may after a restart: a batch that comes a
    /// second time is a conflict then.
    pub forgets: bool,
}

impl Log {
    /// Appends if the stream ends at `expected` (none: it does not exist), and answers the last revision.
    pub fn append(
        &mut self,
        name: &Bytes,
        expected: Option<u64>,
        events: Vec<Proposed>,
    ) -> Result<u64, WrongExpectedVersion> {
        let stream = self.streams.entry(name.clone()).or_default();
        let first = expected.map_or(0, |revision| revision + 1);
        let at = usize::try_from(first).unwrap();
        if stream.len() == at {
            for (revision, event) in (first..).zip(events) {
                stream.push(recorded(name, revision, event));
            }
            return Ok(stream.len() as u64 - 1);
        }
        let there = stream.get(at..).unwrap_or_default().iter();
        let is_repeat = there.len() >= events.len()
            && there
                .zip(&events)
                .all(|(there, sent)| id(there.id.as_ref()) == id(sent.id.as_ref()));
        if is_repeat && !self.forgets {
            return Ok(first + events.len() as u64 - 1);
        }
        Err(WrongExpectedVersion {
            current_revision: (stream.len() as u64).checked_sub(1),
            current_no_stream: stream.is_empty().then_some(Empty {}),
            expected_revision: expected,
            expected_no_stream: expected.is_none().then_some(Empty {}),
        })
    }

    /// Ids of the events of a stream, in order.
    pub fn ids(&self, name: &str) -> Vec<Uuid> {
        let stream = self.streams.get(name.as_bytes());
        let events = stream.into_iter().flatten();
        events.map(|event| id(event.id.as_ref()).unwrap()).collect()
    }
}

fn recorded(name: &Bytes, revision: u64, event: Proposed) -> Recorded {
    let text = id(event.id.as_ref()).unwrap().to_string();
    Recorded {
        id: Some(Id {
            structured: None,
            text: Some(text),
        }),
        stream_identifier: Some(StreamIdentifier {
            stream_name: name.clone(),
        }),
        stream_revision: revision,
        metadata: event.metadata,
        custom_metadata: event.custom_metadata,
        data: event.data,
    }
}

fn id(id: Option<&Id>) -> Option<Uuid> {
    match id? {
        Id {
            text: Some(text), ..
        } => text.parse().ok(),
        Id {
            structured: Some(bits),
            ..
        } => Some(Uuid::from_u64_pair(
            bits.most_significant_bits.cast_unsigned(),
            bits.least_significant_bits.cast_unsigned(),
        )),
        _ => None,
    }
}
