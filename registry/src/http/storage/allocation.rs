//! Allocation of discharges to charges.

use super::ids::ids;
use super::upload::Upload;
use super::{template, unanswered};
use crate::http::certificate::foreign_cursor;
use crate::http::listed::listed;
use crate::http::problem::{Answer, EdgeCode, Problem};
use crate::http::{Caller, Id, Query, Read, Write, may};
use crate::read::cursor::Page;
use crate::read::storage as stored;
use crate::sequencer::Receipt;
use crate::storage::ALLOCATION_TEMPLATE;
use actix_web::{HttpRequest, HttpResponse, get, post};
use chrono::{TimeDelta, Utc};
use ledger::command;
use ledger::refusal::Code;
use ledger::{Command, Event};
use schemas::WattHours;
use schemas::api::page::PageQuery;
use schemas::api::storage::{
    AllocateStorage, AllocatedFilter, AllocatedIds, AllocatedRecord, AllocationAnswer,
    AllocationUpload, SubmitAllocations, Uncovered,
};
use schemas::event::LedgerEvent;
use schemas::event::storage::StorageAllocated;
use schemas::id::{AllocationId, DeviceId, StorageRecordId};
use std::collections::BTreeMap;

/// Days before now that allocations are listed of unless asked otherwise.
const DEFAULT_DAYS: i64 = 7;
/// Most days that one list reaches over.
const MAX_DAYS: i64 = 30;

/// Get the CSV template for allocations.
#[utoipa::path(
    tag = "Storage",
    operation_id = "get_storage_allocation_template",
    responses((status = 200, description = "Header and two rows.", body = String, content_type = "text/csv")),
)]
#[get("/storage/storage_allocation_template")]
pub async fn get_allocation_template(_: Caller<may::Read>) -> HttpResponse {
    template("storage_allocation_template", ALLOCATION_TEMPLATE)
}

/// Allocate discharges to charges.
///
/// The discharges that start in a range, each to charges that ended before: by first in, first out, last
/// in, first out, or from all in proportion to what they can give. A discharge of P Wh uses the least
/// charged Wh that give P at the efficiency of its window, rounded down; what is left of a charge and
/// would give less than 1 Wh stays unallocated. What no charge accounts for is said in the answer. The
/// first allocation fixes the device's method.
#[utoipa::path(
    tag = "Storage",
    operation_id = "allocate_storage",
    request_body = AllocateStorage,
    responses(
        (status = 201, description = "What was allocated, and what is uncovered.", body = AllocationAnswer),
        (status = 403, description = "account_access_denied"),
        (status = 404, description = "device_not_found"),
        (status = 409, description = "storage_efficiency_missing, storage_method_fixed, nothing_to_allocate"),
        (status = 422, description = "request_invalid, device_removed, device_not_storage, interval_order, \
            storage_window, list_too_long"),
    ),
)]
#[post("/storage/allocate")]
pub async fn allocate(write: Write<may::ValidateStorage, AllocateStorage>) -> Answer<HttpResponse> {
    let asked = write.body;
    let device_id = write.caller.own_device(asked.device_id).await?;
    let command = Command::AllocateStorage(command::AllocateStorage {
        device_id,
        from: asked.from,
        to: asked.to,
        method: asked.method,
    });
    allocated(&write.execute(command).await?)
}

/// Submit allocations.
///
/// As the validator says, row by row, as a CSV file in a form or as JSON: the device's method is then the
/// operator's discretion. Each row uses up charged Wh and accounts for as many discharged ones as the
/// efficiency gives, rounded down; an efficiency stated in a row is fixed for its window. All bad rows are
/// reported at once and then nothing is stored.
#[utoipa::path(
    tag = "Storage",
    operation_id = "submit_allocated_storage_records",
    request_body(content(
        (AllocationUpload = "multipart/form-data"),
        (SubmitAllocations = "application/json"),
    )),
    responses(
        (status = 201, description = "What was allocated, and what is uncovered.", body = AllocationAnswer),
        (status = 403, description = "account_access_denied"),
        (status = 404, description = "device_not_found"),
        (status = 409, description = "storage_method_fixed, over_allocated"),
        (status = 422, description = "request_invalid, malformed_body, list_empty, list_too_long, \
            device_removed, device_not_storage, allocations_refused"),
    ),
)]
#[post("/storage/allocated_storage_records")]
pub async fn submit_allocations(
    upload: Upload<may::ValidateStorage, SubmitAllocations>,
) -> Answer<HttpResponse> {
    let device_id = upload.caller.own_device(upload.device_id).await?;
    let rows = &upload.rows.rows;
    let mut records: Vec<StorageRecordId> =
        rows.iter().flat_map(|row| [row.scr, row.sdr]).collect();
    records.sort_unstable();
    records.dedup();
    let client = upload.origin.client(upload.caller.state()).await?;
    let starts = stored::starts(&client, device_id, &records).await?;
    let command = Command::AllocateRows(command::AllocateRows {
        device_id,
        rows: rows.iter().map(|row| row.placed(&starts)).collect(),
        unreadable: upload.rows.unreadable.clone(),
    });
    let decided = upload.origin.execute(upload.caller.state(), command).await;
    allocated(&decided.map_err(|problem| upload.naming(problem))?)
}

