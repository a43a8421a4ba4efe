//! Pausing, resuming and ending recurring rules.

use crate::http::problem::Answer;
use crate::http::{Id, Write, may};
use actix_web::{HttpResponse, post};
use ledger::Command;
use schemas::api::Named;
use schemas::api::certificate::RecurringRule;
use schemas::id::RuleId;

/// Has a rule changed for a member of its account, and shows it as it is then.
async fn change(
    write: Write<may::Trade>,
    command: fn(RuleId) -> Command,
    named: Named<RuleId>,
) -> Answer<HttpResponse> {
    let caller = &write.caller;
    let rule = caller.rule(&caller.client().await?, named).await?;
    caller.acts_for(rule.source_id)?;
    write.execute(command(rule.id)).await?;
    let rule = caller.rule(&caller.client().await?, named).await?;
    Ok(HttpResponse::Ok().json(rule))
}

/// Pause a recurring rule.
///
/// It does not run until it is resumed. A run that is under way stops where it is.
#[utoipa::path(
    tag = "Certificates",
    operation_id = "pause_recurring_rule",
    params(("id" = i64, Path, description = "The rule.")),
    responses(
        (status = 200, description = "The rule.", body = RecurringRule),
        (status = 403, description = "account_access_denied"),
        (status = 404, description = "recurring_rule_not_found"),
        (status = 409, description = "recurring_rule_state"),
        (status = 422, description = "request_invalid"),
    ),
)]
#[post("/certificate/recurring/{id}/pause")]
pub async fn pause_recurring_rule(
    write: Write<may::Trade>,
    Id(rule_id): Id<RuleId>,
) -> Answer<HttpResponse> {
    change(write, Command::PauseRule, rule_id).await
}

/// Resume a recurring rule.
///
/// It runs again from its next period on: those that came due while it was paused are passed over.
#[utoipa::path(
    tag = "Certificates",
    operation_id = "resume_recurring_rule",
    params(("id" = i64, Path, description = "The rule.")),
    responses(
        (status = 200, description = "The rule.", body = RecurringRule),
        (status = 403, description = "account_access_denied"),
        (status = 404, description = "recurring_rule_not_found"),
        (status = 409, description = "recurring_rule_state"),
        (status = 422, description = "request_invalid, account_closed"),
    ),
)]
#[post("/certificate/recurring/{id}/resume")]
pub async fn resume_recurring_rule(
    write: Write<may::Trade>,
    Id(rule_id): Id<RuleId>,
) -> Answer<HttpResponse> {
    change(write, Command::ResumeRule, rule_id).await
}

/// End a recurring rule.
///
/// It never runs again. A run that is under way stops where it is.
#[utoipa::path(
    tag = "Certificates",
    operation_id = "end_recurring_rule",
    params(("id" = i64, Path, description = "The rule.")),
    responses(
        (status = 200, description = "The rule.", body = RecurringRule),
        (status = 403, description = "account_access_denied"),
        (status = 404, description = "recurring_rule_not_found"),
        (status = 409, description = "recurring_rule_state"),
        (status = 422, description = "request_invalid"),
    ),
)]
#[post("/certificate/recurring/{id}/end")]
pub async fn end_recurring_rule(
    write: Write<may::Trade>,
    Id(rule_id): Id<RuleId>,
) -> Answer<HttpResponse> {
    change(write, Command::EndRule, rule_id).await
}
