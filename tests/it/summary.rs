//! Contract 5.1, scenario 55.

use serde_json::json;
use tests::World;

/// Scenario 55.
#[tokio::test(flavor = "multi_thread")]
async fn the_summary_counts_each_watt_hour_once_also_after_splits() {
    let world = World::start().await;
    let solar =
        json!({"energy_source": "solar_pv", "technology_type": "solar_pv", "capacity": 2.5});
    world.producer.register_device(world.s, solar).await;
    let [first, second] = world.issue([1000, 500]).await;
    let issued_at = world.trader.bundle(second).await["issuance_datestamp"].clone();
    let summary = async |account: i64| {
        let path = format!("/account/{account}/summary");
        world.trader.get(&path).await.expect(200)
    };
    assert_eq!(
        summary(world.s).await,
        json!({
            "id": world.s, "account_name": "S", "num_devices": 2,
            "num_devices_by_type": {"wind_turbine": 1, "solar_pv": 1},
            "device_capacity_by_type": {"wind_turbine": 10, "solar_pv": 2.5},
            "num_granular_certificate_bundles": 2, "num_cancelled_granular_certificate_bundles": 0,
            "num_expired_granular_certificate_bundles": 0,
            "total_certificate_energy": 1500, "energy_by_fuel_type": {"wind": 1500},
            "num_granular_certificate_bundles_by_status": {"Active": 2},
            "energy_by_status": {"Active": 1500}, "last_issuance_datetime": issued_at,
        })
    );
    let part = json!({"certificate_quantity": 250});
    world
        .trader
        .transfer_part(world.s, world.t, &[first], part)
        .await
        .expect(202);
    world
        .trader
        .cancel(world.s, &[second], "Somebody")
        .await
        .expect(202);
    let after = summary(world.s).await;
    assert_eq!(after["total_certificate_energy"], 1250);
    assert_eq!(after["num_granular_certificate_bundles"], 2);
    assert_eq!(after["num_cancelled_granular_certificate_bundles"], 1);
    assert_eq!(
        after["energy_by_status"],
        json!({"Active": 750, "Cancelled": 500})
    );
    assert!(summary(world.t).await["last_issuance_datetime"].is_null());
    assert_eq!(
        summary(world.t).await["energy_by_fuel_type"],
        json!({"wind": 250})
    );
    world
        .trader
        .get("/account/1234/summary")
        .await
        .refused(404, "account_not_found");
    let foreign = world
        .trader
        .get(&format!("/account/{}/summary", world.x))
        .await;
    foreign.refused(404, "account_not_found");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_summary_goes_by_the_source_of_the_bundles_also_after_the_device_has_changed_its_own() {
    let world = World::start().await;
    let [windy] = world.issue([1000]).await;
    let now_solar = json!({"energy_source": "solar_pv"});
    world
        .producer
        .patch(&format!("/device/update/{}", world.w), now_solar)
        .await
        .expect(200);
    let [sunny] = world.issue([300]).await;
    let path = format!("/account/{}/summary", world.s);
    let summary = world.trader.get(&path).await.expect(200);
    assert_eq!(
        summary["energy_by_fuel_type"],
        json!({"wind": 1000, "solar_pv": 300})
    );
    for (source, bundle) in [("wind", windy), ("solar_pv", sunny)] {
        let found = world
            .trader
            .query(world.s, json!({"energy_source": source}))
            .await;
        assert_eq!(tests::ids(&found), [bundle]);
    }
    world.registry.audit().await;
}
