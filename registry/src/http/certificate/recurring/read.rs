//! Recurring rules and their runs.

use super::super::query::foreign_cursor;
use crate::http::listed::listed;
use crate::http::problem::Answer;
use crate::http::{Id, Query, Read};
use crate::read::recurring;
use actix_web::{HttpResponse, get};
use schemas::api::certificate::{
    RecurringRule, RecurringRuleQuery, RecurringRuleWithRuns, RecurringRun,
};
use schemas::api::page::PageQuery;
use schemas::id::RuleId;

/// Runs shown with a rule.
const RUNS_SHOWN: i64 = 100;

/// List recurring rules.
///
/// Newest first: those of one account, or of all accounts the caller may see.
#[utoipa::path(
    tag = "Certificates",
    operation_id = "list_recurring_rules",
    params(RecurringRuleQuery, PageQuery),
    responses(
        (status = 200, description = "A page of the rules.", body = Vec<RecurringRule>),
        (status = 404, description = "account_not_found"),
        (status = 422, description = "request_invalid"),
    ),
)]
#[get("/certificate/recurring")]
pub async fn list_recurring_rules(
    read: Read,
    Query(wanted): Query<RecurringRuleQuery>,
    Query(page): Query<PageQuery>,
) -> Answer<HttpResponse> {
    let before = match &page.cursor {
        None => None,
        Some(cursor) => Some(recurring::key(cursor).ok_or_else(|| foreign_cursor("cursor"))?),
    };
    let one = match wanted.account_id {
        None => None,
        Some(account_id) => Some([read.may_view(account_id).await?]),
    };
    let accounts = match &one {
        Some(one) => Some(one.as_slice()),
        None => read.visible_accounts(),
    };
    let client = read.client().await?;
    let rules = recurring::page(&client, accounts, wanted.status, before, page.limit).await?;
    Ok(listed(&rules))
}

/// Get a recurring rule.
///
/// With its latest runs. Visible to members of its account and to the issuing body.
#[utoipa::path(
    tag = "Certificates",
    operation_id = "get_recurring_rule",
    params(("id" = i64, Path, description = "The rule.")),
    responses(
        (status = 200, description = "The rule.", body = RecurringRuleWithRuns),
        (status = 404, description = "recurring_rule_not_found"),
        (status = 422, description = "request_invalid"),
    ),
)]
#[get("/certificate/recurring/{id}")]
pub async fn get_recurring_rule(read: Read, Id(rule_id): Id<RuleId>) -> Answer<HttpResponse> {
    let client = read.client().await?;
    let rule = read.rule(&client, rule_id).await?;
    let runs = recurring::runs(&client, rule.id, None, RUNS_SHOWN).await?;
    let runs = runs.entries;
    Ok(HttpResponse::Ok().json(RecurringRuleWithRuns { rule, runs }))
}

/// List the runs of a recurring rule.
///
/// Newest first. Every period that is behind the rule is in exactly one of them.
#[utoipa::path(
    tag = "Certificates",
    operation_id = "list_recurring_runs",
    params(("id" = i64, Path, description = "The rule."), PageQuery),
    responses(
        (status = 200, description = "A page of the runs.", body = Vec<RecurringRun>),
        (status = 404, description = "recurring_rule_not_found"),
        (status = 422, description = "request_invalid"),
    ),
)]
#[get("/certificate/recurring/{id}/runs")]
pub async fn list_recurring_runs(
    read: Read,
    Id(rule_id): Id<RuleId>,
    Query(page): Query<PageQuery>,
) -> Answer<HttpResponse> {
    let client = read.client().await?;
    let rule_id = read.rule(&client, rule_id).await?.id;
    let before = match &page.cursor {
        None => None,
        Some(cursor) => {
            Some(recurring::run_key(rule_id, cursor).ok_or_else(|| foreign_cursor("cursor"))?)
        }
    };
    Ok(listed(
        &recurring::runs(&client, rule_id, before, page.limit).await?,
    ))
}
