//! Change and revocation of keys.

use super::{enrolled, refusal, submit};
use chrono::TimeDelta;
use schemas::gateway::limit::{KEY_OVERLAP_DAYS, MAX_ENVELOPE_BYTES};
use schemas::gateway::{Algorithm, MeterReadings};
use serde_json::json;
use tests::{GatewayKey, World, measured_hour};

#[tokio::test(flavor = "multi_thread")]
async fn a_gateway_goes_on_with_a_new_key_and_the_old_one_is_accepted_for_what_it_signed() {
    let world = World::start().await;
    let anonymous = world.registry.anonymous();
    let mut gateway = enrolled(&world, Algorithm::Es256).await;
    let stored = gateway.envelope(world.w, vec![measured_hour(0, 10)]);
    let path = format!("/gateway/{}/keys", gateway.id);
    let new = GatewayKey::new(Algorithm::EdDsa);
    let change = gateway.key_change(&new);
    let changed = anonymous.post(&path, change.clone()).await.expect(200);
    let again = anonymous.post(&path, change).await.expect(200);
    assert_eq!(changed, again);
    assert_eq!(changed["keys"].as_array().unwrap().len(), 2);
    assert!(changed["keys"][0]["accepted_until"].is_string());
    assert_eq!(submit(&world, &stored).await["status"], "accepted");
    gateway.key = new;
    let next = gateway.envelope(world.w, vec![measured_hour(1, 10)]);
    assert_eq!(submit(&world, &next).await["status"], "accepted");
    world.registry.audit().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_that_was_changed_is_gateway_key_revoked_once_the_overlap_is_over() {
    let world = World::start().await;
    let anonymous = world.registry.anonymous();
    let mut gateway = enrolled(&world, Algorithm::Es256).await;
    let stored = gateway.envelope(world.w, vec![measured_hour(0, 10)]);
    let path = format!("/gateway/{}/keys", gateway.id);
    let new = GatewayKey::new(Algorithm::Es256);
    let change = gateway.key_change(&new);
    anonymous.post(&path, change).await.expect(200);
    let overlap = TimeDelta::days(KEY_OVERLAP_DAYS);
    world
        .registry
        .clock
        .advance(overlap + TimeDelta::seconds(1));
    assert_eq!(refusal(&world, &stored).await, "gateway_key_revoked");
    // The same readings, signed by the key that is there.
    let payload = schemas::gateway::jws::parse(&stored, MAX_ENVELOPE_BYTES);
    let payload: MeterReadings = payload.unwrap().payload;
    let anew = new.sign(&payload);
    assert_eq!(submit(&world, &anew).await["status"], "accepted");
    world.registry.audit().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_change_of_keys_is_signed_by_both() {
    let world = World::start().await;
    let anonymous = world.registry.anonymous();
    let gateway = enrolled(&world, Algorithm::Es256).await;
    let path = format!("/gateway/{}/keys", gateway.id);
    let (new, other) = (
        GatewayKey::new(Algorithm::Es256),
        GatewayKey::new(Algorithm::Es256),
    );
    let good = gateway.key_change(&new);
    let mut mixed = good.clone();
    mixed["signed_by_new"] = gateway.key_change(&other)["signed_by_new"].clone();
    let refused = anonymous.post(&path, mixed).await;
    refused.refused_at(422, "gateway_proof_invalid", "/signed_by_new");
    let mut self_made = good.clone();
    self_made["signed_by_current"] = good["signed_by_new"].clone();
    let refused = anonymous.post(&path, self_made).await;
    refused.refused_at(404, "gateway_key_unknown", "/signed_by_current");
    let elsewhere = format!("/gateway/{}/keys", gateway.id + 1);
    anonymous
        .post(&elsewhere, good)
        .await
        .refused(404, "gateway_key_unknown");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_revoked_key_and_a_revoked_gateway_are_gateway_key_revoked_at_once() {
    for whole in [false, true] {
        let world = World::start().await;
        let mut gateway = enrolled(&world, Algorithm::Es256).await;
        let first = gateway.envelope(world.w, vec![measured_hour(0, 10)]);
        submit(&world, &first).await;
        let path = format!("/gateway/{}/revoke", gateway.id);
        let mut body = json!({"reason": "stolen"});
        if !whole {
            body["key_id"] = json!(gateway.key.id());
        }
        let trader = world.trader.post(&path, body.clone()).await;
        trader.refused(403, "capability_required");
        let revoked = world.producer.post(&path, body).await.expect(200);
        assert_eq!(revoked["revoked_at"].is_string(), whole);
        assert_eq!(revoked["keys"][0]["revoked_at"].is_string(), !whole);
        let second = gateway.envelope(world.w, vec![measured_hour(1, 10)]);
        assert_eq!(refusal(&world, &second).await, "gateway_key_revoked");
        if whole {
            let path = format!("/gateway/{}/devices", gateway.id);
            let change = world
                .producer
                .patch(&path, json!({"remove": [world.w]}))
                .await;
            change.refused(409, "gateway_revoked");
        }
        world.registry.audit().await;
    }
}
