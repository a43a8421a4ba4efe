//! Sessions of users.

use super::{ReadError, rows};
use chrono::{DateTime, Utc};
use deadpool_postgres::Client;
use schemas::id::UserId;
use uuid::Uuid;

/// A session that can be refreshed.
pub struct SessionRow {
    /// Its id.
    pub session_id: Uuid,
    /// When it was opened.
    pub opened_at: DateTime<Utc>,
    /// When it was refreshed last, or opened.
    pub refreshed_at: DateTime<Utc>,
    /// First instant at which it can no longer be refreshed.
    pub expires_at: DateTime<Utc>,
    /// The program that signed in, by its own account.
    pub client: Option<String>,
}

const OPEN: &str = "SELECT session_id, opened_at, refreshed_at, expires_at, client FROM session
     WHERE user_id = $1 AND ended_at IS NULL AND expires_at > $2 ORDER BY opened_at, session_id";

/// The sessions of a user that are not over at `now`, in the order they were opened.
pub async fn open(
    client: &Client,
    user_id: UserId,
    now: DateTime<Utc>,
) -> Result<Vec<SessionRow>, ReadError> {
    let found = rows(client, OPEN, &[&user_id.0, &now]).await?;
    let sessions = found.iter().map(|row| {
        Ok(SessionRow {
            session_id: row.try_get(0)?,
            opened_at: row.try_get(1)?,
            refreshed_at: row.try_get(2)?,
            expires_at: row.try_get(3)?,
            client: row.try_get(4)?,
        })
    });
    sessions.collect()
}
