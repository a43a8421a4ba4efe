//! Contract 5.1, scenario 49; FEA study 8.1, scenario 9.

use serde_json::json;
use tests::{World, quantities};

/// Scenarios 49 and 50.
#[tokio::test(flavor = "multi_thread")]
async fn a_cancelled_bundle_names_its_beneficiary_and_stays_where_it_is() {
    let world = World::start().await;
    let [named, unnamed] = world.issue([10, 20]).await;
    let body = json!({"source_id": world.s, "granular_certificate_bundle_ids": [named],
                      "beneficiary": "Example Data Centre"});
    let action = world
        .trader
        .post("/certificate/cancel/", body)
        .await
        .expect(202);
    assert_eq!(
        (&action["action_type"], &action["beneficiary"]),
        (&json!("cancel"), &json!("Example Data Centre"))
    );
    world
        .trader
        .act("cancel", world.s, &[unnamed], json!({}))
        .await
        .expect(202);
    for (bundle, beneficiary) in [(named, "Example Data Centre"), (unnamed, "S")] {
        let shown = world.trader.bundle(bundle).await;
        assert_eq!(shown["certificate_bundle_status"], "Cancelled");
        assert_eq!(
            (&shown["account_id"], &shown["beneficiary"]),
            (&json!(world.s), &json!(beneficiary))
        );
    }
    let again = world
        .trader
        .cancel(world.s, &[named], "Somebody else")
        .await;
    again.refused_saying(
        409,
        "bundle_state",
        "Certificates must be in ACTIVE or RESERVED status to cancel",
    );
    world
        .trader
        .transfer(world.s, world.t, &[named])
        .await
        .refused(409, "bundle_state");
    world.registry.audit().await;
}

/// Scenario 49.
#[tokio::test(flavor = "multi_thread")]
async fn a_share_is_cancelled_and_the_rest_stays_active() {
    let world = World::start().await;
    let [first, second] = world.issue([1000, 1000]).await;
    for (bundle, share) in [(first, 0.35), (second, 0.75)] {
        let fields = json!({"certificate_bundle_percentage": share, "beneficiary": "B"});
        world
            .trader
            .act("cancel", world.s, &[bundle], fields)
            .await
            .expect(202);
    }
    let in_state = async |state: &str| {
        quantities(
            &world
                .trader
                .query(world.s, json!({"certificate_bundle_status": state}))
                .await,
        )
    };
    assert_eq!(in_state("Cancelled").await, [350, 750]);
    assert_eq!(in_state("Active").await, [250, 650]);
    let zero = json!({"certificate_bundle_percentage": 0});
    let answer = world.trader.act("cancel", world.s, &[first], zero).await;
    answer.refused_saying(422, "request_invalid", "Input should be greater than 0");
    let no_source = json!({"granular_certificate_bundle_ids": [first]});
    let answer = world.trader.post("/certificate/cancel", no_source).await;
    answer.refused_at(422, "request_invalid", "/source_id");
    world.registry.audit().await;
}
