//! Changes to readings that no certificate was issued for.

use crate::http::problem::{Answer, Problem};
use crate::http::{Id, Query, Read, Write, may};
use crate::read::measurement::Found;
use actix_web::{HttpResponse, delete, patch};
use ledger::command::{MeasurementRef, MoveMeasurement};
use ledger::{Command, Event};
use schemas::Interval;
use schemas::api::Named;
use schemas::api::measurement::{MeasurementChange, MeasurementReport, NamedMeasurement};
use schemas::event::LedgerEvent;
use schemas::id::MeasurementId;

/// Move a reading.
///
/// To another interval or device, by the issuing body, where no certificate was issued for it.
#[utoipa::path(
    tag = "Measurements",
    operation_id = "update_measurement",
    params(("measurement_id" = i64, Path, description = "The reading.")),
    request_body = MeasurementChange,
    responses(
        (status = 200, description = "The reading as it stands.", body = MeasurementReport),
        (status = 404, description = "measurement_not_found, device_not_found"),
        (status = 409, description = "measurement_issued"),
        (status = 422, description = "request_invalid, device_removed, reading_overlap, interval_order, \
            interval_grid, before_operation, in_future, over_capacity"),
    ),
)]
#[patch("/measurement/update/{measurement_id}")]
pub async fn update_measurement(
    read: Read<may::Issue>,
    Id(id): Id<MeasurementId>,
    write: Write<may::Issue, MeasurementChange>,
) -> Answer<HttpResponse> {
    let (found, from) = reference(&read, id).await?;
    let meter_identifier = found.meter_identifier.clone();
    let device_id = match write.body.device_id {
        Some(named) => write.caller.supervised_device(named).await?,
        None => found.device_id,
    };
    let moved = MoveMeasurement {
        from,
        device_id,
        start: write
            .body
            .interval_start_datetime
            .unwrap_or(found.interval_start_datetime),
        end: write
            .body
            .interval_end_datetime
            .unwrap_or(found.interval_end_datetime),
    };
    let receipt = write.execute(Command::MoveMeasurement(moved)).await?;
    let recorded = receipt
        .events
        .into_iter()
        .find_map(|(_, event)| match event {
            Event::Ledger(LedgerEvent::MeasurementMoved(moved)) => Some(moved),
            _ => None,
        });
    let moved = recorded.ok_or_else(|| Problem::internal(&"a moved reading left no event"))?;
    Ok(HttpResponse::Ok().json(MeasurementReport {
        device_id: moved.device_id,
        interval_start_datetime: moved.interval.start(),
        interval_end_datetime: moved.interval.end(),
        interval_usage: moved.wh,
        is_deleted: false,
        meter_identifier: meter_identifier.filter(|_| moved.meter_id.is_some()),
        ..found
    }))
}

/// Take a reading back.
///
/// By the issuing body, where no certificate was issued for it; its interval is free again.
#[utoipa::path(
    tag = "Measurements",
    operation_id = "delete_measurement",
    params(("id" = i64, Path, description = "The reading."), NamedMeasurement),
    responses(
        (status = 200, description = "The reading as it stood, marked as deleted.", body = MeasurementReport),
        (status = 404, description = "measurement_not_found"),
        (status = 409, description = "measurement_issued"),
        (status = 422, description = "request_invalid"),
    ),
)]
#[delete("/measurement/delete/{id}")]
pub async fn delete_measurement(
    read: Read<may::Issue>,
    Id(in_path): Id<MeasurementId>,
    Query(named): Query<NamedMeasurement>,
    write: Write<may::Issue>,
) -> Answer<HttpResponse> {
    let id = named.measurement_id.unwrap_or(in_path);
    let (found, reference) = reference(&read, id).await?;
    let receipt = write
        .execute(Command::WithdrawMeasurement(reference))
        .await?;
    let recorded = receipt
        .events
        .into_iter()
        .find_map(|(_, event)| match event {
            Event::Ledger(LedgerEvent::MeasurementWithdrawn(withdrawn)) => Some(withdrawn),
            _ => None,
        });
    let withdrawn =
        recorded.ok_or_else(|| Problem::internal(&"a reading taken back left no event"))?;
    Ok(HttpResponse::Ok().json(MeasurementReport {
        device_id: withdrawn.device_id,
        interval_start_datetime: withdrawn.interval.start(),
        interval_end_datetime: withdrawn.interval.end(),
        interval_usage: withdrawn.wh,
        is_deleted: true,
        ..found
    }))
}

/// The reading as READ shows it, and as the ledger finds it.
async fn reference(
    read: &Read<may::Issue>,
    named: Named<MeasurementId>,
) -> Answer<(MeasurementReport, MeasurementRef)> {
    let found = read.measurement(&read.client().await?, named).await?;
    let reference = reference_to(&found)?;
    Ok((found.report, reference))
}

/// A reading as the ledger finds it.
pub(super) fn reference_to(found: &Found) -> Answer<MeasurementRef> {
    let report = &found.report;
    let interval = Interval::new(report.interval_start_datetime, report.interval_end_datetime)
        .map_err(|error| Problem::internal(&error))?;
    Ok(MeasurementRef {
        measurement_id: report.id,
        device_id: report.device_id,
        meter_id: found.meter_id,
        interval,
    })
}
