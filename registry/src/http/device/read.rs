//! Questions about devices.

use crate::http::listed::{after, listed};
use crate::http::problem::Answer;
use crate::http::{Id, Query, Read};
use crate::read::{self, cursor::Page};
use actix_web::{HttpResponse, get};
use schemas::api::device::DeviceRead;
use schemas::api::page::PageQuery;
use schemas::id::DeviceId;

const LIST: &str = "devices";

/// List devices.
///
/// Those of the caller's accounts; administrators see all.
#[utoipa::path(
    tag = "Devices",
    operation_id = "list_devices",
    params(PageQuery),
    responses((status = 200, description = "A page of the devices.", body = Vec<DeviceRead>)),
)]
#[get("/device/list")]
pub async fn list_devices(read: Read, Query(page): Query<PageQuery>) -> Answer<HttpResponse> {
    let after = DeviceId(after(LIST, &page)?);
    let client = read.client().await?;
    let devices =
        read::device::list(&client, read.visible_accounts(), after, page.limit + 1).await?;
    Ok(listed(&Page::of(devices, page.limit, LIST, |device| {
        device.id
    })))
}

/// Get a device.
///
/// Visible to members of its account and to administrators, also when it was removed.
#[utoipa::path(
    tag = "Devices",
    operation_id = "get_device",
    params(("device_id" = i64, Path, description = "The device.")),
    responses(
        (status = 200, description = "The device.", body = DeviceRead),
        (status = 404, description = "device_not_found"),
    ),
)]
#[get("/device/{device_id}")]
pub async fn get_device(read: Read, Id(device_id): Id<DeviceId>) -> Answer<HttpResponse> {
    let device = read.device(&read.client().await?, device_id).await?;
    Ok(HttpResponse::Ok().json(device))
}
