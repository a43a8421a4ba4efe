//! Sealing an event and opening it: AES-256-GCM under a random nonce (NIST SP 800-38D), bound to the event.

use super::PeopleError;
use super::field::{self, BEGINNING, MEMBER, Sealed};
use super::keys::{Found, Key, PersonKeys};
use crate::{NewEvent, RecordedEvent};
use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use rand::Rng;
use schemas::id::UserId;
use serde_json::{Map, Value, json};
use uuid::Uuid;

/// Seals what is personal in an event.
///
/// An event of somebody who was erased meanwhile is sealed under a key that nobody keeps: it was decided on a state
/// that is over, so the store refuses it.
pub(super) fn seal(
    keys: &PersonKeys,
    domain: &str,
    event: &mut NewEvent,
) -> Result<(), PeopleError> {
    let (event_id, is_beginning) = (event.event_id, event.event_type == BEGINNING);
    let sealed = replaced(event, |user_id, taken| {
        let key = match keys.find_or_make(domain, user_id)? {
            Found::Key(key) => key,
            _ if is_beginning => return Err(PeopleError::Reborn(user_id)),
            _ => Key::random(),
        };
        let plain = plain(event_id, taken)?;
        let sealed = encrypt(&key, event_id, &plain).ok_or(PeopleError::Damaged(event_id))?;
        let keys = keys.id();
        Ok(Sealed { keys, sealed })
    })?;
    if let Some(data) = sealed {
        event.data = data;
    }
    Ok(())
}

/// Bytes of an event once it is sealed; of one that can not be, as it is.
pub(super) fn size(event: &NewEvent) -> usize {
    let sealed = replaced(event, |_, taken| {
        let bytes = NONCE_LEN + plain(event.event_id, taken)?.len() + AES_256_GCM.tag_len();
        let sealed = "=".repeat(bytes.div_ceil(3) * 4);
        let keys = Uuid::nil();
        Ok(Sealed { keys, sealed })
    });
    match sealed {
        Ok(Some(data)) => event.size() - event.data.len() + data.len(),
        _ => event.size(),
    }
}

fn plain(event_id: Uuid, taken: &Map<String, Value>) -> Result<Vec<u8>, PeopleError> {
    serde_json::to_vec(taken).map_err(|error| payload_error(event_id, &error))
}

/// The payload of an event with what is personal in it replaced, part by part; none if nothing is.
fn replaced(
    event: &NewEvent,
    mut seal: impl FnMut(UserId, &Map<String, Value>) -> Result<Sealed, PeopleError>,
) -> Result<Option<Vec<u8>>, PeopleError> {
    let Some(personal) = field::personal(&event.event_type) else {
        return Ok(None);
    };
    let event_id = event.event_id;
    let failed = |error: serde_json::Error| payload_error(event_id, &error);
    let mut payload: Value = serde_json::from_slice(&event.data).map_err(failed)?;
    let mut is_sealed = false;
    let parts = personal.parts(&mut payload);
    for (user_id, part) in parts.map_err(|_| nobody(event_id))? {
        let taken = field::take(part, personal.fields);
        if taken.is_empty() {
            continue;
        }
        part[MEMBER] = json!(seal(user_id, &taken)?);
        is_sealed = true;
    }
    if !is_sealed {
        return Ok(None);
    }
    serde_json::to_vec(&payload).map(Some).map_err(failed)
}

/// Opens a sealed event; what can not be read any more is replaced by what stands for it. The event goes on carrying
/// what is stored, for the running hash.
pub(super) fn open(
    keys: &PersonKeys,
    lost: Option<Uuid>,
    domain: &str,
    event: &mut RecordedEvent,
) -> Result<(), PeopleError> {
    let personal = field::personal(&event.event_type).filter(|_| field::may_be_sealed(event));
    let Some(personal) = personal else {
        return Ok(());
    };
    let event_id = event.event_id;
    let failed = |error: serde_json::Error| payload_error(event_id, &error);
    let mut payload: Value = serde_json::from_slice(&event.data).map_err(failed)?;
    let mut is_opened = false;
    let parts = personal.parts(&mut payload);
    for (user_id, part) in parts.map_err(|_| nobody(event_id))? {
        let Some(sealed) = field::take_sealed(part) else {
            continue;
        };
        let found = if sealed.keys == keys.id() {
            keys.find(domain, user_id)?
        } else if Some(sealed.keys) == lost {
            Found::Destroyed
        } else {
            return Err(PeopleError::Other {
                path: keys.path().to_owned(),
                ours: keys.id(),
                theirs: sealed.keys,
            });
        };
        let fields = match found {
            Found::Key(key) => {
                decrypt(&key, event_id, &sealed.sealed).ok_or(PeopleError::Damaged(event_id))?
            }
            Found::Destroyed => field::placeholders(personal.fields, user_id),
            Found::Never => {
                let path = keys.path().to_owned();
                return Err(PeopleError::Outdated { path, user_id });
            }
        };
        field::put(part, fields);
        is_opened = true;
    }
    if !is_opened {
        return Ok(());
    }
    let opened = serde_json::to_vec(&payload).map_err(failed)?;
    event.sealed = Some(std::mem::replace(&mut event.data, opened));
    Ok(())
}

fn nobody(event_id: Uuid) -> PeopleError {
    let reason = "it names no user".into();
    PeopleError::Payload { event_id, reason }
}

fn payload_error(event_id: Uuid, error: &serde_json::Error) -> PeopleError {
    // The error itself could repeat what the payload says.
    let reason = format!("{:?} error in column {}", error.classify(), error.column()).into();
    PeopleError::Payload { event_id, reason }
}

fn cipher(key: &Key) -> Option<LessSafeKey> {
    Some(LessSafeKey::new(
        UnboundKey::new(&AES_256_GCM, &key.0).ok()?,
    ))
}

fn encrypt(key: &Key, event_id: Uuid, plain: &[u8]) -> Option<String> {
    let mut nonce = [0; NONCE_LEN];
    rand::rng().fill_bytes(&mut nonce);
    let mut sealed = plain.to_vec();
    let nonce_of_key = Nonce::assume_unique_for_key(nonce);
    cipher(key)?
        .seal_in_place_append_tag(nonce_of_key, Aad::from(event_id.as_bytes()), &mut sealed)
        .ok()?;
    Some(BASE64_STANDARD.encode([&nonce[..], &sealed].concat()))
}

fn decrypt(key: &Key, event_id: Uuid, sealed: &str) -> Option<Map<String, Value>> {
    let bytes = BASE64_STANDARD.decode(sealed).ok()?;
    let (nonce, sealed) = bytes.split_at_checked(NONCE_LEN)?;
    let nonce = Nonce::try_assume_unique_for_key(nonce).ok()?;
    let mut sealed = sealed.to_vec();
    let opened = cipher(key)?.open_in_place(nonce, Aad::from(event_id.as_bytes()), &mut sealed);
    serde_json::from_slice(opened.ok()?).ok()
}
