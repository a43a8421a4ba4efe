//! Rules of production and consumption devices.

use crate::account::open_account;
use crate::command::{DevicePatch, RegisterDevice, UpdateDevice};
use crate::entry::Device;
use crate::refusal::{Code, Refusal};
use crate::state::{Entries, get};
use schemas::event::LedgerEvent;
use schemas::event::device::{DeviceAttributes, DeviceRegistered, DeviceRemoved, DeviceUpdated};
use schemas::id::DeviceId;

/// Longest text of a device's attribute, in characters.
pub const MAX_TEXT_CHARS: usize = 500;
/// Largest capacity of a device, in watts: 1 TW, far beyond any plant and far below 64 bit.
pub const MAX_POWER_W: i64 = 1_000_000_000_000;

/// The device, still registered.
pub(crate) fn existing(entries: &impl Entries, device_id: DeviceId) -> Result<&Device, Refusal> {
    let device = get::device(entries, device_id)?.ok_or_else(|| {
        Refusal::new(
            Code::DeviceNotFound,
            format!("Device with id {device_id} not found"),
        )
    })?;
    if device.is_removed {
        return Err(Refusal::new(
            Code::DeviceRemoved,
            format!("Device {device_id} was removed from the registry"),
        ));
    }
    Ok(device)
}

/// The device, still registered and metered here.
pub(crate) fn metered(entries: &impl Entries, device_id: DeviceId) -> Result<&Device, Refusal> {
    let device = existing(entries, device_id)?;
    if let Some(origin) = &device.origin {
        return Err(Refusal::new(
            Code::DeviceImported,
            format!(
                "Device {device_id} is device {} of registry {}, which meters it and issues for it",
                origin.device, origin.registry
            ),
        ));
    }
    Ok(device)
}

pub(crate) fn check(attributes: &DeviceAttributes) -> Result<(), Refusal> {
    let out_of_range = |field: &str, rule: String| {
        Refusal::new(Code::ValueOutOfRange, rule).at(format!("/{field}"))
    };
    let texts = [
        ("device_name", Some(&attributes.device_name), 1),
        ("grid", Some(&attributes.grid), 1),
        ("location", Some(&attributes.location), 0),
        (
            "local_device_identifier",
            attributes.local_device_identifier.as_ref(),
            1,
        ),
        ("device_unique_id", attributes.device_unique_id.as_ref(), 1),
    ];
    for (field, text, least) in texts {
        if text.is_some_and(|text| !(least..=MAX_TEXT_CHARS).contains(&text.chars().count())) {
            return Err(out_of_range(
                field,
                format!("{field} must have {least} to {MAX_TEXT_CHARS} characters"),
            ));
        }
    }
    for (field, power) in [
        ("capacity", attributes.capacity_w),
        ("peak_demand", attributes.peak_demand_w),
    ] {
        if !(0..=MAX_POWER_W).contains(&power.0) {
            return Err(out_of_range(
                field,
                format!("{field} must be 0 to {} MW", MAX_POWER_W / 1_000_000),
            ));
        }
    }
    Ok(())
}

pub(crate) fn register(
    entries: &impl Entries,
    register: &RegisterDevice,
) -> Result<LedgerEvent, Refusal> {
    open_account(entries, register.account_id)?;
    check(&register.attributes)?;
    Ok(DeviceRegistered {
        device_id: get::counters(entries)?.device,
        account_id: register.account_id,
        attributes: register.attributes.clone(),
        origin: None,
    }
    .into())
}

fn patched(attributes: &DeviceAttributes, patch: &DevicePatch) -> DeviceAttributes {
    let text = |new: &Option<String>, old: &String| new.clone().unwrap_or_else(|| old.clone());
    DeviceAttributes {
        device_name: text(&patch.device_name, &attributes.device_name),
        local_device_identifier: patch
            .local_device_identifier
            .clone()
            .or_else(|| attributes.local_device_identifier.clone()),
        device_unique_id: patch
            .device_unique_id
            .clone()
            .or_else(|| attributes.device_unique_id.clone()),
        grid: text(&patch.grid, &attributes.grid),
        energy_source: patch.energy_source.unwrap_or(attributes.energy_source),
        technology_type: patch.technology_type.unwrap_or(attributes.technology_type),
        device_type: attributes.device_type,
        operational_date: patch
            .operational_date
            .unwrap_or(attributes.operational_date),
        capacity_w: patch.capacity_w.unwrap_or(attributes.capacity_w),
        peak_demand_w: patch.peak_demand_w.unwrap_or(attributes.peak_demand_w),
        location: text(&patch.location, &attributes.location),
        gps_location: patch.gps_location.or(attributes.gps_location),
        is_storage: attributes.is_storage,
    }
}

pub(crate) fn update(
    entries: &impl Entries,
    update: &UpdateDevice,
) -> Result<LedgerEvent, Refusal> {
    let device = existing(entries, update.device_id)?;
    let account_id = update.account_id.unwrap_or(device.account_id);
    open_account(entries, account_id)?;
    let attributes = patched(&device.attributes, &update.patch);
    if attributes != device.attributes {
        // What is true of a device is said where it is metered.
        metered(entries, update.device_id)?;
    }
    check(&attributes)?;
    Ok(DeviceUpdated {
        device_id: update.device_id,
        previous_account_id: device.account_id,
        account_id,
        attributes,
    }
    .into())
}

pub(crate) fn remove(entries: &impl Entries, device_id: DeviceId) -> Result<LedgerEvent, Refusal> {
    let device = existing(entries, device_id)?;
    Ok(DeviceRemoved {
        device_id,
        account_id: device.account_id,
    }
    .into())
}
