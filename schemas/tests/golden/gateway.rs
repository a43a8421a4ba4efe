//! Samples of gateways.

use super::at;
use schemas::WattHours;
use schemas::event::LedgerEvent;
use schemas::event::gateway::{
    EnvelopeAccepted, EnvelopeOutcome, GatewayCodeIssued, GatewayDevicesChanged, GatewayEnrolled,
    GatewayKeyAdded, GatewayKeyRevoked, GatewayRevoked, RefusedReading,
};
use schemas::gateway::PublicKey;
use schemas::id::{AccountId, DeviceId, GatewayId};
use uuid::Uuid;

fn gateway_key() -> PublicKey {
    PublicKey::p256(&[1; 32], &[2; 32])
}

/// A gateway from its code to its end, with one envelope.
pub fn samples() -> Vec<LedgerEvent> {
    let (gateway_id, device_id) = (GatewayId(3), DeviceId(5));
    vec![
        GatewayCodeIssued {
            code: Uuid::from_u128(9),
            account_id: AccountId(1),
            device_ids: vec![device_id],
            expires_at: at("2024-11-19T09:00:00Z"),
        }
        .into(),
        GatewayEnrolled {
            gateway_id,
            account_id: AccountId(1),
            name: Some("shed".into()),
            code: Uuid::from_u128(9),
            device_ids: vec![device_id],
            key_id: gateway_key().key_id(),
            public_key: gateway_key(),
        }
        .into(),
        GatewayKeyAdded {
            gateway_id,
            key_id: PublicKey::ed25519(&[3; 32]).key_id(),
            public_key: PublicKey::ed25519(&[3; 32]),
            replaces: gateway_key().key_id(),
            accepted_until: at("2025-01-03T08:00:00Z"),
        }
        .into(),
        GatewayKeyRevoked {
            gateway_id,
            key_id: gateway_key().key_id(),
            reason: "stolen".into(),
        }
        .into(),
        GatewayRevoked {
            gateway_id,
            reason: "scrapped".into(),
        }
        .into(),
        GatewayDevicesChanged {
            gateway_id,
            added: vec![DeviceId(6)],
            removed: vec![device_id],
        }
        .into(),
        EnvelopeAccepted {
            gateway_id,
            device_id,
            sequence: 2,
            key_id: gateway_key().key_id(),
            hash: "ab".repeat(32),
            envelope: "e30.e30.AA".into(),
            outcome: EnvelopeOutcome {
                accepted: 3,
                repeated: 1,
                doubtful: 1,
                bundles: 2,
                issued: WattHours(30),
                refused: vec![RefusedReading {
                    index: 4,
                    code: "over_capacity".into(),
                }],
            },
        }
        .into(),
    ]
}
