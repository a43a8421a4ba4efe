//! Readings by id and in lists, and the form to fill in.

use super::device_account;
use crate::http::certificate::foreign_cursor;
use crate::http::listed::listed;
use crate::http::problem::{Answer, Problem};
use crate::http::{Audit, Caller, Id, Query, Read};
use crate::read::measurement as stored;
use crate::readings::TEMPLATE;
use actix_web::http::header::CONTENT_DISPOSITION;
use actix_web::{HttpResponse, get};
use ledger::refusal::Code;
use schemas::api::measurement::{MeasurementFilter, MeasurementReport};
use schemas::api::page::PageQuery;
use schemas::id::{DeviceId, MeasurementId};

pub(super) fn not_found(id: MeasurementId) -> Problem {
    Problem::not_found(Code::MeasurementNotFound, "MeasurementReport", id)
}

/// Get the CSV template for readings.
#[utoipa::path(
    tag = "Measurements",
    operation_id = "get_meter_readings_template",
    responses((status = 200, description = "Header and two rows.", body = String, content_type = "text/csv")),
)]
#[get("/measurement/meter_readings_template")]
pub async fn get_template(_: Caller<Audit>) -> HttpResponse {
    HttpResponse::Ok()
        .content_type("text/csv; charset=utf-8")
        .insert_header((
            CONTENT_DISPOSITION,
            "attachment; filename=\"meter_readings_template.csv\"",
        ))
        .body(TEMPLATE)
}

/// Get a reading.
///
/// Visible to members of the account its device belongs to, and to the issuing body.
#[utoipa::path(
    tag = "Measurements",
    operation_id = "get_measurement",
    params(("measurement_id" = i64, Path, description = "The reading.")),
    responses(
        (status = 200, description = "The reading.", body = MeasurementReport),
        (status = 404, description = "measurement_not_found"),
        (status = 422, description = "request_invalid"),
    ),
)]
#[get("/measurement/{measurement_id}")]
pub async fn get_measurement(read: Read, Id(id): Id<MeasurementId>) -> Answer<HttpResponse> {
    let found = stored::by_id(&read.client().await?, id).await?;
    let visible = found.filter(|(_, account)| read.is_admin() || read.accounts.contains(account));
    let (report, _) = visible.ok_or_else(|| not_found(id))?;
    Ok(HttpResponse::Ok().json(report))
}

/// List readings.
///
/// Of one device by interval, optionally those that start in `[from, to)`; or of all devices the caller
/// may see, by id. Readings that were taken back are not among them.
#[utoipa::path(
    tag = "Measurements",
    operation_id = "list_measurements",
    params(MeasurementFilter, PageQuery),
    responses(
        (status = 200, description = "A page of the readings.", body = Vec<MeasurementReport>),
        (status = 404, description = "device_not_found"),
        (status = 422, description = "request_invalid"),
    ),
)]
#[get("/measurement/list")]
pub async fn list_measurements(
    read: Read,
    Query(filter): Query<MeasurementFilter>,
    Query(page): Query<PageQuery>,
) -> Answer<HttpResponse> {
    match filter.device_id {
        Some(device_id) => of_device(&read, device_id, &filter, &page).await,
        None => of_caller(&read, &page).await,
    }
}

async fn of_device(
    read: &Read,
    device_id: DeviceId,
    filter: &MeasurementFilter,
    page: &PageQuery,
) -> Answer<HttpResponse> {
    let after = match &page.cursor {
        None => None,
        Some(cursor) => {
            Some(stored::key_of_device(cursor).ok_or_else(|| foreign_cursor("cursor"))?)
        }
    };
    let client = read.client().await?;
    let account = stored::account_of_device(&client, device_id).await?;
    if !account.is_some_and(|account| read.is_admin() || read.accounts.contains(&account)) {
        return Err(device_account::not_found(device_id));
    }
    let (from, to) = (filter.from, filter.to);
    let found = stored::page_of_device(&client, device_id, from, to, after, page.limit).await?;
    Ok(listed(&found))
}

async fn of_caller(read: &Read, page: &PageQuery) -> Answer<HttpResponse> {
    let after = match &page.cursor {
        None => None,
        Some(cursor) => Some(stored::key_by_id(cursor).ok_or_else(|| foreign_cursor("cursor"))?),
    };
    let accounts = (!read.is_admin()).then_some(read.accounts.as_slice());
    let client = read.client().await?;
    Ok(listed(
        &stored::page_by_id(&client, accounts, after, page.limit).await?,
    ))
}
