//! The first administrator, whom nobody can register over HTTP.

use chrono::Utc;
use event_store::{EventStore, NewEvent, SqliteStore};
use registry::identity::Passwords;
use schemas::envelope::{Actor, Envelope};
use schemas::event::IdentityEvent;
use schemas::event::identity::{UserProfile, UserRegistered};
use schemas::id::UserId;
use schemas::life_cycle::Role;
use schemas::log::{Position, StreamName};
use std::borrow::Cow;
use std::path::Path;
use uuid::Uuid;

/// E-mail address and password of the first administrator of every registry here.
pub const FOUNDER: (&str, &str) = ("admin@registry.test", "correct horse admin");

/// Writes the first administrator into a new event store at `path`.
pub(crate) async fn found(path: &Path, domain: &str) {
    let (email, password) = FOUNDER;
    let event = IdentityEvent::from(UserRegistered {
        user_id: UserId(1),
        profile: UserProfile {
            name: "admin".into(),
            email: email.into(),
            role: Role::Admin,
            organisation: None,
            password_hash: Some(Passwords::default().hash(password.into()).await.unwrap()),
        },
    });
    let envelope = Envelope {
        recorded_at: Utc::now(),
        actor: Actor::System("test".into()),
        command_id: Uuid::now_v7(),
        correlation_id: Uuid::now_v7(),
        causation_id: None,
        idempotency: None,
    };
    let recorded = NewEvent {
        event_id: Uuid::now_v7(),
        event_type: Cow::Borrowed(event.event_type()),
        version: event.version(),
        data: event.encode(),
        metadata: serde_json::to_vec(&envelope).unwrap(),
    };
    let store = SqliteStore::open(path).unwrap();
    let stream = StreamName::identity(domain).unwrap();
    store
        .append(&stream, Position::START, vec![recorded])
        .await
        .unwrap();
    store.close().await;
}
