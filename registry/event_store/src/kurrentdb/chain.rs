//! Follows the events of a stream and holds each against the running hash.

use super::record;
use crate::{Head, RecordedEvent, StoreError};
use schemas::log::{Position, RunningHash, StreamName};

pub(super) struct Chain<'a> {
    stream: &'a StreamName,
    /// Last position followed.
    at: Position,
    /// Running hash there; none if it is to be learned from the next event, which is then not handed out.
    hash: Option<RunningHash>,
}

impl<'a> Chain<'a> {
    /// Goes on behind what is known.
    pub(super) fn after(stream: &'a StreamName, head: Head) -> Self {
        Self {
            stream,
            at: head.position,
            hash: Some(head.hash),
        }
    }

    /// Goes on behind `anchor`, whose event is the first to come and says the hash.
    pub(super) fn behind(stream: &'a StreamName, anchor: Position) -> Self {
        if anchor == Position::START {
            return Self::after(stream, Head::START);
        }
        Self {
            stream,
            at: anchor.plus(-1),
            hash: None,
        }
    }

    /// Revision of the event to come.
    pub(super) fn next_revision(&self) -> u64 {
        u64::try_from(self.at.0).unwrap_or_default()
    }

    /// Events that have to be asked for to get `limit`.
    pub(super) fn count(&self, limit: usize) -> usize {
        limit.saturating_add(usize::from(self.hash.is_none()))
    }

    /// The next event, if it is the right one; nothing for the anchor.
    pub(super) fn follow(
        &mut self,
        event: eventstore::RecordedEvent,
    ) -> Result<Option<RecordedEvent>, StoreError> {
        let expected = self.at.plus(1);
        let found = record::position(event.revision);
        if found != Some(expected) {
            return Err(self.damaged(format!(
                "it is missing: the server goes on with revision {}. Its stream must not be truncated \
                 ($maxAge, $maxCount, $tb)",
                event.revision
            )));
        }
        let Some(event) = record::decode(event) else {
            return Err(self.damaged("it was not written by this program".to_owned()));
        };
        if let Some(hash) = self.hash
            && event.hash_after(hash) != event.hash
        {
            return Err(self.damaged("it does not fit its running hash".to_owned()));
        }
        let is_anchor = self.hash.is_none();
        self.at = expected;
        self.hash = Some(event.hash);
        Ok((!is_anchor).then_some(event))
    }

    fn damaged(&self, reason: String) -> StoreError {
        StoreError::Corrupt {
            place: format!("stream {}, position {}", self.stream, self.at.plus(1)),
            reason,
        }
    }
}
