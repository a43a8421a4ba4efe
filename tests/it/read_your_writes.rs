//! Who has written something reads it at once; so does whoever is told the position.

use serde_json::json;
use tests::{World, ids};

#[tokio::test(flavor = "multi_thread")]
async fn what_was_just_written_is_read_at_once() {
    let world = World::start().await;
    // Nothing but their own writes makes their reads wait.
    let (producer, trader) = (world.producer.alone(), world.trader.alone());
    for n in 0..20 {
        let name = format!("Account {n}");
        let account = producer.open_account(&name, &[]).await;
        let shown = producer
            .get(&format!("/account/{account}"))
            .await
            .expect(200);
        assert_eq!(shown["account_name"], name);
        let device = producer.register_device(account, json!({})).await;
        producer.get(&format!("/device/{device}")).await.expect(200);
        let [bundle] = world.issue([10]).await;
        trader
            .transfer(world.s, world.t, &[bundle])
            .await
            .expect(202);
        assert_eq!(trader.bundle(bundle).await["account_id"], world.t);
        assert!(trader.query(world.s, json!({})).await.is_empty());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_says_which_position_it_reflects_and_a_read_waits_for_the_one_it_names() {
    let world = World::start().await;
    let issued = world
        .producer
        .alone()
        .submit(world.w, &tests::hours(0, [10]))
        .await;
    let position = issued.ledger_position();
    assert!(position > 0);
    // The auditor has written nothing, so only the header makes the read wait.
    let auditor = world.auditor.alone().with("x-ledger-position", position);
    let path = format!("/account/{}/certificates", world.s);
    let answer = auditor.get(&path).await;
    assert!(answer.ledger_position() >= position);
    let bundles = answer.expect(200)["granular_certificate_bundles"]
        .as_array()
        .unwrap()
        .clone();
    assert_eq!(ids(&bundles).len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_position_that_nobody_was_given_is_refused() {
    let mut registry = tests::Registry::prepare(tests::Clusters::shared().await).await;
    registry.config.http.read_wait_ms = 2_000;
    registry.up().await;
    let admin = registry.admin().await;
    for header in ["X-Ledger-Position", "X-Identity-Position"] {
        let answer = admin.with(header, 1_000_000).get("/user/me").await;
        answer.refused_at(409, "position_unknown", header);
    }
    let wrong = admin
        .with("x-ledger-position", "soon")
        .get("/user/me")
        .await;
    wrong.refused_at(422, "request_invalid", "X-Ledger-Position");
    admin.get("/user/me").await.expect(200);
}
