//! The trail as a CSV file, page by page as it is read.

use crate::http::problem::Problem;
use crate::http::state::State;
use crate::read::audit::{self, Key, Seen};
use actix_web::HttpResponse;
use actix_web::http::header::CONTENT_DISPOSITION;
use bytes::Bytes;
use futures_util::stream::{self, StreamExt};
use schemas::api::audit::{AuditEntry, AuditQuery};
use schemas::api::page::MAX_LIMIT;
use std::sync::Arc;

const COLUMNS: [&str; 17] = [
    "at",
    "last_at",
    "attempts",
    "principal",
    "user_id",
    "via",
    "address",
    "operation",
    "account_id",
    "outcome",
    "code",
    "command_id",
    "idempotency_key",
    "request_id",
    "stream",
    "position",
    "target",
];

/// Every entry that matches, behind `after`. A failure on the way cuts the answer short, which a client
/// sees by the transfer that does not end in order.
pub(super) fn answer(
    state: Arc<State>,
    query: AuditQuery,
    seen: Seen,
    after: Option<Key>,
) -> HttpResponse {
    let header = text(std::iter::once(COLUMNS.map(str::to_owned)));
    let pages = stream::try_unfold(Some(after), move |at| {
        let (state, query, seen) = (state.clone(), query.clone(), seen.clone());
        async move {
            let Some(after) = at else {
                return Ok(None);
            };
            let client = state.read_client().await?;
            let page = audit::page(&client, &query, &seen, after, MAX_LIMIT).await?;
            let next = page.next_cursor.as_deref().and_then(audit::key).map(Some);
            Ok::<_, Problem>(Some((text(page.entries.iter().map(cells))?, next)))
        }
    });
    let body = stream::once(async { header }).chain(pages);
    HttpResponse::Ok()
        .content_type("text/csv; charset=utf-8")
        .insert_header((CONTENT_DISPOSITION, "attachment; filename=\"audit.csv\""))
        .streaming(body)
}

fn text(rows: impl Iterator<Item = [String; COLUMNS.len()]>) -> Result<Bytes, Problem> {
    let mut writer = csv::Writer::from_writer(Vec::new());
    for row in rows {
        writer
            .write_record(&row)
            .map_err(|error| Problem::internal(&error))?;
    }
    let text = writer
        .into_inner()
        .map_err(|error| Problem::internal(&error))?;
    Ok(text.into())
}

fn cells(entry: &AuditEntry) -> [String; COLUMNS.len()] {
    fn or_nothing<T: ToString>(value: Option<&T>) -> String {
        value.map(ToString::to_string).unwrap_or_default()
    }
    let time = |time: chrono::DateTime<chrono::Utc>| {
        time.to_rfc3339_opts(chrono::SecondsFormat::Micros, true)
    };
    [
        time(entry.at),
        entry.last_at.map(time).unwrap_or_default(),
        entry.attempts.to_string(),
        or_nothing(entry.principal.as_ref()),
        or_nothing(entry.user_id.as_ref()),
        or_nothing(entry.via.as_ref()),
        or_nothing(entry.address.as_ref()),
        entry.operation.clone(),
        or_nothing(entry.account_id.as_ref()),
        entry.outcome.to_string(),
        or_nothing(entry.code.as_ref()),
        or_nothing(entry.command_id.as_ref()),
        or_nothing(entry.idempotency_key.as_ref()),
        entry.request_id.to_string(),
        entry.stream.to_owned(),
        entry.position.to_string(),
        or_nothing(entry.target.as_ref()),
    ]
}
