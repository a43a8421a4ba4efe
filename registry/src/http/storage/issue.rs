//! Issuance for energy released from storage.

use super::{allocation, unanswered};
use crate::http::extract::{BODY_LIMIT, Caller, Origin, collect, may, read_json};
use crate::http::problem::{Answer, EdgeCode, Problem};
use crate::read::storage as stored;
use actix_web::dev::Payload;
use actix_web::{FromRequest, HttpRequest, HttpResponse, post};
use futures_util::future::LocalBoxFuture;
use ledger::command::IssueForStorage;
use ledger::{Command, Event};
use schemas::Interval;
use schemas::api::storage::{IssueAnswer, IssueBody, IssueSdgcs, IssuedForAllocation, IssuedSdgc};
use schemas::event::LedgerEvent;
use schemas::event::storage::StorageCertificatesIssued;
use schemas::id::DeviceId;

/// Allocations that certificates are wanted for.
pub struct Issue {
    caller: Caller<may::RequestIssuance>,
    origin: Origin,
    asked: IssueSdgcs,
}

impl FromRequest for Issue {
    type Error = Problem;
    type Future = LocalBoxFuture<'static, Answer<Self>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let (request, payload) = (request.clone(), payload.take());
        Box::pin(async move {
            let caller = Caller::of(&request).await?;
            let body = collect(&request, payload, BODY_LIMIT).await?;
            let origin = Origin::of(&request, caller.state(), &caller, &body)?;
            // The contract's body is the bare list.
            let asked = if body.trim_ascii_start().starts_with(b"[") {
                let named: [&[u8]; 3] = [b"{\"allocated_storage_record_ids\":", &body, b"}"];
                read_json(&request, &named.concat())?
            } else {
                read_json(&request, &body)?
            };
            Ok(Self {
                caller,
                origin,
                asked,
            })
        })
    }
}

/// Issue certificates for energy released from storage.
///
/// For allocations of one storage device: each needs certificates cancelled for the device
/// (`/certificate/cancel_for_storage`) by its account, produced within the charge's interval, of exactly as
/// many Wh as the allocation consumed; those named, or else any that are not used up. A bundle is issued
/// for each of them, with the attributes of its own source, for the interval of the discharge; together
/// they hold what the allocation produced. Larger cancelled bundles are split.
#[utoipa::path(
    tag = "Storage",
    operation_id = "issue_sdgcs",
    request_body = IssueBody,
    responses(
        (status = 200, description = "What was issued.", body = IssueAnswer),
        (status = 403, description = "account_access_denied"),
        (status = 404, description = "device_not_found, allocation_not_found, bundle_not_found"),
        (status = 409, description = "allocation_issued, charge_uncovered, bundle_not_for_charge"),
        (status = 422, description = "request_invalid, list_empty, list_too_long, bundle_repeated, \
            device_removed, device_not_storage, account_closed, serials_exhausted"),
    ),
)]
#[post("/storage/issue_sdgcs")]
pub async fn issue_sdgcs(issue: Issue) -> Answer<HttpResponse> {
    decide(issue).await
}

/// Issue certificates for energy released from storage, under the contract's older name.
#[utoipa::path(
    tag = "Storage",
    operation_id = "issue_sdgc",
    request_body = IssueBody,
    responses(
        (status = 200, description = "What was issued.", body = IssueAnswer),
        (status = 403, description = "account_access_denied"),
        (status = 404, description = "device_not_found, allocation_not_found, bundle_not_found"),
        (status = 409, description = "allocation_issued, charge_uncovered, bundle_not_for_charge"),
        (status = 422, description = "request_invalid, list_empty, list_too_long, bundle_repeated, \
            device_removed, device_not_storage, account_closed, serials_exhausted"),
    ),
)]
#[post("/storage/issue_sdgc")]
pub async fn issue_sdgc(issue: Issue) -> Answer<HttpResponse> {
    decide(issue).await
}

async fn decide(issue: Issue) -> Answer<HttpResponse> {
    let command = command(&issue).await?;
    let receipt = issue.origin.execute(issue.caller.state(), command).await?;
    let recorded = receipt
        .events
        .into_iter()
        .find_map(|(_, event)| match event {
            Event::Ledger(LedgerEvent::StorageCertificatesIssued(issued)) => Some(issued),
            _ => None,
        });
    let event = recorded.ok_or_else(|| unanswered("an issuance left no event"))?;
    Ok(HttpResponse::Ok().json(answer(&event)))
}

/// The command: for allocations of one device of the caller's, with the bundles named or found.
async fn command(issue: &Issue) -> Answer<Command> {
    let asked = &issue.asked;
    let caller = &issue.caller;
    let client = issue.origin.client(caller.state()).await?;
    let mut found =
        stored::allocations_by_ids(&client, &asked.allocated_storage_record_ids).await?;
    found.retain(|(_, account)| caller.sees(*account));
    let missing = asked
        .allocated_storage_record_ids
        .iter()
        .find(|id| !found.iter().any(|(found, _)| found.id == **id));
    if let Some(id) = missing {
        return Err(allocation::not_found(*id));
    }
    let Some((first, account_id)) = found.first() else {
        let rule = "`allocated_storage_record_ids` lists no allocation";
        return Err(Problem::new(ledger::refusal::Code::ListEmpty, rule));
    };
    let device_id: DeviceId = first.device_id;
    if found.iter().any(|(one, _)| one.device_id != device_id) {
        return Err(Problem::new(
            EdgeCode::RequestInvalid,
            "the allocations of one request are of one storage device",
        )
        .at("/allocated_storage_record_ids"));
    }
    caller.acts_for(*account_id)?;
    let bundle_ids = match &asked.granular_certificate_bundle_ids {
        Some(named) => named.clone(),
        None => {
            let charges: Vec<Interval> = found
                .iter()
                .filter_map(|(one, _)| {
                    Interval::new(one.charging_start_datetime, one.charging_end_datetime).ok()
                })
                .collect();
            stored::cancelled_for(&client, *account_id, device_id, &charges).await?
        }
    };
    Ok(Command::IssueForStorage(IssueForStorage {
        device_id,
        allocation_ids: asked.allocated_storage_record_ids.clone(),
        bundle_ids,
        are_named: asked.granular_certificate_bundle_ids.is_some(),
    }))
}

fn answer(event: &StorageCertificatesIssued) -> IssueAnswer {
    let mut allocations: Vec<IssuedForAllocation> = Vec::new();
    for (allocation, source, bundle) in event.sources() {
        let id = allocation.allocation_id;
        if allocations
            .last()
            .is_none_or(|last| last.allocated_storage_record_id != id)
        {
            allocations.push(IssuedForAllocation {
                allocated_storage_record_id: id,
                bundles: Vec::new(),
            });
        }
        if let Some(last) = allocations.last_mut() {
            last.bundles.push(IssuedSdgc {
                gc_bundle_id: source.bundle_id,
                gc_quantity: source.wh,
                sdgc_bundle_id: bundle.map(|bundle| bundle.bundle_id),
                certificate_bundle_id_range_start: bundle.map(|bundle| bundle.start),
                certificate_bundle_id_range_end: bundle.map(|bundle| bundle.end),
            });
        }
    }
    IssueAnswer {
        message: format!(
            "{} issued for {} allocations.",
            event.total(),
            event.allocations.len()
        ),
        device_id: event.device_id,
        account_id: event.account_id,
        total_certificate_volume: event.total(),
        allocations,
    }
}
