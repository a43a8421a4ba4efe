//! What storage devices charged and discharged: submission, by id and in lists.

use super::ids::ids;
use super::template;
use super::upload::Upload;
use crate::http::certificate::foreign_cursor;
use crate::http::listed::listed;
use crate::http::problem::{Answer, Problem};
use crate::http::{Caller, Query, Read, may};
use crate::read::cursor::Page;
use crate::read::storage as stored;
use crate::sequencer::Receipt;
use crate::storage::RECORD_TEMPLATE;
use actix_web::{HttpRequest, HttpResponse, get, post};
use ledger::command::SubmitStorageRecords;
use ledger::refusal::Code;
use ledger::{Command, Event};
use schemas::WattHours;
use schemas::api::page::PageQuery;
use schemas::api::storage::{
    RecordFilter, RecordUpload, StorageRecord, StorageRecordsSubmitted, SubmitRecords,
};
use schemas::event::LedgerEvent;
use schemas::event::storage::StorageRecordsAccepted;
use schemas::id::StorageRecordId;

/// Get the CSV template for storage records.
#[utoipa::path(
    tag = "Storage",
    operation_id = "get_storage_readings_template",
    responses((status = 200, description = "Header and two rows.", body = String, content_type = "text/csv")),
)]
#[get("/storage/storage_readings_template")]
pub async fn get_record_template(_: Caller<may::Read>) -> HttpResponse {
    template("storage_readings_template", RECORD_TEMPLATE)
}

/// Submit storage records.
///
/// What a storage device charged (below 0) and discharged (above 0), as a CSV file in a form or as JSON.
/// Records follow each other without gap or overlap, and the first follows the device's last; an idle
/// time is a record of 0 Wh. All bad rows are reported at once and then nothing is stored. What was
/// accepted before is recognised and changes nothing.
#[utoipa::path(
    tag = "Storage",
    operation_id = "submit_storage_records",
    request_body(content(
        (RecordUpload = "multipart/form-data"),
        (SubmitRecords = "application/json"),
    )),
    responses(
        (status = 201, description = "What became of the rows.", body = StorageRecordsSubmitted),
        (status = 403, description = "account_access_denied"),
        (status = 404, description = "device_not_found"),
        (status = 409, description = "storage_record_conflict"),
        (status = 422, description = "request_invalid, malformed_body, list_empty, list_too_long, \
            device_removed, device_not_storage, storage_records_refused"),
    ),
)]
#[post("/storage/storage_records")]
pub async fn submit_records(
    upload: Upload<may::SubmitReadings, SubmitRecords>,
) -> Answer<HttpResponse> {
    let device_id = upload.caller.own_device(upload.device_id).await?;
    let command = Command::SubmitStorageRecords(SubmitStorageRecords {
        device_id,
        rows: upload.rows.rows.clone(),
        unreadable: upload.rows.unreadable.clone(),
    });
    let decided = upload.origin.execute(upload.caller.state(), command).await;
    let receipt = decided.map_err(|problem| upload.naming(problem))?;
    Ok(HttpResponse::Created().json(submitted(&receipt, upload.rows.rows.len())))
}

/// The records that a submission led to.
pub(super) fn accepted(receipt: &Receipt) -> impl Iterator<Item = &StorageRecordsAccepted> {
    let events = receipt.events.iter();
    events.filter_map(|(_, event)| match event {
        Event::Ledger(LedgerEvent::StorageRecordsAccepted(accepted)) => Some(accepted),
        _ => None,
    })
}

/// All rows of an accepted submission were accepted, now or before.
fn submitted(receipt: &Receipt, rows: usize) -> StorageRecordsSubmitted {
    let (mut charged, mut discharged) = (WattHours::ZERO, WattHours::ZERO);
    let mut record_ids: Vec<StorageRecordId> = Vec::new();
    for (record_id, _, wh) in accepted(receipt).flat_map(StorageRecordsAccepted::records) {
        record_ids.push(record_id);
        if wh < WattHours::ZERO {
            charged -= wh;
        } else {
            discharged += wh;
        }
    }
    StorageRecordsSubmitted {
        message: "Storage records submitted successfully.".to_owned(),
        total_charge_energy: charged,
        total_discharge_energy: discharged,
        total_energy: charged + discharged,
        total_records: record_ids.len(),
        repeated: rows.saturating_sub(record_ids.len()),
        record_ids,
    }
}

/// List storage records.
///
/// Those listed, taken back or not; or those of a storage device by start, optionally those that start in
/// `[from, to)`.
#[utoipa::path(
    tag = "Storage",
    operation_id = "list_storage_records",
    params(RecordFilter, PageQuery),
    responses(
        (status = 200, description = "The records, or a page of them.", body = Vec<StorageRecord>),
        (status = 404, description = "device_not_found, storage_record_not_found"),
        (status = 422, description = "request_invalid"),
    ),
)]
#[get("/storage/storage_records")]
pub async fn list_records(
    read: Read,
    Query(filter): Query<RecordFilter>,
    Query(page): Query<PageQuery>,
    request: HttpRequest,
) -> Answer<HttpResponse> {
    let client = read.client().await?;
    let Some(device_id) = filter.device_id else {
        let wanted = ids(&request, "storage_record_ids")?.into_iter();
        let wanted: Vec<_> = wanted.map(StorageRecordId).collect();
        let found = stored::records_by_ids(&client, &wanted).await?;
        return Ok(listed(&of_caller(&read, &wanted, found)?));
    };
    let after = key(&page)?;
    let device_id = read.seen_device(&client, device_id).await?;
    let range = (filter.from, filter.to);
    let kind = stored::Kind::All;
    let records =
        stored::records_of_device(&client, device_id, kind, range, after, page.limit).await?;
    Ok(listed(&records))
}

/// Where a list of records goes on.
pub(super) fn key(page: &PageQuery) -> Answer<Option<stored::RecordKey>> {
    let cursor = page.cursor.as_deref();
    cursor
        .map(|cursor| stored::record_key(cursor).ok_or_else(|| foreign_cursor("cursor")))
        .transpose()
}

fn of_caller(
    read: &Read,
    wanted: &[StorageRecordId],
    found: Vec<(StorageRecord, schemas::id::AccountId)>,
) -> Answer<Page<StorageRecord>> {
    let visible = found.into_iter().filter(|(_, account)| read.sees(*account));
    let entries: Vec<_> = visible.map(|(record, _)| record).collect();
    let missing = wanted
        .iter()
        .find(|id| !entries.iter().any(|record| record.id == **id));
    match missing {
        Some(id) => Err(not_found(*id)),
        None => Ok(Page {
            entries,
            next_cursor: None,
        }),
    }
}

pub(super) fn not_found(id: StorageRecordId) -> Problem {
    Problem::not_found(Code::StorageRecordNotFound, "StorageRecord", id)
}
