//! Entries of gateways and their envelopes.

use chrono::{DateTime, Utc};
use schemas::event::gateway::EnvelopeOutcome;
use schemas::gateway::KeyId;
use schemas::id::{AccountId, DeviceId, GatewayId};
use schemas::log::Position;
use serde::{Deserialize, Serialize};

pub(super) const fn first_gateway() -> GatewayId {
    GatewayId(1)
}

#[allow(clippy::trivially_copy_pass_by_ref, reason = "serde asks by reference")]
pub(super) const fn is_first_gateway(next: &GatewayId) -> bool {
    next.0 == 1
}

/// A gateway.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Gateway {
    /// The account its devices belong to.
    pub account_id: AccountId,
    /// Whether none of its keys is accepted any longer.
    pub is_revoked: bool,
    /// Keys it has had.
    pub keys: i64,
}

/// A key of a gateway.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct GatewayKey {
    /// The whole of its thumbprint.
    pub key_id: KeyId,
    /// Whose it is.
    pub gateway_id: GatewayId,
    /// First instant at which it is no longer accepted, once another has taken its place.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub accepted_until: Option<DateTime<Utc>>,
    /// Whether it was revoked.
    pub is_revoked: bool,
}

/// A one-time code.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct GatewayCode {
    /// The account the gateway's devices belong to.
    pub account_id: AccountId,
    /// The devices it will meter.
    pub device_ids: Vec<DeviceId>,
    /// First instant at which it is no longer taken.
    pub expires_at: DateTime<Utc>,
    /// Who enrolled with it, and with which key.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub used_by: Option<(GatewayId, KeyId)>,
}

/// Where the envelopes of a device stand.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct GatewayStream {
    /// The gateway that meters the device; none any longer, or not yet.
    pub gateway_id: Option<GatewayId>,
    /// Number that the next envelope must have.
    pub next_sequence: i64,
    /// Hash of the last envelope, which the next must name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hash: Option<String>,
}

impl Default for GatewayStream {
    fn default() -> Self {
        Self {
            gateway_id: None,
            next_sequence: 1,
            hash: None,
        }
    }
}

/// An envelope that was accepted, and what was answered.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct KnownEnvelope {
    /// Its hash.
    pub hash: String,
    /// Where it stands in the ledger.
    pub position: Position,
    /// What became of it.
    pub outcome: EnvelopeOutcome,
}
