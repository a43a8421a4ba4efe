//! Rules of enrolment.

use super::command::EnrolGateway;
use super::{check_devices, checked_name};
use crate::account::open_account;
use crate::context::Context;
use crate::decide::Decision;
use crate::key::{Key, key_digest};
use crate::refusal::{Code, Refusal};
use crate::state::{Entries, get};
use schemas::event::LedgerEvent;
use schemas::event::gateway::GatewayEnrolled;
use schemas::interval::rfc3339;

pub(crate) fn needed(entries: &impl Entries, enrol: &EnrolGateway, keys: &mut Vec<Key>) {
    keys.push(Key::GatewayCode(enrol.code));
    keys.push(Key::GatewayKey(key_digest(enrol.public_key.key_id())));
    // Whose gateway it becomes is known once the code is loaded.
    if let Ok(Some(code)) = get::gateway_code(entries, enrol.code) {
        keys.push(Key::Account(code.account_id));
        for device_id in &code.device_ids {
            keys.push(Key::Device(*device_id));
            keys.push(Key::GatewayStream(*device_id));
        }
    }
}

/// Enrols a gateway. The same key with the same code again changes nothing: its answer was lost.
pub(crate) fn enrol(
    entries: &impl Entries,
    enrol: &EnrolGateway,
    context: &Context,
) -> Result<Decision, Refusal> {
    let key_id = enrol.public_key.key_id();
    let code = get::gateway_code(entries, enrol.code)?.ok_or_else(|| {
        Refusal::new(Code::GatewayCodeUnknown, "there is no such code").at("/code")
    })?;
    if let Some((_, by)) = code.used_by {
        if by == key_id {
            return Ok(Decision::default());
        }
        let rule = "another gateway enrolled with this code; ask for a new one";
        return Err(Refusal::new(Code::GatewayCodeUsed, rule).at("/code"));
    }
    if code.expires_at <= context.now {
        let rule = format!("the code was valid until {}", rfc3339(code.expires_at));
        return Err(Refusal::new(Code::GatewayCodeExpired, rule).at("/code"));
    }
    if get::gateway_key(entries, key_id)?.is_some() {
        let rule = "a key belongs to one gateway for ever; make a new one";
        return Err(Refusal::new(Code::GatewayKeyTaken, rule).at("/public_key"));
    }
    open_account(entries, code.account_id)?;
    check_devices(entries, code.account_id, &code.device_ids, "code")?;
    Ok(LedgerEvent::from(GatewayEnrolled {
        gateway_id: get::counters(entries)?.gateway,
        account_id: code.account_id,
        name: checked_name(enrol.name.as_deref())?,
        code: enrol.code,
        device_ids: code.device_ids.clone(),
        key_id,
        public_key: enrol.public_key.clone(),
    })
    .into())
}
