//! What an account holds, by period.

use super::holding_rules::check;
use crate::http::certificate::foreign_cursor;
use crate::http::problem::Answer;
use crate::http::{Query, Viewer};
use crate::read::holding;
use actix_web::{HttpResponse, get};
use schemas::api::holding::{HoldingPage, HoldingQuery};
use schemas::api::page::PageQuery;

/// Sum up what an account holds.
///
/// Bundles and Wh by hour, day or month of production, told apart by source, state, device and technology
/// as far as asked for. What was withdrawn does not count unless its state is asked for; what was split
/// never does.
#[utoipa::path(
    tag = "Accounts",
    operation_id = "list_account_holdings",
    params(("account_id" = i64, Path, description = "The account."), HoldingQuery, PageQuery),
    responses(
        (status = 200, description = "A page of the holdings.", body = HoldingPage),
        (status = 404, description = "account_not_found"),
        (status = 422, description = "request_invalid, query_invalid"),
    ),
)]
#[get("/account/{account_id}/holdings")]
pub async fn list_account_holdings(
    viewer: Viewer,
    Query(query): Query<HoldingQuery>,
    Query(page): Query<PageQuery>,
) -> Answer<HttpResponse> {
    check(&query)?;
    let after = match &page.cursor {
        None => None,
        Some(cursor) => Some(holding::key(&query, cursor).ok_or_else(|| foreign_cursor("cursor"))?),
    };
    let client = viewer.client().await?;
    let found = holding::page(&client, viewer.account_id, &query, after, page.limit).await?;
    Ok(HttpResponse::Ok().json(HoldingPage {
        account_id: viewer.account_id,
        period: query.period,
        from: query.from,
        to: query.to,
        group_by: query.group_by.0,
        holdings: found.page.entries,
        total_bundles: found.bundles,
        total_wh: found.wh,
        next_cursor: found.page.next_cursor,
    }))
}