fn allocated(receipt: &Receipt) -> Answer<HttpResponse> {
    let recorded = receipt.events.iter().find_map(|(_, event)| match event {
        Event::Ledger(LedgerEvent::StorageAllocated(allocated)) => Some(allocated),
        _ => None,
    });
    let event = recorded.ok_or_else(|| unanswered("an allocation left no event"))?;
    Ok(HttpResponse::Created().json(answer(event)))
}

fn answer(event: &StorageAllocated) -> AllocationAnswer {
    let ids: Vec<_> = event.allocations().map(|one| one.allocation_id).collect();
    let consumed: WattHours = event.allocations().map(|one| one.charge.consumed).sum();
    let produced: WattHours = event.allocations().map(|one| one.charge.produced).sum();
    let uncovered: BTreeMap<StorageRecordId, WattHours> = event
        .discharges
        .iter()
        .filter(|discharge| discharge.uncovered > WattHours::ZERO)
        .map(|discharge| (discharge.sdr.record_id, discharge.uncovered))
        .collect();
    let uncovered_wh: WattHours = uncovered.values().copied().sum();
    AllocationAnswer {
        message: format!(
            "{} allocations made; {uncovered_wh} of the discharges are uncovered.",
            ids.len()
        ),
        device_id: event.device_id,
        scr_allocation_methodology: event.method,
        total_records: ids.len(),
        allocated_storage_record_ids: ids,
        total_scr_wh_consumed: consumed,
        total_sdr_wh_produced: produced,
        total_loss_wh: consumed - produced,
        uncovered_wh,
        uncovered: uncovered
            .into_iter()
            .map(|(sdr_allocation_id, uncovered_wh)| Uncovered {
                sdr_allocation_id,
                uncovered_wh,
            })
            .collect(),
    }
}

/// Get allocations by id.
///
/// Each with its chain: the bundles cancelled for the charge and the bundles issued for the discharge.
#[utoipa::path(
    tag = "Storage",
    operation_id = "get_allocated_storage_records",
    params(AllocatedIds),
    responses(
        (status = 200, description = "The allocations.", body = Vec<AllocatedRecord>),
        (status = 404, description = "allocation_not_found"),
        (status = 422, description = "request_invalid"),
    ),
)]
#[get("/storage/allocated_storage_records_by_id")]
pub async fn get_allocations(
    read: Read,
    _named: Query<AllocatedIds>,
    request: HttpRequest,
) -> Answer<HttpResponse> {
    let wanted = ids(&request, "allocated_storage_record_ids")?;
    let wanted: Vec<_> = wanted.into_iter().map(AllocationId).collect();
    let found = stored::allocations_by_ids(&read.client().await?, &wanted).await?;
    let visible = found.into_iter().filter(|(_, account)| read.sees(*account));
    let entries: Vec<_> = visible.map(|(allocation, _)| allocation).collect();
    let missing = wanted
        .iter()
        .find(|id| !entries.iter().any(|found| found.id == **id));
    if let Some(id) = missing {
        return Err(not_found(*id));
    }
    Ok(listed(&Page {
        entries,
        next_cursor: None,
    }))
}

pub(super) fn not_found(id: AllocationId) -> Problem {
    Problem::not_found(Code::AllocationNotFound, "AllocatedStorageRecord", id)
}

/// List allocations of a storage device.
///
/// Those made in a period of at most 30 days, by default the last 7, in the order they were made.
#[utoipa::path(
    tag = "Storage",
    operation_id = "list_allocated_storage_records",
    params(
        ("device_id" = i64, Path, description = "The storage device."), AllocatedFilter, PageQuery
    ),
    responses(
        (status = 200, description = "A page of the allocations.", body = Vec<AllocatedRecord>),
        (status = 404, description = "device_not_found"),
        (status = 422, description = "request_invalid, query_invalid"),
    ),
)]
#[get("/storage/allocated_storage_records/{device_id}")]
pub async fn list_allocations(
    read: Read,
    Id(device_id): Id<DeviceId>,
    Query(filter): Query<AllocatedFilter>,
    Query(page): Query<PageQuery>,
) -> Answer<HttpResponse> {
    let now = Utc::now();
    let before = filter.created_before.unwrap_or(now);
    let after = filter.created_after;
    let after = after.unwrap_or_else(|| before - TimeDelta::days(DEFAULT_DAYS));
    if before <= after || before - after > TimeDelta::days(MAX_DAYS) {
        let rule = format!(
            "Difference between created_after and created_before must be above 0 and {MAX_DAYS} days or less."
        );
        return Err(Problem::new(EdgeCode::QueryInvalid, rule).at_parameter("created_after"));
    }
    let key = match page.cursor.as_deref() {
        None => None,
        Some(cursor) => {
            Some(stored::allocation_key(cursor).ok_or_else(|| foreign_cursor("cursor"))?)
        }
    };
    let client = read.client().await?;
    let device_id = read.seen_device(&client, device_id).await?;
    // What is made right now has been made before the next microsecond.
    let until = now + TimeDelta::seconds(1);
    let made = (after, filter.created_before.unwrap_or(until));
    let found = stored::allocations_of_device(&client, device_id, made, key, page.limit).await?;
    Ok(listed(&found))
}
