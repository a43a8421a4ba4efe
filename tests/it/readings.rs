//! Contract 5.1, scenarios 29 to 34; FEA study 8.1, scenarios 4, 5, 12, 21, 22 and 25.

use chrono::{TimeDelta, Utc};
use reqwest::multipart::Form;
use serde_json::{Value, json};
use tests::{HOUR_0, Reading, World, csv, hour, hours, volume};

const HEADER: &str =
    "interval_start_datetime,interval_end_datetime,interval_usage,gross_net_indicator";

fn rows(problem: &Value) -> Vec<(i64, &str, &str)> {
    let errors = problem["errors"].as_array().unwrap().iter();
    let row = |error: &'_ Value| error["row"].as_i64().unwrap();
    let mut rows: Vec<_> = errors
        .map(|e| {
            (
                row(e),
                e["column"].as_str().unwrap(),
                e["code"].as_str().unwrap(),
            )
        })
        .collect();
    rows.sort_unstable();
    rows
}

/// Scenario 29.
#[tokio::test(flavor = "multi_thread")]
async fn the_template_can_be_submitted_as_it_is() {
    let world = World::start().await;
    let answer = world
        .auditor
        .get("/measurement/meter_readings_template")
        .await;
    assert_eq!(answer.status, 200);
    assert!(
        answer.header("content-type").starts_with("text/csv"),
        "{answer}"
    );
    assert!(
        answer
            .header("content-disposition")
            .contains("meter_readings_template.csv")
    );
    let text = String::from_utf8(answer.body).unwrap();
    assert_eq!(text.lines().next(), Some(HEADER));
    let submitted = world.producer.upload_csv(world.w, text).await.expect(200);
    assert_eq!(
        (&submitted["accepted"], &submitted["total_device_usage"]),
        (&json!(2), &json!(2200))
    );
}

/// Scenario 30.
#[tokio::test(flavor = "multi_thread")]
async fn three_readings_become_three_bundles() {
    let world = World::start().await;
    let submitted = world
        .producer
        .submit(world.w, &hours(0, [10, 15, 20]))
        .await
        .expect(200);
    assert_eq!(submitted["message"], "Readings submitted successfully.");
    assert_eq!(submitted["total_device_usage"], 45);
    assert_eq!(submitted["first_reading_datetime"], HOUR_0);
    assert_eq!(submitted["last_reading_datetime"], "2024-11-18T12:00:00Z");
    let path = format!("/account/{}/certificates", world.s);
    let held = world.auditor.get(&path).await.expect(200);
    assert_eq!(
        held["granular_certificate_bundles"]
            .as_array()
            .unwrap()
            .len(),
        3
    );
    assert_eq!(held["total_certificate_volume"], 45);
    world.registry.audit().await;
}

/// Scenario 31.
#[tokio::test(flavor = "multi_thread")]
async fn readings_are_submitted_by_producers_of_the_devices_account() {
    let world = World::start().await;
    let reading = hours(0, [10]);
    world
        .trader
        .submit(world.w, &reading)
        .await
        .refused(403, "capability_required");
    world.producer.submit(9999, &reading).await.refused_saying(
        404,
        "device_not_found",
        "Device with id 9999 not found",
    );
    let foreign = world.admin.register_device(world.x, json!({})).await;
    world
        .producer
        .submit(foreign, &reading)
        .await
        .refused(404, "device_not_found");
    let no_file = Form::new().text("deviceID", world.w.to_string());
    let answer = world
        .producer
        .upload("/measurement/submit_readings", no_file)
        .await;
    answer.refused_at(422, "request_invalid", "/file");
    assert!(world.producer.holdings(world.s).await.is_empty());
}

/// Scenario 32.
#[tokio::test(flavor = "multi_thread")]
async fn without_issuance_metadata_nothing_is_stored_and_afterwards_each_hour_is_issued_once() {
    let registry = tests::Registry::start().await;
    let admin = registry.admin().await;
    let account = admin.open_account("A", &[]).await;
    let device = admin.register_device(account, json!({})).await;
    let readings = hours(0, [10, 20]);
    let sentence = "Could not find issuance metadata.";
    let refused = admin.submit(device, &readings).await;
    refused.refused_saying(404, "issuance_metadata_missing", sentence);
    let list = admin
        .get(&format!("/measurement/list?device_id={device}"))
        .await
        .expect(200);
    assert_eq!(list, json!([]));
    admin.record_metadata().await;
    assert_eq!(
        admin.submit(device, &readings).await.expect(200)["accepted"],
        2
    );
    assert_eq!(tests::quantities(&admin.holdings(account).await), [10, 20]);
    registry.audit().await;
}

