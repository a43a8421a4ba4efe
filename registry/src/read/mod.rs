//! Questions to the READ database, one file per subject. No query per row, every statement prepared once
//! per connection.

pub mod account;
pub mod action;
pub mod bundle;
pub mod cursor;
pub mod device;
pub mod measurement;
pub mod metadata;
pub mod principal;
pub mod query;
pub mod summary;
pub mod user;

use deadpool_postgres::{Client, PoolError};
use tokio_postgres::types::ToSql;
use tokio_postgres::{Row, error::SqlState};

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
    let prepared = client.prepare_cached(statement).await?;
    Ok(client.query(&prepared, parameters).await?)
}

/// The row that answers a statement, if there is one.
pub(crate) async fn row(
    client: &Client,
    statement: &str,
    parameters: &[&(dyn ToSql + Sync)],
) -> Result<Option<Row>, ReadError> {
    let prepared = client.prepare_cached(statement).await?;
    Ok(client.query_opt(&prepared, parameters).await?)
}

/// A column that holds a word of an enumeration.
pub(crate) fn word<T>(row: &Row, index: usize) -> Result<T, ReadError>
where
    T: std::str::FromStr<Err = schemas::energy::UnknownWord>,
{
    row.try_get::<_, &str>(index)?.parse().map_err(defect)
}
