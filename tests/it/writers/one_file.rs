//! Several registries on one file of events.

use registry::config::Config;
use registry::system::{Projectors, System, SystemError};
use tests::{Clusters, Registry};

async fn start(config: &Config) -> Result<System, SystemError> {
    System::start(config, Projectors::Here).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_second_registry_on_one_file_is_refused_unless_both_share_it() {
    let mut prepared = Registry::prepare_on(Clusters::shared().await, "writers", None).await;
    let config = &mut prepared.config;
    config.http.port = 0;
    let alone = start(config).await.unwrap();
    config.event_store.shared = true;
    let refused = start(config).await.err().map(|error| error.to_string());
    let refused = refused.expect("one that would share is let in beside one that does not");
    assert!(refused.contains("events.db"), "{refused}");
    assert!(refused.contains("event_store.shared"), "{refused}");
    assert!(
        refused.contains(&std::process::id().to_string()),
        "{refused}"
    );
    alone.shutdown().await;

    let shared = [start(config).await.unwrap(), start(config).await.unwrap()];
    config.event_store.shared = false;
    let refused = start(config).await.err();
    assert!(matches!(refused, Some(SystemError::NotAlone { .. })));
    for system in shared {
        system.shutdown().await;
    }
    start(config).await.unwrap().shutdown().await;
}
