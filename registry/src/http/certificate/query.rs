//! Questions for bundles.

use super::query_rules::filter;
use crate::http::problem::{Answer, EdgeCode, Problem};
use crate::http::{Json, Member, Query, Read};
use crate::read::{bundle, cursor::Page, query};
use actix_web::{HttpResponse, get, post};
use chrono::Utc;
use deadpool_postgres::Client;
use schemas::WattHours;
use schemas::api::certificate::{
    Bundle, BundlePage, BundleQuery, BundleQueryAnswer, BundleQueryFullAnswer, SortOrder,
};
use schemas::api::page::PageQuery;
use std::collections::HashMap;

/// Query the bundles of an account.
///
/// Answers the question with a page of the bundles that match; none is an empty list. Bundles that were
/// split are never among them.
#[utoipa::path(
    tag = "Certificates",
    operation_id = "query_certificates",
    request_body = BundleQuery,
    responses(
        (status = 202, description = "The question and its answer.", body = BundleQueryAnswer),
        (status = 404, description = "account_not_found"),
        (status = 422, description = "request_invalid, query_invalid"),
    ),
)]
#[post("/certificate/query")]
pub async fn query_bundles(read: Read, Json(query): Json<BundleQuery>) -> Answer<HttpResponse> {
    let (_, page, total) = answered(&read, &query).await?;
    Ok(HttpResponse::Accepted().json(BundleQueryAnswer {
        query,
        granular_certificate_bundles: page.entries,
        total_certificate_volume: total,
        next_cursor: page.next_cursor,
    }))
}

/// Query the bundles of an account with their devices and issuance metadata.
///
/// As `POST /certificate/query`, with each bundle as `GET /certificate/{id}` shows it. A bundle that changes while it
/// is looked for is left out.
#[utoipa::path(
    tag = "Certificates",
    operation_id = "query_certificates_full",
    request_body = BundleQuery,
    responses(
        (status = 202, description = "The question and its answer.", body = BundleQueryFullAnswer),
        (status = 404, description = "account_not_found"),
        (status = 422, description = "request_invalid, query_invalid"),
    ),
)]
#[post("/certificate/query_full")]
pub async fn query_bundles_full(
    read: Read,
    Json(query): Json<BundleQuery>,
) -> Answer<HttpResponse> {
    let (client, page, total) = answered(&read, &query).await?;
    let ids: Vec<_> = page.entries.iter().map(|bundle| bundle.id).collect();
    let found = bundle::by_ids(&client, &ids).await?;
    let mut found: HashMap<_, _> = found.into_iter().map(|full| (full.id, full)).collect();
    let as_before = page.entries.iter().filter_map(|bundle| {
        found.remove(&bundle.id).filter(|full| {
            full.account_id == bundle.account_id
                && full.certificate_bundle_status == bundle.certificate_bundle_status
        })
    });
    Ok(HttpResponse::Accepted().json(BundleQueryFullAnswer {
        granular_certificate_bundles: as_before.collect(),
        query,
        total_certificate_volume: total,
        next_cursor: page.next_cursor,
    }))
}

/// The page that a question asks for and the Wh over all of it, if the caller may ask.
async fn answered(read: &Read, query: &BundleQuery) -> Answer<(Client, Page<Bundle>, WattHours)> {
    read.acts_as(query.user_id)?;
    let source_id = read.member_of(query.source_id).await?;
    let client = read.client().await?;
    let filter = filter(source_id, query, Utc::now())?;
    let (sort, cursor, limit) = (query.sort, &query.cursor, query.limit);
    let (page, total) = found(&client, &filter, sort, cursor, limit, "/cursor").await?;
    Ok((client, page, total))
}

/// List the bundles an account holds.
///
/// Newest production first; bundles that were split are never among them.
#[utoipa::path(
    tag = "Accounts",
    operation_id = "list_account_certificates",
    params(("account_id" = i64, Path, description = "The account."), PageQuery),
    responses(
        (status = 200, description = "A page of the bundles.", body = BundlePage),
        (status = 404, description = "account_not_found"),
        (status = 422, description = "request_invalid"),
    ),
)]
#[get("/account/{account_id}/certificates")]
pub async fn list_account_bundles(member: Member, page: Query<PageQuery>) -> Answer<HttpResponse> {
    let Query(PageQuery { limit, cursor }) = page;
    let client = member.client().await?;
    let filter = query::Filter::all_of(member.account_id);
    let (page, total) = found(
        &client,
        &filter,
        SortOrder::Descending,
        &cursor,
        limit,
        "cursor",
    )
    .await?;
    Ok(HttpResponse::Ok().json(BundlePage {
        granular_certificate_bundles: page.entries,
        total_certificate_volume: total,
        next_cursor: page.next_cursor,
        source_id: member.account_id,
    }))
}

/// A page of what matches, and the Wh over all of it.
async fn found(
    client: &Client,
    filter: &query::Filter,
    sort: SortOrder,
    cursor: &Option<String>,
    limit: i64,
    place: &str,
) -> Answer<(Page<Bundle>, WattHours)> {
    let after = match cursor {
        None => None,
        Some(cursor) => Some(query::key(sort, cursor).ok_or_else(|| foreign_cursor(place))?),
    };
    Ok(tokio::try_join!(
        query::page(client, filter, sort, after, limit),
        query::total(client, filter)
    )?)
}

/// The cursor is none of this list; `place` is its JSON pointer or the parameter's name.
pub(in crate::http) fn foreign_cursor(place: &str) -> Problem {
    let problem = Problem::new(
        EdgeCode::RequestInvalid,
        "`cursor` is not one that this list has given",
    );
    if place.starts_with('/') {
        problem.at(place)
    } else {
        problem.at_parameter(place)
    }
}
