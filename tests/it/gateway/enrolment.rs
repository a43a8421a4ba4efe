//! From a one-time code to a gateway.

use super::enrolled;
use chrono::TimeDelta;
use schemas::gateway::Algorithm;
use schemas::gateway::enrolment::EnrolmentProof;
use serde_json::json;
use tests::{Actor, GatewayKey, PASSWORD, World, enrolment, gateway_code};

/// A producer who is a member of no account.
async fn stranger(world: &World) -> Actor {
    let email = "stranger@example.org";
    let created = world
        .admin
        .create_user("Stranger", email, 3, PASSWORD)
        .await;
    assert!(created.status < 300, "{created}");
    world.registry.anonymous().signed_in(email, PASSWORD).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_gateway_enrols_once_with_its_code_and_is_answered_again_when_the_answer_was_lost() {
    let world = World::start().await;
    let anonymous = world.registry.anonymous();
    let code = gateway_code(&world.producer, world.s, &[world.w]).await;
    let key = GatewayKey::new(Algorithm::Es256);
    let body = enrolment(&code.to_lowercase(), &key);
    let first = anonymous
        .post("/gateway/enrol", body.clone())
        .await
        .expect(201);
    assert_eq!(first["devices"][0]["next_sequence"], 1);
    assert!(first["devices"][0]["previous"].is_null());
    let again = anonymous.post("/gateway/enrol", body).await.expect(201);
    assert_eq!(first, again);

    let other = enrolment(&code, &GatewayKey::new(Algorithm::EdDsa));
    let used = anonymous.post("/gateway/enrol", other).await;
    used.refused_at(409, "gateway_code_used", "/code");
    let code = gateway_code(&world.producer, world.s, &[world.w]).await;
    let taken = anonymous
        .post("/gateway/enrol", enrolment(&code, &key))
        .await;
    taken.refused_at(409, "gateway_key_taken", "/public_key");
    let unknown = enrolment("00000-00000-00000-00000", &key);
    let unknown = anonymous.post("/gateway/enrol", unknown).await;
    unknown.refused(404, "gateway_code_unknown");

    let path = format!("/gateway/{}", first["gateway_id"]);
    let gateway = world.auditor.get(&path).await.expect(200);
    assert_eq!(gateway["name"], "shed");
    assert_eq!(gateway["keys"][0]["key_id"], json!(key.id()));
    assert_eq!(gateway["keys"][0]["alg"], "ES256");
    let stranger = stranger(&world).await;
    stranger.get(&path).await.refused(404, "gateway_not_found");
    world.registry.audit().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_code_whose_time_is_over_is_gateway_code_expired() {
    let world = World::start().await;
    let anonymous = world.registry.anonymous();
    let key = GatewayKey::new(Algorithm::Es256);
    let ask = json!({"account_id": world.s, "device_ids": [world.w], "valid_for_s": 60});
    let issued = world.producer.post("/gateway/code", ask).await.expect(201);
    let body = enrolment(issued["code"].as_str().unwrap(), &key);
    world.registry.clock.advance(TimeDelta::seconds(61));
    let refused = anonymous.post("/gateway/enrol", body.clone()).await;
    refused.refused_at(409, "gateway_code_expired", "/code");
    // It is not valid again by being asked for twice, and nothing is left behind.
    let refused = anonymous.post("/gateway/enrol", body).await;
    refused.refused_at(409, "gateway_code_expired", "/code");
    let list = format!("/gateway/list?account_id={}", world.s);
    assert_eq!(world.auditor.get(&list).await.expect(200), json!([]));
    world.registry.audit().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_code_is_for_members_with_the_role_and_for_devices_of_the_account() {
    let world = World::start().await;
    let ask = |devices: &[i64]| json!({"account_id": world.s, "device_ids": devices});
    let auditor = world.auditor.post("/gateway/code", ask(&[world.w])).await;
    auditor.refused(403, "capability_required");
    let stranger = stranger(&world).await;
    let stranger = stranger.post("/gateway/code", ask(&[world.w])).await;
    stranger.refused(404, "account_not_found");
    let producer = &world.producer;
    producer
        .post("/gateway/code", ask(&[]))
        .await
        .refused_at(422, "list_empty", "/device_ids");
    producer
        .post("/gateway/code", ask(&[world.w, 9_999]))
        .await
        .refused_at(404, "device_not_found", "/device_ids/1");
    let keyed = producer.with("idempotency-key", "code-1");
    let first = keyed
        .post("/gateway/code", ask(&[world.w]))
        .await
        .expect(201);
    let again = keyed
        .post("/gateway/code", ask(&[world.w]))
        .await
        .expect(201);
    assert_eq!(first, again, "the same request is answered alike");
    let other = producer
        .post("/gateway/code", ask(&[world.w]))
        .await
        .expect(201);
    assert_ne!(first["code"], other["code"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_does_not_show_to_hold_the_key_is_gateway_proof_invalid() {
    let world = World::start().await;
    let anonymous = world.registry.anonymous();
    let code = gateway_code(&world.producer, world.s, &[world.w]).await;
    let (key, other) = (
        GatewayKey::new(Algorithm::Es256),
        GatewayKey::new(Algorithm::Es256),
    );
    let good = enrolment(&code, &key);
    let by_another = other.sign(&EnrolmentProof::new(code.as_str()));
    let over_another = key.sign(&EnrolmentProof::new("another code"));
    let mut bent = good["proof"].as_str().unwrap().to_owned();
    let last = if bent.ends_with('A') { "Q" } else { "A" };
    bent.replace_range(bent.len() - 1.., last);
    for proof in [by_another, over_another, bent, "a.b.c".to_owned()] {
        let mut body = good.clone();
        body["proof"] = json!(proof);
        let refused = anonymous.post("/gateway/enrol", body).await;
        refused.refused_at(422, "gateway_proof_invalid", "/proof");
    }
    let mut body = good.clone();
    body["public_key"]["d"] = json!("AAAA");
    let private = anonymous.post("/gateway/enrol", body).await;
    private.refused_at(422, "request_invalid", "/public_key");
    anonymous.post("/gateway/enrol", good).await.expect(201);
}

#[tokio::test(flavor = "multi_thread")]
async fn devices_are_added_and_removed_by_members() {
    let world = World::start().await;
    let gateway = enrolled(&world, Algorithm::EdDsa).await;
    let path = format!("/gateway/{}/devices", gateway.id);
    let second = world.producer.register_device(world.s, json!({})).await;
    let answer = world
        .producer
        .patch(&path, json!({"add": [second]}))
        .await
        .expect(200);
    assert_eq!(answer["devices"].as_array().unwrap().len(), 2);
    let answer = world
        .producer
        .patch(&path, json!({"remove": [world.w]}))
        .await
        .expect(200);
    assert_eq!(answer["devices"][0]["device_id"], second);
    world
        .producer
        .patch(&path, json!({"remove": [world.w]}))
        .await
        .refused_at(409, "not_the_gateways_device", "/remove/0");
    world
        .admin
        .patch(&path, json!({"add": [world.w]}))
        .await
        .refused(403, "account_access_denied");
}
