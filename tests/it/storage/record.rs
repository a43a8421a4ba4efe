//! Records of what was charged and discharged.

use super::*;

#[tokio::test(flavor = "multi_thread")]
async fn a_file_of_records_is_summed_up_and_recognised_the_second_time() {
    let site = Site::start().await;
    let answer = site.submit(&FIVE).await.expect(201);
    assert_eq!(
        answer,
        json!({
            "message": "Storage records submitted successfully.", "total_charge_energy": 3700,
            "total_discharge_energy": 1600, "total_energy": 5300, "total_records": 5,
            "record_ids": [1, 2, 3, 4, 5], "repeated": 0,
        })
    );
    let again = site.submit(&FIVE).await.expect(201);
    assert_eq!(
        (&again["total_records"], &again["repeated"]),
        (&json!(0), &json!(5))
    );
    let world = &site.world;
    let path = "/storage/storage_records?storage_record_ids=2,1&storage_record_ids=5";
    let listed = world.auditor.get(path).await.expect(200);
    assert_eq!(ids(listed.as_array().unwrap()), [1, 2, 5]);
    assert_eq!(
        (&listed[0]["is_charging"], &listed[0]["flow_energy"]),
        (&json!(true), &json!(1000))
    );
    let path = format!("/storage/storage_records?device_id={}", site.battery);
    let page = site.validator.get(&format!("{path}&limit=3")).await;
    let cursor = page.header("x-next-cursor").to_owned();
    assert_eq!(ids(page.expect(200).as_array().unwrap()), [1, 2, 3]);
    let next = site
        .validator
        .get(&format!("{path}&cursor={cursor}"))
        .await
        .expect(200);
    assert_eq!(ids(next.as_array().unwrap()), [4, 5]);
    let range = format!("{path}&from={}&to={}", text(hour(1)), text(hour(3)));
    let found = site.validator.get(&range).await.expect(200);
    assert_eq!(ids(found.as_array().unwrap()), [2, 3]);
    world.registry.audit().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_of_records_that_breaks_rules_stores_nothing_and_names_every_row() {
    let site = Site::start().await;
    let world = &site.world;
    let missing = "flow_start_datetime,flow_energy\n2024-11-18T10:00:00Z,5\n";
    let answer = site.submit_as(&world.producer, missing).await;
    answer.refused_saying(422, "malformed_body", "flow_end_datetime");
    let bad = "flow_start_datetime,flow_end_datetime,flow_energy\n\
               soon,2024-11-18T11:00:00Z,5\n\
               2024-11-18T11:00:00Z,2024-11-18T12:00:00Z,1.5\n\
               2024-11-18T12:00:00Z,2024-11-18T13:00:00Z,99000000\n";
    let problem = site.submit_as(&world.producer, bad).await;
    let problem = problem.refused(422, "storage_records_refused");
    let codes: Vec<_> = problem["errors"]
        .as_array()
        .unwrap()
        .iter()
        .map(|error| {
            (
                error["row"].as_i64().unwrap(),
                error["code"].as_str().unwrap().to_owned(),
            )
        })
        .collect();
    assert_eq!(
        codes,
        [
            (1, "not_a_time".to_owned()),
            (2, "wrong_type".to_owned()),
            (3, "over_capacity".to_owned())
        ]
    );
    site.submit(&[(0, -10)]).await.expect(201);
    let gap = site.submit(&[(2, 5)]).await;
    gap.refused_saying(422, "storage_records_refused", "leaves a gap");
    let other = site.submit(&[(0, -11)]).await;
    other.refused(409, "storage_record_conflict");
    let records =
        json!([{"flow_start_datetime": hour(2), "flow_end_datetime": hour(3), "flow_energy": 5}]);
    let body = json!({"device_id": site.battery, "records": records});
    let named = world.producer.post("/storage/storage_records", body).await;
    named.refused_at(
        422,
        "storage_records_refused",
        "/records/0/flow_start_datetime",
    );
    let body = json!({"device_id": world.w, "records": records});
    let wind = world.producer.post("/storage/storage_records", body).await;
    wind.refused(422, "device_not_storage");
    site.submit_as(&world.trader, &file(&[(1, 5)]))
        .await
        .refused(403, "capability_required");
    site.submit_as(&site.validator, &file(&[(1, 5)]))
        .await
        .refused(403, "capability_required");
    world.registry.audit().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_templates_are_accepted_as_they_are() {
    let site = Site::start().await;
    let template = site
        .validator
        .get("/storage/storage_readings_template")
        .await;
    assert!(template.header("content-type").starts_with("text/csv"));
    let template = String::from_utf8(template.body).unwrap();
    site.submit_as(&site.world.producer, &template)
        .await
        .expect(201);
    let template = site
        .validator
        .get("/storage/storage_allocation_template")
        .await;
    let template = String::from_utf8(template.body).unwrap();
    let mut lines = template.lines();
    let (header, first) = (lines.next().unwrap(), lines.next().unwrap());
    let one = format!("{header}\n{}\n", first.replace("1000,890", "900,801"));
    let path = "/storage/allocated_storage_records";
    let answer = site.upload(&site.validator, path, &one).await.expect(201);
    assert_eq!(answer["total_loss_wh"], 99);
    assert_eq!(answer["uncovered_wh"], 49);
}

#[tokio::test(flavor = "multi_thread")]
async fn charges_and_discharges_are_recorded_listed_and_taken_back_one_by_one() {
    let site = Site::start().await;
    let (world, battery) = (&site.world, site.battery);
    let producer = &world.producer;
    let charge = json!({
        "device_id": battery, "charging_start_datetime": hour(0), "charging_end_datetime": hour(1),
        "charging_energy": 1000,
    });
    let scr = producer
        .post("/storage/create_scr", charge.clone())
        .await
        .expect(201);
    assert_eq!(
        (&scr["scr_allocation_id"], &scr["charging_energy"]),
        (&json!(1), &json!(1000))
    );
    let again = producer
        .post("/storage/create_scr", charge)
        .await
        .expect(201);
    assert_eq!(again, scr);
    let discharge = |from: i64, wh: i64| {
        json!({
            "device_id": battery, "discharging_start_datetime": hour(from),
            "discharging_end_datetime": hour(from + 1), "discharge_energy": wh,
        })
    };
    let sdr = producer
        .post("/storage/create_sdr", discharge(1, 800))
        .await
        .expect(201);
    assert_eq!(
        (&sdr["sdr_allocation_id"], &sdr["discharge_energy"]),
        (&json!(2), &json!(800))
    );
    let gap = producer
        .post("/storage/create_sdr", discharge(3, 800))
        .await;
    gap.refused_at(
        422,
        "storage_records_refused",
        "/discharging_start_datetime",
    );
    let none = producer.post("/storage/create_sdr", discharge(2, 0)).await;
    none.refused_at(422, "request_invalid", "/discharge_energy");
    let charges = format!("/storage/query_scr?storage_id={battery}");
    let listed = world.auditor.get(&charges).await.expect(200);
    assert_eq!(listed, json!([scr]));
    let period = format!(
        "/storage/query_sdr?storage_id={battery}&charging_period_start={}",
        text(hour(2))
    );
    assert_eq!(world.auditor.get(&period).await.expect(200), json!([]));
    let first = json!({"source_id": world.s, "source_allocation_id": 1});
    let not_last = producer.post("/storage/withdraw_scr", first).await;
    not_last.refused(409, "storage_record_not_last");
    let second = json!({"source_id": world.s, "source_allocation_id": 2});
    let wrong = producer.post("/storage/withdraw_scr", second.clone()).await;
    wrong.refused(422, "storage_record_kind");
    let withdrawn = producer
        .post("/storage/withdraw_sdr", second.clone())
        .await
        .expect(200);
    assert_eq!(withdrawn["record_ids"], json!([2]));
    let gone = producer.post("/storage/withdraw_sdr", second).await;
    gone.refused(404, "storage_record_not_found");
    producer
        .post("/storage/create_sdr", discharge(1, 790))
        .await
        .expect(201);
    site.efficiency(0, 24, Some(0.8)).await.expect(201);
    site.allocate(0, 2).await.expect(201);
    let all =
        json!({"source_id": world.s, "storage_id": battery, "charging_period_start": hour(0)});
    let used = producer.post("/storage/withdraw_scr", all).await;
    used.refused(409, "storage_record_in_use");
    world.registry.audit().await;
}
