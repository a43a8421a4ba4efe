//! Which devices a gateway meters.

use super::command::ChangeGatewayDevices;
use super::{active, check_devices};
use crate::decide::Decision;
use crate::key::Key;
use crate::refusal::{Code, Refusal};
use crate::state::{Entries, get};
use schemas::event::LedgerEvent;
use schemas::event::gateway::GatewayDevicesChanged;
use schemas::gateway::limit::MAX_DEVICES;
use schemas::id::{DeviceId, GatewayId};

pub(crate) fn needed(change: &ChangeGatewayDevices, keys: &mut Vec<Key>) {
    keys.push(Key::Gateway(change.gateway_id));
    for device_id in &change.add {
        keys.push(Key::Device(*device_id));
    }
    let devices = change.add.iter().chain(&change.remove);
    keys.extend(devices.copied().map(Key::GatewayStream));
}

/// Changes which devices a gateway meters. What is so already stays so.
pub(crate) fn change(
    entries: &impl Entries,
    change: &ChangeGatewayDevices,
) -> Result<Decision, Refusal> {
    let gateway_id = change.gateway_id;
    let gateway = active(entries, gateway_id)?;
    check_devices(entries, gateway.account_id, &change.add, "add")?;
    if change.remove.len() > MAX_DEVICES {
        let rule = format!("a request names at most {MAX_DEVICES} devices");
        return Err(Refusal::new(Code::ListTooLong, rule).at("/remove"));
    }
    let mut added = Vec::new();
    for device_id in &change.add {
        if !is_metered_by(entries, *device_id, gateway_id)? {
            added.push(*device_id);
        }
    }
    let mut removed: Vec<DeviceId> = Vec::new();
    for (index, device_id) in change.remove.iter().enumerate() {
        let refuse = |code, rule| Err(Refusal::new(code, rule).at(format!("/remove/{index}")));
        if change.add.contains(device_id) {
            let rule = format!("device {device_id} is to be added and removed");
            return refuse(Code::ValueOutOfRange, rule);
        }
        if !is_metered_by(entries, *device_id, gateway_id)? {
            let rule = format!("gateway {gateway_id} does not meter device {device_id}");
            return refuse(Code::NotTheGatewaysDevice, rule);
        }
        if !removed.contains(device_id) {
            removed.push(*device_id);
        }
    }
    if added.is_empty() && removed.is_empty() {
        return Ok(Decision::default());
    }
    Ok(LedgerEvent::from(GatewayDevicesChanged {
        gateway_id,
        added,
        removed,
    })
    .into())
}

fn is_metered_by(
    entries: &impl Entries,
    device_id: DeviceId,
    gateway_id: GatewayId,
) -> Result<bool, Refusal> {
    let stream = get::gateway_stream(entries, device_id)?;
    Ok(stream.is_some_and(|stream| stream.gateway_id == Some(gateway_id)))
}
