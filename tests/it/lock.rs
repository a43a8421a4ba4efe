//! Section 0 of the contract: locked refuses everything but unlock and withdraw.

use serde_json::json;
use tests::World;

#[tokio::test(flavor = "multi_thread")]
async fn what_is_locked_stands_still_until_it_is_unlocked_as_it_was() {
    let world = World::start().await;
    let [active, reserved, withdrawn] = world.issue([10, 20, 30]).await;
    let all = [active, reserved, withdrawn];
    world
        .trader
        .act("reserve", world.s, &[reserved], json!({}))
        .await
        .expect(202);
    let dispute = json!({"reason": "metering dispute"});
    let by_trader = world
        .trader
        .act("lock", world.s, &all, dispute.clone())
        .await;
    by_trader.refused(403, "capability_required");
    world
        .admin
        .act("lock", world.s, &all, dispute)
        .await
        .expect(202);
    for (action, fields) in [
        ("transfer", json!({"target_id": world.t})),
        ("cancel", json!({})),
        ("claim", json!({})),
        ("reserve", json!({})),
        ("release", json!({})),
    ] {
        let answer = world.trader.act(action, world.s, &[active], fields).await;
        answer.refused(409, "bundle_state");
    }
    world
        .admin
        .act("lock", world.s, &[active], json!({}))
        .await
        .refused(409, "bundle_state");
    world
        .trader
        .act("unlock", world.s, &[active], json!({}))
        .await
        .refused(403, "capability_required");
    world
        .admin
        .act("withdraw", world.s, &[withdrawn], json!({}))
        .await
        .expect(202);
    world
        .admin
        .act("unlock", world.s, &[active, reserved], json!({}))
        .await
        .expect(202);
    for (bundle, state) in [
        (active, "Active"),
        (reserved, "Reserved"),
        (withdrawn, "Withdrawn"),
    ] {
        assert_eq!(
            world.trader.bundle(bundle).await["certificate_bundle_status"],
            state
        );
    }
    world.registry.audit().await;
}
