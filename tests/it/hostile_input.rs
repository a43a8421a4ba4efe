//! What a database or a projector might choke on: it is refused before it is an event, or it is kept
//! exactly.

use futures_util::future::join_all;
use serde_json::{Value, json};
use tests::{World, hour, ids};

/// Values that no field of a body expects, or that stand at the edge of what a type holds.
fn strange_values() -> Vec<Value> {
    vec![
        Value::Null,
        json!(true),
        json!(-1),
        json!(0),
        json!(i64::MAX),
        json!(i64::MIN),
        json!(u64::MAX),
        json!(1e300),
        json!(-0.5),
        json!(""),
        json!("\u{0}"),
        json!("a\u{0}b"),
        json!("\u{202e}\u{feff}😀"),
        json!("x".repeat(10_000)),
        json!("9999-12-31T23:59:59.999999999Z"),
        json!("0001-01-01"),
        json!("99999999999999999999999999999999999999"),
        json!([]),
        json!([null]),
        json!([[], {}]),
        json!({}),
        json!({"x": {"x": {}}}),
    ]
}

/// A good body of each route that takes one.
fn bodies(world: &World, bundle: i64) -> Vec<(&'static str, String, Value)> {
    let (s, t, w) = (world.s, world.t, world.w);
    let act = json!({"source_id": s, "granular_certificate_bundle_ids": [bundle], "target_id": t,
                     "certificate_quantity": 1, "certificate_bundle_percentage": null,
                     "certificate_quantity_mode": "total", "beneficiary": "b", "reason": "r",
                     "beneficiary_account_id": t, "localise_time": true, "user_id": null});
    let mut bodies = vec![
        (
            "POST",
            "/account/create".to_owned(),
            json!({"account_name": "n", "user_ids": []}),
        ),
        (
            "PATCH",
            format!("/account/update/{s}"),
            json!({"account_name": "S", "user_ids": null}),
        ),
        (
            "PATCH",
            format!("/account/update_whitelist/{s}"),
            json!({"add_to_whitelist": [], "remove_from_whitelist": []}),
        ),
        (
            "POST",
            "/device/create".to_owned(),
            json!({"device_name": "d", "grid": "g", "location": "1, 2", "energy_source": "wind",
                "technology_type": "wind_turbine", "operational_date": "2020-01-01", "capacity": 1,
                "peak_demand": 1, "is_storage": false, "account_id": s, "device_type": "production",
                "local_device_identifier": "x", "device_unique_id": "u",
                "gps_location": {"latitude": 1, "longitude": 2}}),
        ),
        (
            "PATCH",
            format!("/device/update/{w}"),
            json!({"device_name": "d", "location": "1, 2", "capacity": 10, "operational_date": "2020-01-01"}),
        ),
        (
            "POST",
            "/measurement/create".to_owned(),
            json!({"device_id": w, "interval_start_datetime": hour(90), "interval_end_datetime": hour(91),
                "interval_usage": 1, "gross_net_indicator": "NET"}),
        ),
        (
            "POST",
            "/measurement/submit_readings".to_owned(),
            json!({"device_id": w, "readings": [], "partial": true}),
        ),
        (
            "POST",
            "/certificate/query".to_owned(),
            json!({"source_id": s, "device_ids": [w], "issuance_ids": null, "cursor": null, "limit": 5,
                "certificate_period_start": null, "certificate_period_end": null, "sort": "asc"}),
        ),
        (
            "PATCH",
            format!("/user/update/{}", world.producer.id),
            json!({"name": "n", "organisation": "o", "email": "producer@registry.test"}),
        ),
    ];
    for verb in ["transfer", "cancel", "claim", "reserve", "release"] {
        bodies.push(("POST", format!("/certificate/{verb}"), act.clone()));
    }
    bodies
}

