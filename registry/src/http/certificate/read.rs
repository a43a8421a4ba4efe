//! Bundles, actions and issuance metadata by id and in lists.

use super::query::foreign_cursor;
use crate::http::listed::listed;
use crate::http::problem::Answer;
use crate::http::{Id, Query, Read};
use crate::read::{action, metadata};
use actix_web::{HttpResponse, get};
use schemas::api::certificate::{Action, ActionQuery, ActionSummary, BundleFull, Metadata};
use schemas::api::page::PageQuery;
use schemas::id::{ActionId, BundleId};

/// Get a bundle.
///
/// With its device and issuance metadata. Visible to members of the account that holds it, to those of
/// the beneficiary's account, and to the issuing body.
#[utoipa::path(
    tag = "Certificates",
    operation_id = "get_certificate",
    params(("id" = i64, Path, description = "The bundle.")),
    responses(
        (status = 200, description = "The bundle.", body = BundleFull),
        (status = 404, description = "bundle_not_found"),
        (status = 422, description = "request_invalid"),
    ),
)]
#[get("/certificate/{id}")]
pub async fn get_bundle(read: Read, Id(id): Id<BundleId>) -> Answer<HttpResponse> {
    Ok(HttpResponse::Ok().json(read.bundle(id).await?))
}

/// Get an action.
///
/// With what became of each bundle. Visible to members of its source, target and beneficiary's account,
/// and to the issuing body.
#[utoipa::path(
    tag = "Certificates",
    operation_id = "get_action",
    params(("id" = i64, Path, description = "The action.")),
    responses(
        (status = 200, description = "The action.", body = Action),
        (status = 404, description = "action_not_found"),
        (status = 422, description = "request_invalid"),
    ),
)]
#[get("/certificate/actions/{id}")]
pub async fn get_action(read: Read, Id(id): Id<ActionId>) -> Answer<HttpResponse> {
    let action = read.action(id).await?;
    Ok(HttpResponse::Ok().json(action))
}

/// List actions.
///
/// Newest first: those of one account as source or target, or of all accounts the caller may see.
#[utoipa::path(
    tag = "Certificates",
    operation_id = "list_actions",
    params(ActionQuery, PageQuery),
    responses(
        (status = 200, description = "A page of the actions, without what became of each bundle.",
         body = Vec<ActionSummary>),
        (status = 404, description = "account_not_found"),
        (status = 422, description = "request_invalid"),
    ),
)]
#[get("/certificate/actions")]
pub async fn list_actions(
    read: Read,
    Query(wanted): Query<ActionQuery>,
    Query(page): Query<PageQuery>,
) -> Answer<HttpResponse> {
    let before = match &page.cursor {
        None => None,
        Some(cursor) => Some(action::key(cursor).ok_or_else(|| foreign_cursor("cursor"))?),
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
    let actions = action::page(&client, accounts, wanted.action_type, before, page.limit).await?;
    Ok(listed(&actions))
}

/// List issuance metadata.
///
/// Newest first. Everyone who is signed in may see it: every certificate carries it.
#[utoipa::path(
    tag = "Certificates",
    operation_id = "list_issuance_metadata",
    params(PageQuery),
    responses(
        (status = 200, description = "A page of the metadata.", body = Vec<Metadata>),
        (status = 422, description = "request_invalid"),
    ),
)]
#[get("/certificate/metadata")]
pub async fn list_metadata(read: Read, Query(page): Query<PageQuery>) -> Answer<HttpResponse> {
    let before = match &page.cursor {
        None => None,
        Some(cursor) => Some(metadata::key(cursor).ok_or_else(|| foreign_cursor("cursor"))?),
    };
    let client = read.client().await?;
    Ok(listed(&metadata::page(&client, before, page.limit).await?))
}
