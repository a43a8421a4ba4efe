//! Accounts that the issuing body approves, suspends and closes, and whose transfers it stops.

use serde_json::{Value, json};
use tests::{Actor, Answer, Clusters, Registry, World, hours};

async fn step(actor: &Actor, account: i64, step: &str) -> Answer {
    let path = format!("/account/{account}/{step}");
    actor.post(&path, json!({"reason": "because"})).await
}

async fn shown(actor: &Actor, account: i64) -> Value {
    let account = actor.get(&format!("/account/{account}")).await.expect(200);
    json!([account["state"], account["transfer_disabled"]])
}

#[tokio::test(flavor = "multi_thread")]
async fn a_suspended_account_can_be_read_and_refuses_whatever_acts_for_it_until_it_is_reinstated() {
    let world = World::start().await;
    let [bundle] = world.issue([100]).await;
    step(&world.producer, world.s, "suspend")
        .await
        .refused(403, "capability_required");
    let suspended = step(&world.admin, world.s, "suspend").await.expect(200);
    assert_eq!(suspended["state"], "suspended");
    step(&world.admin, world.s, "suspend")
        .await
        .refused(409, "account_state");

    let refused = world.trader.transfer(world.s, world.t, &[bundle]).await;
    refused.refused(409, "account_suspended");
    let refused = world.producer.submit(world.w, &hours(50, [10])).await;
    refused.refused(409, "account_suspended");
    let refused = world.producer.try_device(world.s, json!({})).await;
    refused.refused(409, "account_suspended");
    let whitelist = world
        .trader
        .update_whitelist(world.s, &[world.x], &[])
        .await;
    whitelist.refused(409, "account_suspended");
    let delete = format!("/device/delete/{}", world.w);
    let refused = world.producer.delete(&delete).await;
    refused.refused(409, "account_suspended");

    assert_eq!(
        shown(&world.auditor, world.s).await,
        json!(["suspended", false])
    );
    assert_eq!(world.trader.query(world.s, json!({})).await.len(), 1);
    let locked = json!({"reason": "evidence"});
    world
        .admin
        .act("lock", world.s, &[bundle], locked.clone())
        .await
        .expect(202);
    world
        .admin
        .act("unlock", world.s, &[bundle], locked)
        .await
        .expect(202);

    step(&world.admin, world.s, "reinstate").await.expect(200);
    world
        .trader
        .transfer(world.s, world.t, &[bundle])
        .await
        .expect(202);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_account_can_be_used_once_it_is_approved_where_the_registry_is_set_so() {
    let mut registry = Registry::prepare(Clusters::shared().await).await;
    registry.config.account.approval = true;
    registry.up().await;
    let admin = registry.admin().await;
    let producer = registry
        .anonymous()
        .signed_in(&tests::email("producer"), tests::PASSWORD)
        .await;
    let body = json!({"account_name": "Waits"});
    let account = producer.post("/account/create", body).await.expect(201);
    assert_eq!(account["state"], "requested");
    let account = account["id"].as_i64().unwrap();
    let refused = producer.try_device(account, json!({})).await;
    refused.refused(409, "account_not_approved");
    step(&admin, account, "approve").await.expect(200);
    producer.try_device(account, json!({})).await.expect(200);
    assert_eq!(shown(&producer, account).await, json!(["approved", false]));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_account_whose_transfers_are_stopped_neither_sends_nor_receives() {
    let world = World::start().await;
    let [bundle, other] = world.issue([100, 100]).await;
    let path = format!("/account/{}/transfers", world.t);
    let set = |disabled| {
        world
            .admin
            .patch(&path, json!({"transfer_disabled": disabled}))
    };
    assert_eq!(set(true).await.expect(200)["transfer_disabled"], true);
    let refused = world.trader.transfer(world.s, world.t, &[bundle]).await;
    refused.refused_at(409, "transfer_disabled", "/target_id");
    world
        .trader
        .cancel(world.s, &[other], "Somebody")
        .await
        .expect(202);
    set(false).await.expect(200);
    world
        .trader
        .transfer(world.s, world.t, &[bundle])
        .await
        .expect(202);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_issuing_body_closes_an_account_of_others_when_it_is_empty() {
    let world = World::start().await;
    step(&world.admin, world.s, "close")
        .await
        .refused(409, "account_not_empty");
    step(&world.admin, world.t, "close").await.expect(200);
    assert_eq!(shown(&world.admin, world.t).await, json!(["closed", false]));
    step(&world.admin, world.t, "reinstate")
        .await
        .refused(422, "account_closed");
}
