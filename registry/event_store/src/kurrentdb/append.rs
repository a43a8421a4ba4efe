//! Appending, and finding out what became of an append whose answer was lost.
//!
//! The expected revision is always given, so a batch can be carried out at most once. When no answer comes, the
//! events behind the expected position say what happened: ours, then it was done; others, then it never
//! will be; none, then the identical batch is sent again, which the server takes once even if the first one
//! still arrives.

use super::backoff::Backoff;
use super::connection::ATTEMPT_WITHIN;
use super::failure::{Failure, TimedOut};
use super::{Inner, read, record};
use crate::error::Cause;
use crate::{AppendError, Head, NewEvent};
use eventstore::{AppendToStreamOptions, EventData, StreamState};
use schemas::log::{Position, RunningHash, StreamName};
use std::time::Duration;
use tokio::time::Instant;

/// How long an append is tried before its callers are told that the store is away. Those who wait behind
/// it wait as long.
pub const APPEND_WITHIN: Duration = Duration::from_secs(6);

/// What became of a batch.
enum Outcome {
    Done(Head),
    Conflict(Position),
    /// Not done, as far as can be seen.
    Open,
}

pub(super) struct Batch<'a> {
    pub stream: &'a StreamName,
    pub expected: Position,
    pub events: &'a [NewEvent],
}

/// See [`crate::EventStore::append`].
pub(super) async fn append(inner: &Inner, batch: &Batch<'_>) -> Result<Head, AppendError> {
    let deadline = Instant::now() + APPEND_WITHIN;
    let mut backoff = Backoff::default();
    // Whether something was sent of which nothing was heard.
    let mut is_unsettled = false;
    loop {
        let attempt = attempt(inner, batch, &mut is_unsettled);
        let tried = match tokio::time::timeout(ATTEMPT_WITHIN, attempt).await {
            Ok(tried) => tried,
            Err(_) => Err(Failure::passing(TimedOut(ATTEMPT_WITHIN))),
        };
        let cause: Cause = match tried {
            Ok(Outcome::Done(head)) => return Ok(head),
            Ok(Outcome::Conflict(actual)) => {
                return Err(AppendError::Conflict {
                    stream: batch.stream.clone(),
                    expected: batch.expected,
                    actual,
                });
            }
            Ok(Outcome::Open) => std::sync::Arc::new(Unsettled),
            Err(Failure::Refused(cause)) => return Err(AppendError::Unavailable(cause)),
            Err(Failure::Damaged(error)) => {
                return Err(AppendError::Fatal(std::sync::Arc::new(error)));
            }
            Err(Failure::NoStream) => std::sync::Arc::new(Unsettled),
            Err(Failure::Passing(cause)) => cause,
        };
        if Instant::now() >= deadline {
            return Err(AppendError::Unavailable(cause));
        }
        tracing::debug!(
            stream = %batch.stream,
            cause = &*cause as &dyn std::error::Error,
            "an append is tried again"
        );
        backoff.wait().await;
    }
}

/// The server refused the batch and yet stands where it should.
#[derive(Debug, thiserror::Error)]
#[error("the servers do not agree where the stream ends")]
struct Unsettled;

async fn attempt(
    inner: &Inner,
    batch: &Batch<'_>,
    is_unsettled: &mut bool,
) -> Result<Outcome, Failure> {
    if *is_unsettled {
        match settle(inner, batch).await? {
            Outcome::Open => {}
            settled => return Ok(settled),
        }
    }
    send(inner, batch, is_unsettled).await
}

async fn send(
    inner: &Inner,
    batch: &Batch<'_>,
    is_unsettled: &mut bool,
) -> Result<Outcome, Failure> {
    let Some(before) = hash_at_expected(inner, batch).await? else {
        return conflict(inner, batch).await;
    };
    let (data, head) = encode(batch, before);
    let state = match record::revision(batch.expected) {
        None => StreamState::NoStream,
        Some(revision) => StreamState::StreamRevision(revision),
    };
    let options = AppendToStreamOptions::default()
        .stream_state(state)
        .requires_leader(true);
    let name = batch.stream.as_str();
    // From here on it may be carried out, also when nobody waits for it any more.
    *is_unsettled = true;
    let sent = inner
        .connection
        .call(batch.stream, |client| async move {
            client.append_to_stream(name, &options, data).await
        })
        .await;
    match sent {
        Ok(Ok(written))
            if record::position(written.next_expected_version) == Some(head.position) =>
        {
            Ok(Outcome::Done(head))
        }
        // It says so of a batch as well that was carried out before.
        Ok(_) => settle(inner, batch).await,
        Err(failure) => Err(failure),
    }
}

/// Looks at what stands behind the expected position.
async fn settle(inner: &Inner, batch: &Batch<'_>) -> Result<Outcome, Failure> {
    let look = || {
        let chain = super::chain::Chain::behind(batch.stream, batch.expected);
        read::once(&inner.connection, chain, batch.stream, batch.events.len())
    };
    let mut stored = look().await?;
    if stored.is_empty() {
        // Either the batch is still to come, or the stream ends before it, or something landed since that look:
        // whether it is ours, only another one says.
        match conflict(inner, batch).await? {
            Outcome::Conflict(actual) if actual > batch.expected => stored = look().await?,
            Outcome::Conflict(actual) if actual == batch.expected => return Ok(Outcome::Open),
            outcome => return Ok(outcome),
        }
    }
    let Some(first) = stored.first() else {
        return Ok(Outcome::Open);
    };
    // All of it is there or nothing, so it does not matter if not all of it could be read at once.
    let is_ours = stored
        .iter()
        .zip(batch.events)
        .all(|(stored, ours)| stored.event_id == ours.event_id);
    if is_ours {
        let first = Head {
            position: first.position,
            hash: first.hash,
        };
        return Ok(Outcome::Done(batch.events[1..].iter().fold(first, after)));
    }
    conflict(inner, batch).await
}

async fn conflict(inner: &Inner, batch: &Batch<'_>) -> Result<Outcome, Failure> {
    let head = read::head_once(&inner.connection, batch.stream).await?;
    inner.remember(batch.stream, head);
    Ok(Outcome::Conflict(head.position))
}

/// The running hash that the batch goes on from; none if there is no such position.
async fn hash_at_expected(
    inner: &Inner,
    batch: &Batch<'_>,
) -> Result<Option<RunningHash>, Failure> {
    let expected = batch.expected;
    if expected == Position::START {
        return Ok(Some(RunningHash::START));
    }
    if expected < Position::START {
        return Ok(None);
    }
    if let Some(hash) = inner.hash_at(batch.stream, expected) {
        return Ok(Some(hash));
    }
    let chain = super::chain::Chain::behind(batch.stream, expected.plus(-1));
    let stored = read::once(&inner.connection, chain, batch.stream, 1).await?;
    Ok(stored.first().map(|event| event.hash))
}

/// Where the stream stands after one more event.
fn after(head: Head, event: &NewEvent) -> Head {
    Head {
        position: head.position.plus(1),
        hash: event.hash_after(head.hash),
    }
}

fn encode(batch: &Batch<'_>, before: RunningHash) -> (Vec<EventData>, Head) {
    let mut head = Head {
        position: batch.expected,
        hash: before,
    };
    let data = batch
        .events
        .iter()
        .map(|event| {
            head = after(head, event);
            record::encode(event, head.hash)
        })
        .collect();
    (data, head)
}
