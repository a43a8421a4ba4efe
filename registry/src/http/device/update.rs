//! Devices change and are removed.

use super::shown;
use crate::http::problem::{Answer, Problem};
use crate::http::{Id, Write, may};
use actix_web::{HttpResponse, delete, patch};
use ledger::command::{self, DevicePatch};
use ledger::{Command, Event};
use schemas::api::device::{DeviceRead, UpdateDevice};
use schemas::event::LedgerEvent;
use schemas::id::DeviceId;

/// Update a device.
///
/// Certificates already issued stay as and where they are. To hand the device to another account, the
/// caller must be a member of both.
#[utoipa::path(
    tag = "Devices",
    operation_id = "update_device",
    params(("device_id" = i64, Path, description = "The device.")),
    request_body = UpdateDevice,
    responses(
        (status = 200, description = "The device as it is now.", body = DeviceRead),
        (status = 404, description = "device_not_found, account_not_found"),
        (status = 422, description = "request_invalid, device_removed, device_imported, account_closed, value_out_of_range"),
    ),
)]
#[patch("/device/update/{device_id}")]
pub async fn update_device(
    request: Write<may::ManageDevices, UpdateDevice>,
    Id(device_id): Id<DeviceId>,
) -> Answer<HttpResponse> {
    let caller = &request.caller;
    let device = caller.device(&caller.client().await?, device_id).await?;
    caller.acts_for(device.account_id)?;
    let account_id = match request.body.account_id {
        Some(named) => Some(caller.member_of(named).await?),
        None => None,
    };
    let command = Command::UpdateDevice(Box::new(command::UpdateDevice {
        device_id: device.id,
        account_id,
        patch: patch_of(request.body.clone()),
    }));
    let receipt = request.execute(command).await?;
    let updated = receipt.events.iter().find_map(|(_, event)| match event {
        Event::Ledger(LedgerEvent::DeviceUpdated(updated)) => Some(updated.clone()),
        _ => None,
    });
    let updated = updated.ok_or_else(|| Problem::internal(&"an updated device left no event"))?;
    Ok(HttpResponse::Ok().json(shown(
        device.id,
        updated.account_id,
        device.created_at,
        updated.attributes,
        device.debt_wh,
    )))
}

fn patch_of(wanted: UpdateDevice) -> DevicePatch {
    DevicePatch {
        device_name: wanted.device_name,
        local_device_identifier: wanted.local_device_identifier,
        device_unique_id: wanted.device_unique_id,
        grid: wanted.grid,
        energy_source: wanted.energy_source,
        technology_type: wanted.technology_type,
        operational_date: wanted.operational_date,
        capacity_w: wanted.capacity,
        peak_demand_w: wanted.peak_demand,
        location: wanted.location,
        gps_location: wanted.gps_location,
    }
}

/// Take a device out of the registry.
///
/// Its certificates stay.
#[utoipa::path(
    tag = "Devices",
    operation_id = "delete_device",
    params(("device_id" = i64, Path, description = "The device.")),
    responses(
        (status = 200, description = "The device, removed.", body = DeviceRead),
        (status = 404, description = "device_not_found"),
        (status = 422, description = "request_invalid, device_removed"),
    ),
)]
#[delete("/device/delete/{device_id}")]
pub async fn delete_device(
    request: Write<may::ManageDevices>,
    Id(device_id): Id<DeviceId>,
) -> Answer<HttpResponse> {
    let caller = &request.caller;
    let device = caller.device(&caller.client().await?, device_id).await?;
    caller.acts_for(device.account_id)?;
    request.execute(Command::RemoveDevice(device.id)).await?;
    Ok(HttpResponse::Ok().json(DeviceRead {
        is_deleted: true,
        ..device
    }))
}
