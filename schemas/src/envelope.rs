//! What surrounds every event: when it was recorded, by whom, for which command.

use crate::id::{AccountId, GatewayId, UserId};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::fmt;
use uuid::Uuid;

/// Metadata of an event, stored beside its payload.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Envelope {
    /// The instant of the decision; one for all events of a command.
    pub recorded_at: DateTime<Utc>,
    /// Who asked for it.
    pub actor: Actor,
    /// The command the event follows from.
    pub command_id: Uuid,
    /// The request that carried the command.
    pub correlation_id: Uuid,
    /// The event or rule that caused the command, where it was not a request.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub causation_id: Option<Uuid>,
    /// The client's idempotency key, if it sent one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub idempotency: Option<Idempotency>,
    /// What the command was asked by. On the first event of a command alone: so the audit trail has one
    /// entry for each.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub origin: Option<Origin>,
}

/// What a command was asked by. Addresses are personal data and are not in it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Origin {
    /// Operation of the API, by its id in the OpenAPI document; what a part of the registry does by
    /// itself, by the name of the command.
    pub operation: String,
    /// What the actor proved who they are with.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub via: Option<Via>,
    /// The account they acted for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub account_id: Option<AccountId>,
}

/// Kind and id of credentials. Written as `session:…`, `api_key:…` or `external:…` with a UUID.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Via {
    /// A session that was opened by signing in.
    Session(Uuid),
    /// A key for machines.
    ApiKey(Uuid),
    /// A token of another server: the identity it was given out for.
    External(Uuid),
}

impl fmt::Display for Via {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (kind, id) = match self {
            Self::Session(id) => ("session", id),
            Self::ApiKey(id) => ("api_key", id),
            Self::External(id) => ("external", id),
        };
        write!(f, "{kind}:{id}")
    }
}

impl Serialize for Via {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Via {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let read = text.split_once(':').and_then(|(kind, id)| {
            let id = id.parse().ok()?;
            match kind {
                "session" => Some(Self::Session(id)),
                "api_key" => Some(Self::ApiKey(id)),
                "external" => Some(Self::External(id)),
                _ => None,
            }
        });
        read.ok_or_else(|| {
            serde::de::Error::custom(format!("{text:?} is no kind and id of credentials"))
        })
    }
}

/// A client's promise that requests with one key are one request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Idempotency {
    /// UUIDv5-like digest of actor and `Idempotency-Key`: the key is private to who sent it.
    pub key: Uuid,
    /// Digest of the request's method, path and body; another request under the key is refused.
    pub request: Uuid,
}

/// Who caused an event. Written as `user:7`, `gateway:3` or `system:expiry`.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Actor {
    /// A signed-in user.
    User(UserId),
    /// A gateway, by a signed envelope.
    Gateway(GatewayId),
    /// A part of the registry itself, by name.
    System(String),
}

impl Actor {
    /// The user, where it was one.
    #[must_use]
    pub const fn user_id(&self) -> Option<UserId> {
        match self {
            Self::User(id) => Some(*id),
            Self::Gateway(_) | Self::System(_) => None,
        }
    }
}

impl fmt::Display for Actor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::User(id) => write!(f, "user:{id}"),
            Self::Gateway(id) => write!(f, "gateway:{id}"),
            Self::System(part) => write!(f, "system:{part}"),
        }
    }
}

impl Serialize for Actor {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Actor {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        match text.split_once(':') {
            Some(("user", id)) => id.parse().map(Self::User).map_err(serde::de::Error::custom),
            Some(("gateway", id)) => id
                .parse()
                .map(Self::Gateway)
                .map_err(serde::de::Error::custom),
            Some(("system", part)) => Ok(Self::System(part.to_owned())),
            _ => Err(serde::de::Error::custom(format!(
                "{text:?} is not an actor"
            ))),
        }
    }
}
