//! The devices that are read.

use super::problem::Problem;
use crate::config::DeviceConfig;
use crate::control::{Control, ControlError, Trial};
use crate::snapshot::Device;
use actix_web::web::{Data, Json, Path};
use actix_web::{HttpResponse, delete, get, post};
use schemas::api::problem::ProblemDocument;
use schemas::id::DeviceId;

/// List the devices with what was read of them last.
#[utoipa::path(
    tag = "Devices",
    operation_id = "list_devices",
    responses((status = 200, description = "In the order of the configuration.", body = Vec<Device>)),
)]
#[get("/devices")]
pub async fn list_devices(control: Data<Control>) -> Json<Vec<Device>> {
    Json(control.snapshot().devices.clone())
}

/// Get one device with what was read of it last.
#[utoipa::path(
    tag = "Devices",
    operation_id = "get_device",
    params(("device_id" = i64, Path, description = "Its id at the registry.")),
    responses(
        (status = 200, description = "The device.", body = Device),
        (status = 404, description = "device_not_found", body = ProblemDocument,
         content_type = "application/problem+json"),
    ),
)]
#[get("/devices/{device_id}")]
pub async fn get_device(
    control: Data<Control>,
    id: Path<DeviceId>,
) -> Result<Json<Device>, Problem> {
    let device_id = id.into_inner();
    let snapshot = control.snapshot();
    let device = snapshot
        .devices
        .iter()
        .find(|device| device.device_id == device_id);
    device
        .cloned()
        .map(Json)
        .ok_or_else(|| ControlError::NoSuchDevice { device_id }.into())
}

/// Add a device to the configuration and begin to read it.
#[utoipa::path(
    tag = "Devices",
    operation_id = "add_device",
    request_body = DeviceConfig,
    responses(
        (status = 201, description = "It is configured; its state tells how reading goes.", body = DeviceConfig),
        (status = 409, description = "device_there", body = ProblemDocument,
         content_type = "application/problem+json"),
        (status = 422, description = "request_invalid, malformed_body", body = ProblemDocument,
         content_type = "application/problem+json"),
        (status = 503, description = "busy, stopping", body = ProblemDocument,
         content_type = "application/problem+json"),
    ),
)]
#[post("/devices")]
pub async fn add_device(
    control: Data<Control>,
    device: Json<DeviceConfig>,
) -> Result<HttpResponse, Problem> {
    let device = device.into_inner();
    control.add_device(device.clone()).await?;
    Ok(HttpResponse::Created()
        .insert_header(("Location", format!("/devices/{}", device.id)))
        .json(device))
}

/// Remove a device from the configuration. What was taken of it is still sent.
#[utoipa::path(
    tag = "Devices",
    operation_id = "remove_device",
    params(("device_id" = i64, Path, description = "Its id at the registry.")),
    responses(
        (status = 204, description = "It is read no more."),
        (status = 404, description = "device_not_found", body = ProblemDocument,
         content_type = "application/problem+json"),
        (status = 503, description = "busy, stopping", body = ProblemDocument,
         content_type = "application/problem+json"),
    ),
)]
#[delete("/devices/{device_id}")]
pub async fn remove_device(
    control: Data<Control>,
    id: Path<DeviceId>,
) -> Result<HttpResponse, Problem> {
    control.remove_device(id.into_inner()).await?;
    Ok(HttpResponse::NoContent().finish())
}

/// Read a device once without configuring it. Nothing of it is kept or sent.
#[utoipa::path(
    tag = "Devices",
    operation_id = "try_device",
    request_body = DeviceConfig,
    responses(
        (status = 200, description = "What it answered.", body = Trial),
        (status = 422, description = "request_invalid, malformed_body", body = ProblemDocument,
         content_type = "application/problem+json"),
        (status = 502, description = "device_unreadable", body = ProblemDocument,
         content_type = "application/problem+json"),
        (status = 503, description = "busy, stopping", body = ProblemDocument,
         content_type = "application/problem+json"),
    ),
)]
#[post("/devices/try")]
pub async fn try_device(
    control: Data<Control>,
    device: Json<DeviceConfig>,
) -> Result<Json<Trial>, Problem> {
    Ok(Json(control.try_device(device.into_inner()).await?))
}
