//! The audit trail: nothing that changes something, or was refused, is missing in it.

mod flood;
mod killed;
mod seen;
mod whole;

use serde_json::Value;
use tests::{Actor, eventually};

/// All entries that match, page by page, the newest first.
async fn entries(actor: &Actor, filter: &str) -> Vec<Value> {
    let mut entries = Vec::new();
    let mut cursor = String::new();
    loop {
        let page = actor
            .get(&format!("/audit?limit=100{filter}{cursor}"))
            .await;
        let next = page.header("x-next-cursor").to_owned();
        entries.extend(page.expect(200).as_array().unwrap().clone());
        if next.is_empty() {
            return entries;
        }
        cursor = format!("&cursor={next}");
    }
}

/// The one entry of a request.
#[track_caller]
fn of_request<'e>(entries: &'e [Value], request_id: &str) -> &'e Value {
    let of_it = |entry: &&Value| entry["request_id"] == request_id;
    let found: Vec<_> = entries.iter().filter(of_it).collect();
    assert_eq!(found.len(), 1, "{request_id}: {found:?}");
    found[0]
}

/// Waits until the trail tells where a request came from: of what was accepted that follows a moment later.
async fn with_address(actor: &Actor, request_id: &str) -> Value {
    eventually("the trail tells where the request came from", || async {
        let entries = entries(actor, "").await;
        let entry = of_request(&entries, request_id);
        entry["address"].is_string().then(|| entry.clone())
    })
    .await
}
