//! Envelopes that must not be taken for the gateway's own, each with its code.

use super::{enrolled, refusal, submit};
use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use chrono::{DurationRound, TimeDelta, Utc};
use schemas::gateway::enrolment::EnrolmentProof;
use schemas::gateway::jws::Signed;
use schemas::gateway::limit::{MAX_CLOCK_AHEAD_S, MAX_ENVELOPE_BYTES, MAX_ENVELOPES};
use schemas::gateway::{Algorithm, MeterReadings};
use serde_json::{Value, json};
use tests::{GatewayKey, TestGateway, World, measured, measured_hour};

fn part(value: &Value) -> String {
    BASE64_URL_SAFE_NO_PAD.encode(value.to_string())
}

/// A JWS with this header and payload, signed by the key whatever the header says.
fn raw(key: &GatewayKey, header: &Value, payload: &Value) -> String {
    let input = format!("{}.{}", part(header), part(payload));
    let signature = BASE64_URL_SAFE_NO_PAD.encode(key.sign_bytes(input.as_bytes()));
    format!("{input}.{signature}")
}

fn header(key: &GatewayKey) -> Value {
    json!({"alg": key.public().algorithm(), "typ": MeterReadings::TYP, "kid": key.id()})
}

async fn world() -> (World, TestGateway, Value) {
    let world = World::start().await;
    let gateway = enrolled(&world, Algorithm::Es256).await;
    let payload = gateway.payload(world.w, vec![measured_hour(0, 10)]);
    let payload = serde_json::to_value(payload).unwrap();
    (world, gateway, payload)
}

