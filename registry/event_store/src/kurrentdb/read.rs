//! Reading: from the leader only, which alone knows all that was acknowledged.

use super::chain::Chain;
use super::connection::{ANSWER_WITHIN, ATTEMPT_WITHIN, Connection, persist};
use super::failure::{Failure, TimedOut};
use crate::{Head, RecordedEvent, StoreError};
use eventstore::{ReadStream, ReadStreamOptions, StreamPosition};
use schemas::log::{Position, StreamName};
use std::time::Duration;
use tokio::time::Instant;

/// Bytes after which a read ends, though never before its first event.
pub const READ_BYTES: usize = 8 << 20;

/// How long a read is tried again while the server is away: a change of leader should not be noticed.
const READ_WITHIN: Duration = Duration::from_secs(5);

/// See [`crate::EventStore::read`].
pub(super) async fn read(
    connection: &Connection,
    stream: &StreamName,
    after: Position,
    limit: usize,
) -> Result<Vec<RecordedEvent>, StoreError> {
    if limit == 0 {
        return Ok(Vec::new());
    }
    let after = after.max(Position::START);
    let attempt = || once(connection, Chain::behind(stream, after), stream, limit);
    Ok(persist(Instant::now() + READ_WITHIN, attempt).await?)
}

/// One attempt to read up to `limit` events behind what `chain` has followed; fewer where they come too slowly.
pub(super) async fn once(
    connection: &Connection,
    mut chain: Chain<'_>,
    stream: &StreamName,
    limit: usize,
) -> Result<Vec<RecordedEvent>, Failure> {
    let options = ReadStreamOptions::default()
        .position(StreamPosition::Position(chain.next_revision()))
        .max_count(chain.count(limit));
    let deadline = Instant::now() + ATTEMPT_WITHIN;
    let Some(mut coming) = open(connection, stream, options).await? else {
        return Ok(Vec::new());
    };
    let (mut events, mut bytes) = (Vec::new(), 0);
    while bytes < READ_BYTES {
        let event = match next(&mut coming, stream, deadline).await {
            Err(Failure::Passing(_)) if !events.is_empty() && Instant::now() >= deadline => break,
            other => other?,
        };
        let Some(event) = event else { break };
        if let Some(event) = chain.follow(event).map_err(Failure::Damaged)? {
            bytes += event.size();
            events.push(event);
        }
    }
    Ok(events)
}

/// See [`crate::EventStore::head`].
pub(super) async fn head(connection: &Connection, stream: &StreamName) -> Result<Head, StoreError> {
    Ok(persist(Instant::now() + READ_WITHIN, || {
        head_once(connection, stream)
    })
    .await?)
}

/// The last two events, of which one proves the other.
pub(super) async fn head_once(
    connection: &Connection,
    stream: &StreamName,
) -> Result<Head, Failure> {
    let options = ReadStreamOptions::default()
        .position(StreamPosition::End)
        .max_count(2);
    let deadline = Instant::now() + ATTEMPT_WITHIN;
    let Some(mut coming) = open(connection, stream, options).await? else {
        return Ok(Head::START);
    };
    let mut last = Vec::new();
    while let Some(event) = next(&mut coming, stream, deadline).await? {
        last.push(event);
    }
    let Some(first) = last.last() else {
        return Ok(Head::START);
    };
    let anchor = match first.revision {
        0 => Position::START,
        revision => super::record::position(revision).unwrap_or_default(),
    };
    let mut chain = Chain::behind(stream, anchor);
    let mut head = Head::START;
    for event in last.into_iter().rev() {
        if let Some(event) = chain.follow(event).map_err(Failure::Damaged)? {
            head = Head {
                position: event.position,
                hash: event.hash,
            };
        }
    }
    Ok(head)
}

/// Begins a read; nothing if there is no such stream.
async fn open(
    connection: &Connection,
    stream: &StreamName,
    options: ReadStreamOptions,
) -> Result<Option<ReadStream>, Failure> {
    let options = options.requires_leader(true);
    let name = stream.as_str();
    let begun = connection
        .call(stream, |client| async move {
            client.read_stream(name, &options).await
        })
        .await;
    match begun {
        Ok(Ok(coming)) => Ok(Some(coming)),
        Ok(Err(error)) => Err(Failure::of(error, name)),
        Err(Failure::NoStream) => Ok(None),
        Err(failure) => Err(failure),
    }
}

async fn next(
    coming: &mut ReadStream,
    stream: &StreamName,
    deadline: Instant,
) -> Result<Option<eventstore::RecordedEvent>, Failure> {
    let silent = Instant::now() + ANSWER_WITHIN;
    match tokio::time::timeout_at(deadline.min(silent), coming.next()).await {
        Ok(Ok(event)) => Ok(event.and_then(|event| event.event)),
        // Where the stream is not there, this is where it is said.
        Ok(Err(error)) => match Failure::of(error, stream.as_str()) {
            Failure::NoStream => Ok(None),
            failure => Err(failure),
        },
        Err(_) => Err(Failure::passing(TimedOut(ANSWER_WITHIN))),
    }
}
