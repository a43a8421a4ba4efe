//! Readings by id and in lists, and the form to fill in.

use crate::http::certificate::foreign_cursor;
use crate::http::listed::listed;
use crate::http::problem::Answer;
use crate::http::{Caller, Id, Query, Read, may};
use crate::read::{correction, measurement as stored};
use crate::readings::TEMPLATE;
use actix_web::http::header::CONTENT_DISPOSITION;
use actix_web::{HttpResponse, get};
use schemas::api::Named;
use schemas::api::measurement::{MeasurementDetail, MeasurementFilter, MeasurementReport};
use schemas::api::page::PageQuery;
use schemas::id::{DeviceId, MeasurementId};

/// Get the CSV template for readings.
#[utoipa::path(
    tag = "Measurements",
    operation_id = "get_meter_readings_template",
    responses((status = 200, description = "Header and two rows.", body = String, content_type = "text/csv")),
)]
#[get("/measurement/meter_readings_template")]
pub async fn get_template(_: Caller<may::Read>) -> HttpResponse {
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
/// With its bundles, live and past, and its corrections. Visible to members of the account its device
/// belongs to, and to the issuing body; who holds a bundle is shown to those who may see that account.
#[utoipa::path(
    tag = "Measurements",
    operation_id = "get_measurement",
    params(("measurement_id" = i64, Path, description = "The reading.")),
    responses(
        (status = 200, description = "The reading.", body = MeasurementDetail),
        (status = 404, description = "measurement_not_found"),
        (status = 422, description = "request_invalid"),
    ),
)]
#[get("/measurement/{measurement_id}")]
pub async fn get_measurement(read: Read, Id(id): Id<MeasurementId>) -> Answer<HttpResponse> {
    let client = read.client().await?;
    let found = read.measurement(&client, id).await?;
    let id = found.report.id;
    let mut bundles = correction::bundles(&client, &found).await?;
    for bundle in &mut bundles {
        bundle.account_id = bundle.account_id.filter(|account| read.sees(*account));
    }
    let corrections = correction::of_measurement(&client, id).await?;
    let amounts = (found.excess, found.paid);
    let detail = MeasurementDetail::of(found.report, found.envelope, amounts, bundles, corrections);
    Ok(HttpResponse::Ok().json(detail))
}

/// List readings.
///
/// Of one device by interval, optionally those that start in `[from, to)`, or of which something is not
/// issued; or of all devices the caller may see, by id. Readings that were taken back are not among them.
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
    device_id: Named<DeviceId>,
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
    let device_id = read.seen_device(&client, device_id).await?;
    let (range, issued) = ((filter.from, filter.to), filter.issued);
    let found =
        stored::page_of_device(&client, device_id, range, issued, after, page.limit).await?;
    Ok(listed(&found))
}

async fn of_caller(read: &Read, page: &PageQuery) -> Answer<HttpResponse> {
    let after = match &page.cursor {
        None => None,
        Some(cursor) => Some(stored::key_by_id(cursor).ok_or_else(|| foreign_cursor("cursor"))?),
    };
    let client = read.client().await?;
    Ok(listed(
        &stored::page_by_id(&client, read.visible_accounts(), after, page.limit).await?,
    ))
}
