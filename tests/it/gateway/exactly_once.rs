//! Each envelope once, whatever becomes of the answers and of the registry.

use super::{enrolled, submit};
use schemas::gateway::Algorithm;
use serde_json::{Value, json};
use tests::{Clusters, Registry, World, measured_hour, volume};

#[tokio::test(flavor = "multi_thread")]
async fn an_envelope_whose_answer_was_lost_is_answered_as_the_first_time() {
    let world = World::start().await;
    let mut gateway = enrolled(&world, Algorithm::Es256).await;
    let envelopes: Vec<_> = (0..5)
        .map(|n| gateway.envelope(world.w, vec![measured_hour(n, 10 + n)]))
        .collect();
    let first = world.registry.anonymous().receipts(&envelopes).await;
    let again = world.registry.anonymous().receipts(&envelopes).await;
    for (first, again) in first.iter().zip(&again) {
        assert_eq!(
            (&first["status"], &again["status"]),
            (&json!("accepted"), &json!("repeated"))
        );
        for field in [
            "position",
            "accepted_readings",
            "issued_bundles",
            "issued_wh",
            "sequence",
        ] {
            assert_eq!(first[field], again[field], "{field}");
        }
    }
    assert_eq!(volume(&world.producer.holdings(world.s).await), 60);
    world.registry.audit().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn four_posts_of_one_batch_at_once_issue_each_reading_once() {
    let world = World::start().await;
    let mut gateway = enrolled(&world, Algorithm::EdDsa).await;
    let envelopes: Vec<_> = (0..300)
        .map(|n| gateway.envelope(world.w, vec![measured_hour(n, 10)]))
        .collect();
    let posts = (0..4).map(|_| {
        let (actor, envelopes) = (world.registry.anonymous(), envelopes.clone());
        tokio::spawn(async move { actor.receipts(&envelopes).await })
    });
    let mut accepted = vec![0; envelopes.len()];
    for post in futures_util::future::join_all(posts).await {
        for (index, receipt) in post.unwrap().into_iter().enumerate() {
            match receipt["status"].as_str().unwrap() {
                "accepted" => accepted[index] += 1,
                "repeated" => {}
                _ => panic!("{receipt}"),
            }
        }
    }
    assert!(accepted.iter().all(|count| *count == 1), "{accepted:?}");
    assert_eq!(volume(&world.producer.holdings(world.s).await), 3_000);
    world.registry.audit().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn envelopes_packed_by_gzip_or_zstd_are_taken() {
    let world = World::start().await;
    let mut gateway = enrolled(&world, Algorithm::Es256).await;
    let anonymous = world.registry.anonymous();
    for (n, encoding) in [(0, "gzip"), (1, "zstd")] {
        let envelope = gateway.envelope(world.w, vec![measured_hour(n, 10)]);
        let body = json!({"envelopes": [envelope]}).to_string();
        let packed = match encoding {
            "gzip" => gzip(body.as_bytes()),
            _ => zstd::encode_all(body.as_bytes(), 3).unwrap(),
        };
        let request = anonymous
            .request("POST", "/gateway/events")
            .header("content-type", "application/json")
            .header("content-encoding", encoding)
            .body(packed);
        let answer: Value = anonymous.send(request).await.expect(200);
        assert_eq!(answer["receipts"][0]["status"], "accepted", "{encoding}");
    }
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    use std::io::Write;
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn envelopes_go_on_where_they_were_after_the_databases_were_killed() {
    let mut registry = Registry::prepare(Clusters::own().await).await;
    registry.up().await;
    let mut world = World::on(registry).await;
    let mut gateway = enrolled(&world, Algorithm::Es256).await;
    let envelopes: Vec<_> = (0..40)
        .map(|n| gateway.envelope(world.w, vec![measured_hour(n, 10)]))
        .collect();
    for envelope in &envelopes[..10] {
        submit(&world, envelope).await;
    }
    world.registry.clusters.write.kill9().await;
    world.registry.clusters.read.kill9().await;
    // What is known of the gateway and its device is in memory: envelopes are still decided on, or
    // refused as a whole and sent again.
    for envelope in &envelopes[5..20] {
        let answer = world
            .registry
            .anonymous()
            .submit_envelopes(std::slice::from_ref(envelope))
            .await;
        assert!(matches!(answer.status, 200 | 503), "{answer}");
    }
    world.registry.clusters.write.restart().await.unwrap();
    world.registry.clusters.read.restart().await.unwrap();
    tests::eventually("all envelopes are in the ledger", || async {
        let answer = world
            .registry
            .anonymous()
            .submit_envelopes(&envelopes)
            .await;
        if answer.status != 200 {
            return None;
        }
        let answer = answer.expect(200);
        let receipts = answer["receipts"].as_array().unwrap();
        receipts
            .iter()
            .all(|one| one["status"] != "refused")
            .then_some(())
    })
    .await;
    tests::eventually("all of it can be read", || async {
        let held = world.producer.try_query(world.s, json!({})).await;
        (held.status == 202).then_some(())
    })
    .await;
    assert_eq!(volume(&world.producer.holdings(world.s).await), 400);
    world.registry.audit().await;
}
