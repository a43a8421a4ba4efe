//! A rebuild: the tables anew from the log, beside the live ones, which go on being served and
//! projected until the new ones take their place in one transaction.
//!
//! It may be interrupted at any point: what is built so far is taken up again, or dropped if another
//! program or another log began it.

mod build;
mod swap;

use crate::chunk::Size;
use crate::postgres::Connection;
use crate::replay::{Positions, Replay};
use crate::schema::{self, BUILD, LIVE};
use crate::{Error, Target, indexes};
use deadpool_postgres::ClientWrapper;
use event_store::EventStore;
use std::sync::Arc;

/// Rows of one transaction of a rebuild: nobody waits for it, so it may be large.
pub const CHUNK_ROWS: u64 = 50_000;

/// What a rebuild is doing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    /// Events are applied.
    Events {
        /// Events of both streams that are in the new tables.
        done: i64,
        /// Events that are in the log.
        of: i64,
        /// Applied by this run.
        applied: Size,
    },
    /// An index is made.
    Index(String),
    /// The new tables take the place of the old ones.
    Swap,
}

/// What a rebuild did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rebuilt {
    /// Applied by this run.
    pub applied: Size,
    /// Where the new tables stand.
    pub positions: Positions,
}

/// Rebuilds the live schema of the database at `connection` from the streams of `domain`. `tell` hears
/// of each step.
///
/// # Errors
/// If the database or the log can not be used; what is built so far stays and is taken up next time.
/// [`Error::Rebuilding`] if another rebuild of this database is running, [`Error::Replaced`] if the live tables are a later
/// release's.
pub async fn rebuild(
    target: Target,
    connection: &Connection,
    store: &Arc<dyn EventStore>,
    domain: &str,
    rows: u64,
    tell: impl FnMut(Step),
) -> Result<Rebuilt, Error> {
    let client = begin(target, connection).await?;
    go_on(client, target, connection, store, domain, rows, tell).await
}

/// Rebuilds live tables of an earlier version of the projection; others it leaves as they are.
///
/// # Errors
/// As [`rebuild`].
pub(crate) async fn replace_older(
    target: Target,
    connection: &Connection,
    store: &Arc<dyn EventStore>,
    domain: &str,
) -> Result<(), Error> {
    let client = begin(target, connection).await?;
    let Some(version) = schema::version(&client, LIVE).await? else {
        return Ok(());
    };
    // Whoever was first may be done by now.
    if version < target.version() {
        tracing::info!(%target, version, to = target.version(), "building the tables anew");
        go_on(
            client,
            target,
            connection,
            store,
            domain,
            CHUNK_ROWS,
            |_| (),
        )
        .await?;
        tracing::info!(%target, "the tables are built anew");
    }
    Ok(())
}

/// A connection that holds the lock of the one rebuild of a database.
async fn begin(target: Target, connection: &Connection) -> Result<ClientWrapper, Error> {
    let client = schema::connect(connection, BUILD).await?;
    client.batch_execute("SET synchronous_commit = off").await?;
    build::alone(&client).await?;
    schema::refuse_later(&client, target).await?;
    Ok(client)
}

async fn go_on(
    mut client: ClientWrapper,
    target: Target,
    connection: &Connection,
    store: &Arc<dyn EventStore>,
    domain: &str,
    rows: u64,
    mut tell: impl FnMut(Step),
) -> Result<Rebuilt, Error> {
    build::take_up_or_begin(&mut client, target, store, domain).await?;
    let replay = Replay {
        client: &client,
        target,
        store,
        domain,
        rows,
    };
    let mut applied = Size::default();
    build::catch_up(&replay, &mut applied, &mut tell).await?;
    let other = schema::connect(connection, BUILD).await?;
    indexes::make(&[&client, &other], BUILD, |name| {
        tell(Step::Index(name.to_owned()));
    })
    .await?;
    drop(other);
    indexes::autovacuum(&client, BUILD, true).await?;
    indexes::analyze(&client, BUILD).await?;
    build::catch_up(&replay, &mut applied, &mut tell).await?;
    tell(Step::Swap);
    let positions = swap::swap(&replay, connection, &mut applied).await?;
    drop(client);
    swap::drop_old(connection).await;
    Ok(Rebuilt { applied, positions })
}
