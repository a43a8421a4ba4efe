//! Whether the projector of a database does its work, wherever it runs.

use crate::checkpoint::checkpoint;
use crate::schema::LIVE;
use crate::{Error, EventError, Target, lock};
use chrono::{DateTime, TimeDelta, Utc};
use deadpool_postgres::ClientWrapper;
use event_store::{EventStore, RecordedEvent, StoreError};
use schemas::envelope::Envelope;
use schemas::log::{Position, StreamName};
use std::sync::Arc;

/// What is wrong with the projector of a database.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Ailment {
    /// There is nothing to project into.
    #[error("there are no tables yet: start its projector, or run `registry migrate`")]
    NoTables,
    /// Nobody holds the lock of the projector that is at work.
    #[error("no projector is at work: start `projector run`")]
    Idle,
    /// The database is not made from this log.
    #[error(
        "it was made from another log, or from more of this one ({said}). If the log was restored from a backup, empty \
         the database (DROP SCHEMA registry CASCADE): its projector makes it anew"
    )]
    OtherLog {
        /// The stream.
        stream: StreamName,
        /// What the event store says of its checkpoint.
        said: String,
    },
    /// The projector that is at work does not keep up.
    #[error(
        "{} events of {stream} wait, that at position {position} for {waits_s} s",
        head.0 - position.0 + 1
    )]
    Behind {
        /// The stream.
        stream: StreamName,
        /// The first event that waits.
        position: Position,
        /// The last one.
        head: Position,
        /// How long it has waited, in seconds.
        waits_s: i64,
    },
}

/// Looks at the projector of the database that `client` is connected to, as [`connect`](crate::schema::connect) does with
/// the live schema. It is behind if an event that was recorded more than `max_lag` before `now` is not in the database.
///
/// # Errors
/// If the database or the log can not be read.
pub async fn ailments(
    target: Target,
    client: &ClientWrapper,
    store: &Arc<dyn EventStore>,
    domain: &str,
    max_lag: TimeDelta,
    now: DateTime<Utc>,
) -> Result<Vec<Ailment>, Error> {
    if !has_tables(client).await? {
        return Ok(vec![Ailment::NoTables]);
    }
    let mut found = Vec::new();
    if !lock::is_held(client, LIVE).await? {
        found.push(Ailment::Idle);
    }
    for stream in target.streams() {
        let stream_name = stream.name(domain)?;
        let at = checkpoint(client, *stream).await?;
        match store.check(&stream_name, at).await {
            Ok(()) => {}
            Err(error @ (StoreError::BehindCheckpoint { .. } | StoreError::Diverged { .. })) => {
                found.push(Ailment::OtherLog {
                    stream: stream_name,
                    said: error.to_string(),
                });
                continue;
            }
            Err(error) => return Err(error.into()),
        }
        let Some(next) = store.read(&stream_name, at.position, 1).await?.pop() else {
            continue;
        };
        let waits = now - recorded_at(&stream_name, &next)?;
        if waits > max_lag {
            found.push(Ailment::Behind {
                position: next.position,
                head: store.head(&stream_name).await?.position,
                waits_s: waits.num_seconds(),
                stream: stream_name,
            });
        }
    }
    Ok(found)
}

async fn has_tables(client: &ClientWrapper) -> Result<bool, Error> {
    let row = client
        .query_one("SELECT to_regclass('checkpoint') IS NOT NULL", &[])
        .await?;
    Ok(row.try_get(0)?)
}

fn recorded_at(stream: &StreamName, event: &RecordedEvent) -> Result<DateTime<Utc>, Error> {
    let envelope: Envelope =
        serde_json::from_slice(&event.metadata).map_err(|error| Error::Event {
            stream: stream.clone(),
            position: event.position,
            source: EventError::Envelope(error),
        })?;
    Ok(envelope.recorded_at)
}
