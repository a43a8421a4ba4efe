//! The KurrentDB adapter: the suite, against the server that `GCR_TEST_KURRENTDB` names, else against the double.

use crate::conformance::{Place, conformance};
use crate::double::Double;
use event_store::kurrentdb::Address;
use event_store::{EventStore, KurrentStore};
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use std::sync::Arc;
use tokio::sync::OnceCell;

/// Connection string of a server that may be written to. A server that can not be reached fails the tests.
const SERVER: &str = "GCR_TEST_KURRENTDB";

#[derive(Default)]
struct Server(OnceCell<Double>);

impl Place for Server {
    fn open(&self) -> BoxFuture<'_, Arc<dyn EventStore>> {
        async {
            let url = match std::env::var(SERVER) {
                Ok(url) => url,
                Err(_) => self.0.get_or_init(Double::start).await.url(),
            };
            let address = Address::parse(&url).unwrap();
            Arc::new(KurrentStore::new(address)) as Arc<dyn EventStore>
        }
        .boxed()
    }
}

conformance!(Server::default());
