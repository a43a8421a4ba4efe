//! Samples of the audit stream.

use super::at;
use schemas::envelope::{Actor, Via};
use schemas::event::AuditEvent;
use schemas::event::audit::{
    ApiKeyUse, ApiKeysUsed, Attempt, AttemptsRecorded, Client, ClientsRecorded,
};
use schemas::id::{AccountId, UserId};
use uuid::Uuid;

pub fn samples() -> Vec<AuditEvent> {
    let refused = Attempt {
        at: at("2024-11-19T08:00:00.000001Z"),
        last_at: None,
        count: 1,
        actor: Some(Actor::User(UserId(3))),
        via: Some(Via::ApiKey(Uuid::from_u128(9))),
        address: Some("192.0.2.7".parse().unwrap()),
        operation: "transfer_certificates".into(),
        account_id: Some(AccountId(1)),
        idempotency_key: Some(Uuid::from_u128(7)),
        target: None,
        code: Some("bundle_state".into()),
        request_id: Uuid::from_u128(6),
    };
    let flood = Attempt {
        last_at: Some(at("2024-11-19T08:00:00.100001Z")),
        count: 512,
        actor: None,
        via: None,
        address: Some("2001:db8::7".parse().unwrap()),
        operation: "login".into(),
        account_id: None,
        idempotency_key: None,
        code: Some("login_failed".into()),
        ..refused.clone()
    };
    vec![
        AttemptsRecorded {
            attempts: vec![refused, flood],
        }
        .into(),
        ApiKeysUsed {
            uses: vec![ApiKeyUse {
                key_id: Uuid::from_u128(9),
                at: at("2024-11-19T08:00:00.000001Z"),
            }],
        }
        .into(),
        ClientsRecorded {
            clients: vec![
                Client {
                    address: Some("192.0.2.7".parse().unwrap()),
                    user_id: None,
                    command_ids: vec![Uuid::from_u128(5)],
                },
                Client {
                    address: Some("192.0.2.8".parse().unwrap()),
                    user_id: Some(UserId(3)),
                    command_ids: vec![Uuid::from_u128(6)],
                },
            ],
        }
        .into(),
    ]
}
