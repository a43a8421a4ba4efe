//! Connections: a pool of them per database, or a single one.

use std::{io, path::PathBuf, time::Duration};

use deadpool_postgres::{Manager, ManagerConfig, Pool, RecyclingMethod, Runtime};
use tokio_postgres::{Client, NoTls};

use super::Connection;

/// How long a caller waits for a free connection before it is told that there is none.
const WAIT: Duration = Duration::from_secs(5);

/// Why there is no connection.
#[derive(Debug, thiserror::Error)]
pub enum PoolError {
    #[error("the password file {path} can not be read: {source}")]
    PasswordFile { path: PathBuf, source: io::Error },
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

/// `tokio_postgres` prints only "db error"; what the server said is one level below.
fn because(error: &tokio_postgres::Error) -> String {
    match (
        error.as_db_error(),
        std::error::Error::source(error).map(ToString::to_string),
    ) {
        (Some(said), _) => said.message().to_owned(),
        (None, Some(source)) => format!("{error}: {source}"),
        (None, None) => error.to_string(),
    }
}

/// A pool for `connection`, at most `pool_size` connections, opened when first needed: a database
/// that is down does not keep the process from starting.
///
/// # Errors
/// [`PoolError::PasswordFile`] or [`PoolError::Build`]; never because the server is down.
pub fn pool(connection: &Connection) -> Result<Pool, PoolError> {
    let manager = Manager::from_config(
        connection.client_config()?,
        NoTls,
        // A connection that died is noticed by its closed socket; a query per checkout would cost
        // a round trip on every request.
        ManagerConfig {
            recycling_method: RecyclingMethod::Fast,
        },
    );
    Pool::builder(manager)
        .max_size(connection.pool_size.max(1))
        .runtime(Runtime::Tokio1)
        .wait_timeout(Some(WAIT))
        .create_timeout(Some(WAIT))
        .build()
        .map_err(|source| PoolError::Build {
            place: connection.place(),
            source,
        })
}

/// One connection outside any pool, for migrations, advisory locks and probes. Its driver runs as a
/// task of its own and ends with the client.
///
/// # Errors
/// [`PoolError::PasswordFile`] or [`PoolError::Connect`].
pub async fn connect(connection: &Connection) -> Result<Client, PoolError> {
    let (client, driver) = connection
        .client_config()?
        .connect(NoTls)
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
