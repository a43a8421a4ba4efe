//! Contract 5.1, scenario 50; FEA study 8.1, scenario 29.

use serde_json::json;
use tests::World;

/// Scenario 50.
#[tokio::test(flavor = "multi_thread")]
async fn only_a_cancelled_bundle_is_claimed_and_only_once() {
    let world = World::start().await;
    let [bundle] = world.issue([10]).await;
    let claim = async || {
        world
            .trader
            .act("claim", world.s, &[bundle], json!({}))
            .await
    };
    claim()
        .await
        .refused_saying(409, "bundle_state", "Can only claim cancelled certificates");
    world
        .trader
        .cancel(world.s, &[bundle], "Data Centre")
        .await
        .expect(202);
    claim().await.expect(202);
    assert_eq!(
        world.trader.bundle(bundle).await["certificate_bundle_status"],
        "Claimed"
    );
    claim().await.refused(409, "bundle_state");
    world.registry.audit().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_claim_for_another_than_the_recorded_beneficiary_is_refused() {
    let world = World::start().await;
    let [bundle] = world.issue([10]).await;
    world
        .trader
        .cancel(world.s, &[bundle], "Data Centre")
        .await
        .expect(202);
    let claim = async |name: &str| {
        world
            .trader
            .act("claim", world.s, &[bundle], json!({"beneficiary": name}))
            .await
    };
    claim("Somebody else")
        .await
        .refused(422, "beneficiary_mismatch");
    claim("Data Centre").await.expect(202);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_beneficiarys_account_claims_what_was_cancelled_for_it_and_the_holder_does_not() {
    let world = World::start().await;
    let [bundle] = world.issue([10]).await;
    let fields = json!({"beneficiary": "Owner of X", "beneficiary_account_id": world.x});
    world
        .trader
        .act("cancel", world.s, &[bundle], fields)
        .await
        .expect(202);
    let by_holder = world
        .trader
        .act("claim", world.s, &[bundle], json!({}))
        .await;
    by_holder.refused(422, "beneficiary_mismatch");
    let by_another = world
        .trader
        .act("claim", world.t, &[bundle], json!({}))
        .await;
    by_another.refused(404, "bundle_not_found");
    world
        .admin
        .act("claim", world.x, &[bundle], json!({}))
        .await
        .expect(202);
    assert_eq!(
        world.trader.bundle(bundle).await["certificate_bundle_status"],
        "Claimed"
    );
    world.registry.audit().await;
}
