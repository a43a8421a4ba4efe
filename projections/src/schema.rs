//! Schemas of a database, and making their tables.

use crate::postgres::{Connection, PoolError};
use crate::{Error, Target};
use deadpool_postgres::ClientWrapper;
use std::collections::HashSet;
use std::time::Duration;

/// The schema that is served.
pub const LIVE: &str = "registry";
/// The schema a rebuild builds in.
pub const BUILD: &str = "registry_build";
/// The schema that was live until a rebuild took its place; dropped when nobody uses it any more.
pub const OLD: &str = "registry_old";
/// The schema the log is replayed into to compare it with the live one.
pub const SCRATCH: &str = "registry_verify";

mod write {
    refinery::embed_migrations!("migrations/write");
}

mod read {
    refinery::embed_migrations!("migrations/read");
}

fn migrations(target: Target) -> refinery::Runner {
    match target {
        Target::Write => write::migrations::runner(),
        Target::Read => read::migrations::runner(),
    }
}

/// Identifies the tables that the migrations of this program make: two schemas with one fingerprint
/// have the same tables.
#[must_use]
pub fn fingerprint(target: Target) -> String {
    migrations(target)
        .get_migrations()
        .iter()
        .map(|migration| format!("{}:{:x};", migration.version(), migration.checksum()))
        .collect()
}

/// Rows are found by key, thousands at once, with plans that are kept while tables grow from nothing:
/// they must not be made for small tables.
const SESSION: &str = "-c timezone=UTC -c client_min_messages=warning \
     -c plan_cache_mode=force_generic_plan -c enable_seqscan=off \
     -c enable_hashjoin=off -c enable_mergejoin=off";

/// A connection of its own, with a statement cache, whose names resolve in `schema`.
///
/// # Errors
/// [`PoolError`] if the server can not be reached or refuses.
pub async fn connect(connection: &Connection, schema: &str) -> Result<ClientWrapper, PoolError> {
    let mut config = connection.client_config()?;
    config
        .application_name("projector")
        // A machine that is gone, or a firewall that has forgotten the connection, says nothing. A server that hangs
        // still answers the first kind of question, and is waited for.
        .keepalives_idle(Duration::from_secs(1))
        .keepalives_interval(Duration::from_secs(1))
        .keepalives_retries(3)
        .tcp_user_timeout(Duration::from_secs(30))
        .options(format!("-c search_path={schema} {SESSION}"));
    let (client, driver) = config
        .connect(connection.connector()?)
        .await
        .map_err(|source| PoolError::Connect {
            place: connection.place(),
            source,
        })?;
    let driver = tokio::spawn(async move {
        // The client's next call reports a lost connection; here it would be said twice.
        if let Err(error) = driver.await {
            tracing::debug!(%error, "a Postgres connection ended");
        }
    });
    Ok(ClientWrapper::new(client, driver))
}

/// Makes `schema` and its tables, or brings them up to date. Two processes may do so at once.
/// `client` must be a connection whose names resolve in `schema` (see [`connect`]).
///
/// Tables that a later release has migrated stay as they are: its migrations take nothing away that this one uses.
///
/// # Errors
/// If the server refuses, or another line of releases has migrated the tables.
pub async fn migrate(
    client: &mut ClientWrapper,
    target: Target,
    schema: &str,
) -> Result<(), Error> {
    let lock = format!("migrate:{schema}");
    client
        .query_one("SELECT pg_advisory_lock(hashtextextended($1, 0))", &[&lock])
        .await?;
    client
        .batch_execute(&format!("CREATE SCHEMA IF NOT EXISTS {schema}"))
        .await?;
    let done = migrations(target)
        .set_abort_missing(false)
        .run_async(&mut **client)
        .await
        .map_err(Box::new)?;
    for migration in done.applied_migrations() {
        tracing::info!(%target, schema, %migration, "migrated");
    }
    let missing = tables(client, target, schema).await?.missing;
    if missing > 0 {
        return Err(Error::Inconsistent(format!(
            "the {target} tables lack {missing} migrations of this release that are older than others that were run: \
             drop the tables, and they are made from the log"
        )));
    }
    let streams: Vec<_> = target.streams().iter().map(|one| one.as_str()).collect();
    client
        .execute(
            "INSERT INTO checkpoint (stream, position, hash, version)
             SELECT stream, 0, decode(repeat('00', 32), 'hex'), $2 FROM unnest($1::text[]) AS stream
             ON CONFLICT DO NOTHING",
            &[&streams, &target.version()],
        )
        .await?;
    client
        .query_one(
            "SELECT pg_advisory_unlock(hashtextextended($1, 0))",
            &[&lock],
        )
        .await?;
    Ok(())
}

