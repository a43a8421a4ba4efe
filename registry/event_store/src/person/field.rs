//! Which fields of an event are personal, and what stands in their place once they can not be read any more.

use crate::RecordedEvent;
use schemas::envelope::Actor;
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

/// Where an event tells of people, by JSON pointers (RFC 6901).
pub(super) struct Personal {
    /// The list of which each element tells of somebody, or of nobody; none where the event as a whole tells of one
    /// person.
    list: Option<&'static str>,
    /// Whom it tells of, from the event or element on: an id, or an actor.
    user: &'static str,
    /// What is personal, from the event or element on.
    pub fields: &'static [&'static str],
}

/// Where an event of this type tells of people.
pub(super) fn personal(event_type: &str) -> Option<Personal> {
    let (list, user, fields): (_, _, &[_]) = match event_type {
        BEGINNING => (
            None,
            "/user_id",
            &[
                "/profile/name",
                "/profile/email",
                "/profile/organisation",
                "/profile/password_hash",
            ],
        ),
        "UserUpdated" => (
            None,
            "/user_id",
            &[
                "/previous_email",
                "/changes/name",
                "/changes/email",
                "/changes/organisation",
                "/changes/password_hash",
            ],
        ),
        "UserRemoved" => (None, "/user_id", &["/email"]),
        "SessionOpened" => (None, "/user_id", &["/client"]),
        "ApiKeyIssued" => (None, "/user_id", &["/name"]),
        "SecondFactorAdded" => (None, "/user_id", &["/sealed", "/recovery"]),
        "IdentityLinked" | "IdentityUnlinked" => (None, "/user_id", &["/identity"]),
        "AttemptsRecorded" => (Some("/attempts"), "/actor", &["/address"]),
        "ClientsRecorded" => (Some("/clients"), "/user_id", &["/address"]),
        _ => return None,
    };
    Some(Personal { list, user, fields })
}

impl Personal {
    /// The parts of an event that tell of a person each, and of whom.
    ///
    /// # Errors
    /// [`Nobody`] where an event that tells of one person does not name them.
    pub fn parts<'p>(
        &self,
        payload: &'p mut Value,
    ) -> Result<Vec<(UserId, &'p mut Value)>, Nobody> {
        let Some(list) = self.list else {
            let user_id = user(payload, self.user).ok_or(Nobody)?;
            return Ok(vec![(user_id, payload)]);
        };
        let elements = payload.pointer_mut(list).and_then(Value::as_array_mut);
        let parts = elements.into_iter().flatten();
        Ok(parts
            .filter_map(|part| Some((user(part, self.user)?, part)))
            .collect())
    }
}

/// Of whom an event tells something personal.
pub(super) fn people(event: &RecordedEvent) -> Vec<UserId> {
    let parts = personal(&event.event_type).and_then(|personal| {
        let mut payload: Value = serde_json::from_slice(&event.data).ok()?;
        let parts = personal.parts(&mut payload).ok()?;
        Some(parts.into_iter().map(|(user_id, _)| user_id).collect())
    });
    parts.unwrap_or_default()
}

/// An event of a person names none.
pub(super) struct Nobody;

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

fn user(part: &Value, pointer: &str) -> Option<UserId> {
    let named = part.pointer(pointer)?;
    let of_actor = || Actor::deserialize(named).ok()?.user_id();
    named.as_i64().map(UserId).or_else(of_actor)
}

/// Takes the fields out of a part of an event.
pub(super) fn take(part: &mut Value, fields: &[&str]) -> Map<String, Value> {
    let mut taken = Map::new();
    for field in fields {
        if let Some((object, name)) = parent(part, field)
            && let Some(value) = object.remove(name)
        {
            taken.insert((*field).to_owned(), value);
        }
    }
    taken
}

/// Puts fields into a part of an event.
pub(super) fn put(part: &mut Value, fields: Map<String, Value>) {
    for (field, value) in fields {
        if let Some((object, name)) = parent(part, &field) {
            object.insert(name.to_owned(), value);
        }
    }
}

/// Takes what is sealed out of a part of an event.
pub(super) fn take_sealed(part: &mut Value) -> Option<Sealed> {
    let member = part.as_object_mut()?.remove(MEMBER)?;
    serde_json::from_value(member).ok()
}

/// Whether anything may be sealed in the event: what parses as more is looked at then.
pub(super) fn may_be_sealed(event: &RecordedEvent) -> bool {
    let quoted = format!("\"{MEMBER}\":{{");
    let mut windows = event.data.windows(quoted.len());
    personal(&event.event_type).is_some() && windows.any(|window| window == quoted.as_bytes())
}

/// The id of the file that has the key for the event, if anything in it is sealed.
pub(super) fn file(event: &RecordedEvent) -> Option<Uuid> {
    let personal = personal(&event.event_type).filter(|_| may_be_sealed(event))?;
    let mut payload = serde_json::from_slice(&event.data).ok()?;
    let parts = personal.parts(&mut payload).ok()?;
    let mut sealed = parts.into_iter().filter_map(|(_, part)| take_sealed(part));
    sealed.next().map(|sealed| sealed.keys)
}

fn parent<'e, 'p>(
    part: &'e mut Value,
    field: &'p str,
) -> Option<(&'e mut Map<String, Value>, &'p str)> {
    let (parent, name) = field.rsplit_once('/')?;
    Some((part.pointer_mut(parent)?.as_object_mut()?, name))
}
