//! Events that no registry wrote.

use chrono::Utc;
use event_store::NewEvent;
use schemas::envelope::{Actor, Envelope};
use std::borrow::Cow;
use uuid::Uuid;

/// An event of now, by nobody.
pub fn event(event_type: impl Into<Cow<'static, str>>, version: u16, data: Vec<u8>) -> NewEvent {
    let envelope = Envelope {
        recorded_at: Utc::now(),
        actor: Actor::System("test".into()),
        command_id: Uuid::now_v7(),
        correlation_id: Uuid::now_v7(),
        causation_id: None,
        idempotency: None,
        origin: None,
    };
    NewEvent {
        event_id: Uuid::now_v7(),
        event_type: event_type.into(),
        version,
        data,
        metadata: serde_json::to_vec(&envelope).unwrap(),
    }
}
