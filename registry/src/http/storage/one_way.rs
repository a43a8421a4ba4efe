//! Charges and discharges by themselves, as the contract has them.

use super::record::{accepted, key};
use super::unanswered;
use crate::http::listed::listed;
use crate::http::position::{Positions, reached};
use crate::http::problem::Answer;
use crate::http::{Query, Read, Write, may};
use crate::read::cursor::Page;
use crate::read::storage::{self as stored, Kind};
use actix_web::{HttpResponse, get, post};
use chrono::{DateTime, Utc};
use ledger::Command;
use ledger::command::{FlowRow, SubmitStorageRecords};
use schemas::WattHours;
use schemas::api::Named;
use schemas::api::page::PageQuery;
use schemas::api::storage::{
    ChargeRecord, ChargeRecordFilter, DischargeRecord, NewChargeRecord, NewDischargeRecord,
    StorageRecord,
};
use schemas::id::DeviceId;

/// Record a charge.
///
/// As a submission of one record: it follows the device's last one without a gap.
#[utoipa::path(
    tag = "Storage",
    operation_id = "create_scr",
    request_body = NewChargeRecord,
    responses(
        (status = 201, description = "The charge as it stands.", body = ChargeRecord),
        (status = 403, description = "account_access_denied"),
        (status = 404, description = "device_not_found"),
        (status = 409, description = "storage_record_conflict"),
        (status = 422, description = "request_invalid, device_removed, device_not_storage, \
            storage_records_refused"),
    ),
)]
#[post("/storage/create_scr")]
pub async fn create_scr(
    write: Write<may::SubmitReadings, NewChargeRecord>,
) -> Answer<HttpResponse> {
    let new = write.body;
    let interval = (new.charging_start_datetime, new.charging_end_datetime);
    let flow = WattHours(-new.charging_energy.0);
    let columns = [
        "charging_start_datetime",
        "charging_end_datetime",
        "charging_energy",
    ];
    let record = submit(&write, new.device_id, interval, flow, columns).await?;
    Ok(HttpResponse::Created().json(ChargeRecord::from(record)))
}

/// Record a discharge.
///
/// As a submission of one record: it follows the device's last one without a gap.
#[utoipa::path(
    tag = "Storage",
    operation_id = "create_sdr",
    request_body = NewDischargeRecord,
    responses(
        (status = 201, description = "The discharge as it stands.", body = DischargeRecord),
        (status = 403, description = "account_access_denied"),
        (status = 404, description = "device_not_found"),
        (status = 409, description = "storage_record_conflict"),
        (status = 422, description = "request_invalid, device_removed, device_not_storage, \
            storage_records_refused"),
    ),
)]
#[post("/storage/create_sdr")]
pub async fn create_sdr(
    write: Write<may::SubmitReadings, NewDischargeRecord>,
) -> Answer<HttpResponse> {
    let new = write.body;
    let interval = (new.discharging_start_datetime, new.discharging_end_datetime);
    let columns = [
        "discharging_start_datetime",
        "discharging_end_datetime",
        "discharge_energy",
    ];
    let record = submit(
        &write,
        new.device_id,
        interval,
        new.discharge_energy,
        columns,
    )
    .await?;
    Ok(HttpResponse::Created().json(DischargeRecord::from(record)))
}

/// Submits one record; gives it as it stands, accepted now or before. `columns` are the names of start,
/// end and energy in the request.
async fn submit<T>(
    write: &Write<may::SubmitReadings, T>,
    device_id: Named<DeviceId>,
    (start, end): (DateTime<Utc>, DateTime<Utc>),
    wh: WattHours,
    columns: [&'static str; 3],
) -> Answer<StorageRecord> {
    let device_id = write.caller.own_device(device_id).await?;
    let command = Command::SubmitStorageRecords(SubmitStorageRecords {
        device_id,
        rows: vec![FlowRow {
            row: 1,
            start,
            end,
            wh,
            validator_id: None,
        }],
        unreadable: Vec::new(),
    });
    let decided = write.execute(command).await;
    let receipt = decided.map_err(|problem| {
        problem.naming(|error| {
            use ledger::storage::record::{END, START};
            error.row = None;
            let column = error.column.take();
            let named = column.map(|column| match column.as_str() {
                START => columns[0],
                END => columns[1],
                _ => columns[2],
            });
            error.pointer = named.map(|name| format!("/{name}"));
        })
    })?;
    let new = accepted(&receipt).find_map(|accepted| accepted.records().next());
    if let Some((id, interval, wh)) = new {
        return Ok(StorageRecord {
            id,
            created_at: receipt.recorded_at,
            device_id,
            is_charging: wh < WattHours::ZERO,
            flow_start_datetime: interval.start(),
            flow_end_datetime: interval.end(),
            flow_energy: WattHours(wh.0.abs()),
            validator_id: None,
            allocated_energy: WattHours::ZERO,
            is_deleted: false,
        });
    }
    let state = write.caller.state();
    let decided_on = Positions::at(ledger::Stream::Ledger, receipt.position);
    reached(state.read_progress(), decided_on, state.read_wait()).await?;
    let client = state.read_client().await?;
    let found = stored::starting_at(&client, device_id, start).await?;
    found.ok_or_else(|| unanswered("a repeated storage record is not in READ"))
}

/// List charges of a storage device.
///
/// By start, optionally those that start in the period.
#[utoipa::path(
    tag = "Storage",
    operation_id = "query_scr",
    params(ChargeRecordFilter, PageQuery),
    responses(
        (status = 200, description = "A page of the charges.", body = Vec<ChargeRecord>),
        (status = 404, description = "device_not_found"),
        (status = 422, description = "request_invalid"),
    ),
)]
#[get("/storage/query_scr")]
pub async fn query_scr(
    read: Read,
    Query(filter): Query<ChargeRecordFilter>,
    Query(page): Query<PageQuery>,
) -> Answer<HttpResponse> {
    query::<ChargeRecord>(&read, filter, &page, Kind::Charges).await
}

/// List discharges of a storage device.
///
/// By start, optionally those that start in the period.
#[utoipa::path(
    tag = "Storage",
    operation_id = "query_sdr",
    params(ChargeRecordFilter, PageQuery),
    responses(
        (status = 200, description = "A page of the discharges.", body = Vec<DischargeRecord>),
        (status = 404, description = "device_not_found"),
        (status = 422, description = "request_invalid"),
    ),
)]
#[get("/storage/query_sdr")]
pub async fn query_sdr(
    read: Read,
    Query(filter): Query<ChargeRecordFilter>,
    Query(page): Query<PageQuery>,
) -> Answer<HttpResponse> {
    query::<DischargeRecord>(&read, filter, &page, Kind::Discharges).await
}

async fn query<T: From<StorageRecord> + serde::Serialize>(
    read: &Read,
    filter: ChargeRecordFilter,
    page: &PageQuery,
    kind: Kind,
) -> Answer<HttpResponse> {
    let after = key(page)?;
    let client = read.client().await?;
    let device_id = read.seen_device(&client, filter.storage_id).await?;
    let period = (filter.charging_period_start, filter.charging_period_end);
    let found =
        stored::records_of_device(&client, device_id, kind, period, after, page.limit).await?;
    Ok(listed(&Page {
        entries: found.entries.into_iter().map(T::from).collect(),
        next_cursor: found.next_cursor,
    }))
}
