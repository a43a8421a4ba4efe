//! Connections: a pool of them per database, or a single one.

use std::{io, path::PathBuf, time::Duration};

use deadpool_postgres::{
    ClientWrapper, Hook, HookError, Manager, ManagerConfig, Object, Pool, RecyclingMethod, Runtime,
};
use tokio_postgres::{Client, error::SqlState};

use super::{Connection, tls};

/// How long a caller waits for a free connection before it is told that there is none.
const WAIT: Duration = Duration::from_secs(5);

/// How long a connection that is doubted may take to prove itself.
const PROOF: Duration = Duration::from_secs(1);

/// Why there is no connection.
#[derive(Debug, thiserror::Error)]
pub enum PoolError {
    #[error("the password file {path} can not be read: {source}")]
    PasswordFile { path: PathBuf, source: io::Error },
    #[error("tls = \"require\" needs tls_ca_file: {place} has to prove who it is")]
    NoAuthorities { place: String },
    #[error("tls_ca_file {path} holds no authorities of certificates: {cause}")]
    Authorities { path: PathBuf, cause: String },
    #[error("no connection to Postgres at {place}: {}", because(source))]
    Connect {
        place: String,
        source: tokio_postgres::Error,
    },
    #[error("the connection pool for {place} can not be built: {source}")]
    Build {
        place: String,
        source: deadpool_postgres::BuildError,
    },
}

impl PoolError {
    /// Whether nobody answers there, or a server that starts or stops: it may be there in a moment.
    #[must_use]
    pub fn is_absence(&self) -> bool {
        let Self::Connect { source, .. } = self else {
            return false;
        };
        // Class 57P: operator intervention, of which a starting server has 57P03 and a stopping one 57P01.
        let between = |code: &SqlState| code.code().starts_with("57P");
        let cause = std::error::Error::source(source);
        source.is_closed()
            || source.code().is_some_and(between)
            || cause.is_some_and(|cause| cause.is::<io::Error>())
                && tls::objection(source).is_none()
    }
}

/// `tokio_postgres` prints only "db error"; what the server said is one level below.
fn because(error: &tokio_postgres::Error) -> String {
    match (
        error.as_db_error(),
        std::error::Error::source(error).map(ToString::to_string),
    ) {
        (Some(said), _) => said.message().to_owned(),
        (None, Some(source)) => format!("{error}: {source}{}", tls::advice(error)),
        (None, None) => error.to_string(),
    }
}

/// A pool for `connection`, at most `pool_size` connections, opened when first needed: a database
/// that is down does not keep the process from starting.
///
/// # Errors
/// [`PoolError`] about files that are named in it, or [`PoolError::Build`]; never because the server is down.
pub fn pool(connection: &Connection) -> Result<Pool, PoolError> {
    let manager = Manager::from_config(
        connection.client_config()?,
        connection.connector()?,
        // A connection that died is noticed by its closed socket; a query per checkout would cost
        // a round trip on every request.
        ManagerConfig {
            recycling_method: RecyclingMethod::Fast,
        },
    );
    Pool::builder(manager)
        .max_size(connection.pool_size.max(1))
        .pre_recycle(Hook::async_fn(|client, _| Box::pin(prove(client))))
        .runtime(Runtime::Tokio1)
        .wait_timeout(Some(WAIT))
        .create_timeout(Some(WAIT))
        .build()
        .map_err(|source| PoolError::Build {
            place: connection.place(),
            source,
        })
}

/// Says that a connection has not answered in time: neither it nor those that wait beside it in its pool are used again
/// before they have proved that somebody is there. Where the other end has vanished without a word, the operating
/// system finds out after minutes, and each of them would keep somebody waiting until then.
pub fn doubt(late: &Object) {
    late.statement_cache.clear();
    if let Some(pool) = Object::pool(late) {
        pool.retain(|waiting, _| {
            waiting.statement_cache.clear();
            true
        });
    }
}

/// What has prepared no statement is new, or doubted.
async fn prove(client: &ClientWrapper) -> Result<(), HookError> {
    if client.statement_cache.size() > 0 {
        return Ok(());
    }
    match tokio::time::timeout(PROOF, client.simple_query("")).await {
        Ok(Ok(_)) => Ok(()),
        Ok(Err(error)) => Err(HookError::Backend(error)),
        Err(_) => Err(HookError::message("it does not answer any more")),
    }
}

/// One connection outside any pool, for migrations, advisory locks and probes. Its driver runs as a
/// task of its own and ends with the client.
///
/// # Errors
/// [`PoolError`] about files that are named in it, or [`PoolError::Connect`].
pub async fn connect(connection: &Connection) -> Result<Client, PoolError> {
    let (client, driver) = connection
        .client_config()?
        .connect(connection.connector()?)
        .await
        .map_err(|source| PoolError::Connect {
            place: connection.place(),
            source,
        })?;
    tokio::spawn(async move {
        // The client's next call reports a lost connection; here it would be said twice.
        if let Err(error) = driver.await {
            tracing::debug!(%error, "a Postgres connection ended");
        }
    });
    Ok(client)
}
