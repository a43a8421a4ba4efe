//! Meters of a device beside its own.

use crate::http::listed::{after, listed};
use crate::http::problem::{Answer, Problem};
use crate::http::{Id, Query, Read, Write, may};
use crate::read::{self, cursor::Page};
use actix_web::{HttpResponse, get, patch, post};
use ledger::command::{self, RegisterMeter};
use ledger::refusal::Code;
use ledger::{Command, Event};
use schemas::api::meter::{CreateMeter, MeterRead, UpdateMeter};
use schemas::api::page::PageQuery;
use schemas::event::LedgerEvent;
use schemas::id::DeviceId;

const LIST: &str = "meters";

/// Give a device a further meter.
///
/// Beside its own, for readings that name it. Certificates are numbered per device, whichever meter
/// counted the energy, and capacity limits what all meters count together.
#[utoipa::path(
    tag = "Devices",
    operation_id = "create_meter",
    params(("device_id" = i64, Path, description = "The device.")),
    request_body = CreateMeter,
    responses(
        (status = 201, description = "The new meter.", body = MeterRead),
        (status = 404, description = "device_not_found"),
        (status = 422, description = "request_invalid, device_removed, value_out_of_range, \
            meter_identifier_taken, list_too_long"),
    ),
)]
#[post("/device/{device_id}/meters")]
pub async fn create_meter(
    request: Write<may::ManageDevices, CreateMeter>,
    Id(device_id): Id<DeviceId>,
) -> Answer<HttpResponse> {
    let caller = &request.caller;
    let device = caller.device(&caller.client().await?, device_id).await?;
    caller.acts_for(device.account_id)?;
    let device_id = device.id;
    let command = Command::RegisterMeter(RegisterMeter {
        device_id,
        identifier: request.body.meter_identifier.clone(),
        is_active: request.body.is_active,
    });
    let receipt = request.execute(command).await?;
    let registered = receipt.events.iter().find_map(|(_, event)| match event {
        Event::Ledger(LedgerEvent::MeterRegistered(registered)) => Some(registered),
        _ => None,
    });
    let meter = registered.ok_or_else(|| Problem::internal(&"a new meter left no event"))?;
    Ok(HttpResponse::Created().json(MeterRead {
        device_id,
        meter_identifier: meter.meter_identifier.clone(),
        is_active: meter.is_active,
        created_at: receipt.recorded_at,
    }))
}

/// Accept readings of a meter, or no longer.
///
/// What it counted before stays, and can be issued and corrected.
#[utoipa::path(
    tag = "Devices",
    operation_id = "update_meter",
    params(("device_id" = i64, Path, description = "The device.")),
    request_body = UpdateMeter,
    responses(
        (status = 200, description = "The meter as it is now.", body = MeterRead),
        (status = 404, description = "device_not_found, meter_not_found"),
        (status = 422, description = "request_invalid, device_removed"),
    ),
)]
#[patch("/device/{device_id}/meters")]
pub async fn update_meter(
    request: Write<may::ManageDevices, UpdateMeter>,
    Id(device_id): Id<DeviceId>,
) -> Answer<HttpResponse> {
    let (caller, asked) = (&request.caller, &request.body);
    let client = caller.client().await?;
    let device = caller.device(&client, device_id).await?;
    caller.acts_for(device.account_id)?;
    let device_id = device.id;
    let meter = read::meter::named(&client, device_id, asked.meter_identifier.trim()).await?;
    let command = Command::UpdateMeter(command::UpdateMeter {
        device_id,
        identifier: asked.meter_identifier.clone(),
        is_active: asked.is_active,
    });
    request.execute(command).await?;
    let meter = meter
        .ok_or_else(|| Problem::not_found(Code::MeterNotFound, "Meter", &asked.meter_identifier))?;
    Ok(HttpResponse::Ok().json(MeterRead {
        is_active: asked.is_active,
        ..meter
    }))
}

/// List the meters of a device.
///
/// Those beside its own, in the order they were registered. Visible to members of its account and to
/// administrators.
#[utoipa::path(
    tag = "Devices",
    operation_id = "list_meters",
    params(("device_id" = i64, Path, description = "The device."), PageQuery),
    responses(
        (status = 200, description = "A page of the meters.", body = Vec<MeterRead>),
        (status = 404, description = "device_not_found"),
    ),
)]
#[get("/device/{device_id}/meters")]
pub async fn list_meters(
    read: Read,
    Id(device_id): Id<DeviceId>,
    Query(page): Query<PageQuery>,
) -> Answer<HttpResponse> {
    let after = after(LIST, &page)?;
    let client = read.client().await?;
    let device_id = read.seen_device(&client, device_id).await?;
    let found = read::meter::of_device(&client, device_id, after, page.limit + 1).await?;
    let found = Page::of(found, page.limit, LIST, |(number, _)| *number);
    Ok(listed(&Page {
        entries: found.entries.into_iter().map(|(_, meter)| meter).collect(),
        next_cursor: found.next_cursor,
    }))
}
