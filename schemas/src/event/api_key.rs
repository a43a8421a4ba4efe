//! Events of keys for machines. They hold no secret: whoever reads the log can not use a key.

use crate::capability::Capabilities;
use crate::id::{AccountId, UserId};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// A key is good from here on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ApiKeyIssued {
    /// The key.
    pub key_id: Uuid,
    /// Whose it is. It is never good for more than they may do.
    pub user_id: UserId,
    /// What they call it.
    pub name: String,
    /// How its text begins, by which people tell keys apart.
    pub prefix: String,
    /// SHA-256 of its text. The text has 256 random bits, so no slower hash is needed: there is nothing to
    /// try out.
    #[serde(with = "hex::serde")]
    pub digest: [u8; 32],
    /// What it is good for.
    pub capabilities: Capabilities,
    /// For which accounts; `None` for all of its user's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub accounts: Option<Vec<AccountId>>,
    /// Until when.
    pub expires_at: DateTime<Utc>,
}

/// A key is good no longer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ApiKeyRevoked {
    /// The key.
    pub key_id: Uuid,
    /// Whose it was.
    pub user_id: UserId,
}
