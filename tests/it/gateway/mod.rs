//! Gateways: enrolment, envelopes and their refusals one by one, keys and devices.

#[cfg(target_os = "linux")]
mod bluetooth;
mod enrolment;
mod exactly_once;
mod forged;
mod keys;
mod outage;
mod readings;
mod reads;
mod runtime;

use schemas::gateway::Algorithm;
use serde_json::Value;
use tests::{TestGateway, World};

/// A gateway for the wind farm.
async fn enrolled(world: &World, algorithm: Algorithm) -> TestGateway {
    let anonymous = world.registry.anonymous();
    TestGateway::enrol(&anonymous, &world.producer, world.s, &[world.w], algorithm).await
}

/// Submits one envelope; gives its receipt.
async fn submit(world: &World, envelope: &str) -> Value {
    let anonymous = world.registry.anonymous();
    anonymous.receipts(&[envelope.to_owned()]).await.remove(0)
}

/// The code by which an envelope is refused; nothing of it is in the ledger.
async fn refusal(world: &World, envelope: &str) -> String {
    let before = world.producer.holdings(world.s).await.len();
    let receipt = submit(world, envelope).await;
    assert_eq!(receipt["status"], "refused", "{receipt}");
    assert!(receipt["position"].is_null(), "{receipt}");
    assert!(!receipt["detail"].as_str().unwrap().is_empty());
    assert_eq!(world.producer.holdings(world.s).await.len(), before);
    receipt["code"].as_str().unwrap().to_owned()
}
