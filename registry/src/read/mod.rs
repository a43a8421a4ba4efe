//! Questions to the READ database, one file per subject. No query per row, every statement prepared once
//! per connection.

pub mod account;
pub mod action;
pub mod api_key;
pub mod audit;
pub mod bundle;
mod bundle_loader;
pub mod correction;
pub mod cursor;
pub mod device;
pub mod exchange;
pub mod gateway;
pub mod holding;
pub mod identity;
pub mod lineage;
pub mod measurement;
pub mod metadata;
pub mod meter;
pub mod organisation;
pub mod principal;
pub mod query;
pub mod recurring;
pub mod session;
pub mod signing_key;
pub mod storage;
pub mod summary;
pub mod user;

pub use bundle_loader::BundleLoader;
use deadpool_postgres::{Client, PoolError};
use projections::postgres::doubt;
use std::time::Duration;
use tokio_postgres::types::ToSql;
use tokio_postgres::{Row, error::SqlState};

/// How long a question may take: far longer than any should, and short enough for whoever asks a
/// database that hangs with its connections open.
const PATIENCE: Duration = Duration::from_secs(5);

/// A question was not answered.
#[derive(Debug, Clone, thiserror::Error)]
pub enum ReadError {
    /// The database can not be reached, is shutting down, or has no connection left.
    #[error("the READ database can not be used: {0}")]
    Unavailable(String),
    /// The question or a row does not have the shape the program expects.
    #[error("a question to the READ database failed: {0}")]
    Defect(String),
}

impl From<tokio_postgres::Error> for ReadError {
    fn from(error: tokio_postgres::Error) -> Self {
        // Classes of PostgreSQL appendix A: 08 connection, 53 resources, 57 intervention.
        let passing = |state: &SqlState| ["08", "53", "57"].contains(&&state.code()[..2]);
        let text = error
            .as_db_error()
            .map_or_else(|| error.to_string(), |said| said.message().to_owned());
        match error.code() {
            Some(state) if !passing(state) => Self::Defect(text),
            None if !error.is_closed()
                && std::error::Error::source(&error)
                    .is_some_and(|source| !source.is::<std::io::Error>()) =>
            {
                Self::Defect(error.to_string())
            }
            _ => Self::Unavailable(text),
        }
    }
}

impl From<PoolError> for ReadError {
    fn from(error: PoolError) -> Self {
        Self::Unavailable(error.to_string())
    }
}

/// A value of a row does not have the form its column promises.
pub(crate) fn defect(error: impl std::fmt::Display) -> ReadError {
    ReadError::Defect(error.to_string())
}

/// All rows that answer a statement.
pub(crate) async fn rows(
    client: &Client,
    statement: &str,
    parameters: &[&(dyn ToSql + Sync)],
) -> Result<Vec<Row>, ReadError> {
    asked(client, async {
        let prepared = client.prepare_cached(statement).await?;
        client.query(&prepared, parameters).await
    })
    .await
}

/// The row that answers a statement, if there is one.
pub(crate) async fn row(
    client: &Client,
    statement: &str,
    parameters: &[&(dyn ToSql + Sync)],
) -> Result<Option<Row>, ReadError> {
    asked(client, async {
        let prepared = client.prepare_cached(statement).await?;
        client.query_opt(&prepared, parameters).await
    })
    .await
}

/// As [`in_time`]; a connection that fails so is not trusted again.
async fn asked<T>(
    client: &Client,
    answer: impl Future<Output = Result<T, tokio_postgres::Error>>,
) -> Result<T, ReadError> {
    let answer = in_time(answer).await;
    if matches!(answer, Err(ReadError::Unavailable(_))) {
        doubt(client);
    }
    answer
}

async fn in_time<T>(
    answer: impl Future<Output = Result<T, tokio_postgres::Error>>,
) -> Result<T, ReadError> {
    match tokio::time::timeout(PATIENCE, answer).await {
        Ok(answer) => Ok(answer?),
        Err(_) => Err(ReadError::Unavailable(format!(
            "it has not answered within {} s",
            PATIENCE.as_secs()
        ))),
    }
}

/// The same, where it may be null.
pub(crate) fn optional_word<T>(row: &Row, index: usize) -> Result<Option<T>, ReadError>
where
    T: std::str::FromStr<Err = schemas::energy::UnknownWord>,
{
    let text: Option<&str> = row.try_get(index)?;
    text.map(str::parse).transpose().map_err(defect)
}

/// A column that holds a word of an enumeration.
pub(crate) fn word<T>(row: &Row, index: usize) -> Result<T, ReadError>
where
    T: std::str::FromStr<Err = schemas::energy::UnknownWord>,
{
    row.try_get::<_, &str>(index)?.parse().map_err(defect)
}
