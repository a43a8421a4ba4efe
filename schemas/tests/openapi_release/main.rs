//! What changed in the published document since the last released one, by the rules of oasdiff: a change
//! that breaks a client fails here.
//!
//! `schemas/openapi/released.json` is the document of the last release. A release copies the published
//! document over it.
#![allow(clippy::unwrap_used)]

mod compare;
mod operation;
mod resolve;
mod schema;
mod tests;

use compare::{Changes, compare};
use serde_json::Value;

fn document(name: &str) -> Value {
    let path = format!("{}/openapi/{name}.json", env!("CARGO_MANIFEST_DIR"));
    let text = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{path}: {error}"));
    serde_json::from_str(&text).unwrap()
}

#[test]
fn nothing_in_the_published_document_breaks_a_client_of_the_released_one() {
    let Changes { breaking, warnings } = compare(&document("released"), &document("openapi"));
    for warning in &warnings {
        println!("warning: {warning}");
    }
    assert!(
        breaking.is_empty(),
        "{} breaking changes since the released document:\n  {}\n\
         Keep what clients rely on, or release a new version: see CHANGELOG.md.",
        breaking.len(),
        breaking.join("\n  ")
    );
}
