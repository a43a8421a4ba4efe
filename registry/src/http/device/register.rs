//! Devices are registered.

use super::shown;
use crate::http::problem::{Answer, Problem};
use crate::http::{Write, may};
use actix_web::{HttpResponse, post};
use ledger::command::RegisterDevice;
use ledger::{Command, Event};
use schemas::WattHours;
use schemas::api::device::{CreateDevice, DeviceRead};
use schemas::event::LedgerEvent;
use schemas::event::device::DeviceAttributes;

/// Register a device.
///
/// Capacity and peak demand are in MW.
#[utoipa::path(
    tag = "Devices",
    operation_id = "create_device",
    request_body = CreateDevice,
    responses(
        (status = 200, description = "The new device.", body = DeviceRead),
        (status = 404, description = "account_not_found"),
        (status = 422, description = "request_invalid, account_closed, value_out_of_range"),
    ),
)]
#[post("/device/create")]
pub async fn create_device(
    request: Write<may::ManageDevices, CreateDevice>,
) -> Answer<HttpResponse> {
    let account_id = request.caller.member_of(request.body.account_id).await?;
    let command = Command::RegisterDevice(RegisterDevice {
        account_id,
        attributes: attributes(request.body.clone()),
    });
    let receipt = request.execute(command).await?;
    let registered = receipt.events.iter().find_map(|(_, event)| match event {
        Event::Ledger(LedgerEvent::DeviceRegistered(registered)) => Some(registered.clone()),
        _ => None,
    });
    let device = registered.ok_or_else(|| Problem::internal(&"a new device left no event"))?;
    Ok(HttpResponse::Ok().json(shown(
        device.device_id,
        device.account_id,
        receipt.recorded_at,
        device.attributes,
        WattHours::ZERO,
    )))
}

fn attributes(wanted: CreateDevice) -> DeviceAttributes {
    DeviceAttributes {
        device_name: wanted.device_name,
        local_device_identifier: wanted.local_device_identifier,
        device_unique_id: wanted.device_unique_id,
        grid: wanted.grid,
        energy_source: wanted.energy_source,
        technology_type: wanted.technology_type,
        device_type: wanted.device_type,
        operational_date: wanted.operational_date,
        capacity_w: wanted.capacity,
        peak_demand_w: wanted.peak_demand,
        location: wanted.location,
        gps_location: wanted.gps_location,
        is_storage: wanted.is_storage,
    }
}
