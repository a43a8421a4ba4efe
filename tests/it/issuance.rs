//! Contract 5.1, scenarios 35 and 36; FEA study 8.1, scenario 23; issuance by hand.

use chrono::{DateTime, Datelike, Utc};
use serde_json::{Value, json};
use tests::{World, hour};

/// Scenario 35.
#[tokio::test(flavor = "multi_thread")]
async fn issued_bundles_are_active_numbered_from_one_and_expire_in_two_years() {
    let world = World::start().await;
    let ids = world.issue([10, 15, 20]).await;
    let mut next = 1;
    for (n, (id, wh)) in (0..).zip(ids.into_iter().zip([10, 15, 20])) {
        let bundle = world.auditor.bundle(id).await;
        assert_eq!(bundle["certificate_bundle_id_range_start"], next);
        next += wh;
        assert_eq!(bundle["certificate_bundle_id_range_end"], next - 1);
        assert_eq!(bundle["bundle_quantity"], wh);
        assert_eq!(bundle["certificate_bundle_status"], "Active");
        assert_eq!(bundle["issuance_id"], world.issuance_id(n));
        assert_eq!(
            (&bundle["face_value"], &bundle["account_id"]),
            (&json!(1), &json!(world.s))
        );
        let expiry: DateTime<Utc> = bundle["expiry_datestamp"]
            .as_str()
            .unwrap()
            .parse()
            .unwrap();
        let issued: DateTime<Utc> = bundle["issuance_datestamp"]
            .as_str()
            .unwrap()
            .parse()
            .unwrap();
        assert_eq!(expiry.year(), issued.year() + 2);
    }
}

/// Scenario 42.
#[tokio::test(flavor = "multi_thread")]
async fn a_bundle_carries_its_device_and_metadata() {
    let world = World::start().await;
    let [id] = world.issue([10]).await;
    let bundle = world.auditor.bundle(id).await;
    for (name, value) in [
        ("device_name", json!("Hill Farm wind")),
        ("device_capacity", json!(10)),
        ("device_technology_type", json!("wind_turbine")),
        ("device_location", json!("51.4779, -0.0015")),
        (
            "device_production_start_date",
            json!("2020-01-01T00:00:00Z"),
        ),
        ("registry_configuration", json!(1)),
        ("issuing_body", json!("OFGEM")),
        ("country_of_issuance", json!("UK")),
        ("energy_source", json!("wind")),
        ("energy_carrier", json!("electricity")),
        ("is_storage", json!(false)),
        ("is_deleted", json!(false)),
        ("production_ending_interval", json!("2024-11-18T11:00:00Z")),
    ] {
        assert_eq!(bundle[name], value, "{name}");
    }
    assert_eq!(bundle["issuance_id"], world.issuance_id(0));
    assert_eq!(bundle["hash"].as_str().unwrap().len(), 64);
    assert_eq!(bundle["device_gps_location"]["latitude"], json!(51.4779));
    world
        .admin
        .get(&format!("/certificate/{id}"))
        .await
        .expect(200);
    let foreign = world.admin.register_device(world.x, json!({})).await;
    world
        .admin
        .submit(foreign, &tests::hours(0, [5]))
        .await
        .expect(200);
    let of_x = tests::ids(&world.admin.holdings(world.x).await)[0];
    world
        .trader
        .get(&format!("/certificate/{of_x}"))
        .await
        .refused(404, "bundle_not_found");
    world
        .trader
        .get("/certificate/9999")
        .await
        .refused(404, "bundle_not_found");
}

/// Scenario 36.
#[tokio::test(flavor = "multi_thread")]
async fn the_certificates_of_an_account_are_listed_newest_first() {
    let world = World::start().await;
    let ids = world.issue([10, 15, 20]).await;
    let path = format!("/account/{}/certificates", world.s);
    let all = world.auditor.get(&path).await.expect(200);
    let listed = tests::ids(all["granular_certificate_bundles"].as_array().unwrap());
    assert_eq!(listed, [ids[2], ids[1], ids[0]]);
    let first = world
        .auditor
        .get(&format!("{path}?limit=1"))
        .await
        .expect(200);
    assert_eq!(
        tests::ids(first["granular_certificate_bundles"].as_array().unwrap()),
        [ids[2]]
    );
    assert_eq!(
        first["total_certificate_volume"], 45,
        "over all, not only the page"
    );
    let cursor = first["next_cursor"].as_str().unwrap();
    let second = world
        .auditor
        .get(&format!("{path}?limit=1&cursor={cursor}"))
        .await
        .expect(200);
    assert_eq!(
        tests::ids(second["granular_certificate_bundles"].as_array().unwrap()),
        [ids[1]]
    );
    let empty = world
        .trader
        .get(&format!("/account/{}/certificates", world.t))
        .await;
    assert_eq!(empty.expect(200)["granular_certificate_bundles"], json!([]));
    world
        .auditor
        .get(&format!("{path}?limit=-1"))
        .await
        .refused_at(422, "request_invalid", "limit");
    world
        .auditor
        .get(&format!("{path}?limit=1001"))
        .await
        .refused(422, "request_invalid");
}

