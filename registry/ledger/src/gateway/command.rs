//! What can be asked about gateways.

use schemas::gateway::{KeyId, MeterReadings, PublicKey};
use schemas::id::{AccountId, DeviceId, GatewayId};
use uuid::Uuid;

/// Issues a one-time code for a gateway.
#[derive(Debug, Clone)]
pub struct IssueGatewayCode {
    /// The account that the gateway's devices belong to.
    pub account_id: AccountId,
    /// The devices it will meter.
    pub device_ids: Vec<DeviceId>,
    /// Digest of the code, by [`crate::key::code_digest`].
    pub code: Uuid,
    /// For how many seconds it is valid.
    pub valid_for_s: i64,
}

/// Enrols a gateway. That it holds the key has been verified.
#[derive(Debug, Clone)]
pub struct EnrolGateway {
    /// Digest of the code, by [`crate::key::code_digest`].
    pub code: Uuid,
    /// What people call it.
    pub name: Option<String>,
    /// Its key.
    pub public_key: PublicKey,
}

/// Gives a gateway another key. That it holds both has been verified.
#[derive(Debug, Clone)]
pub struct ChangeGatewayKey {
    /// The gateway.
    pub gateway_id: GatewayId,
    /// The key in use.
    pub current: KeyId,
    /// The new one.
    pub public_key: PublicKey,
}

/// Revokes a gateway or one of its keys.
#[derive(Debug, Clone)]
pub struct RevokeGateway {
    /// The gateway.
    pub gateway_id: GatewayId,
    /// The key; `None` revokes the gateway.
    pub key_id: Option<KeyId>,
    /// Why.
    pub reason: String,
}

/// Changes which devices a gateway meters; all or nothing.
#[derive(Debug, Clone)]
pub struct ChangeGatewayDevices {
    /// The gateway.
    pub gateway_id: GatewayId,
    /// Devices of its account that it meters from here on.
    pub add: Vec<DeviceId>,
    /// Devices that it no longer meters.
    pub remove: Vec<DeviceId>,
}

/// Accepts an envelope. Its signature has been verified.
#[derive(Debug, Clone)]
pub struct AcceptEnvelope {
    /// The key that signed it.
    pub key_id: KeyId,
    /// What it says.
    pub payload: MeterReadings,
    /// The envelope in compact serialisation.
    pub compact: String,
    /// Its hash, by [`schemas::gateway::jws::hash`].
    pub hash: String,
}
