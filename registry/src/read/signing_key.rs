//! The keys that sign access tokens.

use super::{ReadError, defect, rows};
use chrono::{DateTime, Utc};
use deadpool_postgres::Client;
use schemas::gateway::{KeyId, PublicKey};
use tokio_postgres::types::Json;

/// A key.
pub struct SigningKeyRow {
    /// Its thumbprint.
    pub key_id: KeyId,
    /// The public half.
    pub public_key: PublicKey,
    /// The private half, sealed.
    pub sealed: String,
    /// When it was added.
    pub added_at: DateTime<Utc>,
    /// When what it signed counts no more; none of the key that signs.
    pub accepted_until: Option<DateTime<Utc>>,
}

const ACCEPTED: &str =
    "SELECT key_id, public_key, sealed, added_at, accepted_until FROM signing_key
     WHERE accepted_until IS NULL OR accepted_until > now() ORDER BY added_at, key_id";

/// The keys whose signatures count, in the order they were added.
pub async fn accepted(client: &Client) -> Result<Vec<SigningKeyRow>, ReadError> {
    let found = rows(client, ACCEPTED, &[]).await?;
    let keys = found.iter().map(|row| {
        let Json(public_key): Json<PublicKey> = row.try_get(1)?;
        Ok(SigningKeyRow {
            key_id: row.try_get::<_, &str>(0)?.parse().map_err(defect)?,
            public_key,
            sealed: row.try_get(2)?,
            added_at: row.try_get(3)?,
            accepted_until: row.try_get(4)?,
        })
    });
    keys.collect()
}
