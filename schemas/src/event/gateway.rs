//! Events of gateways and of what they submit.

use crate::WattHours;
use crate::gateway::{Cause, KeyId, PublicKey, Quality};
use crate::id::{AccountId, DeviceId, GatewayId};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// A one-time code was issued with which a gateway can enrol.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct GatewayCodeIssued {
    /// Digest of the code, which is written down nowhere.
    pub code: Uuid,
    /// The account the gateway's devices belong to.
    pub account_id: AccountId,
    /// The devices it will meter.
    pub device_ids: Vec<DeviceId>,
    /// First instant at which it is no longer taken.
    pub expires_at: DateTime<Utc>,
}

/// A gateway enrolled. The devices are its own from here on, whichever gateway metered them before.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct GatewayEnrolled {
    /// The gateway.
    pub gateway_id: GatewayId,
    /// The account its devices belong to.
    pub account_id: AccountId,
    /// What people call it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Digest of the code it used up.
    pub code: Uuid,
    /// The devices it meters.
    pub device_ids: Vec<DeviceId>,
    /// Its key.
    pub key_id: KeyId,
    /// The same in full.
    pub public_key: PublicKey,
}

/// A gateway signs with another key from here on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct GatewayKeyAdded {
    /// The gateway.
    pub gateway_id: GatewayId,
    /// The new key.
    pub key_id: KeyId,
    /// The same in full.
    pub public_key: PublicKey,
    /// The key whose place it takes,
    pub replaces: KeyId,
    /// and until when that one is accepted, exclusive.
    pub accepted_until: DateTime<Utc>,
}

/// A key of a gateway is no longer accepted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct GatewayKeyRevoked {
    /// The gateway.
    pub gateway_id: GatewayId,
    /// The key.
    pub key_id: KeyId,
    /// Why.
    pub reason: String,
}

/// No key of a gateway is accepted any longer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct GatewayRevoked {
    /// The gateway.
    pub gateway_id: GatewayId,
    /// Why.
    pub reason: String,
}

/// A gateway meters other devices from here on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct GatewayDevicesChanged {
    /// The gateway.
    pub gateway_id: GatewayId,
    /// Devices it meters from here on, whichever gateway did before.
    pub added: Vec<DeviceId>,
    /// Devices it no longer meters.
    pub removed: Vec<DeviceId>,
}

/// A signed envelope of readings was accepted. What of it counts is in the events before this one, of the
/// same decision; the envelope itself stays as evidence.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EnvelopeAccepted {
    /// The gateway that signed it.
    pub gateway_id: GatewayId,
    /// The device that was metered.
    pub device_id: DeviceId,
    /// Its number among the device's envelopes.
    pub sequence: i64,
    /// The key that signed it.
    pub key_id: KeyId,
    /// SHA-256 of the envelope, in hexadecimal: what the next one names.
    pub hash: String,
    /// The envelope in compact serialisation, byte for byte.
    pub envelope: String,
    /// What became of it.
    pub outcome: EnvelopeOutcome,
}

/// What became of the readings of an envelope.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct EnvelopeOutcome {
    /// Readings accepted.
    pub accepted: i64,
    /// Readings that had been accepted before.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub repeated: i64,
    /// Accepted readings that wait for a person.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub doubtful: i64,
    /// Bundles issued.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub bundles: i64,
    /// Wh of those bundles.
    #[serde(default, skip_serializing_if = "is_no_energy")]
    pub issued: WattHours,
    /// Readings that break a rule.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub refused: Vec<RefusedReading>,
}

/// A reading of an envelope that breaks a rule.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RefusedReading {
    /// Its place in the envelope, from 0.
    pub index: u32,
    /// Code of the rule.
    pub code: String,
}

/// Where readings come from that a gateway signed, and how far they can be trusted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct FromGateway {
    /// The gateway.
    pub gateway_id: GatewayId,
    /// Number of the envelope among those of the device.
    pub sequence: i64,
    /// How far they can be trusted.
    pub quality: Quality,
    /// Why not further.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cause: Option<Cause>,
}

#[allow(clippy::trivially_copy_pass_by_ref, reason = "serde asks by reference")]
const fn is_zero(count: &i64) -> bool {
    *count == 0
}

#[allow(clippy::trivially_copy_pass_by_ref, reason = "serde asks by reference")]
const fn is_no_energy(amount: &WattHours) -> bool {
    amount.0 == 0
}
