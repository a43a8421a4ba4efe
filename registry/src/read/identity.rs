//! Whom other servers sign in.

use super::{ReadError, row, rows};
use deadpool_postgres::Client;
use schemas::api::identity::IdentityRead;
use schemas::id::UserId;
use tokio_postgres::Row;
use uuid::Uuid;

/// The user who is linked to the identity of this digest.
pub async fn user_of(client: &Client, identity_id: Uuid) -> Result<Option<UserId>, ReadError> {
    let statement = "SELECT user_id FROM external_identity WHERE identity_id = $1";
    let found = row(client, statement, &[&identity_id]).await?;
    found.map(|row| Ok(UserId(row.try_get(0)?))).transpose()
}

/// The identity of this digest, and whose it is.
pub async fn by_id(
    client: &Client,
    identity_id: Uuid,
) -> Result<Option<(UserId, IdentityRead)>, ReadError> {
    let statement = "SELECT identity_id, issuer, subject, linked_at, user_id FROM external_identity
         WHERE identity_id = $1";
    let found = row(client, statement, &[&identity_id]).await?;
    found
        .map(|row| Ok((UserId(row.try_get(4)?), identity(&row)?)))
        .transpose()
}

/// The identities of a user, in the order they were linked; there are few.
pub async fn of_user(client: &Client, user_id: UserId) -> Result<Vec<IdentityRead>, ReadError> {
    let statement = "SELECT identity_id, issuer, subject, linked_at FROM external_identity
         WHERE user_id = $1 ORDER BY linked_at, identity_id";
    let found = rows(client, statement, &[&user_id.0]).await?;
    found.iter().map(identity).collect()
}

fn identity(row: &Row) -> Result<IdentityRead, ReadError> {
    Ok(IdentityRead {
        id: row.try_get(0)?,
        issuer: row.try_get(1)?,
        subject: row.try_get(2)?,
        linked_at: row.try_get(3)?,
    })
}
