//! Keys for machines.

use super::{ReadError, defect, row, rows};
use chrono::{DateTime, Utc};
use deadpool_postgres::Client;
use schemas::api::api_key::ApiKeyRead;
use schemas::capability::{Capabilities, Capability};
use schemas::id::{AccountId, UserId};
use tokio_postgres::Row;
use uuid::Uuid;

macro_rules! select {
    ($rest:literal) => {
        concat!(
            "SELECT k.key_id, k.user_id, k.name, k.prefix, k.capabilities, k.account_ids, k.created_at,
                 k.expires_at, u.last_used_at
             FROM api_key k LEFT JOIN api_key_use u ON u.key_id = k.key_id
             WHERE k.revoked_at IS NULL AND ",
            $rest
        )
    };
}

/// The key with this digest, unless it was revoked.
pub async fn good(client: &Client, digest: &[u8]) -> Result<Option<ApiKeyRead>, ReadError> {
    let found = row(client, select!("k.digest = $1"), &[&digest]).await?;
    found.as_ref().map(key).transpose()
}

/// The key with this id, unless it was revoked.
pub async fn by_id(client: &Client, key_id: Uuid) -> Result<Option<ApiKeyRead>, ReadError> {
    let found = row(client, select!("k.key_id = $1"), &[&key_id]).await?;
    found.as_ref().map(key).transpose()
}

/// The keys of a user that were not revoked, in the order they were made; there are few.
pub async fn of_user(client: &Client, user_id: UserId) -> Result<Vec<ApiKeyRead>, ReadError> {
    let statement = select!("k.user_id = $1 ORDER BY k.key_id");
    let found = rows(client, statement, &[&user_id.0]).await?;
    found.iter().map(key).collect()
}

fn key(row: &Row) -> Result<ApiKeyRead, ReadError> {
    let words: Vec<&str> = row.try_get(4)?;
    let capabilities = words.iter().map(|word| word.parse::<Capability>());
    let accounts: Option<Vec<i64>> = row.try_get(5)?;
    Ok(ApiKeyRead {
        key_id: row.try_get(0)?,
        user_id: UserId(row.try_get(1)?),
        name: row.try_get(2)?,
        prefix: row.try_get(3)?,
        capabilities: capabilities
            .collect::<Result<Capabilities, _>>()
            .map_err(defect)?,
        account_ids: accounts.map(|ids| ids.into_iter().map(AccountId).collect()),
        created_at: row.try_get::<_, DateTime<Utc>>(6)?,
        expires_at: row.try_get(7)?,
        last_used_at: row.try_get(8)?,
    })
}
