//! Putting the new tables in the place of the old ones.

use crate::Error;
use crate::checkpoint::{self, checkpoint};
use crate::chunk::Size;
use crate::postgres::Connection;
use crate::replay::{Positions, Replay};
use crate::schema::{self, BUILD, LIVE, OLD};
use deadpool_postgres::ClientWrapper;
use std::time::Duration;
use tokio_postgres::error::SqlState;

/// How often a swap is tried that finds the tables in use, and how long it then waits.
const TRIES: u32 = 60;
const PAUSE: Duration = Duration::from_millis(500);

/// Swaps schemas in one transaction, when the new tables are at least where the live ones are.
pub(super) async fn swap(
    replay: &Replay<'_>,
    connection: &Connection,
    applied: &mut Size,
) -> Result<Positions, Error> {
    let client = schema::connect(connection, LIVE).await?;
    let mut tries = 0;
    loop {
        tries += 1;
        match try_swap(replay, &client, applied).await {
            Err(Error::Postgres(error)) if tries < TRIES && is_in_use(&error) => {
                tracing::debug!(%error, "the live tables are in use; the swap is tried again");
                client.batch_execute("ROLLBACK").await?;
                tokio::time::sleep(PAUSE).await;
            }
            ended => return ended,
        }
    }
}

fn is_in_use(error: &tokio_postgres::Error) -> bool {
    matches!(
        error.code(),
        Some(&SqlState::LOCK_NOT_AVAILABLE | &SqlState::T_R_DEADLOCK_DETECTED)
    )
}

async fn try_swap(
    replay: &Replay<'_>,
    client: &ClientWrapper,
    applied: &mut Size,
) -> Result<Positions, Error> {
    client
        .batch_execute("BEGIN; SET LOCAL lock_timeout = '2s'")
        .await?;
    let row = client
        .query_one("SELECT to_regclass($1) IS NOT NULL", &[&live_checkpoint()])
        .await?;
    let is_live: bool = row.try_get(0)?;
    let mut live = Positions::default();
    if is_live {
        // From here on the live projector waits; readers do not.
        let lock = format!("LOCK TABLE {} IN EXCLUSIVE MODE", live_checkpoint());
        client.batch_execute(&lock).await?;
        schema::refuse_later(client, replay.target).await?;
        for stream in replay.streams() {
            live.set(stream, checkpoint(client, stream).await?.position);
        }
    }
    // Committed by itself, so that a reader whose snapshot is from before the swap misses nothing.
    replay.until(live, |_, _, size| *applied += size).await?;
    let mut built = Positions::default();
    for stream in replay.streams() {
        built.set(stream, replay.checked(stream).await?.position);
        if built.of(stream) < live.of(stream) {
            return Err(Error::Inconsistent(format!(
                "the live tables stand at {} position {}, the log ends at {}",
                stream.as_str(),
                live.of(stream),
                built.of(stream)
            )));
        }
    }
    if is_live {
        // Who reads several statements in one snapshot holds a lock on this table (see `entries::load`).
        client
            .batch_execute(&format!(
                "LOCK TABLE {} IN ACCESS EXCLUSIVE MODE;
                 ALTER SCHEMA {LIVE} RENAME TO {OLD}",
                live_checkpoint()
            ))
            .await?;
    }
    client
        .batch_execute(&format!(
            "DROP TABLE {BUILD}.rebuild, {BUILD}.deferred_index;
             ALTER SCHEMA {BUILD} RENAME TO {LIVE}"
        ))
        .await?;
    for stream in replay.streams() {
        checkpoint::notify(client, stream, built.of(stream)).await?;
    }
    client.batch_execute("COMMIT").await?;
    Ok(built)
}

fn live_checkpoint() -> String {
    format!("{LIVE}.checkpoint")
}

/// Drops the tables that were live before, as soon as nobody reads them any more. What can not be
/// dropped now, the next rebuild drops.
pub(super) async fn drop_old(connection: &Connection) {
    let mut tries = 0;
    while let Err(error) = try_drop_old(connection).await {
        tries += 1;
        if tries >= TRIES {
            tracing::warn!(%error, schema = OLD, "the old tables stay until the next rebuild");
            return;
        }
        tokio::time::sleep(PAUSE).await;
    }
}

async fn try_drop_old(connection: &Connection) -> Result<(), Error> {
    let client = schema::connect(connection, LIVE).await?;
    client
        .batch_execute(&format!(
            "SET lock_timeout = '200ms'; DROP SCHEMA IF EXISTS {OLD} CASCADE"
        ))
        .await?;
    Ok(())
}