/// Scenario 33.
#[tokio::test(flavor = "multi_thread")]
async fn a_reading_must_be_below_110_percent_of_capacity_and_a_refused_one_can_be_corrected() {
    let world = World::start().await;
    let submit = async |wh| world.producer.submit(world.w, &hours(0, [wh])).await;
    let problem = submit(11_000_000).await.refused(422, "readings_refused");
    assert_eq!(rows(&problem), [(1, "interval_usage", "over_capacity")]);
    let sentence = "bundle_quantity does not match criteria for less_than";
    assert!(
        problem["detail"].as_str().unwrap().contains(sentence),
        "{problem}"
    );
    assert!(world.producer.holdings(world.s).await.is_empty());
    submit(10_999_999).await.expect(200);
    assert_eq!(volume(&world.producer.holdings(world.s).await), 10_999_999);
    // Half an hour has half the limit.
    let half = |wh| Reading {
        start: hour(5),
        end: hour(5) + TimeDelta::minutes(30),
        wh,
    };
    let problem = world.producer.submit(world.w, &[half(5_500_000)]).await;
    assert_eq!(
        rows(&problem.refused(422, "readings_refused"))[0].2,
        "over_capacity"
    );
    world
        .producer
        .submit(world.w, &[half(5_499_999)])
        .await
        .expect(200);
    world.registry.audit().await;
}

