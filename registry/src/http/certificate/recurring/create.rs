//! Creating recurring rules.

use crate::http::problem::{Answer, Problem};
use crate::http::{Write, may};
use actix_web::{HttpResponse, post};
use ledger::command::CreateRule;
use ledger::{Command, Event};
use schemas::api::certificate::{
    RecurringAsked, RecurringCancelRequest, RecurringRequest, RecurringRule,
    RecurringTransferRequest,
};
use schemas::event::LedgerEvent;
use schemas::id::AccountId;
use schemas::life_cycle::ActionType;

/// Has a rule created for a member of the source account.
async fn create<T: RecurringRequest>(write: Write<may::Trade, T>) -> Answer<HttpResponse> {
    let Write {
        caller,
        body,
        origin,
    } = write;
    let asked = body.asked();
    caller.acts_as(asked.user_id)?;
    let source_id = caller.member_of(asked.source_id).await?;
    let receipt = origin
        .execute(caller.state(), command(T::ACTION, source_id, asked))
        .await?;
    let recorded = receipt
        .events
        .into_iter()
        .find_map(|(_, event)| match event {
            Event::Ledger(LedgerEvent::RecurringRuleCreated(created)) => Some(created),
            _ => None,
        });
    let created = recorded.ok_or_else(|| Problem::internal(&"a new rule left no event"))?;
    Ok(HttpResponse::Accepted().json(RecurringRule::created(created, receipt.recorded_at)))
}

fn command(action_type: ActionType, source_id: AccountId, asked: RecurringAsked) -> Command {
    Command::CreateRule(Box::new(CreateRule {
        action_type,
        source_id,
        target_id: asked.target_id,
        beneficiary: asked.beneficiary,
        beneficiary_account_id: asked.beneficiary_account_id,
        certificate_quantity: asked.certificate_quantity,
        certificate_bundle_percentage: asked.certificate_bundle_percentage.map(|share| share.0),
        localise_time: asked.localise_time,
        bundle_ids: asked.granular_certificate_bundle_ids,
        device_ids: asked.device_ids,
        energy_sources: asked.energy_sources,
        statuses: asked.certificate_bundle_statuses,
        min_age_s: asked.min_age_s,
        max_age_s: asked.max_age_s,
        start: asked.initial_action_datetime,
        period_unit: asked.recurring_period_units,
        period_quantity: asked.recurring_period_quantity,
        repetitions: asked.number_of_recurring_actions,
        missed: asked.missed_periods,
        shortfall: asked.shortfall,
    }))
}

/// Transfer bundles once per period.
///
/// Creates a rule: from its start on, the registry transfers a quantity or a share of the source account's
/// bundles that match, oldest production first, once in every period until the rule ends. Each run is an
/// action that names the rule.
#[utoipa::path(
    tag = "Certificates",
    operation_id = "create_recurring_transfer",
    request_body = RecurringTransferRequest,
    responses(
        (status = 202, description = "The rule.", body = RecurringRule),
        (status = 404, description = "account_not_found, device_not_found, bundle_not_found"),
        (status = 409, description = "bundle_state"),
        (status = 422, description = "request_invalid, value_out_of_range, account_closed, not_whitelisted, \
            recurring_start, list_too_long, bundle_repeated"),
    ),
)]
#[post("/certificate/recurring_transfer")]
pub async fn create_recurring_transfer(
    write: Write<may::Trade, RecurringTransferRequest>,
) -> Answer<HttpResponse> {
    create(write).await
}

/// Cancel bundles once per period.
///
/// Creates a rule: from its start on, the registry cancels a quantity or a share of the source account's
/// bundles that match, oldest production first, once in every period until the rule ends. Each run is an
/// action that names the rule.
#[utoipa::path(
    tag = "Certificates",
    operation_id = "create_recurring_cancel",
    request_body = RecurringCancelRequest,
    responses(
        (status = 202, description = "The rule.", body = RecurringRule),
        (status = 404, description = "account_not_found, device_not_found, bundle_not_found"),
        (status = 409, description = "bundle_state"),
        (status = 422, description = "request_invalid, value_out_of_range, account_closed, recurring_start, \
            list_too_long, bundle_repeated"),
    ),
)]
#[post("/certificate/recurring_cancel")]
pub async fn create_recurring_cancel(
    write: Write<may::Trade, RecurringCancelRequest>,
) -> Answer<HttpResponse> {
    create(write).await
}
