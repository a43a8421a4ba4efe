//! Schemas of a database, and making their tables.

use crate::postgres::{Connection, PoolError};
use crate::{Error, Target};
use deadpool_postgres::ClientWrapper;
use std::collections::HashSet;
use tokio_postgres::NoTls;

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
        .options(format!("-c search_path={schema} {SESSION}"));
    let (client, driver) = config
        .connect(NoTls)
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
/// # Errors
/// If the server refuses, or if the tables were made by a newer program.
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
        .run_async(&mut **client)
        .await
        .map_err(Box::new)?;
    for migration in done.applied_migrations() {
        tracing::info!(%target, schema, %migration, "migrated");
    }
    let streams: Vec<_> = target.streams().iter().map(|one| one.as_str()).collect();
    client
        .execute(
            "INSERT INTO checkpoint (stream, position, hash)
             SELECT stream, 0, decode(repeat('00', 32), 'hex') FROM unnest($1::text[]) AS stream
             ON CONFLICT DO NOTHING",
            &[&streams],
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

/// How many migrations of this program the tables that `client` sees lack; negative if they have some that it does not
/// know.
///
/// # Errors
/// If the server refuses.
pub async fn missing_migrations(client: &ClientWrapper, target: Target) -> Result<i64, Error> {
    let runner = migrations(target);
    let known = runner.get_migrations().iter();
    let known: HashSet<_> = known.map(|one| i64::from(one.version())).collect();
    let row = client
        .query_one(
            "SELECT to_regclass('refinery_schema_history') IS NOT NULL",
            &[],
        )
        .await?;
    let mut done = HashSet::new();
    if row.try_get(0)? {
        let all = "SELECT version::bigint FROM refinery_schema_history";
        for row in client.query(all, &[]).await? {
            done.insert(row.try_get(0)?);
        }
    }
    let count = |some: usize| i64::try_from(some).unwrap_or(i64::MAX);
    Ok(match done.difference(&known).count() {
        0 => count(known.difference(&done).count()),
        unknown => -count(unknown),
    })
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

/// Connects to `connection` and migrates its live schema.
///
/// # Errors
/// As [`connect`] and [`migrate`].
pub async fn migrate_live(connection: &Connection, target: Target) -> Result<(), Error> {
    let mut client = connect(connection, LIVE).await?;
    migrate(&mut client, target, LIVE).await
}
