//! Contract 5.1, scenarios 26 to 28.

use serde_json::json;
use tests::World;

/// Scenario 26.
#[tokio::test(flavor = "multi_thread")]
async fn a_device_is_registered_by_a_producer_in_an_account_of_theirs() {
    let world = World::start().await;
    let producer = &world.producer;
    let device = producer
        .try_device(world.s, json!({"id": 77}))
        .await
        .expect(200);
    assert_ne!(device["id"], 77);
    assert_eq!(device["device_name"], "Hill Farm wind");
    assert_eq!(device["operational_date"], "2020-01-01T00:00:00Z");
    assert_eq!(
        (&device["capacity"], &device["peak_demand"]),
        (&json!(10), &json!(0.1))
    );
    let shown = producer
        .get(&format!("/device/{}", device["id"]))
        .await
        .expect(200);
    assert_eq!(shown, device);
    world
        .trader
        .try_device(world.s, json!({}))
        .await
        .refused_saying(403, "capability_required", "production_user");
    producer
        .try_device(999, json!({}))
        .await
        .refused(404, "account_not_found");
    producer
        .try_device(world.x, json!({}))
        .await
        .refused(404, "account_not_found");
    world
        .admin
        .try_device(world.s, json!({}))
        .await
        .refused(403, "account_access_denied");
}

/// Scenario 26.
#[tokio::test(flavor = "multi_thread")]
async fn a_device_with_wrong_fields_is_refused_with_all_of_them() {
    let world = World::start().await;
    let fields = json!({"energy_source": "gas", "capacity": "many", "operational_date": "soon",
                        "is_storage": "perhaps", "grid": null});
    let problem = world
        .producer
        .try_device(world.s, fields)
        .await
        .refused(422, "request_invalid");
    let errors = problem["errors"].as_array().unwrap();
    let mut pointers: Vec<_> = errors
        .iter()
        .map(|error| error["pointer"].as_str().unwrap())
        .collect();
    pointers.sort_unstable();
    let all = [
        "/capacity",
        "/energy_source",
        "/grid",
        "/is_storage",
        "/operational_date",
    ];
    assert_eq!(pointers, all);
    let source = errors
        .iter()
        .find(|error| error["pointer"] == "/energy_source")
        .unwrap();
    assert!(
        source["detail"]
            .as_str()
            .unwrap()
            .contains("solar_pv, wind, hydro"),
        "{source}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn the_capacity_is_megawatts_down_to_the_watt() {
    let world = World::start().await;
    for (given, shown) in [
        (json!(0.1), json!(0.1)),
        (json!("3000"), json!(3000)),
        (json!(0.000_001), json!(0.000_001)),
        (json!("12.345678"), json!(12.345_678)),
    ] {
        let device = world
            .producer
            .try_device(world.s, json!({"capacity": given}))
            .await;
        assert_eq!(device.expect(200)["capacity"], shown);
    }
    for wrong in [json!(-1), json!(0.000_000_1), json!(1e30), json!([])] {
        let answer = world
            .producer
            .try_device(world.s, json!({"capacity": wrong}))
            .await;
        assert_eq!(answer.status, 422, "{answer}");
    }
}

/// Scenario 27.
#[tokio::test(flavor = "multi_thread")]
async fn a_device_is_shown_to_members_of_its_account_and_the_issuing_body() {
    let world = World::start().await;
    let path = format!("/device/{}", world.w);
    world.auditor.get(&path).await.expect(200);
    world.admin.get(&path).await.expect(200);
    let other = world.admin.register_device(world.x, json!({})).await;
    world
        .auditor
        .get(&format!("/device/{other}"))
        .await
        .refused(404, "device_not_found");
    let sentence = "Device with id 9999 not found";
    world
        .auditor
        .get("/device/9999")
        .await
        .refused_saying(404, "device_not_found", sentence);
}

/// Scenario 28.
#[tokio::test(flavor = "multi_thread")]
async fn the_devices_of_an_account_are_listed() {
    let world = World::start().await;
    let devices = world
        .auditor
        .get(&format!("/account/{}/devices", world.s))
        .await
        .expect(200);
    assert_eq!(devices[0]["id"], world.w);
    assert_eq!(devices[0]["local_device_identifier"], "BMU-XYZ");
    let none = world
        .trader
        .get(&format!("/account/{}/devices", world.t))
        .await
        .expect(200);
    assert_eq!(none, json!([]));
    world
        .trader
        .get("/account/999/devices")
        .await
        .refused(404, "account_not_found");
    let listed = world.trader.get("/device/list").await.expect(200);
    assert_eq!(listed.as_array().unwrap().len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_devices_behind_the_certificates_of_an_account_are_listed() {
    let world = World::start().await;
    let [bundle] = world.issue([10]).await;
    let path = format!("/account/{}/certificates/devices", world.t);
    assert_eq!(world.trader.get(&path).await.expect(200), json!([]));
    world
        .trader
        .transfer(world.s, world.t, &[bundle])
        .await
        .expect(202);
    assert_eq!(world.trader.get(&path).await.expect(200)[0]["id"], world.w);
    world
        .auditor
        .get(&path)
        .await
        .refused(403, "capability_required");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_device_is_changed_and_taken_out_by_its_producer() {
    let world = World::start().await;
    let path = format!("/device/update/{}", world.w);
    let change = json!({"capacity": 12.5, "location": "1.5, 2.5"});
    world
        .trader
        .patch(&path, change.clone())
        .await
        .refused(403, "capability_required");
    let device = world.producer.patch(&path, change).await.expect(200);
    assert_eq!(device["capacity"], json!(12.5));
    assert_eq!(
        device["device_name"], "Hill Farm wind",
        "what is not named stays"
    );
    let foreign = json!({"account_id": world.x});
    world
        .producer
        .patch(&path, foreign)
        .await
        .refused(404, "account_not_found");

    let [_] = world.issue([10]).await;
    let removed = world
        .producer
        .delete(&format!("/device/delete/{}", world.w))
        .await;
    assert_eq!(removed.expect(200)["is_deleted"], true);
    let late = world
        .producer
        .submit(world.w, &tests::hours(50, [10]))
        .await;
    late.refused(422, "device_removed");
    assert_eq!(
        world.producer.holdings(world.s).await.len(),
        1,
        "what it made stays"
    );
    world.registry.audit().await;
}
