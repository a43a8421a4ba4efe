//! Rules of a gateway's keys.

use super::command::{ChangeGatewayKey, RevokeGateway};
use super::{MAX_KEYS, MAX_REASON_CHARS, accepted_key, checked_text, existing, key_of};
use crate::context::Context;
use crate::decide::Decision;
use crate::key::{Key, key_digest};
use crate::refusal::{Code, Refusal};
use crate::state::{Entries, get};
use chrono::TimeDelta;
use schemas::event::LedgerEvent;
use schemas::event::gateway::{GatewayKeyAdded, GatewayKeyRevoked, GatewayRevoked};
use schemas::gateway::limit::KEY_OVERLAP_DAYS;

pub(crate) fn needed(change: &ChangeGatewayKey, keys: &mut Vec<Key>) {
    keys.push(Key::Gateway(change.gateway_id));
    keys.push(Key::GatewayKey(key_digest(change.current)));
    keys.push(Key::GatewayKey(key_digest(change.public_key.key_id())));
}

/// Gives a gateway another key; the one in use is accepted for a while, for what it has signed. The same
/// change again changes nothing: its answer was lost.
pub(crate) fn change(
    entries: &impl Entries,
    change: &ChangeGatewayKey,
    context: &Context,
) -> Result<Decision, Refusal> {
    let gateway_id = change.gateway_id;
    let new = change.public_key.key_id();
    let (gateway, current) = accepted_key(entries, gateway_id, change.current, context)?;
    if let Some(known) = get::gateway_key(entries, new)? {
        let is_repeat = known.key_id == new
            && known.gateway_id == gateway_id
            && !known.is_revoked
            && new != change.current
            && current.accepted_until.is_some();
        if is_repeat {
            return Ok(Decision::default());
        }
        let rule = "a key belongs to one gateway for ever; make a new one";
        return Err(Refusal::new(Code::GatewayKeyTaken, rule).at("/signed_by_new"));
    }
    if current.accepted_until.is_some() {
        let rule = format!("another key took the place of {}", change.current);
        return Err(Refusal::new(Code::GatewayKeyRevoked, rule).at("/signed_by_current"));
    }
    if gateway.keys >= MAX_KEYS {
        let rule = format!("a gateway has had at most {MAX_KEYS} keys; enrol it anew");
        return Err(Refusal::new(Code::ListTooLong, rule));
    }
    Ok(LedgerEvent::from(GatewayKeyAdded {
        gateway_id,
        key_id: new,
        public_key: change.public_key.clone(),
        replaces: change.current,
        accepted_until: context.now + TimeDelta::days(KEY_OVERLAP_DAYS),
    })
    .into())
}

pub(crate) fn needed_to_revoke(revoke: &RevokeGateway, keys: &mut Vec<Key>) {
    keys.push(Key::Gateway(revoke.gateway_id));
    keys.extend(revoke.key_id.map(|id| Key::GatewayKey(key_digest(id))));
}

/// Revokes a gateway or one of its keys; what is revoked already stays so.
pub(crate) fn revoke(entries: &impl Entries, revoke: &RevokeGateway) -> Result<Decision, Refusal> {
    let gateway_id = revoke.gateway_id;
    let gateway = existing(entries, gateway_id)?;
    let reason = checked_text(&revoke.reason, MAX_REASON_CHARS, "reason")?;
    let Some(key_id) = revoke.key_id else {
        if gateway.is_revoked {
            return Ok(Decision::default());
        }
        return Ok(LedgerEvent::from(GatewayRevoked { gateway_id, reason }).into());
    };
    let key = key_of(entries, gateway_id, key_id).map_err(|refusal| refusal.at("/key_id"))?;
    if key.is_revoked {
        return Ok(Decision::default());
    }
    Ok(LedgerEvent::from(GatewayKeyRevoked {
        gateway_id,
        key_id,
        reason,
    })
    .into())
}
