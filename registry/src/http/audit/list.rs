//! Questions about the audit trail.

use super::csv;
use crate::http::certificate::foreign_cursor;
use crate::http::listed::listed;
use crate::http::position::reached;
use crate::http::problem::{Answer, EdgeCode, Problem};
use crate::http::{Query, Read, may};
use crate::read::audit::{self, Seen};
use actix_web::http::header::ACCEPT;
use actix_web::{HttpRequest, HttpResponse, get};
use schemas::api::audit::{AuditEntry, AuditQuery};
use schemas::api::page::PageQuery;

/// List the audit trail.
///
/// Every request that changed something, every one that was refused, and signing in, the newest first; up
/// to the moment of the question. Who oversees the registry sees all of it. Others see what they did
/// themselves and what was done and tried for their accounts, without the addresses of others. Beyond 20 in
/// a minute, refusals of one caller (where none is known, one address), one operation and one code share
/// entries that tell how many there were. With `Accept: text/csv` all entries that match come in one answer.
#[utoipa::path(
    tag = "Audit",
    operation_id = "list_audit_entries",
    params(AuditQuery, PageQuery),
    responses(
        (status = 200, description = "A page of the entries.", content(
            (Vec<AuditEntry> = "application/json"),
            (String = "text/csv"),
        )),
        (status = 422, description = "request_invalid, query_invalid"),
    ),
)]
#[get("/audit")]
pub async fn list_audit_entries(
    http: HttpRequest,
    read: Read<may::Audit>,
    Query(query): Query<AuditQuery>,
    Query(page): Query<PageQuery>,
) -> Answer<HttpResponse> {
    if let (Some(from), Some(to)) = (query.from, query.to)
        && from >= to
    {
        let rule = "`from` must be before `to`";
        return Err(Problem::new(EdgeCode::QueryInvalid, rule).at_parameter("from"));
    }
    let after = match &page.cursor {
        None => None,
        Some(cursor) => Some(audit::key(cursor).ok_or_else(|| foreign_cursor("cursor"))?),
    };
    let state = read.state();
    reached(
        state.read_progress(),
        state.heads().await?,
        state.read_wait(),
    )
    .await?;
    let seen = Seen {
        by: read.user_id,
        sees_own: read.restriction().is_none(),
        accounts: read.visible_accounts().map(<[_]>::to_vec),
    };
    if is_csv(&http) {
        return Ok(csv::answer(state.clone(), query, seen, after));
    }
    let client = read.client().await?;
    Ok(listed(
        &audit::page(&client, &query, &seen, after, page.limit).await?,
    ))
}

/// Whether the client asks for CSV before anything else.
fn is_csv(http: &HttpRequest) -> bool {
    let accepted = http.headers().get(ACCEPT);
    let first = accepted.and_then(|value| value.to_str().ok()?.split([',', ';']).next());
    first.is_some_and(|first| first.trim().eq_ignore_ascii_case("text/csv"))
}
