//! Issuance control: readings accepted without issuing, and issuance on request.

use serde_json::{Value, json};
use tests::{Actor, World, csv, hour, hours};

async fn unissued(world: &World, from: i64, wh: &[i64]) -> Value {
    let readings: Vec<_> = hours(from, wh.iter().copied())
        .iter()
        .map(tests::Reading::json)
        .collect();
    let body = json!({"device_id": world.w, "readings": readings, "issue": false});
    let answer = world
        .producer
        .post("/measurement/submit_readings", body)
        .await;
    answer.expect(200)
}

async fn issue(actor: &Actor, device: i64, from: i64, to: i64, fields: Value) -> tests::Answer {
    let mut body = json!({"device_id": device, "from": hour(from), "to": hour(to)});
    for (name, value) in fields.as_object().unwrap() {
        body[name] = value.clone();
    }
    actor.post("/measurement/issue_readings", body).await
}

#[tokio::test(flavor = "multi_thread")]
async fn readings_wait_until_issuance_is_asked_for_and_a_dry_run_says_what_will_come() {
    let world = World::start().await;
    let submitted = unissued(&world, 10, &[30, 0, 40]).await;
    assert_eq!(submitted["accepted"], 3);
    unissued(&world, 2, &[20]).await;
    assert!(world.producer.holdings(world.s).await.is_empty());
    let list = |issued: bool| {
        let (actor, device) = (world.auditor.clone(), world.w);
        async move {
            let path = format!("/measurement/list?device_id={device}&issued={issued}");
            actor.get(&path).await.expect(200)
        }
    };
    let usages = |list: Value| -> Vec<i64> {
        let readings = list.as_array().unwrap().clone();
        let usage = |one: &Value| one["interval_usage"].as_i64().unwrap();
        readings.iter().map(usage).collect()
    };
    assert_eq!(usages(list(false).await), [20, 30, 40]);
    assert_eq!(usages(list(true).await), [0]);
    let dry = json!({"dry_run": true});
    let mut asked = issue(&world.producer, world.w, 0, 12, dry)
        .await
        .expect(200);
    assert_eq!(
        (&asked["bundles"], &asked["issued_wh"], &asked["paid_wh"]),
        (&json!(2), &json!(50), &json!(0))
    );
    assert_eq!(
        (
            &asked["first_certificate_id"],
            &asked["next_certificate_id"]
        ),
        (&json!(1), &json!(51))
    );
    assert_eq!(asked["first_reading_datetime"], json!(hour(2)));
    assert_eq!(asked["last_reading_datetime"], json!(hour(10)));
    assert!(world.producer.holdings(world.s).await.is_empty());
    let done = issue(&world.producer, world.w, 0, 12, json!({}))
        .await
        .expect(200);
    asked["dry_run"] = json!(false);
    assert_eq!(asked, done);
    assert_eq!(
        tests::quantities(&world.producer.holdings(world.s).await),
        [20, 30]
    );
    assert_eq!(usages(list(false).await), [40]);
    let nothing = issue(&world.producer, world.w, 0, 12, json!({}))
        .await
        .expect(200);
    assert_eq!(
        (&nothing["bundles"], &nothing["first_bundle_id"]),
        (&json!(0), &Value::Null)
    );
    world.registry.audit().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn every_way_to_submit_takes_issue() {
    let world = World::start().await;
    let form = reqwest::multipart::Form::new()
        .text("deviceID", world.w.to_string())
        .text("issue", "false")
        .part(
            "file",
            reqwest::multipart::Part::text(csv(&hours(0, [10]))).file_name("readings.csv"),
        );
    world
        .producer
        .upload("/measurement/submit_readings", form)
        .await
        .expect(200);
    let mut one = hours(1, [20])[0].json();
    one["device_id"] = json!(world.w);
    one["issue"] = json!(false);
    world
        .producer
        .post("/measurement/create", one)
        .await
        .expect(200);
    assert!(world.producer.holdings(world.s).await.is_empty());
    issue(&world.admin, world.w, 0, 24, json!({}))
        .await
        .expect(200);
    assert_eq!(
        tests::quantities(&world.producer.holdings(world.s).await),
        [10, 20]
    );
    world.registry.audit().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_withdrawn_is_issued_anew_by_the_issuing_body_only() {
    let world = World::start().await;
    let [bundle] = world.issue([100]).await;
    world
        .admin
        .act("withdraw", world.s, &[bundle], json!({}))
        .await
        .expect(202);
    let anew = json!({"include_withdrawn": true});
    let nothing = issue(&world.producer, world.w, 0, 24, json!({}))
        .await
        .expect(200);
    assert_eq!(nothing["bundles"], 0);
    issue(&world.producer, world.w, 0, 24, anew.clone())
        .await
        .refused_at(403, "capability_required", "/include_withdrawn");
    let issued = issue(&world.admin, world.w, 0, 24, anew).await.expect(200);
    assert_eq!(
        (&issued["first_certificate_id"], &issued["issued_wh"]),
        (&json!(101), &json!(100))
    );
    world.registry.audit().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn issuance_on_request_pays_what_the_device_owes_first() {
    let world = World::start().await;
    let [bundle] = world.issue([100]).await;
    world
        .trader
        .cancel(world.s, &[bundle], "Acme")
        .await
        .expect(202);
    let reading = world.producer.bundle(bundle).await["measurement_id"].clone();
    let body = json!({"interval_usage": 60, "reason": "wrong", "settle": "later"});
    world
        .producer
        .post(&format!("/measurement/correct/{reading}"), body)
        .await
        .expect(200);
    unissued(&world, 5, &[30, 30]).await;
    let issued = issue(&world.producer, world.w, 0, 24, json!({}))
        .await
        .expect(200);
    assert_eq!(
        (&issued["paid_wh"], &issued["issued_wh"], &issued["bundles"]),
        (&json!(40), &json!(20), &json!(1))
    );
    world.registry.audit().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_for_issuance_names_a_device_of_the_caller_and_a_range() {
    let world = World::start().await;
    issue(&world.trader, world.w, 0, 1, json!({}))
        .await
        .refused(403, "capability_required");
    issue(&world.producer, 9999, 0, 1, json!({}))
        .await
        .refused(404, "device_not_found");
    let foreign = world.admin.register_device(world.x, json!({})).await;
    issue(&world.producer, foreign, 0, 1, json!({}))
        .await
        .refused(404, "device_not_found");
    issue(&world.producer, world.w, 1, 1, json!({}))
        .await
        .refused_at(422, "interval_order", "/to");
    issue(&world.producer, world.w, 0, 366 * 24 + 1, json!({}))
        .await
        .refused_at(422, "value_out_of_range", "/to");
    let meter = json!({"meter_identifier": "M"});
    issue(&world.producer, world.w, 0, 1, meter)
        .await
        .refused_at(404, "meter_not_found", "/meter_identifier");
}
