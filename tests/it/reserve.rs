//! Contract 5.1, scenario 51; FEA study 8.1, scenarios 18 and 28.

use serde_json::json;
use tests::World;

/// Scenario 51.
#[tokio::test(flavor = "multi_thread")]
async fn what_is_reserved_can_be_cancelled_or_released_but_not_moved() {
    let world = World::start().await;
    let [cancelled, released] = world.issue([10, 20]).await;
    let both = [cancelled, released];
    let act = async |action: &str, bundles: &[i64]| {
        world.trader.act(action, world.s, bundles, json!({})).await
    };
    act("release", &both).await.refused(409, "bundle_state");
    act("reserve", &both).await.expect(202);
    assert_eq!(
        world.trader.bundle(released).await["certificate_bundle_status"],
        "Reserved"
    );
    act("reserve", &[released])
        .await
        .refused(409, "bundle_state");
    world
        .trader
        .transfer(world.s, world.t, &[released])
        .await
        .refused(409, "bundle_state");
    act("cancel", &[cancelled]).await.expect(202);
    act("release", &[released]).await.expect(202);
    world
        .trader
        .transfer(world.s, world.t, &[released])
        .await
        .expect(202);
    world.registry.audit().await;
}

/// Scenario 51.
#[tokio::test(flavor = "multi_thread")]
async fn a_state_that_is_final_is_never_left() {
    let world = World::start().await;
    let [claimed, cancelled, withdrawn, split] = world.issue([10, 20, 30, 40]).await;
    world
        .trader
        .cancel(world.s, &[claimed, cancelled], "B")
        .await
        .expect(202);
    world
        .trader
        .act("claim", world.s, &[claimed], json!({}))
        .await
        .expect(202);
    world
        .admin
        .act("withdraw", world.s, &[withdrawn], json!({}))
        .await
        .expect(202);
    let part = json!({"certificate_quantity": 1});
    world
        .trader
        .transfer_part(world.s, world.t, &[split], part)
        .await
        .expect(202);
    for bundle in [claimed, cancelled, withdrawn, split] {
        for action in ["transfer", "cancel", "reserve", "release", "claim"] {
            if (action, bundle) == ("claim", cancelled) {
                continue;
            }
            let fields = if action == "transfer" {
                json!({"target_id": world.t})
            } else {
                json!({})
            };
            let answer = world.trader.act(action, world.s, &[bundle], fields).await;
            answer.refused(409, "bundle_state");
        }
        for action in ["withdraw", "lock", "unlock"] {
            let answer = world.admin.act(action, world.s, &[bundle], json!({})).await;
            answer.refused(409, "bundle_state");
        }
    }
    world.registry.audit().await;
}
