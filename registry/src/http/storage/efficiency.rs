//! How efficient storage devices are.

use super::unanswered;
use crate::http::certificate::foreign_cursor;
use crate::http::listed::listed;
use crate::http::problem::Answer;
use crate::http::{Id, Query, Read, Write, may};
use crate::read::cursor::{Page, decode};
use crate::read::storage as stored;
use actix_web::{HttpResponse, get, post};
use chrono::{DateTime, TimeDelta, Utc};
use ledger::command::FixStorageEfficiency;
use ledger::{Command, Event};
use schemas::api::page::PageQuery;
use schemas::api::storage::{FixEfficiency, StorageEfficiency};
use schemas::event::LedgerEvent;
use schemas::id::DeviceId;

const LIST: &str = "storage_efficiencies";

/// Fix an efficiency.
///
/// For the discharges that start in a window: as the validator states it, or measured as Wh discharged per
/// Wh charged over all records of the window, whose difference is its loss. Windows do not overlap; one
/// that no allocation rests on may be fixed anew.
#[utoipa::path(
    tag = "Storage",
    operation_id = "fix_storage_efficiency",
    request_body = FixEfficiency,
    responses(
        (status = 201, description = "The efficiency as fixed.", body = StorageEfficiency),
        (status = 403, description = "account_access_denied"),
        (status = 404, description = "device_not_found"),
        (status = 409, description = "storage_window_fixed"),
        (status = 422, description = "request_invalid, device_removed, device_not_storage, interval_order, \
            storage_window, storage_efficiency_range, list_too_long"),
    ),
)]
#[post("/storage/efficiency")]
pub async fn fix_efficiency(
    write: Write<may::ValidateStorage, FixEfficiency>,
) -> Answer<HttpResponse> {
    let device_id = write.caller.own_device(write.body.device_id).await?;
    let command = Command::FixStorageEfficiency(FixStorageEfficiency {
        device_id,
        from: write.body.from,
        to: write.body.to,
        stated: write.body.storage_efficiency_factor.map(|factor| factor.0),
    });
    let receipt = write.execute(command).await?;
    let recorded = receipt
        .events
        .into_iter()
        .find_map(|(_, event)| match event {
            Event::Ledger(LedgerEvent::StorageEfficiencyFixed(fixed)) => Some(fixed),
            _ => None,
        });
    let event = recorded.ok_or_else(|| unanswered("an efficiency fixed left no event"))?;
    let fixed = event.fixed;
    Ok(HttpResponse::Created().json(stored::shown_efficiency(
        event.device_id,
        (fixed.window.start(), fixed.window.end()),
        fixed.efficiency,
        fixed.is_measured,
        receipt.recorded_at,
    )))
}

/// List efficiencies and losses.
///
/// Of a storage device, by the start of their windows.
#[utoipa::path(
    tag = "Storage",
    operation_id = "list_storage_efficiencies",
    params(("device_id" = i64, Path, description = "The storage device."), PageQuery),
    responses(
        (status = 200, description = "A page of the efficiencies.", body = Vec<StorageEfficiency>),
        (status = 404, description = "device_not_found"),
        (status = 422, description = "request_invalid"),
    ),
)]
#[get("/storage/efficiency/{device_id}")]
pub async fn list_efficiencies(
    read: Read,
    Id(device_id): Id<DeviceId>,
    Query(page): Query<PageQuery>,
) -> Answer<HttpResponse> {
    let after: DateTime<Utc> = match page.cursor.as_deref() {
        // Before all that has a year of four digits.
        None => DateTime::UNIX_EPOCH - TimeDelta::days(800_000),
        Some(cursor) => decode(LIST, cursor).ok_or_else(|| foreign_cursor("cursor"))?,
    };
    let client = read.client().await?;
    let device_id = read.seen_device(&client, device_id).await?;
    let found = stored::efficiencies(&client, device_id, after, page.limit + 1).await?;
    Ok(listed(&Page::of(found, page.limit, LIST, |last| {
        last.efficiency_factor_interval_start
    })))
}
