//! Rules of gateways: how they enrol, change their keys, and submit what they metered.
//!
//! Signatures are verified before a command reaches these rules. Whether a key still counts is decided
//! here, so that a revocation holds from its own position on.

pub(crate) mod code;
pub mod command;
pub(crate) mod device;
pub(crate) mod enrol;
pub(crate) mod envelope;
pub(crate) mod key;

pub use envelope::Accepted;

use crate::context::Context;
use crate::entry::{Gateway, GatewayKey};
use crate::refusal::{Code, Refusal};
use crate::state::{Entries, get};
use schemas::gateway::KeyId;
use schemas::gateway::limit::{MAX_DEVICES, MAX_TEXT_CHARS};
use schemas::id::{AccountId, DeviceId, GatewayId};
use schemas::interval::rfc3339;
use std::collections::BTreeSet;

/// Most keys a gateway may have had.
pub const MAX_KEYS: i64 = 1_000;
/// Longest reason of a revocation, in characters.
pub const MAX_REASON_CHARS: usize = 500;

/// The gateway, not revoked.
fn active(entries: &impl Entries, gateway_id: GatewayId) -> Result<&Gateway, Refusal> {
    let gateway = existing(entries, gateway_id)?;
    if gateway.is_revoked {
        return Err(Refusal::new(
            Code::GatewayRevoked,
            format!("gateway {gateway_id} was revoked"),
        ));
    }
    Ok(gateway)
}

fn existing(entries: &impl Entries, gateway_id: GatewayId) -> Result<&Gateway, Refusal> {
    get::gateway(entries, gateway_id)?.ok_or_else(|| {
        Refusal::new(
            Code::GatewayNotFound,
            format!("Gateway with id {gateway_id} not found"),
        )
    })
}

/// The key, if it is the gateway's.
fn key_of(
    entries: &impl Entries,
    gateway_id: GatewayId,
    key_id: KeyId,
) -> Result<&GatewayKey, Refusal> {
    get::gateway_key(entries, key_id)?
        .filter(|key| key.key_id == key_id && key.gateway_id == gateway_id)
        .ok_or_else(|| {
            Refusal::new(
                Code::GatewayKeyUnknown,
                format!("gateway {gateway_id} has no key {key_id}"),
            )
        })
}

/// The same, if what it signs counts.
fn accepted_key<'e>(
    entries: &'e impl Entries,
    gateway_id: GatewayId,
    key_id: KeyId,
    context: &Context,
) -> Result<(&'e Gateway, &'e GatewayKey), Refusal> {
    let key = key_of(entries, gateway_id, key_id)?;
    let gateway = existing(entries, gateway_id)?;
    let revoked = |rule: String| Err(Refusal::new(Code::GatewayKeyRevoked, rule));
    if gateway.is_revoked {
        return revoked(format!("gateway {gateway_id} was revoked"));
    }
    if key.is_revoked {
        return revoked(format!("key {key_id} was revoked"));
    }
    match key.accepted_until {
        Some(until) if until <= context.now => revoked(format!(
            "another key took the place of {key_id}, which was accepted until {}",
            rfc3339(until)
        )),
        _ => Ok((gateway, key)),
    }
}

/// Checks a list of devices of an account, each once.
fn check_devices(
    entries: &impl Entries,
    account_id: AccountId,
    device_ids: &[DeviceId],
    field: &str,
) -> Result<(), Refusal> {
    if device_ids.len() > MAX_DEVICES {
        let rule = format!("a request names at most {MAX_DEVICES} devices");
        return Err(Refusal::new(Code::ListTooLong, rule).at(format!("/{field}")));
    }
    let mut seen = BTreeSet::new();
    for (index, device_id) in device_ids.iter().enumerate() {
        let pointer = || format!("/{field}/{index}");
        let device =
            crate::device::metered(entries, *device_id).map_err(|refusal| refusal.at(pointer()))?;
        if device.account_id != account_id {
            return Err(Refusal::new(
                Code::DeviceNotFound,
                format!("account {account_id} has no device {device_id}"),
            )
            .at(pointer()));
        }
        if !seen.insert(device_id) {
            return Err(Refusal::new(
                Code::ValueOutOfRange,
                format!("device {device_id} is listed twice"),
            )
            .at(pointer()));
        }
    }
    Ok(())
}

/// A text that people read, without the space around it.
fn checked_text(text: &str, most: usize, field: &str) -> Result<String, Refusal> {
    let text = text.trim();
    if (1..=most).contains(&text.chars().count()) {
        return Ok(text.to_owned());
    }
    let rule = format!("{field} must have 1 to {most} characters that are not blank");
    Err(Refusal::new(Code::ValueOutOfRange, rule).at(format!("/{field}")))
}

fn checked_name(name: Option<&str>) -> Result<Option<String>, Refusal> {
    name.map(|name| checked_text(name, MAX_TEXT_CHARS, "name"))
        .transpose()
}