fn by_hand(world: &World) -> Value {
    json!({
        "account_id": world.s, "device_id": world.w, "metadata_id": 1, "issuance_id": "whatever",
        "certificate_bundle_status": "Active", "certificate_bundle_id_range_start": 1,
        "certificate_bundle_id_range_end": 1000, "bundle_quantity": 1000,
        "energy_carrier": "electricity", "energy_source": "wind", "face_value": 1,
        "issuance_post_energy_carrier_conversion": false,
        "production_starting_interval": hour(0), "production_ending_interval": hour(1),
        "expiry_datestamp": "2099-01-01T00:00:00Z", "is_storage": 0, "hash": "forged", "id": 77,
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn the_issuing_body_issues_by_hand_under_the_same_rules() {
    let world = World::start().await;
    let create = async |field: &str, value: Value| {
        let mut body = by_hand(&world);
        body[field] = value;
        world.admin.post("/certificate/create", body).await
    };
    let refused = world
        .producer
        .post("/certificate/create", by_hand(&world))
        .await;
    refused.refused(403, "capability_required");
    create("bundle_quantity", json!(999))
        .await
        .refused(422, "range_quantity");
    create("bundle_quantity", json!(0))
        .await
        .refused(422, "value_out_of_range");
    create("energy_source", json!("hydro"))
        .await
        .refused(422, "value_out_of_range");
    create("device_id", json!(999))
        .await
        .refused(404, "device_not_found");
    create("metadata_id", json!(999))
        .await
        .refused(404, "issuance_metadata_missing");
    create("face_value", json!(2))
        .await
        .refused(422, "request_invalid");
    let mut huge = by_hand(&world);
    huge["bundle_quantity"] = json!(11_000_000);
    huge["certificate_bundle_id_range_end"] = json!(11_000_000);
    world
        .admin
        .post("/certificate/create", huge)
        .await
        .refused(422, "over_capacity");

    let bundle = create("hash", json!("forged")).await.expect(201);
    assert_eq!(bundle["bundle_quantity"], 1000);
    assert_eq!(bundle["issuance_id"], world.issuance_id(0));
    assert_ne!(bundle["id"], 77);
    assert_eq!(bundle["hash"].as_str().unwrap().len(), 64);
    create("face_value", json!(1))
        .await
        .refused(409, "range_taken");
    let mut twice = by_hand(&world);
    twice["certificate_bundle_id_range_start"] = json!(1001);
    twice["certificate_bundle_id_range_end"] = json!(2000);
    world
        .admin
        .post("/certificate/create", twice)
        .await
        .refused(409, "over_metered");
    world.registry.audit().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_withdrawn_is_issued_again_under_new_serials() {
    let world = World::start().await;
    let [first] = world.issue([1000]).await;
    world
        .admin
        .act("withdraw", world.s, &[first], json!({"reason": "error"}))
        .await
        .expect(202);
    let again = world
        .producer
        .submit(world.w, &tests::hours(0, [1000]))
        .await
        .expect(200);
    assert_eq!(
        (&again["accepted"], &again["repeated"]),
        (&json!(0), &json!(1))
    );
    let mut body = by_hand(&world);
    world
        .admin
        .post("/certificate/create", body.clone())
        .await
        .refused(409, "range_taken");
    body["certificate_bundle_id_range_start"] = Value::Null;
    body["certificate_bundle_id_range_end"] = Value::Null;
    let second = world
        .admin
        .post("/certificate/create", body)
        .await
        .expect(201);
    assert_eq!(second["certificate_bundle_id_range_start"], 1001);
    assert_eq!(second["certificate_bundle_id_range_end"], 2000);
    world.registry.audit().await;
}