#[tokio::test(flavor = "multi_thread")]
async fn no_strange_value_in_any_field_is_a_failure_of_the_registry_or_its_projections() {
    let world = World::start().await;
    let [bundle] = world.issue([1_000_000]).await;
    let mut failed = Vec::new();
    for (method, path, good) in bodies(&world, bundle) {
        for field in good.as_object().unwrap().keys() {
            // At once: each refusal of a flood waits until it is gathered into the audit trail.
            let answers = strange_values().into_iter().map(|strange| {
                let mut body = good.clone();
                body[field] = strange;
                let request = world.producer.request(method, &path).json(&body);
                world.producer.send(request)
            });
            for answer in join_all(answers).await {
                if answer.status >= 500 {
                    failed.push(format!("{field}: {answer}"));
                }
                // So that the account, renamed or without members, is there for the next one.
                assert_ne!(answer.status, 401, "{answer}");
            }
        }
    }
    assert!(failed.is_empty(), "{}", failed.join("\n"));
    world.registry.audit().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_text_that_a_database_can_not_hold_is_refused_wherever_it_is_sent() {
    let world = World::start().await;
    let [bundle] = world.issue([10]).await;
    let nul = "a\u{0}b";
    let (producer, trader, admin) = (&world.producer, &world.trader, &world.admin);
    let metadata = json!({"country_of_issuance": "UK", "connected_grid_identification": "NESO",
                          "issuing_body": "OFGEM", "issue_market_zone": nul});
    let mut answers = vec![
        producer
            .post("/account/create", json!({"account_name": nul}))
            .await,
        producer
            .try_device(world.s, json!({"device_name": nul}))
            .await,
        producer
            .try_device(world.s, json!({"local_device_identifier": nul}))
            .await,
        producer.try_device(world.s, json!({"location": nul})).await,
        admin
            .create_user(nul, "nul@registry.test", 2, tests::PASSWORD)
            .await,
        admin
            .create_user("nul", "n\u{0}ul@registry.test", 2, tests::PASSWORD)
            .await,
        trader.cancel(world.s, &[bundle], nul).await,
        admin
            .act("lock", world.s, &[bundle], json!({"reason": nul}))
            .await,
        admin.post("/certificate/create_metadata", metadata).await,
    ];
    let mut reading = tests::hours(50, [1])[0].json();
    reading["gross_net_indicator"] = json!(nul);
    let body = json!({"device_id": world.w, "readings": [reading]});
    answers.push(producer.post("/measurement/submit_readings", body).await);
    let row = format!("2024-12-01T00:00:00Z,2024-12-01T01:00:00Z,1,{nul}\n");
    let header = tests::csv(&[]);
    answers.push(producer.upload_csv(world.w, header + &row).await);
    for answer in &answers {
        assert_eq!(answer.status, 422, "{answer}");
    }
    world.registry.audit().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn text_of_any_script_is_kept_as_it_is() {
    let world = World::start().await;
    for name in [
        "Ünïcödé 😀",
        "\u{202e}right to left",
        "quote ' \" \\ \t",
        "{\"json\": 1}",
        "%s; DROP TABLE",
    ] {
        let account = world.producer.open_account(name, &[]).await;
        let shown = world
            .producer
            .get(&format!("/account/{account}"))
            .await
            .expect(200);
        assert_eq!(shown["account_name"], name.trim());
    }
    world.registry.audit().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn ids_in_a_list_may_be_anything_and_nothing_happens() {
    let world = World::start().await;
    let bundles = world.issue([10, 20]).await;
    for strange in [
        json!([i64::MAX]),
        json!([-1, 0]),
        json!([bundles[0], "x"]),
        json!("1"),
        json!([1.5]),
    ] {
        let body = json!({"source_id": world.s, "target_id": world.t,
                          "granular_certificate_bundle_ids": strange});
        let answer = world.trader.post("/certificate/transfer", body).await;
        assert!([404, 422].contains(&answer.status), "{answer}");
    }
    assert_eq!(ids(&world.trader.holdings(world.s).await), bundles);
}
