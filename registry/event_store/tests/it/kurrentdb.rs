//! The KurrentDB adapter: the suite, against the server that `GCR_TEST_KURRENTDB` names, else against the double.

use crate::conformance::{Place, conformance};
use crate::double::{Double, elsewhere};
use event_store::kurrentdb::Address;
use event_store::{EventStore, KurrentStore};
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use std::sync::Arc;
use tokio::sync::OnceCell;

#[derive(Default)]
struct Server(OnceCell<Double>);

impl Place for Server {
    fn open(&self) -> BoxFuture<'_, Arc<dyn EventStore>> {
        async {
            let url = match elsewhere::named() {
                Some(url) => {
                    elsewhere::reach(&url).await.unwrap();
                    url
                }
                None => self.0.get_or_init(Double::start).await.url(),
            };
            let address = Address::parse(&url).unwrap();
            Arc::new(KurrentStore::new(address)) as Arc<dyn EventStore>
        }
        .boxed()
    }
}

conformance!(Server::default());

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_is_named_and_can_not_be_reached_fails_the_tests() {
    let refused = elsewhere::reach("esdb://127.0.0.1:1?tls=false").await;
    let refused = refused.unwrap_err();
    assert!(refused.contains("GCR_TEST_KURRENTDB"), "{refused}");
}
