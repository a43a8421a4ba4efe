//! Corrections of accepted readings.

use super::change::reference_to;
use crate::http::position::{Positions, reached};
use crate::http::problem::{Answer, Code, Problem};
use crate::http::{Caller, Id, Read, Write, may};
use crate::read::correction;
use crate::sequencer::Receipt;
use actix_web::{HttpResponse, post};
use ledger::command::CorrectReading;
use ledger::refusal::Code as Rule;
use ledger::{Command, Event, Stream};
use schemas::api::measurement::{
    CorrectMeasurement, Correction, MeasurementBundle, MeasurementCorrected,
};
use schemas::event::LedgerEvent;
use schemas::id::MeasurementId;

/// How often certificates that changed while they were looked up are looked up again.
const LOOKS: usize = 3;

/// Correct a reading.
///
/// By a member of its device's account or the issuing body, with a reason that is kept. Of a lower value
/// the difference is taken back where it is still Active in the device's account: whole bundles are
/// withdrawn, the largest first, and what that is too much is issued anew under new certificate ids. If
/// that does not suffice the correction is refused with the bundles that stand in the way, or, with
/// `settle` later, what is missing becomes a debt that the device's next issuances pay before anything is
/// issued. Of a higher value the difference is issued. A dry run answers what would follow and does
/// nothing.
#[utoipa::path(
    tag = "Measurements",
    operation_id = "correct_measurement",
    params(("measurement_id" = i64, Path, description = "The reading.")),
    request_body = CorrectMeasurement,
    responses(
        (status = 200, description = "What became of it.", body = MeasurementCorrected),
        (status = 404, description = "measurement_not_found, device_not_found, issuance_metadata_missing"),
        (status = 409, description = "correction_blocked, bundles_changed"),
        (status = 422, description = "request_invalid, device_removed, value_out_of_range, list_too_long, \
            before_operation, negative_amount, over_capacity, serials_exhausted"),
    ),
)]
#[post("/measurement/correct/{measurement_id}")]
pub async fn correct_measurement(
    read: Read<may::CorrectReadings>,
    Id(id): Id<MeasurementId>,
    write: Write<may::CorrectReadings, CorrectMeasurement>,
) -> Answer<HttpResponse> {
    let mut looks = 1;
    loop {
        let client = read.client().await?;
        let found = read.measurement(&client, id).await?;
        let bundles = correction::candidates(&client, &found).await?;
        drop(client);
        let command = CorrectReading {
            measurement: reference_to(&found)?,
            wh: write.body.interval_usage,
            reason: write.body.reason.clone(),
            settle: write.body.settle,
            candidates: bundles.iter().map(|bundle| bundle.id).collect(),
            dry_run: write.body.dry_run,
        };
        match write.execute(Command::CorrectReading(command)).await {
            Ok(receipt) => {
                return Ok(HttpResponse::Ok().json(corrected(&write, found.report.id, &receipt)));
            }
            Err(problem) if problem.code() == Code::Rule(Rule::BundlesChanged) && looks < LOOKS => {
                looks += 1;
                all_decided(&read).await?;
            }
            Err(problem) => return Err(naming_holders(problem, &read, &bundles)),
        }
    }
}

/// Waits until READ shows what was decided so far.
async fn all_decided(read: &Read<may::CorrectReadings>) -> Answer<()> {
    let state = read.state();
    let head = Positions::at(Stream::Ledger, state.ledger_head().await?);
    reached(state.read_progress(), head, state.read_wait()).await
}

/// Says of bundles that stand in the way who holds them, as far as the caller may see that.
fn naming_holders(
    problem: Problem,
    caller: &Caller<may::CorrectReadings>,
    bundles: &[MeasurementBundle],
) -> Problem {
    problem.naming(|error| {
        let bundle = bundles.iter().find(|one| Some(one.id) == error.bundle_id);
        let holder = bundle.and_then(|bundle| bundle.account_id);
        if let Some(account_id) = holder.filter(|account| caller.sees(*account)) {
            error
                .detail
                .push_str(&format!("; account {account_id} holds it"));
        }
    })
}

fn corrected(
    write: &Write<may::CorrectReadings, CorrectMeasurement>,
    id: MeasurementId,
    receipt: &Receipt,
) -> MeasurementCorrected {
    let events = receipt.events.iter().map(|(_, event)| event);
    let correction = events
        .chain(&receipt.proposed)
        .find_map(|event| match event {
            Event::Ledger(LedgerEvent::ReadingCorrected(event)) => Some(Correction {
                corrected_at: receipt.recorded_at,
                user_id: Some(write.caller.user_id),
                reason: event.reason.clone(),
                settle: event.settle,
                previous_usage: event.previous_wh,
                interval_usage: event.wh,
                withdrawn_bundle_ids: event.replaced.clone(),
                reissued_bundle_id: event.reissued,
                issued_bundle_id: event.issued,
                debt_wh: event.debt,
                paid_wh: event.paid,
            }),
            _ => None,
        });
    MeasurementCorrected {
        measurement_id: id,
        dry_run: write.body.dry_run,
        correction,
    }
}
