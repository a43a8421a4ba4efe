//! The envelope of a gateway behind a bundle: named, shown, and checked without the registry.

use super::altered::assert_alterations_are_noticed;
use schemas::gateway::{Algorithm, jws};
use serde_json::{Value, json};
use tests::{Actor, GatewayKey, TestGateway, World, broken, ids, measured_hour};

async fn enrolled(world: &World, algorithm: Algorithm) -> TestGateway {
    let anonymous = world.registry.anonymous();
    TestGateway::enrol(&anonymous, &world.producer, world.s, &[world.w], algorithm).await
}

async fn accepted(world: &World, envelope: &str) -> i64 {
    let anonymous = world.registry.anonymous();
    let receipts = anonymous.receipts(&[envelope.to_owned()]).await;
    assert_eq!(receipts[0]["status"], "accepted", "{}", receipts[0]);
    receipts[0]["position"].as_i64().unwrap()
}

/// The bundle issued for the `n`-th hour.
async fn issued(world: &World, actor: &Actor, n: i64) -> i64 {
    let body = json!({"issuance_ids": [world.issuance_id(n)]});
    ids(&actor.query(world.s, body).await)[0]
}

fn types(raw: &Value) -> Vec<&str> {
    let events = raw["events"].as_array().unwrap().iter();
    events
        .map(|event| event["type"].as_str().unwrap())
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bundle_of_a_gateways_reading_leads_to_the_envelope_and_each_altered_value_is_noticed() {
    for algorithm in [Algorithm::Es256, Algorithm::EdDsa] {
        let world = World::start().await;
        let mut gateway = enrolled(&world, algorithm).await;
        accepted(
            &world,
            &gateway.envelope(world.w, vec![measured_hour(0, 10)]),
        )
        .await;
        let readings = vec![measured_hour(1, 70), measured_hour(2, 80)];
        let envelope = gateway.envelope(world.w, readings);
        let position = accepted(&world, &envelope).await;
        let bundle = issued(&world, &world.producer, 2).await;

        let told = world.producer.lineage(bundle, "timeline").await;
        let named = json!({
            "gateway_id": gateway.id, "device_id": world.w, "sequence": 2,
            "key_id": gateway.key.id(), "hash": jws::hash(&envelope), "ledger_position": position,
        });
        assert_eq!(told["timeline"][0]["envelope"], named);
        let needed = assert_alterations_are_noticed(&told);
        assert!(needed.contains("envelope/*"));

        let raw = world.producer.lineage(bundle, "raw").await;
        assert_eq!(
            types(&raw),
            [
                "GatewayEnrolled",
                "EnvelopeAccepted",
                "ReadingsAccepted",
                "BundlesIssued",
                "EnvelopeAccepted"
            ]
        );
        assert_eq!(raw["events"][4]["payload"]["envelope"], envelope);
        assert_eq!(raw["events"][4]["position"], position);
        let needed = assert_alterations_are_noticed(&raw);
        for covered in ["payload/gateway/*", "payload/runs/*/wh/*", "envelope/*"] {
            assert!(!needed.contains(covered), "{covered}");
        }
        for index in 0..5 {
            let mut without = raw.clone();
            let left_out = without["events"].as_array_mut().unwrap().remove(index);
            assert!(broken(&without).is_some(), "without {left_out}");
            let mut twice = raw.clone();
            let events = twice["events"].as_array_mut().unwrap();
            events.insert(index, left_out.clone());
            assert!(broken(&twice).is_some(), "with twice {left_out}");
        }
        world.registry.audit().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_key_is_shown_with_the_change_that_brought_it_and_after_its_revocation() {
    let world = World::start().await;
    let anonymous = world.registry.anonymous();
    let mut gateway = enrolled(&world, Algorithm::Es256).await;
    accepted(
        &world,
        &gateway.envelope(world.w, vec![measured_hour(0, 10)]),
    )
    .await;
    let new = GatewayKey::new(Algorithm::EdDsa);
    let path = format!("/gateway/{}/keys", gateway.id);
    anonymous
        .post(&path, gateway.key_change(&new))
        .await
        .expect(200);
    gateway.key = new;
    accepted(
        &world,
        &gateway.envelope(world.w, vec![measured_hour(1, 20)]),
    )
    .await;
    let path = format!("/gateway/{}/revoke", gateway.id);
    let body = json!({"key_id": gateway.key.id(), "reason": "sold"});
    world.producer.post(&path, body).await.expect(200);
    for (n, brought_by) in [(0, "GatewayEnrolled"), (1, "GatewayKeyAdded")] {
        let bundle = issued(&world, &world.producer, n).await;
        let raw = world.producer.lineage(bundle, "raw").await;
        assert!(types(&raw).contains(&brought_by), "{raw:#}");
        assert_alterations_are_noticed(&raw);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_later_holder_is_told_of_the_envelope_and_not_shown_the_readings_of_other_hours() {
    let world = World::start().await;
    let later = super::later_holder(&world).await;
    let mut gateway = enrolled(&world, Algorithm::Es256).await;
    let envelope = gateway.envelope(world.w, vec![measured_hour(0, 10), measured_hour(1, 20)]);
    accepted(&world, &envelope).await;
    let bundle = issued(&world, &world.trader, 1).await;
    world
        .trader
        .transfer(world.s, world.t, &[bundle])
        .await
        .expect(202);
    let told = later.lineage(bundle, "timeline").await;
    assert_eq!(
        told["timeline"][0]["envelope"]["hash"],
        jws::hash(&envelope)
    );
    let raw = later.lineage(bundle, "raw").await;
    assert!(!types(&raw).contains(&"EnvelopeAccepted"));
    assert!(!raw.to_string().contains(&envelope));
    let gateway_of = &raw["events"][0]["payload"]["gateway"];
    assert_eq!(gateway_of["sequence"], 1);
    assert!(assert_alterations_are_noticed(&raw).contains("payload/gateway/*"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_corrected_reading_keeps_its_envelope() {
    let world = World::start().await;
    let mut gateway = enrolled(&world, Algorithm::Es256).await;
    accepted(
        &world,
        &gateway.envelope(world.w, vec![measured_hour(0, 10)]),
    )
    .await;
    let path = format!("/measurement/list?device_id={}", world.w);
    let found = world.producer.get(&path).await.expect(200);
    let path = format!("/measurement/correct/{}", found[0]["id"]);
    let body = json!({"interval_usage": 25, "reason": "read from the display"});
    world.admin.post(&path, body).await.expect(200);
    let body = json!({"issuance_ids": [world.issuance_id(0)]});
    for bundle in ids(&world.producer.query(world.s, body).await) {
        let told = world.producer.lineage(bundle, "timeline").await;
        assert_eq!(told["timeline"][0]["envelope"]["sequence"], 1);
        let raw = world.producer.lineage(bundle, "raw").await;
        assert!(types(&raw).contains(&"EnvelopeAccepted"));
        assert_alterations_are_noticed(&raw);
    }
    world.registry.audit().await;
}
