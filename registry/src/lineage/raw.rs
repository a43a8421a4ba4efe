//! A lineage as the events of the ledger. Readings, their evidence and issuance are read from the log, each by
//! its position; actions are put together from the READ database, because one action may list 10,000 bundles
//! of which one is wanted.

use super::evidence::Evidence;
use super::log::{Log, LogError};
use super::replay::{Step, is_shown, steps};
use super::tell;
use crate::read::lineage::{History, Listed};
use schemas::WattHours;
use schemas::api::certificate::{Lineage, LineageEvent, LineageFormat};
use schemas::event::LedgerEvent;
use schemas::event::action::{BundleAction, Origin, Part, Split};
use schemas::event::gateway::GatewayEnrolled;
use schemas::event::import::{BundlesImported, ImportedLot};
use schemas::event::issuance::BundlesIssued;
use schemas::event::reading::{ReadingCorrected, ReadingsAccepted, Run};
use schemas::event::storage::{
    AllocationIssued, SourceUsed, StorageBundle, StorageCertificatesIssued,
};
use schemas::id::AccountId;
use schemas::life_cycle::ActionType;
use schemas::log::Position;
use serde_json::Value;
use std::collections::BTreeSet;
use uuid::Uuid;

/// The lineage with its events, for a reader who `sees` these accounts. An envelope has readings of other
/// intervals too, and can not be signed in part: it is shown to whom the account of the issuance is.
///
/// # Errors
/// [`LogError`].
pub async fn events(
    history: &History,
    evidence: Option<&Evidence>,
    log: Log<'_>,
    sees: &(dyn Fn(AccountId) -> bool + Sync),
) -> Result<Lineage, LogError> {
    let read = history
        .readings
        .iter()
        .map(|reading| reading.ledger_position);
    let mut positions: BTreeSet<Position> = read.chain([history.issuance.position]).collect();
    let is_members = sees(history.issuance.account_id);
    let evidence = evidence.filter(|_| is_members);
    positions.extend(evidence.into_iter().flat_map(Evidence::positions));
    let mut events = Vec::new();
    for position in positions {
        events.push(recorded(history, log, position, is_members).await?);
    }
    let steps = steps(history);
    for of_one in steps.chunk_by(|one, next| one.listed.position == next.listed.position) {
        if let Some(first) = of_one.first() {
            let is_shown = is_shown(first.listed, sees);
            events.push(acted(history, first.listed, of_one, is_shown)?);
        }
    }
    Ok(Lineage {
        events: Some(events),
        ..tell::of(history, LineageFormat::Raw)
    })
}

/// What concerns the bundle of an event in the log.
async fn recorded(
    history: &History,
    log: Log<'_>,
    position: Position,
    is_shown: bool,
) -> Result<LineageEvent, LogError> {
    let found = log.at(position).await?;
    let (envelope, whole) = (found.envelope, found.event);
    let extract = extract(history, &whole);
    let version = whole.version();
    let payload = serde_json::from_slice(&extract.as_ref().unwrap_or(&whole).encode());
    Ok(LineageEvent {
        position,
        event_type: found.event_type,
        version,
        recorded_at: envelope.recorded_at,
        actor: is_shown.then(|| envelope.actor.to_string()),
        command_id: envelope.command_id,
        is_extract: extract.is_some_and(|extract| extract != whole),
        is_redacted: !is_shown,
        payload: payload.map_err(|error| LogError::Json(position, error))?,
    })
}

