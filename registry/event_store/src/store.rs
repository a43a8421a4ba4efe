//! The trait every event store implements.

use crate::{AppendError, NewEvent, RecordedEvent, StoreError};
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use futures_util::stream::BoxStream;
use schemas::log::{Position, RunningHash, StreamName};

/// Where a stream stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Head {
    /// Position of the last event; [`Position::START`] for a stream without events.
    pub position: Position,
    /// Running hash up to there.
    pub hash: RunningHash,
}

impl Head {
    /// The head of a stream without events.
    pub const START: Self = Self {
        position: Position::START,
        hash: RunningHash::START,
    };
}

/// What a store takes in one append.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of one event: type, data and metadata.
    pub event_bytes: usize,
    /// Bytes of all events of one append.
    pub append_bytes: usize,
    /// Events of one append.
    pub append_events: usize,
}

impl Limits {
    /// Refuses an append that is empty or exceeds a limit, of events of these sizes in bytes.
    ///
    /// # Errors
    /// [`AppendError::Empty`], [`AppendError::TooLarge`].
    pub fn admit(&self, sizes: &[usize]) -> Result<(), AppendError> {
        let within = |what, size, limit| {
            if size > limit {
                Err(AppendError::TooLarge { what, size, limit })
            } else {
                Ok(())
            }
        };
        if sizes.is_empty() {
            return Err(AppendError::Empty);
        }
        within(
            "the number of events of the append",
            sizes.len(),
            self.append_events,
        )?;
        for size in sizes {
            within("the size of an event in bytes", *size, self.event_bytes)?;
        }
        let bytes = sizes.iter().sum();
        within("the size of the append in bytes", bytes, self.append_bytes)
    }

    /// Cuts events into as few appends as they may go in, in order, for whoever does not need them to be all or
    /// nothing. An event that exceeds a limit stands alone, for the store to refuse. `size` says how many bytes an
    /// event counts.
    #[must_use]
    pub fn cut(
        &self,
        events: Vec<NewEvent>,
        size: impl Fn(&NewEvent) -> usize,
    ) -> Vec<Vec<NewEvent>> {
        let (mut parts, mut part, mut bytes) = (Vec::new(), Vec::new(), 0);
        for event in events {
            let size = size(&event);
            let is_full = part.len() >= self.append_events || bytes + size > self.append_bytes;
            if is_full && !part.is_empty() {
                parts.push(std::mem::take(&mut part));
                bytes = 0;
            }
            bytes += size;
            part.push(event);
        }
        if !part.is_empty() {
            parts.push(part);
        }
        parts
    }
}

/// Named streams of events, each in one total, gapless order.
///
/// Positions count from 1 and never change. An acknowledged append is durable. Several processes may
/// have the same store open; the expected position keeps them from overwriting each other's decisions.
pub trait EventStore: Send + Sync + 'static {
    /// Appends `events` behind `expected`, all or none, and returns the new head once they are
    /// durable.
    ///
    /// Appends that wait at the same time share a flush; each has its own check and result, and in which
    /// order they are taken is not said. An append
    /// whose future is dropped, or whose answer is lost, may or may not be done: read the events behind
    /// `expected` and compare their ids before sending it again.
    ///
    /// # Errors
    /// See [`AppendError`]; an append without events is [`AppendError::Empty`].
    fn append<'a>(
        &'a self,
        stream: &'a StreamName,
        expected: Position,
        events: Vec<NewEvent>,
    ) -> BoxFuture<'a, Result<Head, AppendError>>;

    /// Up to `limit` events strictly behind `after`, in order. Stops early at a byte cap of the
    /// adapter, though never before the first event, so an empty answer means that there are none (or
    /// that `limit` is 0). A stream nobody has written to is empty.
    ///
    /// # Errors
    /// [`StoreError::Corrupt`] if an event is not the one that was recorded.
    fn read<'a>(
        &'a self,
        stream: &'a StreamName,
        after: Position,
        limit: usize,
    ) -> BoxFuture<'a, Result<Vec<RecordedEvent>, StoreError>>;

    /// All events strictly behind `after`, first those recorded, then new ones as they come, in
    /// non-empty batches, each event once and in order.
    ///
    /// It holds at most two batches in memory and ends only behind an error.
    fn subscribe(
        &self,
        stream: &StreamName,
        after: Position,
    ) -> BoxStream<'static, Result<Vec<RecordedEvent>, StoreError>>;

    /// Where the stream stands now.
    ///
    /// # Errors
    /// If the store can not be read.
    fn head<'a>(&'a self, stream: &'a StreamName) -> BoxFuture<'a, Result<Head, StoreError>>;

    /// What this store takes in one append.
    fn limits(&self) -> Limits;

    /// Bytes that an event counts against [`Self::limits`]: of what is stored in the end, which may be more than what
    /// is given.
    fn size(&self, event: &NewEvent) -> usize {
        event.size()
    }

    /// Finishes what is under way and lets go of files; afterwards nothing works any more. A store that is
    /// dropped instead loses nothing either.
    fn close(&self) -> BoxFuture<'_, ()> {
        std::future::ready(()).boxed()
    }

    /// Proves that the stream still holds the history a checkpoint was taken from.
    ///
    /// # Errors
    /// [`StoreError::BehindCheckpoint`] if it ends before the checkpoint, [`StoreError::Diverged`] if
    /// the hash there is another one.
    fn check<'a>(
        &'a self,
        stream: &'a StreamName,
        checkpoint: Head,
    ) -> BoxFuture<'a, Result<(), StoreError>> {
        async move {
            let at = checkpoint.position;
            let stored = if at == Position::START {
                RunningHash::START
            } else {
                match self.read(stream, at.plus(-1), 1).await?.first() {
                    Some(event) => event.hash,
                    None => {
                        let head = self.head(stream).await?.position;
                        return Err(StoreError::BehindCheckpoint {
                            stream: stream.clone(),
                            head,
                            checkpoint: at,
                        });
                    }
                }
            };
            if stored == checkpoint.hash {
                return Ok(());
            }
            Err(StoreError::Diverged {
                stream: stream.clone(),
                position: at,
                stored,
                checkpoint: checkpoint.hash,
            })
        }
        .boxed()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use uuid::Uuid;

    #[test]
    fn events_are_cut_at_the_limits_and_not_before() {
        let limits = Limits {
            event_bytes: 10,
            append_bytes: 10,
            append_events: 3,
        };
        let event = |size: usize| NewEvent {
            event_id: Uuid::nil(),
            event_type: "E".into(),
            version: 1,
            data: vec![0; size - 1],
            metadata: Vec::new(),
        };
        let cut = |sizes: &[usize]| {
            let parts = limits.cut(sizes.iter().copied().map(event).collect(), NewEvent::size);
            let sizes = parts
                .iter()
                .map(|part| part.iter().map(NewEvent::size).collect());
            sizes.collect::<Vec<Vec<_>>>()
        };
        assert_eq!(cut(&[5, 5, 1]), [vec![5, 5], vec![1]]);
        assert_eq!(cut(&[1, 1, 1, 1]), [vec![1, 1, 1], vec![1]]);
        assert_eq!(cut(&[1, 11, 1]), [vec![1], vec![11], vec![1]]);
        assert!(cut(&[]).is_empty());
    }
}
