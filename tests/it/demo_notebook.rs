//! The demo notebook of the FEA registry, call by call, as its client makes them.

use serde_json::{Value, json};
use tests::{PASSWORD, World, ids, quantities};

#[tokio::test(flavor = "multi_thread")]
async fn the_demo_notebook_of_the_reference_runs_against_ours() {
    let world = World::start().await;
    world
        .producer
        .submit(world.w, &tests::hours(0, [1000, 2000, 3001, 4000]))
        .await
        .expect(200);

    // The client fetches a CSRF token and signs in with a form.
    let anonymous = world.registry.anonymous();
    let csrf = anonymous.get("/csrf-token").await.expect(200)["csrf_token"].clone();
    let client = anonymous.with("x-csrf-token", csrf.as_str().unwrap());
    let client = client.signed_in(&world.producer.email, PASSWORD).await;

    // It reads the user, the account and the device.
    let me = client
        .get(&format!("/user/{}", client.id))
        .await
        .expect(200);
    assert_eq!(me["role"], "PRODUCTION_USER");
    let source = me["accounts"][0]["id"].as_i64().unwrap();
    let account = client.get(&format!("/account/{source}")).await.expect(200);
    assert_eq!(account["account_name"], "S");
    let device = client
        .get(&format!("/device/{}", world.w))
        .await
        .expect(200);
    assert_eq!(device["energy_source"], "wind");

    // It makes an account to send to, which whitelists the first, and a device.
    let body = json!({"account_name": "Notebook target", "user_ids": [client.id]});
    let target = client.post("/account/create", body).await.expect(201)["id"]
        .as_i64()
        .unwrap();
    let body = json!({"add_to_whitelist": [source]});
    client
        .patch(&format!("/account/update_whitelist/{target}"), body)
        .await
        .expect(200);
    let body = json!({
        "device_name": "Notebook solar", "local_device_identifier": "NB-1", "grid": "NESO",
        "energy_source": "solar_pv", "technology_type": "solar_pv",
        "operational_date": "2021-01-01T00:00:00", "capacity": 1.5, "peak_demand": 0.1,
        "location": "London", "account_id": source, "is_storage": false,
    });
    client.post("/device/create", body).await.expect(200);

    // It asks for the device's certificates, then for those of three hours.
    let query = json!({"source_id": source, "user_id": client.id, "device_id": world.w});
    let all = client.post("/certificate/query", query).await.expect(202);
    assert_eq!(all["total_certificate_volume"], 10_001);
    let window = json!({
        "source_id": source, "user_id": client.id, "device_id": world.w,
        "certificate_period_start": "2024-11-18T10:00:00",
        "certificate_period_end": "2024-11-18T13:00:00",
    });
    let window = client.post("/certificate/query", window).await.expect(202);
    let bundles = window["granular_certificate_bundles"].as_array().unwrap();
    assert_eq!(quantities(bundles), [1000, 2000, 3001]);

    // It transfers half of each and asks what the target has.
    let transfer = json!({
        "source_id": source, "user_id": client.id, "target_id": target, "localise_time": true,
        "granular_certificate_bundle_ids": ids(bundles), "certificate_bundle_percentage": 0.5,
    });
    let action = client
        .post("/certificate/transfer", transfer)
        .await
        .expect(202);
    assert_eq!(action["certificate_bundle_percentage"], json!(0.5));
    let of_target = json!({"source_id": target, "user_id": client.id});
    let received = client
        .post("/certificate/query", of_target.clone())
        .await
        .expect(202);
    let bundles = received["granular_certificate_bundles"].as_array().unwrap();
    assert_eq!(quantities(bundles), [500, 1000, 1500]);

    // It cancels all of that for a beneficiary, and asks again.
    let cancel = json!({
        "source_id": target, "user_id": client.id, "beneficiary": "Notebook reader",
        "granular_certificate_bundle_ids": ids(bundles), "localise_time": true,
    });
    client
        .post("/certificate/cancel/", cancel)
        .await
        .expect(202);
    let after = client
        .post("/certificate/query", of_target)
        .await
        .expect(202);
    for bundle in after["granular_certificate_bundles"].as_array().unwrap() {
        assert_eq!(bundle["certificate_bundle_status"], "Cancelled");
        assert_eq!(bundle["beneficiary"], Value::from("Notebook reader"));
    }
    assert_eq!(after["total_certificate_volume"], 3000);
    world.registry.audit().await;
}
