//! FEA study 8.1, scenario 28: expiry is enforced at each action and by the registry itself.

use chrono::{TimeDelta, Utc};
use schemas::id::{AccountId, BundleId};
use serde_json::{Value, json};
use tests::{World, eventually, hour};

/// Issues 1,000 Wh that expire in `after`.
async fn issue_until(world: &World, n: i64, after: TimeDelta) -> Value {
    let body = json!({
        "account_id": world.s, "device_id": world.w, "metadata_id": 1, "bundle_quantity": 1000,
        "energy_carrier": "electricity", "energy_source": "wind",
        "production_starting_interval": hour(n), "production_ending_interval": hour(n + 1),
        "expiry_datestamp": Utc::now() + after,
    });
    world
        .admin
        .post("/certificate/create", body)
        .await
        .expect(201)
}

#[tokio::test(flavor = "multi_thread")]
async fn an_expired_bundle_moves_no_more() {
    let mut world = World::start().await;
    let bundle = issue_until(&world, 0, TimeDelta::milliseconds(1)).await;
    let id = bundle["id"].as_i64().unwrap();
    let lasting = issue_until(&world, 1, TimeDelta::hours(1)).await["id"]
        .as_i64()
        .unwrap();
    for (action, fields) in [
        ("transfer", json!({"target_id": world.t})),
        ("cancel", json!({})),
        ("reserve", json!({})),
    ] {
        let answer = world.trader.act(action, world.s, &[id], fields).await;
        // Past its expiry, or already marked so.
        let code = answer.json()["code"].clone();
        assert!(
            code == "bundle_expired" || code == "bundle_state",
            "{answer}"
        );
        assert_eq!(answer.status, 409);
    }
    // It looks when it starts, and then every minute.
    world.registry.caught_up().await;
    world.registry.down().await;
    world.registry.up().await;
    eventually("the registry marks what has expired", || async {
        let status = world.trader.bundle(id).await["certificate_bundle_status"].clone();
        (status == "Expired").then_some(())
    })
    .await;
    assert_eq!(
        world.trader.bundle(lasting).await["certificate_bundle_status"],
        "Active"
    );
    let page = world.trader.get("/certificate/actions").await.expect(200);
    let expiry = &page[0];
    assert_eq!(
        (&expiry["action_type"], &expiry["user_id"]),
        (&json!("expire"), &Value::Null)
    );
    world.registry.audit().await;
}

/// Has bundles expired as the registry's own round does; how many events follow.
async fn expire(world: &World, bundles: [i64; 2]) -> usize {
    let request = registry::expiry::expire(AccountId(world.s), bundles.map(BundleId).to_vec());
    let receipt = world.registry.core().sequencers().execute(request).await;
    world.registry.caught_up().await;
    receipt.unwrap().events.len()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_round_that_comes_too_early_expires_nothing_and_one_in_time_what_is_due() {
    let world = World::start().await;
    let issued = [
        issue_until(&world, 0, TimeDelta::hours(1)).await,
        issue_until(&world, 1, TimeDelta::hours(2)).await,
    ];
    let [first, second] = issued.map(|bundle| bundle["id"].as_i64().unwrap());
    assert_eq!(expire(&world, [first, second]).await, 0);
    let part = json!({"certificate_quantity": 1, "target_id": world.t});
    let moved = world.trader.act("transfer", world.s, &[second], part).await;
    let rest = moved.expect(202)["children"][1].as_i64().unwrap();
    world.registry.clock.advance(TimeDelta::hours(1));
    // One is past its expiry, the other was split since it was listed.
    assert_eq!(expire(&world, [first, second]).await, 1);
    let status = async |id| world.trader.bundle(id).await["certificate_bundle_status"].clone();
    assert_eq!(status(first).await, "Expired");
    assert_eq!(status(rest).await, "Active");
    let late = world.trader.transfer(world.s, world.t, &[first]).await;
    late.refused(409, "bundle_state");
    assert_eq!(expire(&world, [first, rest]).await, 0);
    world.registry.audit().await;
}
