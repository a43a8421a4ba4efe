//! Issuance on request.

use crate::http::problem::{Answer, EdgeCode, Problem};
use crate::http::{Write, may};
use crate::sequencer::Receipt;
use actix_web::{HttpResponse, post};
use ledger::{Command, Event, command};
use schemas::api::measurement::{IssueReadings, ReadingsIssued};
use schemas::capability::Capability;
use schemas::event::LedgerEvent;
use schemas::id::DeviceId;

/// Issue for readings.
///
/// For those of a device, or of one of its meters, that start in `[from, to)` and were accepted without
/// issuing, in time order: for all of them, at most 50,000, or for none. What the device owes for
/// corrected readings is paid before. What was withdrawn is issued anew, under new certificate ids, by
/// the issuing body only. Doubtful readings of gateways are left out unless asked for, and refused where
/// they say more than the device can have produced. A dry run answers what would be issued and does nothing.
#[utoipa::path(
    tag = "Measurements",
    operation_id = "issue_readings",
    request_body = IssueReadings,
    responses(
        (status = 200, description = "What was issued, or would be.", body = ReadingsIssued),
        (status = 404, description = "device_not_found, meter_not_found, issuance_metadata_missing"),
        (status = 422, description = "request_invalid, device_removed, device_not_certified, \
            interval_order, value_out_of_range, list_too_long, serials_exhausted, over_capacity"),
    ),
)]
#[post("/measurement/issue_readings")]
pub async fn issue_readings(
    write: Write<may::RequestIssuance, IssueReadings>,
) -> Answer<HttpResponse> {
    let device_id = write.caller.supervised_device(write.body.device_id).await?;
    if write.body.include_withdrawn && !write.caller.may(Capability::Issue) {
        return Err(Problem::new(
            EdgeCode::CapabilityRequired,
            "User does not have the required role: admin; it alone issues anew what was withdrawn",
        )
        .at("/include_withdrawn"));
    }
    let receipt = write.execute(command(device_id, &write.body)).await?;
    Ok(HttpResponse::Ok().json(issued(device_id, write.body.dry_run, &receipt)))
}

fn command(device_id: DeviceId, asked: &IssueReadings) -> Command {
    Command::IssueReadings(command::IssueReadings {
        device_id,
        from: asked.from,
        to: asked.to,
        meter_identifier: asked.meter_identifier.clone(),
        include_withdrawn: asked.include_withdrawn,
        include_doubtful: asked.include_doubtful,
        dry_run: asked.dry_run,
    })
}

fn issued(device_id: DeviceId, dry_run: bool, receipt: &Receipt) -> ReadingsIssued {
    let mut answer = ReadingsIssued {
        device_id,
        dry_run,
        bundles: 0,
        issued_wh: schemas::WattHours::ZERO,
        paid_wh: schemas::WattHours::ZERO,
        first_bundle_id: None,
        first_certificate_id: None,
        next_certificate_id: None,
        first_reading_datetime: None,
        last_reading_datetime: None,
    };
    let events = receipt.events.iter().map(|(_, event)| event);
    for event in events.chain(&receipt.proposed) {
        match event {
            Event::Ledger(LedgerEvent::DebtPaid(paid)) => answer.paid_wh += paid.total(),
            Event::Ledger(LedgerEvent::BundlesIssued(issued)) => {
                for bundle in issued.bundles() {
                    let start = bundle.interval.start();
                    answer.bundles += 1;
                    answer.first_bundle_id.get_or_insert(bundle.bundle_id);
                    answer.first_certificate_id.get_or_insert(bundle.start);
                    answer.next_certificate_id = Some(bundle.end.plus(1));
                    let first = answer.first_reading_datetime.get_or_insert(start);
                    *first = start.min(*first);
                    let last = answer.last_reading_datetime.get_or_insert(start);
                    *last = start.max(*last);
                }
                answer.issued_wh += issued.total();
            }
            _ => {}
        }
    }
    answer
}
