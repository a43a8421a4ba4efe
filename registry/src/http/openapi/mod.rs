//! The OpenAPI document.

mod capability;
mod complete;
mod link;
mod route;
mod shape;
mod union;

pub use route::{Operation, Routes};

use super::routes::documents;
use schemas::api::problem::ProblemDocument;
use serde_json::Value;
use std::sync::LazyLock;
use utoipa::OpenApi;

/// What all parts have in common.
#[derive(OpenApi)]
#[openapi(
    info(
        title = "Granular certificate registry",
        description = "Issues, moves, cancels and claims granular certificates: one for every watt hour.\n\n\
            Energy is in whole Wh, capacity in decimal MW, times are RFC 3339 in UTC (a time without an \
            offset is taken as UTC). A failure is answered with a problem document (RFC 9457) whose `type` \
            links to a page that says what to do, and leaves nothing behind.\n\n\
            Every mutation of who has signed in takes an `Idempotency-Key`: the same request under the same key is carried out \
            once and answered alike. Every answer carries the position in the ledger that it reflects; a \
            read waits for what its caller has written, or for the position sent with it.",
        license(name = "Apache-2.0", identifier = "Apache-2.0"),
    ),
    tags(
        (name = "Sign-in", description = "From e-mail address and password to an access token."),
        (name = "Users", description = "People and machines that sign in."),
        (name = "Accounts", description = "Who holds certificates, and from whom they accept them."),
        (name = "Devices", description = "What produces or consumes energy."),
        (name = "Measurements", description = "Meter readings, for which certificates are issued."),
        (name = "Gateways", description = "Edge programs that meter devices and sign what they read."),
        (name = "Certificates", description = "Bundles of certificates and what is done with them."),
        (name = "Storage", description = "What is charged and discharged, and the certificates that pass through storage."),
        (name = "API keys", description = "Credentials of machines."),
        (name = "Audit", description = "Who did and tried what."),
        (name = "Operation", description = "For those who run the registry."),
    ),
    components(schemas(ProblemDocument)),
)]
struct Base;

/// Made once for all workers of the server.
static DOCUMENT: LazyLock<Value> = LazyLock::new(made);
static COMPACT: LazyLock<String> = LazyLock::new(|| document().to_string());

/// The document as JSON.
#[must_use]
pub fn document() -> &'static Value {
    &DOCUMENT
}

fn made() -> Value {
    let mut whole = Base::openapi();
    for part in documents() {
        whole.merge(part);
    }
    let mut document =
        serde_json::to_value(&whole).expect("a document of maps, lists and texts has a JSON form");
    complete::complete(&mut document);
    shape::complete(&mut document);
    union::complete(&mut document);
    link::add_links(&mut document);
    capability::complete(&mut document);
    document
}

/// The document as it is served, without spaces.
pub(super) fn compact() -> &'static str {
    &COMPACT
}

/// The document as it is published, pretty-printed and ending in a newline.
///
/// # Panics
/// Never: the document is made of maps, lists and texts only.
#[must_use]
pub fn openapi_document() -> String {
    let mut text = serde_json::to_string_pretty(document())
        .expect("a JSON value without other map keys than texts serialises");
    text.push('\n');
    text
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::http::problem::Code;
    use std::collections::BTreeSet;

    const COMMITTED: &str = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../schemas/openapi/openapi.json"
    );

    fn operations(document: &Value) -> Vec<(String, &Value)> {
        document["paths"]
            .as_object()
            .unwrap()
            .iter()
            .flat_map(|(path, item)| {
                item.as_object()
                    .unwrap()
                    .iter()
                    .map(move |(method, operation)| (format!("{method} {path}"), operation))
            })
            .collect()
    }

    #[test]
    fn the_committed_document_is_the_one_served() {
        let committed = std::fs::read_to_string(COMMITTED).unwrap_or_default();
        assert!(
            committed == openapi_document(),
            "schemas/openapi/openapi.json is not what the program serves; write it anew with `make openapi`"
        );
    }

    #[test]
    fn every_operation_says_what_it_does_under_a_name_of_its_own() {
        let document = document();
        let mut names = BTreeSet::new();
        for (place, operation) in operations(document) {
            assert!(operation["summary"].is_string(), "{place} has no summary");
            let name = operation["operationId"].as_str().unwrap();
            assert!(names.insert(name.to_owned()), "{name} is there twice");
        }
        assert!(names.len() > 40, "{names:?}");
    }

    #[test]
    fn every_problem_code_stands_under_its_own_status() {
        let document = document();
        for (place, operation) in operations(document) {
            for (status, response) in operation["responses"].as_object().unwrap() {
                let Some(codes) = response["x-problem-codes"].as_array() else {
                    assert!(
                        status.starts_with('2')
                            || status.starts_with('3')
                            || place == "get /readyz",
                        "{place} {status} names no code"
                    );
                    continue;
                };
                assert!(!codes.is_empty(), "{place} {status}");
                for code in codes {
                    let known = Code::all().find(|known| Some(known.as_str()) == code.as_str());
                    let known = known.unwrap_or_else(|| panic!("{place}: {code} is not a code"));
                    assert_eq!(known.status().as_str(), status, "{place}: {code}");
                }
            }
        }
    }

    #[test]
    fn every_reference_leads_somewhere() {
        fn references<'a>(value: &'a Value, found: &mut Vec<&'a str>) {
            match value {
                Value::Object(members) => {
                    found.extend(members.get("$ref").and_then(Value::as_str));
                    members
                        .values()
                        .for_each(|member| references(member, found));
                }
                Value::Array(items) => items.iter().for_each(|item| references(item, found)),
                _ => {}
            }
        }
        let document = document();
        let mut found = Vec::new();
        references(document, &mut found);
        for reference in found {
            let pointer = reference.trim_start_matches('#');
            assert!(document.pointer(pointer).is_some(), "{reference}");
        }
    }
}
