//! Which fields of an event are personal, and what stands in their place once they can not be read any more.

use crate::RecordedEvent;
use schemas::event::link::ExternalIdentity;
use schemas::id::UserId;
use schemas::person::{ERASED, erased_email, erased_name};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use uuid::Uuid;

/// The event after which a person's key is destroyed.
pub(super) const ERASURE: &str = "UserErased";
/// The event that a person begins with.
pub(super) const BEGINNING: &str = "UserRegistered";
/// The member that holds what was sealed, and its bytes in a payload.
pub(super) const MEMBER: &str = "personal";

/// What is sealed, as it stands in an event.
#[derive(Serialize, Deserialize)]
pub(super) struct Sealed {
    /// Id of the file of keys.
    pub keys: Uuid,
    /// Nonce and ciphertext, in base64.
    pub sealed: String,
}

/// JSON pointers (RFC 6901) to the personal fields of an event of this type, which names its user as `user_id`.
pub(super) fn personal(event_type: &str) -> &'static [&'static str] {
    match event_type {
        BEGINNING => &[
            "/profile/name",
            "/profile/email",
            "/profile/organisation",
            "/profile/password_hash",
        ],
        "UserUpdated" => &[
            "/previous_email",
            "/changes/name",
            "/changes/email",
            "/changes/organisation",
            "/changes/password_hash",
        ],
        "UserRemoved" => &["/email"],
        "SessionOpened" => &["/client"],
        "ApiKeyIssued" => &["/name"],
        "SecondFactorAdded" => &["/sealed", "/recovery"],
        "IdentityLinked" | "IdentityUnlinked" => &["/identity"],
        _ => &[],
    }
}

/// What stands in the place of a field: enough for the event to be read, and for its user to give up the names that
/// they held. A field without one is left out.
fn placeholder(field: &str, user_id: UserId) -> Option<Value> {
    Some(match field {
        "/profile/name" | "/changes/name" => json!(erased_name(user_id)),
        // Also where it did not change: whose it was is not known any more, so it is free.
        "/profile/email" | "/changes/email" => json!(erased_email(user_id)),
        "/previous_email" | "/email" => json!(Uuid::nil()),
        "/name" | "/sealed" => json!(ERASED),
        "/recovery" => json!([]),
        "/identity" => json!(ExternalIdentity::erased()),
        _ => return None,
    })
}

/// What stands in for these fields.
pub(super) fn placeholders(fields: &[&str], user_id: UserId) -> Map<String, Value> {
    let known = fields
        .iter()
        .filter_map(|field| placeholder(field, user_id).map(|value| ((*field).to_owned(), value)));
    known.collect()
}

/// Whom an event tells of.
pub(super) fn user(payload: &Value) -> Option<UserId> {
    payload["user_id"].as_i64().map(UserId)
}

/// Takes the fields out of an event.
pub(super) fn take(payload: &mut Value, fields: &[&str]) -> Map<String, Value> {
    let mut taken = Map::new();
    for field in fields {
        if let Some((object, name)) = parent(payload, field)
            && let Some(value) = object.remove(name)
        {
            taken.insert((*field).to_owned(), value);
        }
    }
    taken
}

/// Puts fields into an event.
pub(super) fn put(payload: &mut Value, fields: Map<String, Value>) {
    for (field, value) in fields {
        if let Some((object, name)) = parent(payload, &field) {
            object.insert(name.to_owned(), value);
        }
    }
}

/// Takes what is sealed out of an event.
pub(super) fn take_sealed(payload: &mut Value) -> Option<Sealed> {
    let member = payload.as_object_mut()?.remove(MEMBER)?;
    serde_json::from_value(member).ok()
}

/// Whether anything may be sealed in the event: what parses as more is looked at then.
pub(super) fn may_be_sealed(event: &RecordedEvent) -> bool {
    let quoted = format!("\"{MEMBER}\":{{");
    let mut windows = event.data.windows(quoted.len());
    !personal(&event.event_type).is_empty() && windows.any(|window| window == quoted.as_bytes())
}

/// The id of the file that has the key for the event, if anything in it is sealed.
pub(super) fn file(event: &RecordedEvent) -> Option<Uuid> {
    let mut payload = may_be_sealed(event)
        .then(|| serde_json::from_slice(&event.data).ok())
        .flatten()?;
    take_sealed(&mut payload).map(|sealed| sealed.keys)
}

fn parent<'e, 'p>(
    payload: &'e mut Value,
    field: &'p str,
) -> Option<(&'e mut Map<String, Value>, &'p str)> {
    let (parent, name) = field.rsplit_once('/')?;
    Some((payload.pointer_mut(parent)?.as_object_mut()?, name))
}
