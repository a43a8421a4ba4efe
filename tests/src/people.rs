//! The people of every registry here: they are in its log from the start, because nobody can register
//! the first administrator over HTTP, and because registering the others costs each test a second.

use crate::event;
use event_store::NewEvent;
use registry::config::Config;
use schemas::event::IdentityEvent;
use schemas::event::identity::{UserProfile, UserRegistered};
use schemas::id::UserId;
use schemas::life_cycle::Role;
use schemas::log::{Position, StreamName};

/// Their password.
pub const PASSWORD: &str = "correct horse battery";
/// The same with argon2id's lowest costs, so that signing in takes no time.
const HASH: &str = "$argon2id$v=19$m=8,t=1,p=1$6Ud6Lety+voCBc3Z+h+e5g$\
                    9MsVN1Do5txtFgQZdAuDMw45Fh8I1/9Cc5TjkuV0Bqs";

/// Names and roles; the first one has id 1 and so on.
pub(crate) const PEOPLE: [(&str, Role); 4] = [
    ("admin", Role::Admin),
    ("producer", Role::Production),
    ("trader", Role::Trading),
    ("auditor", Role::Audit),
];

/// Somebody's e-mail address.
pub fn email(name: &str) -> String {
    format!("{name}@registry.test")
}

/// Writes the people into a new event store.
pub(crate) async fn found(config: &Config) {
    let events = (1..)
        .zip(PEOPLE)
        .map(|(id, (name, role))| registered(id, name, role))
        .collect();
    let plain = config.event_store_location().unwrap().open().await.unwrap();
    let stream = StreamName::identity(&config.domain).unwrap();
    let keys = config.people_keys().unwrap();
    let store = keys.seal(plain, &stream).await.unwrap();
    store
        .append(&stream, Position::START, events)
        .await
        .unwrap();
    store.close().await;
}

fn registered(id: i64, name: &str, role: Role) -> NewEvent {
    let registered = IdentityEvent::from(UserRegistered {
        user_id: UserId(id),
        profile: UserProfile {
            name: name.to_owned(),
            email: email(name),
            role,
            organisation: None,
            password_hash: Some(HASH.to_owned()),
        },
    });
    event(
        registered.event_type(),
        registered.version(),
        registered.encode(),
    )
}
