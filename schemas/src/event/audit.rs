//! Events of what was tried: what was refused, and signing in. What was accepted is told by the events of
//! the other streams; of that only the addresses of clients are here.

use crate::envelope::{Actor, Via};
use crate::id::{AccountId, UserId};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use std::fmt;
use std::net::IpAddr;
use uuid::Uuid;

/// Attempts that were recorded together.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AttemptsRecorded {
    /// Each of them, in the order in which they were answered.
    pub attempts: Vec<Attempt>,
}

/// Something that was tried and left no event of its own, or several alike.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Attempt {
    /// When, of several the first.
    pub at: DateTime<Utc>,
    /// Of several alike, when the last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_at: Option<DateTime<Utc>>,
    /// How many there were.
    #[serde(default = "one", skip_serializing_if = "is_one")]
    pub count: i64,
    /// Who tried, where that was proven.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub actor: Option<Actor>,
    /// What it was proven with.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub via: Option<Via>,
    /// Where they tried it from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub address: Option<IpAddr>,
    /// Operation of the API, by its id in the OpenAPI document.
    pub operation: String,
    /// The account it was tried for; none where several alike name different ones.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub account_id: Option<AccountId>,
    /// Digest of the client's idempotency key; none where there are several alike.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub idempotency_key: Option<Uuid>,
    /// Who was to sign in, where that was refused; none where several alike name different ones.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub target: Option<Target>,
    /// Code of the refusal; none where it was accepted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub code: Option<String>,
    /// The request, of several the first.
    pub request_id: Uuid,
}

/// Whom somebody tries to sign in as.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Target {
    /// A user.
    User(UserId),
    /// Nobody: a digest of what was typed, under a key of the registry, by which attempts at the same name are told.
    Nobody(Uuid),
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::User(id) => write!(f, "user:{id}"),
            Self::Nobody(digest) => write!(f, "nobody:{digest}"),
        }
    }
}

/// Where accepted commands came from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClientsRecorded {
    /// Each client.
    pub clients: Vec<Client>,
}

/// An address and what was asked from there.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Client {
    /// The address; none where it was of somebody who is erased.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub address: Option<IpAddr>,
    /// Whose commands they are; none where a gateway or a part of the registry asked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user_id: Option<UserId>,
    /// The commands, by the id that their events carry.
    pub command_ids: Vec<Uuid>,
}

/// Keys that were used. Not every use is recorded: of each key one in a while.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ApiKeysUsed {
    /// Each key, and when.
    pub uses: Vec<ApiKeyUse>,
}

/// A use of a key.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ApiKeyUse {
    /// The key.
    pub key_id: Uuid,
    /// When.
    pub at: DateTime<Utc>,
}

const fn one() -> i64 {
    1
}

#[allow(clippy::trivially_copy_pass_by_ref)] // serde's signature
const fn is_one(count: &i64) -> bool {
    *count == 1
}
