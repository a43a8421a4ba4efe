//! Contract 5.1, scenario 55.

use serde_json::json;
use tests::World;

#[tokio::test(flavor = "multi_thread")]
async fn the_summary_counts_each_watt_hour_once_also_after_splits() {
    let world = World::start().await;
    let solar =
        json!({"energy_source": "solar_pv", "technology_type": "solar_pv", "capacity": 2.5});
    world.producer.register_device(world.s, solar).await;
    let [first, second] = world.issue([1000, 500]).await;
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
            "total_certificate_energy": 1500, "energy_by_fuel_type": {"wind": 1500},
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