/// The event without what concerns other bundles; `None` where it has nothing else.
fn extract(history: &History, event: &LedgerEvent) -> Option<LedgerEvent> {
    let root = history.root();
    match event {
        LedgerEvent::ReadingsAccepted(accepted) => {
            let ours = |id| history.readings.iter().any(|one| one.measurement_id == id);
            let (id, interval, wh) = accepted.readings().find(|(id, ..)| ours(*id))?;
            Some(LedgerEvent::from(ReadingsAccepted {
                meter_id: accepted.meter_id,
                first_measurement_id: id,
                runs: Run::pack([(interval, wh)]),
                repeated: 0,
                gateway: accepted.gateway,
                device_id: accepted.device_id,
                account_id: accepted.account_id,
                gross_net_indicator: accepted.gross_net_indicator.clone(),
            }))
        }
        LedgerEvent::BundlesIssued(issued) => {
            let ours = issued
                .bundles()
                .find(|bundle| bundle.bundle_id == root.id)?;
            Some(LedgerEvent::from(BundlesIssued {
                meter_id: issued.meter_id,
                first_bundle_id: ours.bundle_id,
                first_certificate_id: ours.start,
                runs: Run::pack([(ours.interval, root.bundle_quantity)]),
                device_id: issued.device_id,
                account_id: issued.account_id,
                metadata_id: issued.metadata_id,
                terms: issued.terms.clone(),
            }))
        }
        LedgerEvent::StorageCertificatesIssued(issued) => {
            let of_root = |(_, source, bundle): &(_, &SourceUsed, Option<StorageBundle>)| {
                source.issued.is_some() && bundle.is_some_and(|bundle| bundle.bundle_id == root.id)
            };
            let (allocation, source, bundle) = issued.sources().find(of_root)?;
            Some(LedgerEvent::from(StorageCertificatesIssued {
                first_certificate_id: bundle?.start,
                allocations: vec![AllocationIssued {
                    allocation_id: allocation.allocation_id,
                    discharged: allocation.discharged,
                    sources: vec![*source],
                }],
                device_id: issued.device_id,
                account_id: issued.account_id,
                expiry: issued.expiry,
            }))
        }
        // Of a correction, the value: why it was made and what it did to other bundles is not this one's.
        LedgerEvent::ReadingCorrected(corrected) => Some(LedgerEvent::from(ReadingCorrected {
            reason: String::new(),
            excess: WattHours::ZERO,
            withdrawn: WattHours::ZERO,
            debt: WattHours::ZERO,
            paid: WattHours::ZERO,
            action_id: None,
            replaced: Vec::new(),
            reissued: None,
            issued: None,
            ..corrected.clone()
        })),
        LedgerEvent::BundlesImported(imported) => {
            let (bundle_id, lot, bundle) = imported.bundles().find(|(id, ..)| *id == root.id)?;
            Some(LedgerEvent::from(BundlesImported {
                import_id: imported.import_id,
                account_id: imported.account_id,
                export: imported.export.clone(),
                first_bundle_id: bundle_id,
                lots: vec![ImportedLot {
                    bundles: vec![bundle.clone()],
                    ..lot.clone()
                }],
            }))
        }
        // Of an enrolment, the key: what else the gateway meters is not this bundle's.
        LedgerEvent::GatewayEnrolled(enrolled) => Some(LedgerEvent::from(GatewayEnrolled {
            name: None,
            code: Uuid::nil(),
            device_ids: Vec::new(),
            ..enrolled.clone()
        })),
        _ => None,
    }
}

/// An action with those of its bundles that are followed.
fn acted(
    history: &History,
    listed: &Listed,
    steps: &[Step<'_>],
    is_shown: bool,
) -> Result<LineageEvent, LogError> {
    let action = &listed.action;
    let event = LedgerEvent::from(BundleAction {
        action_id: action.id,
        action_type: action.action_type,
        source_id: action.source_id,
        user_id: action.user_id.filter(|_| is_shown),
        target_id: action.target_id,
        beneficiary: action.beneficiary.clone().filter(|_| is_shown),
        beneficiary_account_id: action.beneficiary_account_id.filter(|_| is_shown),
        storage_device_id: action.storage_device_id,
        reason: action.reason.clone().filter(|_| is_shown),
        certificate_quantity: action.certificate_quantity,
        certificate_bundle_percentage: action.certificate_bundle_percentage.map(|share| share.0),
        quantity_mode: action.certificate_quantity_mode,
        localise_time: action.localise_time,
        // What an export is about is shown with the action and the export themselves.
        export: None,
        requested_at: action.action_request_datetime,
        rule_id: action.rule_id.filter(|_| is_shown),
        parts: steps
            .iter()
            .map(|step| part(history, step, action.action_type))
            .collect(),
    });
    let payload: Value = serde_json::from_slice(&event.encode())
        .map_err(|error| LogError::Json(listed.position, error))?;
    let shown = i32::try_from(steps.len()).unwrap_or(i32::MAX);
    Ok(LineageEvent {
        position: listed.position,
        event_type: event.event_type().to_owned(),
        version: event.version(),
        recorded_at: action.action_completed_datetime,
        actor: is_shown.then(|| listed.actor.clone()),
        command_id: listed.command_id,
        is_extract: action.num_granular_certificate_bundles > shown,
        is_redacted: !is_shown,
        payload,
    })
}

fn part(history: &History, step: &Step<'_>, action_type: ActionType) -> Part {
    let bundle = step.bundle;
    let acted_on = step.acted_on();
    Part {
        bundle_id: bundle.id,
        start: acted_on.certificate_bundle_id_range_start,
        end: acted_on.certificate_bundle_id_range_end,
        split: step.halves.map(|[taken, rest]| Split {
            taken: taken.id,
            rest: rest.id,
            rest_end: rest.certificate_bundle_id_range_end,
            rest_status: step.status_before,
        }),
        origin: (action_type == ActionType::Withdraw && bundle.is_storage == 0).then_some(Origin {
            device_id: bundle.device_id,
            meter_id: history.meter_id,
            interval_start: bundle.production_starting_interval,
        }),
    }
}
