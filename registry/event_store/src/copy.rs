//! Copying a stream from one store to another: positions, ids and bytes stay what they were, so the running
//! hash does as well and proves it.

use crate::{AppendError, EventStore, Head, NewEvent, RecordedEvent, StoreError};
use schemas::log::{Position, RunningHash, StreamName};
use std::borrow::Cow;

/// Events read at once.
const READ_EVENTS: usize = 1_000;

/// Why a stream was not copied. What was copied until then stays, and the next attempt goes on from there.
#[derive(Debug, thiserror::Error)]
pub enum CopyError {
    /// One of the two can not be read, or is damaged.
    #[error("stream {stream} of the {side}: {source}")]
    Read {
        /// The stream.
        stream: StreamName,
        /// `source` or `target`.
        side: &'static str,
        /// What is wrong.
        source: StoreError,
    },
    /// An event is too large for the target.
    #[error(
        "event {position} of stream {stream} has {size} bytes, and the target takes {limit}. A server takes more where its \
         `MaxAppendSize` and `event_store.server_append_bytes` say so: {} or more is enough for this event",
        server_append_bytes(*size)
    )]
    TooLarge {
        /// The stream.
        stream: StreamName,
        /// The event.
        position: Position,
        /// Its bytes.
        size: usize,
        /// How many may be.
        limit: usize,
    },
    /// The target does not take an event: somebody else writes to it, or it is away.
    #[error(
        "stream {stream}: the target does not take what stands behind position {after}: {source}"
    )]
    Append {
        /// The stream.
        stream: StreamName,
        /// Last position that the target has.
        after: Position,
        /// What it says.
        source: AppendError,
    },
    /// The target holds something else.
    #[error(
        "stream {stream}: the target already holds {head} events, which are not the first {head} of the \
         source. Nothing was changed; copy to an empty target"
    )]
    Foreign {
        /// The stream.
        stream: StreamName,
        /// Where the target stands.
        head: Position,
    },
    /// The target holds more than it should in the end.
    #[error(
        "stream {stream}: the target already holds {head} events, and should hold {end} in the end. Nothing was changed; \
         copy to an empty target"
    )]
    Further {
        /// The stream.
        stream: StreamName,
        /// Where the target stands.
        head: Position,
        /// Where it should.
        end: Position,
    },
    /// Read again from the first event on, the target is not what the source is.
    #[error("stream {stream}: read again, the target is not what the source is at position {at}")]
    NotTheSame {
        /// The stream.
        stream: StreamName,
        /// Where both should end alike.
        at: Position,
    },
}

/// How far a copy is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Progress {
    /// The target has the events up to here.
    Copied(Position),
    /// The target was read again up to here.
    Verified(Position),
}

/// Copies `stream` from where `to` stands to where `from` ends, then reads the whole of `to` again. Returns where
/// both stand. Events that are appended to `from` meanwhile are copied as long as they are seen.
///
/// # Errors
/// [`CopyError`].
pub async fn copy(
    from: &dyn EventStore,
    to: &dyn EventStore,
    stream: &StreamName,
    progress: impl FnMut(Progress),
) -> Result<Head, CopyError> {
    let end = Position(i64::MAX);
    copy_until(from, to, stream, end, Head::START, progress).await
}

/// Likewise, up to the event at `end` and none behind it. What `to` has up to `proved` was read since it was opened, and
/// is not read again.
///
/// # Errors
/// [`CopyError`].
pub async fn copy_until(
    from: &dyn EventStore,
    to: &dyn EventStore,
    stream: &StreamName,
    end: Position,
    proved: Head,
    mut progress: impl FnMut(Progress),
) -> Result<Head, CopyError> {
    let read_failed = |side| {
        move |source| CopyError::Read {
            stream: stream.clone(),
            side,
            source,
        }
    };
    let mut head = to.head(stream).await.map_err(read_failed("target"))?;
    if head.position > end {
        return Err(CopyError::Further {
            stream: stream.clone(),
            head: head.position,
            end,
        });
    }
    match from.check(stream, head).await {
        Ok(()) => {}
        Err(StoreError::Diverged { .. } | StoreError::BehindCheckpoint { .. }) => {
            return Err(CopyError::Foreign {
                stream: stream.clone(),
                head: head.position,
            });
        }
        Err(error) => return Err(read_failed("source")(error)),
    }
    let read = async |after: Position| {
        let left = usize::try_from(end.0 - after.0).unwrap_or_default();
        let read = from.read(stream, after, left.min(READ_EVENTS)).await;
        read.map_err(read_failed("source"))
    };
    let mut events = read(head.position).await?;
    while let Some(last) = events.last() {
        // The next events come while these go.
        let next = read(last.position);
        let (copied, next) =
            futures_util::future::join(append(to, stream, head, events), next).await;
        head = copied?;
        progress(Progress::Copied(head.position));
        events = next?;
    }
    let last = from.read(stream, head.position.plus(-1), 1).await;
    let last = last.map_err(read_failed("source"))?;
    let expected = match last.first() {
        Some(event) if head.position > Position::START => event.hash,
        _ => RunningHash::START,
    };
    let mut seen = proved;
    loop {
        // Each event is held to its running hash by the store that returns it.
        let events = to.read(stream, seen.position, READ_EVENTS).await;
        let events = events.map_err(read_failed("target"))?;
        let Some(last) = events.last() else { break };
        seen = Head {
            position: last.position,
            hash: last.hash,
        };
        progress(Progress::Verified(seen.position));
    }
    let should = Head {
        position: head.position,
        hash: expected,
    };
    if seen != should {
        return Err(CopyError::NotTheSame {
            stream: stream.clone(),
            at: head.position,
        });
    }
    Ok(seen)
}

/// Appends events in as few appends as the target's limits allow.
async fn append(
    to: &dyn EventStore,
    stream: &StreamName,
    mut head: Head,
    events: Vec<RecordedEvent>,
) -> Result<Head, CopyError> {
    let events = events.into_iter().map(|event| NewEvent {
        event_id: event.event_id,
        event_type: Cow::Owned(event.event_type),
        version: event.version,
        data: event.data,
        metadata: event.metadata,
    });
    for part in to.limits().cut(events.collect(), |event| to.size(event)) {
        head = to
            .append(stream, head.position, part)
            .await
            .map_err(|source| append_failed(stream, head.position, source))?;
    }
    Ok(head)
}

fn append_failed(stream: &StreamName, after: Position, source: AppendError) -> CopyError {
    let stream = stream.clone();
    match source {
        // What does not fit stands alone.
        AppendError::TooLarge { size, limit, .. } => CopyError::TooLarge {
            stream,
            position: after.plus(1),
            size,
            limit,
        },
        source => CopyError::Append {
            stream,
            after,
            source,
        },
    }
}

/// What a server has to take in one append, in bytes, for an event of this size: three quarters of it may be events.
const fn server_append_bytes(size: usize) -> usize {
    (4 * size).div_ceil(3)
}
