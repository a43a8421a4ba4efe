//! A defect of the registry itself.

use registry::clock::Clock;
use registry::sequencer::SequencerError;
use registry::system::{Listener, Projectors, System, SystemError};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use tests::{Clusters, PASSWORD, Registry, email, eventually};

/// How long it may take until the registry has noticed.
const A_WHILE: Duration = Duration::from_secs(120);

#[tokio::test(flavor = "multi_thread")]
async fn a_registry_whose_sequencer_panics_ends_and_answers_until_then() {
    let registry = Registry::prepare(Clusters::shared().await).await;
    let is_broken = Arc::new(AtomicBool::new(false));
    let clock = Clock::from({
        let is_broken = is_broken.clone();
        move || {
            let thread = std::thread::current();
            let is_sequencer = thread.name() == Some("sequencer-identity");
            assert!(
                !(is_sequencer && is_broken.load(Ordering::Acquire)),
                "told to"
            );
            chrono::Utc::now()
        }
    });
    let listener = Listener::bind(&registry.config.http).unwrap();
    let url = format!("http://{}", listener.address());
    let started = System::start_by(listener, &registry.config, Projectors::Here, clock).await;
    let mut system = started.unwrap_or_else(|error| panic!("it does not start: {error}"));
    let client = reqwest::Client::new();
    // Each sign-in that succeeds is a decision.
    let sign_in = async || {
        let form = [
            ("username", email("admin")),
            ("password", PASSWORD.to_owned()),
        ];
        let asked = client.post(format!("{url}/auth/login")).form(&form).send();
        tokio::time::timeout(A_WHILE, asked)
            .await
            .unwrap()
            .unwrap()
            .status()
    };
    eventually("somebody signs in", || async {
        sign_in().await.is_success().then_some(())
    })
    .await;
    is_broken.store(true, Ordering::Release);
    assert!(sign_in().await.is_server_error());
    let ended = tokio::time::timeout(A_WHILE, system.ended()).await;
    let SystemError::Sequencer(error) = ended.unwrap() else {
        panic!("it ended for another reason");
    };
    assert!(matches!(*error, SequencerError::Panicked), "{error}");
    tokio::time::timeout(A_WHILE, system.shutdown())
        .await
        .unwrap();
}
