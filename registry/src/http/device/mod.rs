//! Production and consumption devices.

mod meter;
mod read;
mod register;
mod update;

use actix_web::web::ServiceConfig;
use chrono::{DateTime, Utc};
use schemas::WattHours;
use schemas::api::ExactNumber;
use schemas::api::device::DeviceRead;
use schemas::event::device::DeviceAttributes;
use schemas::id::{AccountId, DeviceId};

/// The routes; fixed segments before ids.
pub fn routes(config: &mut ServiceConfig) {
    config
        .service(register::create_device)
        .service(update::update_device)
        .service(update::delete_device)
        .service(meter::create_meter)
        .service(meter::update_meter)
        .service(meter::list_meters)
        .service(read::list_devices)
        .service(read::get_device);
}

/// The routes as the OpenAPI document lists them.
#[derive(utoipa::OpenApi)]
#[openapi(paths(
    register::create_device,
    update::update_device,
    update::delete_device,
    meter::create_meter,
    meter::update_meter,
    meter::list_meters,
    read::list_devices,
    read::get_device,
))]
pub struct Document;

/// A device as an event records it.
fn shown(
    id: DeviceId,
    account_id: AccountId,
    created_at: DateTime<Utc>,
    attributes: DeviceAttributes,
    debt_wh: WattHours,
) -> DeviceRead {
    DeviceRead {
        id,
        created_at,
        device_name: attributes.device_name,
        local_device_identifier: attributes.local_device_identifier,
        grid: attributes.grid,
        energy_source: attributes.energy_source,
        technology_type: attributes.technology_type,
        operational_date: attributes.operational_date,
        capacity: ExactNumber::megawatts(attributes.capacity_w),
        peak_demand: ExactNumber::megawatts(attributes.peak_demand_w),
        location: attributes.location,
        is_storage: attributes.is_storage,
        account_id,
        device_type: attributes.device_type,
        device_unique_id: attributes.device_unique_id,
        gps_location: attributes.gps_location.map(Into::into),
        is_deleted: false,
        debt_wh,
    }
}
