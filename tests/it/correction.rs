//! Corrections of readings: a new value is its own operation, with a reason, and certificates follow it.

use serde_json::{Value, json};
use tests::{Actor, World, hours};

/// The wind farm's reading of the first hour, issued as one bundle; their ids.
async fn issued(world: &World, wh: i64) -> (i64, i64) {
    let [bundle] = world.issue([wh]).await;
    let shown = world.producer.bundle(bundle).await;
    (shown["measurement_id"].as_i64().unwrap(), bundle)
}

async fn correct(actor: &Actor, measurement: i64, fields: Value) -> tests::Answer {
    let mut body = json!({"interval_usage": 60, "reason": "the ratio was wrong"});
    for (name, value) in fields.as_object().unwrap() {
        body[name] = value.clone();
    }
    actor
        .post(&format!("/measurement/correct/{measurement}"), body)
        .await
}

async fn measurement(actor: &Actor, id: i64) -> Value {
    actor.get(&format!("/measurement/{id}")).await.expect(200)
}

async fn debt(world: &World) -> Value {
    let path = format!("/device/{}", world.w);
    world.auditor.get(&path).await.expect(200)["debt_wh"].clone()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lower_value_replaces_the_certificates_and_links_old_and_new() {
    let world = World::start().await;
    let (reading, old) = issued(&world, 100).await;
    let answer = correct(&world.producer, reading, json!({}))
        .await
        .expect(200);
    let correction = &answer["correction"];
    assert_eq!(correction["withdrawn_bundle_ids"], json!([old]));
    let new = correction["reissued_bundle_id"].as_i64().unwrap();
    let (before, after) = (
        world.auditor.bundle(old).await,
        world.auditor.bundle(new).await,
    );
    assert_eq!(before["certificate_bundle_status"], "Withdrawn");
    assert_eq!(before["replaced_by"], new);
    assert_eq!(after["replaces"], json!([old]));
    assert_eq!(after["measurement_id"], reading);
    assert_eq!(
        (
            &after["certificate_bundle_id_range_start"],
            &after["bundle_quantity"]
        ),
        (&json!(101), &json!(60))
    );
    assert_eq!(after["expiry_datestamp"], before["expiry_datestamp"]);
    let shown = measurement(&world.auditor, reading).await;
    assert_eq!(
        (
            &shown["interval_usage"],
            &shown["issued_wh"],
            &shown["unissued_wh"]
        ),
        (&json!(60), &json!(60), &json!(0))
    );
    assert_eq!(tests::ids(shown["bundles"].as_array().unwrap()), [old, new]);
    let history = &shown["corrections"][0];
    assert_eq!(history["user_id"], world.producer.id);
    assert_eq!(history["reason"], "the ratio was wrong");
    assert_eq!(history["previous_usage"], 100);
    assert_eq!(history, correction);
    world.registry.audit().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_higher_value_issues_the_difference() {
    let world = World::start().await;
    let (reading, old) = issued(&world, 100).await;
    let answer = correct(&world.producer, reading, json!({"interval_usage": 130}))
        .await
        .expect(200);
    let new = answer["correction"]["issued_bundle_id"].as_i64().unwrap();
    assert_eq!(world.auditor.bundle(new).await["bundle_quantity"], 30);
    assert_eq!(
        world.auditor.bundle(old).await["certificate_bundle_status"],
        "Active"
    );
    let again = correct(&world.producer, reading, json!({"interval_usage": 130}))
        .await
        .expect(200);
    assert_eq!(again["correction"], Value::Null, "the same value again");
    world.registry.audit().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_blocked_correction_names_the_bundles_and_holders_that_the_caller_may_see() {
    let world = World::start().await;
    let (reading, bundle) = issued(&world, 100).await;
    world
        .trader
        .transfer_part(
            world.s,
            world.t,
            &[bundle],
            json!({"certificate_quantity": 70}),
        )
        .await
        .expect(202);
    let moved = tests::ids(&world.trader.holdings(world.t).await)[0];
    let problem = correct(&world.producer, reading, json!({"interval_usage": 50}))
        .await
        .refused(409, "correction_blocked");
    let errors = problem["errors"].as_array().unwrap();
    assert_eq!(errors.len(), 1);
    assert_eq!(errors[0]["bundle_id"], moved);
    let detail = errors[0]["detail"].as_str().unwrap();
    assert!(
        detail.contains("70 Wh is Active in another account")
            && detail.ends_with(&format!("account {} holds it", world.t)),
        "{detail}"
    );
    // Somebody who can not see the holder is not told.
    let away = world.admin.open_account("Away", &[]).await;
    world
        .admin
        .update_whitelist(away, &[world.t], &[])
        .await
        .expect(200);
    world
        .trader
        .transfer(world.t, away, &[moved])
        .await
        .expect(202);
    let problem = correct(&world.producer, reading, json!({"interval_usage": 50}))
        .await
        .refused(409, "correction_blocked");
    let detail = problem["errors"][0]["detail"].as_str().unwrap();
    assert!(detail.ends_with("in another account"), "{detail}");
    let shown = measurement(&world.producer, reading).await;
    let of_moved = shown["bundles"]
        .as_array()
        .unwrap()
        .iter()
        .find(|bundle| bundle["id"] == moved);
    assert_eq!(of_moved.unwrap()["account_id"], Value::Null);
    world.registry.audit().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_debt_is_paid_by_the_next_issuance_before_anything_is_issued() {
    let world = World::start().await;
    let (reading, bundle) = issued(&world, 100).await;
    world
        .trader
        .cancel(world.s, &[bundle], "Acme")
        .await
        .expect(202);
    let answer = correct(&world.producer, reading, json!({"settle": "later"}))
        .await
        .expect(200);
    assert_eq!(answer["correction"]["debt_wh"], 40);
    assert_eq!(debt(&world).await, 40);
    world.registry.audit().await;
    world
        .producer
        .submit(world.w, &hours(5, [30, 25]))
        .await
        .expect(200);
    assert_eq!(debt(&world).await, 0);
    let active = json!({"certificate_bundle_status": "Active"});
    assert_eq!(
        tests::quantities(&world.trader.query(world.s, active).await),
        [15]
    );
    let list = format!("/measurement/list?device_id={}", world.w);
    let all = world.auditor.get(&list).await.expect(200);
    let paying = measurement(&world.auditor, all[1]["id"].as_i64().unwrap()).await;
    assert_eq!(
        (
            &paying["paid_wh"],
            &paying["issued_wh"],
            &paying["unissued_wh"]
        ),
        (&json!(30), &json!(0), &json!(0))
    );
    let owing = measurement(&world.auditor, reading).await;
    assert_eq!(
        (
            &owing["excess_wh"],
            &owing["issued_wh"],
            &owing["unissued_wh"]
        ),
        (&json!(40), &json!(100), &json!(0))
    );
    world.registry.audit().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dry_run_of_a_correction_changes_nothing_and_says_what_follows() {
    let world = World::start().await;
    let (reading, bundle) = issued(&world, 100).await;
    let asked = correct(&world.producer, reading, json!({"dry_run": true}))
        .await
        .expect(200);
    assert_eq!(asked["dry_run"], true);
    assert_eq!(
        world.auditor.bundle(bundle).await["certificate_bundle_status"],
        "Active"
    );
    let mut done = correct(&world.producer, reading, json!({}))
        .await
        .expect(200);
    done["correction"]["corrected_at"] = asked["correction"]["corrected_at"].clone();
    assert_eq!(done["correction"], asked["correction"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn members_of_the_devices_account_and_the_issuing_body_correct_with_a_reason() {
    let world = World::start().await;
    let (reading, _) = issued(&world, 100).await;
    correct(&world.trader, reading, json!({}))
        .await
        .refused(403, "capability_required");
    correct(&world.producer, reading, json!({"reason": " "}))
        .await
        .refused_at(422, "value_out_of_range", "/reason");
    let body = json!({"interval_usage": 60});
    world
        .producer
        .post(&format!("/measurement/correct/{reading}"), body)
        .await
        .refused_at(422, "request_invalid", "/reason");
    correct(&world.producer, reading, json!({"interval_usage": -1}))
        .await
        .refused_at(422, "negative_amount", "/interval_usage");
    correct(&world.producer, reading, json!({"settle": "never"}))
        .await
        .refused_at(422, "request_invalid", "/settle");
    correct(&world.producer, 9999, json!({}))
        .await
        .refused(404, "measurement_not_found");
    let foreign = world.admin.register_device(world.x, json!({})).await;
    world
        .admin
        .submit(foreign, &hours(0, [5]))
        .await
        .expect(200);
    let list = format!("/measurement/list?device_id={foreign}");
    let of_x = world.admin.get(&list).await.expect(200)[0]["id"]
        .as_i64()
        .unwrap();
    correct(&world.producer, of_x, json!({}))
        .await
        .refused(404, "measurement_not_found");
    correct(&world.admin, reading, json!({})).await.expect(200);
    world.registry.audit().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_correction_under_an_idempotency_key_is_carried_out_once() {
    let world = World::start().await;
    let (reading, _) = issued(&world, 100).await;
    let once = world.producer.with("Idempotency-Key", "correction-1");
    let first = correct(&once, reading, json!({})).await.expect(200);
    let second = correct(&once, reading, json!({})).await.expect(200);
    assert_eq!(first, second);
    let shown = measurement(&world.producer, reading).await;
    assert_eq!(shown["corrections"].as_array().unwrap().len(), 1);
    world.registry.audit().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_lineage_of_a_corrected_readings_certificates_holds_before_and_after() {
    let world = World::start().await;
    let (reading, old) = issued(&world, 100).await;
    let down = correct(&world.producer, reading, json!({}))
        .await
        .expect(200);
    let up = correct(&world.producer, reading, json!({"interval_usage": 300}))
        .await
        .expect(200);
    let anew = down["correction"]["reissued_bundle_id"].as_i64().unwrap();
    let more = up["correction"]["issued_bundle_id"].as_i64().unwrap();
    for (bundle, stood_for) in [(old, 100), (anew, 100), (more, 300)] {
        // Whoever asks for a lineage here checks that it holds together.
        let lineage = world.producer.lineage(bundle, "timeline").await;
        assert_eq!(lineage["timeline"][0]["interval_usage"], stood_for);
        world.producer.lineage(bundle, "raw").await;
    }
}
