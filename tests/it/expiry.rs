//! FEA study 8.1, scenario 28: expiry is enforced at each action and by the registry itself.

use chrono::{TimeDelta, Utc};
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
