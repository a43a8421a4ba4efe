//! Several meters of one device.

use serde_json::{Value, json};
use tests::{Reading, World, hour, hours};

async fn register(world: &World, identifier: &str) -> tests::Answer {
    let path = format!("/device/{}/meters", world.w);
    let body = json!({"meter_identifier": identifier});
    world.producer.post(&path, body).await
}

/// Readings of one hour each, of a meter.
async fn submit(world: &World, meter: Value, readings: &[Reading]) -> tests::Answer {
    let readings: Vec<_> = readings
        .iter()
        .map(|reading| {
            let mut reading = reading.json();
            reading["meter_identifier"] = meter.clone();
            reading
        })
        .collect();
    let body = json!({"device_id": world.w, "readings": readings});
    world
        .producer
        .post("/measurement/submit_readings", body)
        .await
}

#[tokio::test(flavor = "multi_thread")]
async fn each_meter_of_a_device_has_readings_of_its_own() {
    let world = World::start().await;
    let registered = register(&world, "M-2").await.expect(201);
    assert_eq!(
        (&registered["meter_identifier"], &registered["is_active"]),
        (&json!("M-2"), &json!(true))
    );
    submit(&world, Value::Null, &hours(0, [10]))
        .await
        .expect(200);
    submit(&world, json!("M-2"), &hours(0, [20]))
        .await
        .expect(200);
    submit(&world, json!("M-2"), &hours(0, [21]))
        .await
        .refused(409, "reading_conflict");
    let list = format!("/measurement/list?device_id={}", world.w);
    let readings = world.auditor.get(&list).await.expect(200);
    let of_meter = &readings[1];
    assert_eq!(
        (
            &of_meter["meter_identifier"],
            &of_meter["interval_usage"],
            &readings[0]["meter_identifier"]
        ),
        (&json!("M-2"), &json!(20), &Value::Null)
    );
    let id = of_meter["id"].as_i64().unwrap();
    let shown = world
        .auditor
        .get(&format!("/measurement/{id}"))
        .await
        .expect(200);
    assert_eq!(shown["issued_wh"], 20);
    let bundle = shown["bundles"][0]["id"].as_i64().unwrap();
    let bundle = world.auditor.bundle(bundle).await;
    assert_eq!(
        (&bundle["measurement_id"], &bundle["meter_identifier"]),
        (&json!(id), &json!("M-2"))
    );
    let body = json!({"interval_usage": 5, "reason": "wrong"});
    world
        .producer
        .post(&format!("/measurement/correct/{id}"), body)
        .await
        .expect(200);
    assert_eq!(
        tests::volume(
            &world
                .producer
                .query(world.s, json!({"certificate_bundle_status": "Active"}))
                .await
        ),
        15
    );
    world.registry.audit().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_may_have_a_column_of_meters() {
    let world = World::start().await;
    register(&world, "M-2").await.expect(201);
    let file = "interval_start_datetime,interval_end_datetime,interval_usage,gross_net_indicator,meter_identifier\n\
                2024-11-18T10:00:00Z,2024-11-18T11:00:00Z,10,NET,\n\
                2024-11-18T10:00:00Z,2024-11-18T11:00:00Z,20,NET,M-2\n\
                2024-11-18T11:00:00Z,2024-11-18T12:00:00Z,30,NET,M-3\n";
    let problem = world
        .producer
        .upload_csv(world.w, file)
        .await
        .refused(422, "readings_refused");
    let error = &problem["errors"][0];
    assert_eq!(
        (&error["row"], &error["column"], &error["code"]),
        (
            &json!(3),
            &json!("meter_identifier"),
            &json!("meter_not_found")
        )
    );
    register(&world, "M-3").await.expect(201);
    let answer = world.producer.upload_csv(world.w, file).await.expect(200);
    assert_eq!(
        (&answer["accepted"], &answer["total_device_usage"]),
        (&json!(3), &json!(60))
    );
    world.registry.audit().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn capacity_limits_all_meters_of_a_device_together() {
    let world = World::start().await;
    register(&world, "M-2").await.expect(201);
    submit(&world, Value::Null, &hours(0, [6_000_000]))
        .await
        .expect(200);
    let problem = submit(&world, json!("M-2"), &hours(0, [5_000_000])).await;
    let problem = problem.refused(422, "readings_refused");
    assert_eq!(problem["errors"][0]["code"], "over_capacity");
    submit(&world, json!("M-2"), &hours(0, [4_999_999]))
        .await
        .expect(200);
    world.registry.audit().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn meters_are_listed_and_can_be_taken_out_of_use() {
    let world = World::start().await;
    for identifier in ["A", "B", "C"] {
        register(&world, identifier).await.expect(201);
    }
    register(&world, "B")
        .await
        .refused_at(422, "meter_identifier_taken", "/meter_identifier");
    register(&world, "")
        .await
        .refused_at(422, "value_out_of_range", "/meter_identifier");
    let path = format!("/device/{}/meters", world.w);
    let body = json!({"meter_identifier": "B", "is_active": false});
    let updated = world.producer.patch(&path, body.clone()).await.expect(200);
    assert_eq!(updated["is_active"], false);
    let refused = submit(&world, json!("B"), &hours(0, [1])).await;
    let problem = refused.refused(422, "readings_refused");
    assert_eq!(problem["errors"][0]["code"], "meter_inactive");
    let first = world.auditor.get(&format!("{path}?limit=2")).await;
    let cursor = first.header("X-Next-Cursor").to_owned();
    let names = |list: &Value| -> Vec<(String, bool)> {
        let meters = list.as_array().unwrap().iter();
        let named = meters.map(|meter| {
            let name = meter["meter_identifier"].as_str().unwrap().to_owned();
            (name, meter["is_active"].as_bool().unwrap())
        });
        named.collect()
    };
    assert_eq!(
        names(&first.expect(200)),
        [("A".to_owned(), true), ("B".to_owned(), false)]
    );
    let second = world
        .auditor
        .get(&format!("{path}?limit=2&cursor={cursor}"))
        .await
        .expect(200);
    assert_eq!(names(&second), [("C".to_owned(), true)]);
    let body = json!({"meter_identifier": "D", "is_active": false});
    world
        .producer
        .patch(&path, body)
        .await
        .refused(404, "meter_not_found");
    world
        .trader
        .post(&path, json!({"meter_identifier": "E"}))
        .await
        .refused(403, "capability_required");
    world
        .producer
        .get("/device/9999/meters")
        .await
        .refused(404, "device_not_found");
    let one = json!({
        "device_id": world.w, "meter_identifier": " A ", "interval_usage": 7, "gross_net_indicator": "NET",
        "interval_start_datetime": hour(3), "interval_end_datetime": hour(4),
    });
    let created = world
        .producer
        .post("/measurement/create", one.clone())
        .await
        .expect(200);
    assert_eq!(created["meter_identifier"], "A");
    let again = world
        .producer
        .post("/measurement/create", one)
        .await
        .expect(200);
    assert_eq!(created["id"], again["id"]);
    world.registry.audit().await;
}