/// What tables are, beside those that this release makes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Tables {
    /// Migrations of this release that were not run.
    pub missing: usize,
    /// Migrations that were run and that this release does not know.
    pub later: usize,
    /// Version of the projection (see [`Target::version`]); `None` where no tables are.
    pub version: Option<i32>,
}

impl Tables {
    /// Whether this release finds in them all that it reads: its own, or those of a later one.
    #[must_use]
    pub fn suffice(&self, target: Target) -> bool {
        self.missing == 0 && self.version >= Some(target.version())
    }
}

/// What the tables in `schema` are.
///
/// # Errors
/// If the server refuses.
pub async fn tables(client: &ClientWrapper, target: Target, schema: &str) -> Result<Tables, Error> {
    let runner = migrations(target);
    let known = runner.get_migrations().iter();
    let known: HashSet<_> = known.map(|one| i64::from(one.version())).collect();
    let history = format!("{schema}.refinery_schema_history");
    let is_there = "SELECT to_regclass($1) IS NOT NULL";
    let mut done = HashSet::new();
    if client.query_one(is_there, &[&history]).await?.try_get(0)? {
        let all = format!("SELECT version::bigint FROM {history}");
        for row in client.query(&all, &[]).await? {
            done.insert(row.try_get(0)?);
        }
    }
    Ok(Tables {
        missing: known.difference(&done).count(),
        later: done.difference(&known).count(),
        version: version(client, schema).await?,
    })
}

/// Version of the projection whose rows are in `schema`; `None` where no tables are, or are only being made.
pub(crate) async fn version(client: &ClientWrapper, schema: &str) -> Result<Option<i32>, Error> {
    let columns = "SELECT column_name::text FROM information_schema.columns
         WHERE table_schema = $1 AND table_name = 'checkpoint'";
    let columns = client.query(columns, &[&schema]).await?;
    let columns: Vec<String> = columns.iter().map(|row| row.get(0)).collect();
    if columns.is_empty() {
        return Ok(None);
    }
    // The first version had no such column.
    let known = columns.iter().any(|name| name == "version");
    let version = if known { "version" } else { "1" };
    let least = format!("SELECT min({version}) FROM {schema}.checkpoint");
    Ok(client.query_one(&least, &[]).await?.try_get(0)?)
}

/// Refuses to go on with live tables of a later version than this release makes.
pub(crate) async fn refuse_later(client: &ClientWrapper, target: Target) -> Result<(), Error> {
    match version(client, LIVE).await? {
        Some(version) if version > target.version() => Err(Error::Replaced { target, version }),
        _ => Ok(()),
    }
}

/// Drops everything that was projected into the database at `connection`.
///
/// # Errors
/// If the server can not be reached or refuses.
pub async fn drop_tables(connection: &Connection) -> Result<(), Error> {
    let client = connect(connection, LIVE).await?;
    for schema in [LIVE, BUILD, OLD, SCRATCH] {
        let drop = format!("DROP SCHEMA IF EXISTS {schema} CASCADE");
        client.batch_execute(&drop).await?;
    }
    Ok(())
}

/// Connects to `connection` and migrates its live schema, unless an earlier version of the projection is in it: such tables
/// are the earlier release's until its successor has built others beside them.
///
/// # Errors
/// As [`connect`] and [`migrate`].
pub async fn migrate_live(connection: &Connection, target: Target) -> Result<(), Error> {
    let mut client = connect(connection, LIVE).await?;
    match version(&client, LIVE).await? {
        Some(version) if version < target.version() => {
            tracing::info!(%target, version, to = target.version(), "left to the projector, which builds the tables anew");
            Ok(())
        }
        _ => migrate(&mut client, target, LIVE).await,
    }
}