#[tokio::test(flavor = "multi_thread")]
async fn another_key_is_gateway_key_unknown() {
    let (world, gateway, payload) = world().await;
    let stranger = GatewayKey::new(Algorithm::Es256);
    let forged = raw(&stranger, &header(&stranger), &payload);
    assert_eq!(refusal(&world, &forged).await, "gateway_key_unknown");
    // A key of another gateway says nothing about this one's devices.
    let other_device = world.producer.register_device(world.s, json!({})).await;
    let anonymous = world.registry.anonymous();
    let (member, account) = (&world.producer, world.s);
    let other = TestGateway::enrol(
        &anonymous,
        member,
        account,
        &[other_device],
        Algorithm::Es256,
    )
    .await;
    let forged = raw(&other.key, &header(&other.key), &payload);
    assert_eq!(refusal(&world, &forged).await, "gateway_key_unknown");
    let mut payload = payload;
    payload["gateway_id"] = json!(other.id);
    let forged = raw(&other.key, &header(&other.key), &payload);
    assert_eq!(refusal(&world, &forged).await, "not_the_gateways_device");
    assert_ne!(gateway.id, other.id);
    world.registry.audit().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_key_did_not_sign_is_envelope_signature_invalid() {
    let (world, gateway, payload) = world().await;
    let good = raw(&gateway.key, &header(&gateway.key), &payload);
    let parts: Vec<_> = good.split('.').collect();
    // A stranger signs under the gateway's key id.
    let stranger = GatewayKey::new(Algorithm::Es256);
    let by_stranger = raw(&stranger, &header(&gateway.key), &payload);
    // The payload is changed after it was signed.
    let mut more = payload.clone();
    more["readings"][0]["wh"] = json!(11);
    more["readings"][0]["counter_end_wh"] = json!(1_000_011);
    let changed = format!("{}.{}.{}", parts[0], part(&more), parts[2]);
    // No signature, or one of zeros.
    let unsigned = format!("{}.{}.", parts[0], parts[1]);
    let zeros = format!(
        "{}.{}.{}",
        parts[0],
        parts[1],
        BASE64_URL_SAFE_NO_PAD.encode([0; 64])
    );
    // The right key by another algorithm than its own.
    let mut confused = header(&gateway.key);
    confused["alg"] = json!("EdDSA");
    let confused = raw(&gateway.key, &confused, &payload);
    for forged in [by_stranger, changed, unsigned, zeros, confused] {
        assert_eq!(refusal(&world, &forged).await, "envelope_signature_invalid");
    }
    assert_eq!(submit(&world, &good).await["status"], "accepted");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_envelope_is_envelope_malformed() {
    let (world, gateway, payload) = world().await;
    let good = header(&gateway.key);
    let with = |member: &str, value: Value| {
        let mut header = good.clone();
        header[member] = value;
        header
    };
    let stranger = GatewayKey::new(Algorithm::Es256);
    let headers = [
        with("alg", json!("none")),
        with("alg", json!("HS256")),
        with("jwk", json!(stranger.public())),
        with("jku", json!("https://example.org/keys")),
        with("crit", json!(["b64"])),
        with("kid", json!("1")),
    ];
    for header in headers {
        let forged = raw(&stranger, &header, &payload);
        assert_eq!(
            refusal(&world, &forged).await,
            "envelope_malformed",
            "{header}"
        );
    }
    let mut odd = payload.clone();
    odd["price"] = json!(1);
    let mut uneven = payload.clone();
    uneven["readings"][0]["wh"] = json!(11);
    for payload in [odd, uneven] {
        let forged = raw(&gateway.key, &good, &payload);
        assert_eq!(refusal(&world, &forged).await, "envelope_malformed");
    }
    for text in ["", "a.b.c", &"a".repeat(MAX_ENVELOPE_BYTES + 1)] {
        assert_eq!(refusal(&world, text).await, "envelope_malformed");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_signed_for_something_else_is_envelope_context_wrong() {
    let (world, gateway, payload) = world().await;
    let mut other_context = payload.clone();
    other_context["context"] = json!("gcr-gateway-enrolment/1");
    let other_context = raw(&gateway.key, &header(&gateway.key), &other_context);
    let mut other_typ = header(&gateway.key);
    other_typ["typ"] = json!("JWT");
    let other_typ = raw(&gateway.key, &other_typ, &payload);
    let proof = gateway.key.sign(&EnrolmentProof::new("code"));
    for forged in [other_context, other_typ, proof] {
        assert_eq!(refusal(&world, &forged).await, "envelope_context_wrong");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn another_payload_under_a_known_sequence_is_envelope_replayed() {
    let (world, mut gateway, payload) = world().await;
    let first = gateway.envelope(world.w, vec![measured_hour(0, 10)]);
    submit(&world, &first).await;
    let mut other = payload;
    other["created_at"] = json!("2024-01-01T00:00:00Z");
    let other = raw(&gateway.key, &header(&gateway.key), &other);
    assert_eq!(refusal(&world, &other).await, "envelope_replayed");
    let metrics = world.registry.anonymous().get("/metrics").await;
    let text = String::from_utf8_lossy(&metrics.body).into_owned();
    assert!(text.contains("code=\"envelope_replayed\""), "{text}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_envelope_replayed_to_another_device_is_refused() {
    let (world, gateway, payload) = world().await;
    let other = world.producer.register_device(world.s, json!({})).await;
    let mut to_other = payload;
    to_other["device_id"] = json!(other);
    let forged = raw(&gateway.key, &header(&gateway.key), &to_other);
    assert_eq!(refusal(&world, &forged).await, "not_the_gateways_device");
    to_other["device_id"] = json!(9_999);
    let forged = raw(&gateway.key, &header(&gateway.key), &to_other);
    assert_eq!(refusal(&world, &forged).await, "device_not_found");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_truncated_chain_is_sequence_gap_and_an_exchanged_link_envelope_chain_broken() {
    let (world, mut gateway, _) = world().await;
    let first = gateway.envelope(world.w, vec![measured_hour(0, 10)]);
    let second = gateway.envelope(world.w, vec![measured_hour(1, 10)]);
    let third = gateway.envelope(world.w, vec![measured_hour(2, 10)]);
    let receipts = world
        .registry
        .anonymous()
        .receipts(&[first, third.clone(), second.clone(), third])
        .await;
    let told: Vec<_> = receipts
        .iter()
        .map(|one| (one["status"].as_str().unwrap(), &one["expected_sequence"]))
        .collect();
    assert_eq!(
        told,
        [
            ("accepted", &Value::Null),
            ("refused", &json!(2)),
            ("accepted", &Value::Null),
            ("accepted", &Value::Null),
        ]
    );
    assert_eq!(receipts[1]["code"], "sequence_gap");
    let mut payload = gateway.payload(world.w, vec![measured_hour(3, 10)]);
    payload.previous = Some(schemas::gateway::jws::hash(&second));
    let broken = gateway.key.sign(&payload);
    let receipt = submit(&world, &broken).await;
    assert_eq!(
        (&receipt["code"], &receipt["expected_sequence"]),
        (&json!("envelope_chain_broken"), &json!(4))
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn an_envelope_of_the_future_is_clock_in_future_and_can_be_sent_again() {
    let (world, gateway, _) = world().await;
    let mut ahead = gateway.payload(world.w, vec![measured_hour(0, 10)]);
    ahead.created_at = Utc::now() + TimeDelta::seconds(MAX_CLOCK_AHEAD_S + 60);
    let receipt = submit(&world, &gateway.key.sign(&ahead)).await;
    assert_eq!(receipt["code"], "clock_in_future", "{receipt}");
    assert!(receipt["retry_after_s"].as_i64().unwrap() > 0);
    let now = Utc::now();
    let within = now + TimeDelta::minutes(1);
    let start = within.duration_trunc(TimeDelta::hours(1)).unwrap();
    let unfinished = measured(start, start + TimeDelta::hours(1), 10);
    let mut payload = gateway.payload(world.w, vec![unfinished]);
    payload.created_at = now;
    assert_eq!(
        refusal(&world, &gateway.key.sign(&payload)).await,
        "clock_in_future"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn requests_beyond_their_limits_are_refused_as_a_whole() {
    let world = World::start().await;
    let anonymous = world.registry.anonymous();
    anonymous
        .submit_envelopes(&[])
        .await
        .refused_at(422, "list_empty", "/envelopes");
    let many = vec![String::new(); MAX_ENVELOPES + 1];
    anonymous
        .submit_envelopes(&many)
        .await
        .refused_at(422, "list_too_long", "/envelopes");
    assert_eq!(anonymous.receipts(&many[1..]).await.len(), MAX_ENVELOPES);
    let encoded = anonymous.with("content-encoding", "br");
    encoded
        .submit_envelopes(&many[1..])
        .await
        .refused(415, "unsupported_media_type");
    let lie = anonymous.with("content-encoding", "gzip");
    lie.submit_envelopes(&many[1..])
        .await
        .refused(422, "malformed_body");
    let forged = anonymous.with("content-type", "application/json");
    let huge = format!("{{\"envelopes\": [\"{}\"]}}", "a".repeat(17 << 20));
    let request = forged.request("POST", "/gateway/events").body(huge);
    forged.send(request).await.refused(413, "body_too_large");
}