/// Scenario 34.
#[tokio::test(flavor = "multi_thread")]
async fn the_same_file_again_changes_nothing() {
    let world = World::start().await;
    let readings = hours(0, [10, 15, 20]);
    let first = world.producer.submit(world.w, &readings).await.expect(200);
    let again = world.producer.submit(world.w, &readings).await.expect(200);
    assert_eq!(
        (&again["accepted"], &again["repeated"]),
        (&json!(0), &json!(3))
    );
    for same in [
        "total_device_usage",
        "first_reading_datetime",
        "last_reading_datetime",
    ] {
        assert_eq!(again[same], first[same]);
    }
    let as_json = world
        .producer
        .submit_json(world.w, &readings)
        .await
        .expect(200);
    assert_eq!(as_json["repeated"], 3);
    assert_eq!(
        tests::quantities(&world.producer.holdings(world.s).await),
        [10, 15, 20]
    );
    let list = format!("/measurement/list?device_id={}", world.w);
    let stored = world.producer.get(&list).await.expect(200);
    assert_eq!(stored.as_array().unwrap().len(), 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn another_value_for_an_accepted_interval_is_a_conflict_that_names_both() {
    let world = World::start().await;
    world
        .producer
        .submit(world.w, &hours(0, [10]))
        .await
        .expect(200);
    let answer = world.producer.submit(world.w, &hours(0, [11, 12])).await;
    let problem = answer.clone().refused(409, "reading_conflict");
    assert_eq!(rows(&problem), [(1, "interval_usage", "reading_conflict")]);
    answer
        .clone()
        .refused_saying(409, "reading_conflict", "10 Wh");
    answer.refused_saying(409, "reading_conflict", "11 Wh");
    assert_eq!(volume(&world.producer.holdings(world.s).await), 10);
}

#[tokio::test(flavor = "multi_thread")]
async fn every_bad_row_is_reported_and_none_is_stored() {
    let world = World::start().await;
    let year = Utc::now() + TimeDelta::days(400);
    let future = year.format("%Y-01-01T");
    let text = format!(
        "{HEADER}\n\
         2024-11-18T10:00:00Z,2024-11-18T11:00:00Z,10,NET\n\
         2024-11-18T11:00:00Z,2024-11-18T12:00:00Z,-5,NET\n\
         2024-11-18T12:00:00Z,2024-11-18T16:00:00Z,5,NET\n\
         2024-11-18T16:00:00Z,2024-11-18T15:00:00Z,5,NET\n\
         2024-11-18T17:10:00Z,2024-11-18T18:10:00Z,5,NET\n\
         2024-11-18T10:30:00Z,2024-11-18T11:00:00Z,5,NET\n\
         {future}00:00:00Z,{future}01:00:00Z,5,NET\n\
         2019-12-31T23:00:00Z,2020-01-01T00:00:00Z,5,NET\n\
         yesterday,2024-11-18T11:00:00Z,5.5,NET\n"
    );
    let problem = world
        .producer
        .upload_csv(world.w, text)
        .await
        .refused(422, "readings_refused");
    let found = rows(&problem);
    let (start, end) = ("interval_start_datetime", "interval_end_datetime");
    for expected in [
        (2, "interval_usage", "negative_amount"),
        (3, end, "interval_grid"),
        (4, end, "interval_order"),
        (5, start, "interval_grid"),
        (6, start, "reading_overlap"),
        (7, end, "in_future"),
        (8, start, "before_operation"),
    ] {
        assert!(found.contains(&expected), "{expected:?} in {found:?}");
    }
    let of_last: Vec<_> = found
        .iter()
        .filter(|(row, ..)| *row == 9)
        .map(|row| row.1)
        .collect();
    assert_eq!(
        of_last,
        [start, "interval_usage"],
        "both cells of the last row"
    );
    assert!(found.iter().all(|(row, ..)| *row != 1), "{found:?}");
    assert!(world.producer.holdings(world.s).await.is_empty());
    let list = format!("/measurement/list?device_id={}", world.w);
    assert_eq!(world.producer.get(&list).await.expect(200), json!([]));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_good_rows_of_a_bad_file_are_accepted_when_asked() {
    let world = World::start().await;
    let mut readings: Vec<_> = hours(0, [10, -5, 20]).iter().map(Reading::json).collect();
    readings[2]["interval_usage"] = json!(20.5);
    let body = json!({"device_id": world.w, "readings": readings, "partial": true});
    let answer = world
        .producer
        .post("/measurement/submit_readings", body)
        .await
        .expect(200);
    assert_eq!(
        (&answer["accepted"], &answer["total_device_usage"]),
        (&json!(1), &json!(10))
    );
    let refused: Vec<_> = answer["refused"]
        .as_array()
        .unwrap()
        .iter()
        .map(|refused| &refused["row"])
        .collect();
    assert_eq!(refused, [2, 3]);
    assert_eq!(volume(&world.producer.holdings(world.s).await), 10);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_zero_reading_is_stored_and_issues_nothing() {
    let world = World::start().await;
    assert_eq!(
        world
            .producer
            .submit(world.w, &hours(0, [0, 7]))
            .await
            .expect(200)["accepted"],
        2
    );
    let held = world.producer.holdings(world.s).await;
    assert_eq!(tests::quantities(&held), [7]);
    assert_eq!(held[0]["certificate_bundle_id_range_start"], 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_late_reading_for_a_skipped_hour_is_issued() {
    let world = World::start().await;
    world
        .producer
        .submit(world.w, &hours(0, [10]))
        .await
        .expect(200);
    world
        .producer
        .submit(world.w, &hours(2, [30]))
        .await
        .expect(200);
    world
        .producer
        .submit(world.w, &hours(1, [20]))
        .await
        .expect(200);
    let held = world.producer.holdings(world.s).await;
    let ranges: Vec<_> = held
        .iter()
        .map(|bundle| {
            bundle["certificate_bundle_id_range_start"]
                .as_i64()
                .unwrap()
        })
        .collect();
    assert_eq!(
        ranges,
        [1, 41, 11],
        "in order of production; serials in order of issuance"
    );
    world.registry.audit().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn times_are_taken_with_any_offset_and_naive_ones_as_utc() {
    let world = World::start().await;
    let text = format!(
        "{HEADER}\n\
         2024-11-18T15:30:00+05:30,2024-11-18T16:30:00+05:30,1,NET\n\
         2024-11-18 11:00:00,2024-11-18 12:00:00,2,NET\n"
    );
    world.producer.upload_csv(world.w, text).await.expect(200);
    let held = world.producer.holdings(world.s).await;
    let starts: Vec<_> = held
        .iter()
        .map(|b| &b["production_starting_interval"])
        .collect();
    assert_eq!(starts, [HOUR_0, "2024-11-18T11:00:00Z"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn columns_stand_in_any_order_and_others_are_ignored() {
    let world = World::start().await;
    let text = "note,gross_net_indicator,interval_usage,device_id,interval_end_datetime,interval_start_datetime\n\
                \"a, b\",NET,5,999,2024-11-18T11:00:00Z,2024-11-18T10:00:00Z\n";
    world.producer.upload_csv(world.w, text).await.expect(200);
    assert_eq!(
        world.producer.holdings(world.s).await[0]["device_id"],
        world.w
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_is_none_is_refused_for_what_it_is() {
    let world = World::start().await;
    for text in [
        "",
        HEADER,
        "interval_start_datetime,interval_usage\n2024-11-18,5\n",
    ] {
        let answer = world.producer.upload_csv(world.w, text).await;
        assert_eq!(answer.status, 422, "{text:?}: {answer}");
        assert!(answer.json()["code"].is_string());
    }
    let bytes = reqwest::multipart::Part::bytes(vec![0xff, 0xfe, b'a']).file_name("x.csv");
    let form = Form::new()
        .part("file", bytes)
        .text("deviceID", world.w.to_string());
    let answer = world
        .producer
        .upload("/measurement/submit_readings", form)
        .await;
    assert_eq!(answer.status, 422, "{answer}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_month_of_hours_is_numbered_without_gaps() {
    let world = World::start().await;
    let readings = hours(0, (0..744).map(|n| n % 208 + 1));
    let total: i64 = readings.iter().map(|reading| reading.wh).sum();
    world
        .producer
        .upload_csv(world.w, csv(&readings))
        .await
        .expect(200);
    let held = world.producer.holdings(world.s).await;
    assert_eq!((held.len(), volume(&held)), (744, total));
    let mut next = 1;
    for bundle in &held {
        let int = |name: &str| bundle[name].as_i64().unwrap();
        assert_eq!(int("certificate_bundle_id_range_start"), next);
        next += int("bundle_quantity");
        assert_eq!(int("certificate_bundle_id_range_end"), next - 1);
    }
    world.registry.audit().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_submission_has_at_most_50_000_rows() {
    let world = World::start().await;
    let minutes = |n: i64| hour(0) + TimeDelta::minutes(n);
    let readings: Vec<_> = (0..50_001)
        .map(|n| Reading {
            start: minutes(n),
            end: minutes(n + 1),
            wh: 0,
        })
        .collect();
    let answer = world.producer.submit(world.w, &readings).await;
    answer.refused(422, "list_too_long");
    let answer = world
        .producer
        .submit(world.w, &readings[..50_000])
        .await
        .expect(200);
    assert_eq!(answer["accepted"], 50_000);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reading_by_itself_is_created_moved_and_taken_back() {
    let world = World::start().await;
    let fields = json!({"energy_source": "other", "technology_type": "other",
                        "device_type": "consumption", "peak_demand": 1});
    let meter = world.producer.register_device(world.s, fields).await;
    let mut body = hours(0, [700])[0].json();
    body["device_id"] = json!(meter);
    let report = world
        .producer
        .post("/measurement/create", body)
        .await
        .expect(200);
    assert_eq!(
        (&report["interval_usage"], &report["device_id"]),
        (&json!(700), &json!(meter))
    );
    let path = format!("/measurement/{}", report["id"]);
    assert_eq!(
        world.auditor.get(&path).await.expect(200)["interval_usage"],
        700
    );
    assert!(
        world.producer.holdings(world.s).await.is_empty(),
        "consumption issues nothing"
    );

    let move_it = json!({"interval_start_datetime": hour(3), "interval_end_datetime": hour(4)});
    let update = format!("/measurement/update/{}", report["id"]);
    world
        .producer
        .patch(&update, move_it.clone())
        .await
        .refused(403, "capability_required");
    let moved = world.admin.patch(&update, move_it).await.expect(200);
    assert_eq!(moved["interval_start_datetime"], "2024-11-18T13:00:00Z");
    let delete = format!("/measurement/delete/{}", report["id"]);
    world.admin.delete(&delete).await.expect(200);
    assert_eq!(
        world.auditor.get(&path).await.expect(200)["is_deleted"],
        true
    );
    world
        .auditor
        .get("/measurement/9999")
        .await
        .refused(404, "measurement_not_found");
    world.registry.audit().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reading_that_certificates_were_issued_for_can_not_be_taken_back() {
    let world = World::start().await;
    world.issue([10]).await;
    let list = format!("/measurement/list?device_id={}", world.w);
    let report = world.producer.get(&list).await.expect(200)[0].clone();
    let delete = format!("/measurement/delete/{}", report["id"]);
    world
        .admin
        .delete(&delete)
        .await
        .refused(409, "measurement_issued");
}
