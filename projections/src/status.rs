//! How far a database has come.

use crate::checkpoint::checkpoint;
use crate::postgres::Connection;
use crate::schema::{self, LIVE};
use crate::{Error, Target};
use event_store::EventStore;
use schemas::log::{Position, StreamName};
use std::sync::Arc;

/// A database, looked at once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Status {
    /// Each stream it follows.
    pub streams: Vec<StreamStatus>,
    /// Each table with its number of rows.
    pub tables: Vec<(String, i64)>,
}

/// A stream that a database follows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StreamStatus {
    /// The stream.
    pub name: StreamName,
    /// Where the database stands.
    pub position: Position,
    /// Where the stream ends.
    pub head: Position,
}

/// Looks at the live schema at `connection`; `None` when there is none. Counts every row, which takes
/// about a second per ten million.
///
/// # Errors
/// If the database or the log can not be read.
pub async fn status(
    target: Target,
    connection: &Connection,
    store: &Arc<dyn EventStore>,
    domain: &str,
) -> Result<Option<Status>, Error> {
    let client = schema::connect(connection, LIVE).await?;
    let tables = client
        .query(
            "SELECT tablename::text FROM pg_tables WHERE schemaname = $1
             AND tablename NOT IN ('checkpoint', 'refinery_schema_history') ORDER BY 1",
            &[&LIVE],
        )
        .await?;
    if tables.is_empty() {
        return Ok(None);
    }
    let mut streams = Vec::new();
    for stream in target.streams().iter().copied() {
        let name = stream.name(domain)?;
        streams.push(StreamStatus {
            position: checkpoint(&client, stream).await?.position,
            head: store.head(&name).await?.position,
            name,
        });
    }
    let mut counts = Vec::new();
    for row in &tables {
        let table: String = row.try_get(0)?;
        let count = client
            .query_one(&format!("SELECT count(*) FROM {table}"), &[])
            .await?;
        counts.push((table, count.try_get(0)?));
    }
    Ok(Some(Status {
        streams,
        tables: counts,
    }))
}
