//! Submission of readings. Issuing follows in the same decision.

use super::outcome::{readings_of, submitted};
use super::upload::Upload;
use crate::http::position::{Positions, reached};
use crate::http::problem::{Answer, Problem};
use crate::http::{Write, may};
use crate::read::measurement::starting_at;
use crate::sequencer::Receipt;
use actix_web::{HttpResponse, post};
use ledger::Command;
use ledger::command::{ReadingRow, SubmitReadings};
use schemas::api::measurement::{
    MeasurementReport, NewMeasurement, ReadingsSubmitted, ReadingsUpload,
    SubmitReadings as ReadingsJson,
};
use schemas::api::problem::FieldError;
use schemas::id::DeviceId;

/// Submit readings.
///
/// Readings of one device, as a CSV file in a form or as JSON. All bad rows are reported at once, and
/// nothing of the submission is stored unless `partial` is true. What was accepted before is recognised
/// and changes nothing. Certificates of a production device are issued at once, unless `issue` is false;
/// what the device owes for corrected readings is paid before.
#[utoipa::path(
    tag = "Measurements",
    operation_id = "submit_readings",
    request_body(content(
        (ReadingsUpload = "multipart/form-data"),
        (ReadingsJson = "application/json"),
    )),
    responses(
        (status = 200, description = "What became of the rows.", body = ReadingsSubmitted),
        (status = 404, description = "device_not_found, issuance_metadata_missing"),
        (status = 409, description = "reading_conflict"),
        (status = 422, description = "request_invalid, malformed_body, list_empty, list_too_long, \
            device_removed, readings_refused, serials_exhausted"),
    ),
)]
#[post("/measurement/submit_readings")]
pub async fn submit_readings(upload: Upload) -> Answer<HttpResponse> {
    let device_id = upload.caller.own_device(upload.device_id).await?;
    let command = Command::SubmitReadings(SubmitReadings {
        device_id,
        rows: upload.rows.rows.clone(),
        unreadable: upload.rows.unreadable.clone(),
        partial: upload.partial,
        issue: upload.issue,
    });
    let decided = upload.origin.execute(upload.caller.state(), command).await;
    let receipt = decided.map_err(|problem| match upload.is_json {
        true => problem.naming(|error| point(error, "/readings")),
        false => problem,
    })?;
    Ok(HttpResponse::Ok().json(submitted(&receipt, &upload.rows)))
}

/// Names a row of a JSON list by pointer.
pub(in crate::http) fn point(error: &mut FieldError, list: &str) {
    if let (Some(row), Some(column)) = (error.row.take(), error.column.take()) {
        error.pointer = Some(format!("{list}/{}/{column}", row.saturating_sub(1)));
    }
}

/// Submit one reading.
///
/// As a submission of one row.
#[utoipa::path(
    tag = "Measurements",
    operation_id = "create_measurement",
    request_body = NewMeasurement,
    responses(
        (status = 200, description = "The reading as it stands.", body = MeasurementReport),
        (status = 404, description = "device_not_found, issuance_metadata_missing"),
        (status = 409, description = "reading_conflict"),
        (status = 422, description = "request_invalid, device_removed, readings_refused, serials_exhausted"),
    ),
)]
#[post("/measurement/create")]
pub async fn create_measurement(
    write: Write<may::SubmitReadings, NewMeasurement>,
) -> Answer<HttpResponse> {
    let device_id = write.caller.own_device(write.body.device_id).await?;
    let decided = write.execute(submission_of(device_id, &write.body)).await;
    let receipt = decided.map_err(|problem| {
        problem.naming(|error| {
            error.row = None;
            error.pointer = error.column.take().map(|column| format!("/{column}"));
        })
    })?;
    let report = standing(&write, device_id, &receipt).await?;
    Ok(HttpResponse::Ok().json(report))
}

fn submission_of(device_id: DeviceId, new: &NewMeasurement) -> Command {
    Command::SubmitReadings(SubmitReadings {
        device_id,
        rows: vec![ReadingRow {
            row: 1,
            start: new.interval_start_datetime,
            end: new.interval_end_datetime,
            wh: new.interval_usage,
            gross_net_indicator: new.gross_net_indicator.clone(),
            meter_identifier: new.meter_identifier.clone(),
        }],
        unreadable: Vec::new(),
        partial: false,
        issue: new.issue,
    })
}

/// Identifiers of meters have no space around them.
fn meter_of(new: &NewMeasurement) -> Option<&str> {
    new.meter_identifier.as_deref().map(str::trim)
}

/// The reading that was accepted now, or before.
async fn standing(
    write: &Write<may::SubmitReadings, NewMeasurement>,
    device_id: DeviceId,
    receipt: &Receipt,
) -> Answer<MeasurementReport> {
    let accepted = readings_of(receipt);
    let first = accepted
        .first()
        .and_then(|readings| Some((readings, readings.readings().next()?)));
    if let Some((readings, (id, interval, wh))) = first {
        return Ok(MeasurementReport {
            id,
            created_at: receipt.recorded_at,
            device_id: readings.device_id,
            interval_start_datetime: interval.start(),
            interval_end_datetime: interval.end(),
            interval_usage: wh,
            gross_net_indicator: readings.gross_net_indicator.clone(),
            is_deleted: false,
            meter_identifier: meter_of(&write.body).map(str::to_owned),
            quality: None,
            cause: None,
        });
    }
    let state = write.caller.state();
    let decided_on = Positions::at(ledger::Stream::Ledger, receipt.position);
    reached(state.read_progress(), decided_on, state.read_wait()).await?;
    let client = state.read_client().await?;
    let found = starting_at(
        &client,
        device_id,
        meter_of(&write.body),
        write.body.interval_start_datetime,
    )
    .await?;
    found.ok_or_else(|| Problem::internal(&"a repeated reading is not in READ"))
}
