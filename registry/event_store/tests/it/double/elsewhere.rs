//! A real server in place of the double.

use event_store::kurrentdb::Address;
use event_store::{EventStore, KurrentStore};
use schemas::log::StreamName;

/// Connection string of a server that may be written to.
const SERVER: &str = "GCR_TEST_KURRENTDB";

/// The server that the tests are to be run on, if one is named.
pub fn named() -> Option<String> {
    std::env::var(SERVER).ok()
}

/// Whether it can be used. Each test would find out by itself, some of them after many minutes.
pub async fn reach(url: &str) -> Result<(), String> {
    let store = KurrentStore::new(Address::parse(url).unwrap());
    let stream = StreamName::ledger("nobody-wrote-to-it").unwrap();
    let asked = store.head(&stream).await.map(|_| ());
    asked.map_err(|error| format!("the server that {SERVER} names can not be used: {error}"))
}
