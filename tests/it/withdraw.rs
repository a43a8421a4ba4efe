//! Contract 5.1, scenario 52.

use serde_json::json;
use tests::World;

/// Scenario 52.
#[tokio::test(flavor = "multi_thread")]
async fn only_the_issuing_body_withdraws_with_a_reason_that_is_kept() {
    let world = World::start().await;
    let [active, reserved] = world.issue([10, 20]).await;
    world
        .trader
        .act("reserve", world.s, &[reserved], json!({}))
        .await
        .expect(202);
    let reason = json!({"reason": "issued in error"});
    let refused = world
        .trader
        .act("withdraw", world.s, &[active], reason.clone())
        .await;
    refused.refused_saying(403, "capability_required", "admin");
    let action = world
        .admin
        .act("withdraw", world.s, &[active, reserved], reason)
        .await
        .expect(202);
    assert_eq!(
        (&action["action_type"], &action["reason"]),
        (&json!("withdraw"), &json!("issued in error"))
    );
    for bundle in [active, reserved] {
        assert_eq!(
            world.trader.bundle(bundle).await["certificate_bundle_status"],
            "Withdrawn"
        );
    }
    let unknown = world
        .admin
        .act("withdraw", world.s, &[9999], json!({}))
        .await;
    unknown.refused(404, "bundle_not_found");
    let not_there = world
        .admin
        .act("withdraw", world.t, &[active], json!({}))
        .await;
    not_there.refused(404, "bundle_not_found");
    world.registry.audit().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn part_of_a_bundle_is_withdrawn_and_the_rest_circulates() {
    let world = World::start().await;
    let [bundle] = world.issue([1000]).await;
    let part = json!({"certificate_quantity": 400});
    world
        .admin
        .act("withdraw", world.s, &[bundle], part)
        .await
        .expect(202);
    let active = json!({"certificate_bundle_status": "Active"});
    assert_eq!(
        tests::quantities(&world.trader.query(world.s, active).await),
        [600]
    );
    world.registry.audit().await;
}
