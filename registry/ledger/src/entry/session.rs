//! Sessions of users who signed in.

use chrono::{DateTime, Utc};
use schemas::event::session::TokenDigest;
use schemas::id::UserId;
use serde::{Deserialize, Serialize};

/// A session.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Session {
    /// Whose it is.
    pub user_id: UserId,
    /// Its refresh token.
    pub refresh: TokenDigest,
    /// The refresh token before, if there was one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub previous: Option<TokenDigest>,
    /// When it was refreshed last, or opened.
    pub refreshed_at: DateTime<Utc>,
    /// First instant at which it can no longer be refreshed.
    pub expires_at: DateTime<Utc>,
    /// Whether it ended before.
    pub is_over: bool,
}
