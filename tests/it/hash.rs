//! FEA study 8.1, scenario 26: whoever holds a bundle can prove what it is.

use serde_json::json;
use tests::{World, ids, recomputed_hash};

#[tokio::test(flavor = "multi_thread")]
async fn the_hash_of_an_issued_bundle_can_be_computed_from_what_get_answers() {
    let world = World::start().await;
    let bundles = world.issue([10, 20]).await;
    let mut hashes = Vec::new();
    for id in bundles {
        let bundle = world.auditor.bundle(id).await;
        assert_eq!(bundle["hash"], recomputed_hash(&bundle));
        assert!(bundle["parent_hash"].is_null());
        hashes.push(bundle["hash"].clone());
    }
    assert_ne!(hashes[0], hashes[1]);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_hashes_of_split_bundles_lead_to_what_was_issued() {
    let world = World::start().await;
    let [issued] = world.issue([1000]).await;
    let half = json!({"certificate_bundle_percentage": 0.5});
    world
        .trader
        .transfer_part(world.s, world.t, &[issued], half.clone())
        .await
        .expect(202);
    let child = ids(&world.trader.holdings(world.t).await)[0];
    world
        .trader
        .act("cancel", world.t, &[child], half)
        .await
        .expect(202);
    let leaves = [
        world.trader.holdings(world.s).await,
        world.trader.holdings(world.t).await,
    ]
    .concat();
    assert_eq!(leaves.len(), 3);
    let mut hashes = Vec::new();
    for id in ids(&leaves) {
        let mut bundle = world.trader.bundle(id).await;
        hashes.push(bundle["hash"].clone());
        while !bundle["parent_id"].is_null() {
            assert_eq!(bundle["hash"], recomputed_hash(&bundle));
            let parent = world
                .trader
                .bundle(bundle["parent_id"].as_i64().unwrap())
                .await;
            assert_eq!(bundle["parent_hash"], parent["hash"]);
            bundle = parent;
        }
        assert_eq!(bundle["id"], issued);
        assert_eq!(bundle["hash"], recomputed_hash(&bundle));
    }
    hashes.sort_by_key(ToString::to_string);
    hashes.dedup();
    assert_eq!(hashes.len(), 3, "equal halves have different hashes");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_hash_covers_emissions_and_other_terms_of_an_issuance_by_hand() {
    let world = World::start().await;
    let body = json!({
        "account_id": world.s, "device_id": world.w, "metadata_id": 1, "bundle_quantity": 1000,
        "energy_carrier": "hydrogen", "energy_source": "wind",
        "production_starting_interval": tests::hour(0), "production_ending_interval": tests::hour(1),
        "expiry_datestamp": "2099-01-01T00:00:00.25Z", "emissions_factor_production_device": 11.50,
        "emissions_factor_source": "é \"quoted\" \\ 😀",
    });
    let created = world
        .admin
        .post("/certificate/create", body)
        .await
        .expect(201);
    let bundle = world.trader.bundle(created["id"].as_i64().unwrap()).await;
    assert_eq!(bundle["hash"], recomputed_hash(&bundle));
    assert_eq!(bundle["hash"], created["hash"]);
}
