//! FEA study, sections 7 and 8.1 (scenario 13), with the correct formulation: whole Wh from the charge to
//! the certificate for what was released. And the storage routes of the contract, section 1.8.

use chrono::{DateTime, TimeDelta, Utc};
use registry::seed::generator::GRID_BATTERY;
use reqwest::multipart::{Form, Part};
use serde_json::{Value, json};
use tests::{Actor, Answer, PASSWORD, Reading, World, csv, hour, ids, volume};

/// A world with a battery of 10 MW in S and somebody who validates what it does.
struct Site {
    world: World,
    battery: i64,
    validator: Actor,
}

impl Site {
    async fn start() -> Self {
        Self::with(json!({})).await
    }

    async fn with(fields: Value) -> Self {
        let world = World::start().await;
        let mut battery = json!({
            "device_name": "Battery", "local_device_identifier": "BAT-1", "is_storage": true,
            "energy_source": "battery_storage", "technology_type": "battery_storage",
        });
        for (name, value) in fields.as_object().unwrap() {
            battery[name] = value.clone();
        }
        let battery = world.producer.register_device(world.s, battery).await;
        let email = "validator@registry.test";
        let user = world.admin.create_user("Validator", email, 0, PASSWORD);
        let user = user.await.expect(200);
        assert_eq!(user["role"], "STORAGE_VALIDATOR");
        let members = [
            world.producer.id,
            world.trader.id,
            world.auditor.id,
            user["id"].as_i64().unwrap(),
        ];
        let path = format!("/account/update/{}", world.s);
        let body = json!({"user_ids": members});
        world.producer.patch(&path, body).await.expect(200);
        let validator = world.registry.anonymous().signed_in(email, PASSWORD).await;
        Self {
            world,
            battery,
            validator,
        }
    }

    async fn submit(&self, flows: &[(i64, i64)]) -> Answer {
        self.submit_as(&self.world.producer, &file(flows)).await
    }

    async fn submit_as(&self, actor: &Actor, text: &str) -> Answer {
        self.upload(actor, "/storage/storage_records", text).await
    }

    async fn upload(&self, actor: &Actor, path: &str, text: &str) -> Answer {
        let file = Part::text(text.to_owned()).file_name("storage.csv");
        let form = Form::new()
            .part("file", file.mime_str("text/csv").unwrap())
            .text("device_id", self.battery.to_string());
        actor.upload(path, form).await
    }

    async fn efficiency(&self, from: i64, to: i64, factor: Option<f64>) -> Answer {
        let mut body = json!({"device_id": self.battery, "from": hour(from), "to": hour(to)});
        if let Some(factor) = factor {
            body["storage_efficiency_factor"] = json!(factor);
        }
        self.validator.post("/storage/efficiency", body).await
    }

    async fn allocate(&self, from: i64, to: i64) -> Answer {
        let body = json!({"device_id": self.battery, "from": hour(from), "to": hour(to)});
        self.validator.post("/storage/allocate", body).await
    }

    async fn cancel(&self, bundles: &[i64], fields: Value) -> Answer {
        let world = &self.world;
        world
            .trader
            .act("cancel_for_storage", world.s, bundles, fields)
            .await
    }
}

/// Flows of single hours, by the number of the hour.
fn file(flows: &[(i64, i64)]) -> String {
    let mut text = String::from("flow_start_datetime,flow_end_datetime,flow_energy\n");
    for (n, wh) in flows {
        let format = |at: DateTime<Utc>| at.format("%Y-%m-%dT%H:%M:%SZ").to_string();
        text.push_str(&format!(
            "{},{},{wh}\n",
            format(hour(*n)),
            format(hour(n + 1))
        ));
    }
    text
}

const FIVE: [(i64, i64); 5] = [(0, -1000), (1, 900), (2, -1200), (3, 700), (4, -1500)];

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

fn text(at: DateTime<Utc>) -> String {
    at.format("%Y-%m-%dT%H:%M:%SZ").to_string()
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
        .refused(403, "role_required");
    site.submit_as(&site.validator, &file(&[(1, 5)]))
        .await
        .refused(403, "role_required");
    world.registry.audit().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_of_another_account_is_not_visible() {
    let site = Site::start().await;
    site.submit(&FIVE).await.expect(201);
    let world = &site.world;
    // A producer of another account.
    let email = "other@registry.test";
    world
        .admin
        .create_user("Other", email, 3, PASSWORD)
        .await
        .expect(200);
    let other = world.registry.anonymous().signed_in(email, PASSWORD).await;
    let path = format!("/storage/storage_records?device_id={}", site.battery);
    other.get(&path).await.refused(404, "device_not_found");
    other
        .get("/storage/storage_records?storage_record_ids=1")
        .await
        .refused(404, "storage_record_not_found");
    other
        .get(&format!("/storage/query_scr?storage_id={}", site.battery))
        .await
        .refused(404, "device_not_found");
    site.submit_as(&other, &file(&[(5, 5)]))
        .await
        .refused(404, "device_not_found");
    other
        .post("/storage/issue_sdgcs", json!([1]))
        .await
        .refused(404, "allocation_not_found");
    world.admin.get(&path).await.expect(200);
    let unknown = "/storage/storage_records?storage_record_ids=99";
    world
        .admin
        .get(unknown)
        .await
        .refused(404, "storage_record_not_found");
    let many: Vec<_> = (1..=1000).map(|id| id.to_string()).collect();
    let at_limit = format!(
        "/storage/storage_records?storage_record_ids={}",
        many.join(",")
    );
    world
        .admin
        .get(&at_limit)
        .await
        .refused(404, "storage_record_not_found");
    let many: Vec<_> = (1..=1001).map(|id| id.to_string()).collect();
    let many = format!(
        "/storage/storage_records?storage_record_ids={}",
        many.join(",")
    );
    world
        .admin
        .get(&many)
        .await
        .refused_at(422, "request_invalid", "storage_record_ids");
    world
        .admin
        .get("/storage/storage_records")
        .await
        .refused(422, "request_invalid");
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
async fn only_a_validator_and_the_issuing_body_allocate_and_what_is_uncovered_is_said() {
    let site = Site::start().await;
    let world = &site.world;
    site.submit(&FIVE).await.expect(201);
    site.allocate(0, 5)
        .await
        .refused(409, "storage_efficiency_missing");
    let body = json!({"device_id": site.battery, "from": hour(0), "to": hour(5)});
    for path in ["/storage/allocate", "/storage/efficiency"] {
        world
            .producer
            .post(path, body.clone())
            .await
            .refused_saying(403, "role_required", "storage_validator");
        // The issuing body is no member of S.
        world
            .admin
            .post(path, body.clone())
            .await
            .refused(403, "account_access_denied");
    }
    site.efficiency(0, 5, Some(1.5))
        .await
        .refused(422, "storage_efficiency_range");
    site.efficiency(0, 9000, Some(0.5))
        .await
        .refused(422, "storage_window");
    let stated = site.efficiency(0, 5, Some(0.8)).await.expect(201);
    assert_eq!(stated["efficiency_factor_methodology"], "stated");
    assert_eq!(stated["loss_wh"], Value::Null);
    let answer = site.allocate(0, 5).await.expect(201);
    // 1000 × 0.8 = 800 of 900 are covered, and the 700 by 875 of the 1200.
    assert_eq!(
        answer,
        json!({
            "message": "2 allocations made; 100 Wh of the discharges are uncovered.",
            "device_id": site.battery, "scr_allocation_methodology": "fifo", "total_records": 2,
            "allocated_storage_record_ids": [1, 2], "total_scr_wh_consumed": 1875,
            "total_sdr_wh_produced": 1500, "total_loss_wh": 375, "uncovered_wh": 100,
            "uncovered": [{"sdr_allocation_id": 2, "uncovered_wh": 100}],
        })
    );
    site.allocate(0, 5)
        .await
        .refused(409, "nothing_to_allocate");
    site.efficiency(0, 5, Some(0.9))
        .await
        .refused(409, "storage_window_fixed");
    let lifo = json!({"device_id": site.battery, "from": hour(0), "to": hour(5), "method": "lifo"});
    let lifo = site.validator.post("/storage/allocate", lifo).await;
    lifo.refused_at(409, "storage_method_fixed", "/method");
    let path = format!("/storage/allocated_storage_records/{}", site.battery);
    let listed = site.validator.get(&format!("{path}?limit=1")).await;
    let cursor = listed.header("x-next-cursor").to_owned();
    let first = listed.expect(200);
    assert_eq!(
        (
            &first[0]["scr_allocation_id"],
            &first[0]["sdr_allocation_id"],
            &first[0]["scr_wh_consumed"],
            &first[0]["sdr_wh_produced"],
            &first[0]["loss_wh"],
        ),
        (&json!(1), &json!(2), &json!(1000), &json!(800), &json!(200))
    );
    assert_eq!(first[0]["storage_efficiency_factor"], 0.8);
    assert_eq!(first[0]["sdr_proportion"], 0.888888);
    let next = site
        .validator
        .get(&format!("{path}?cursor={cursor}"))
        .await
        .expect(200);
    assert_eq!(ids(next.as_array().unwrap()), [2]);
    let old = format!("{path}?created_after=2024-01-01&created_before=2024-01-31");
    assert_eq!(site.validator.get(&old).await.expect(200), json!([]));
    let long = format!("{path}?created_after=2024-01-01&created_before=2024-02-01");
    site.validator
        .get(&long)
        .await
        .refused(422, "query_invalid");
    let path = format!("/storage/efficiency/{}", site.battery);
    let listed = world.auditor.get(&path).await.expect(200);
    assert_eq!(listed.as_array().unwrap().len(), 1);
    world.registry.audit().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_validator_allocates_by_file_and_every_bad_row_is_named() {
    let site = Site::start().await;
    site.submit(&FIVE).await.expect(201);
    let header = "scr_allocation_id,sdr_allocation_id,scr_wh_consumed,sdr_proportion,\
                  efficiency_factor_interval_start,efficiency_factor_interval_end,storage_efficiency_factor";
    let window = format!("{},{},0.89", text(hour(0)), text(hour(24)));
    let path = "/storage/allocated_storage_records";
    let bad =
        format!("{header}\n1,2,500,,{window}\n3,2,10,,,,\n9,2,10,,,,\n1,4,x,,,,\n1,4,700,,,,\n");
    let problem = site.upload(&site.validator, path, &bad).await;
    let problem = problem.refused(422, "allocations_refused");
    let found: Vec<_> = problem["errors"]
        .as_array()
        .unwrap()
        .iter()
        .map(|error| format!("{} {}", error["row"], error["code"].as_str().unwrap()))
        .collect();
    assert_eq!(
        found,
        [
            "2 allocation_order",
            "3 storage_record_not_found",
            "4 wrong_type",
            "5 over_allocated"
        ]
    );
    let empty = format!("/storage/efficiency/{}", site.battery);
    assert_eq!(site.validator.get(&empty).await.expect(200), json!([]));
    let good = format!("{header}\n1,2,500,,{window}\n3,4,,0.5,,,\n");
    let answer = site.upload(&site.validator, path, &good).await.expect(201);
    // 500 × 0.89 = 445; half of 700 needs 394, since 393 give 349.
    assert_eq!(
        (
            &answer["total_scr_wh_consumed"],
            &answer["total_sdr_wh_produced"],
            &answer["uncovered_wh"],
            &answer["scr_allocation_methodology"],
        ),
        (
            &json!(894),
            &json!(795),
            &json!(805),
            &json!("operator_discretion")
        )
    );
    let rows = json!([{"scr_allocation_id": 1, "sdr_allocation_id": 2, "scr_wh_consumed": 501}]);
    let body = json!({"device_id": site.battery, "allocations": rows});
    let answer = site.validator.post(path, body).await;
    answer.refused_at(409, "over_allocated", "/allocations/0/scr_allocation_id");
    site.allocate(0, 5)
        .await
        .refused(409, "storage_method_fixed");
    site.upload(&site.world.producer, path, &good)
        .await
        .refused(403, "role_required");
    site.world.registry.audit().await;
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

#[tokio::test(flavor = "multi_thread")]
async fn what_storage_releases_keeps_its_source_and_names_its_chain() {
    let site = Site::start().await;
    let world = &site.world;
    let [first, second] = world.issue([1000, 500]).await;
    site.submit(&[(0, -900), (1, 0), (2, 801)])
        .await
        .expect(201);
    let measured = site.efficiency(0, 3, None).await.expect(201);
    assert_eq!(
        (
            &measured["wh_in"],
            &measured["wh_out"],
            &measured["loss_wh"]
        ),
        (&json!(900), &json!(801), &json!(99))
    );
    assert_eq!(measured["storage_efficiency_factor"], 0.89);
    site.allocate(0, 3).await.expect(201);
    let nothing = world
        .producer
        .post("/storage/issue_sdgcs", json!([1]))
        .await;
    nothing.refused_at(409, "charge_uncovered", "/allocated_storage_record_ids/0");
    let unnamed = site.cancel(&[first], json!({})).await;
    unnamed.refused_at(422, "request_invalid", "/storage_local_device_identifier");
    let unknown = site
        .cancel(
            &[first],
            json!({"storage_local_device_identifier": "BAT-2"}),
        )
        .await;
    unknown.refused(404, "device_not_found");
    let wind = site
        .cancel(&[first], json!({"storage_device_id": world.w}))
        .await;
    wind.refused(422, "device_not_storage");
    let named = json!({"storage_local_device_identifier": "BAT-1"});
    let action = site.cancel(&[first, second], named).await.expect(202);
    assert_eq!(
        (
            &action["action_type"],
            &action["beneficiary"],
            &action["certificate_bundle_status"]
        ),
        (
            &json!("cancel_for_storage"),
            &json!("for storage: BAT-1"),
            &json!("Cancelled for Storage")
        )
    );
    let claim = world
        .trader
        .act("claim", world.s, &[first], json!({}))
        .await;
    claim.refused(409, "bundle_state");
    world
        .trader
        .post("/storage/issue_sdgcs", json!([1]))
        .await
        .refused(403, "role_required");
    let wrong =
        json!({"allocated_storage_record_ids": [1], "granular_certificate_bundle_ids": [second]});
    let wrong = world.producer.post("/storage/issue_sdgcs", wrong).await;
    wrong.refused_at(
        409,
        "bundle_not_for_charge",
        "/granular_certificate_bundle_ids/0",
    );
    let once = world.producer.with("Idempotency-Key", "issue-1");
    let issued = once
        .post("/storage/issue_sdgcs", json!([1]))
        .await
        .expect(200);
    assert_eq!(
        once.post("/storage/issue_sdgcs", json!([1]))
            .await
            .expect(200),
        issued
    );
    let again = world.producer.post("/storage/issue_sdgc", json!([1])).await;
    again.refused(409, "allocation_issued");
    assert_eq!(issued["total_certificate_volume"], 801);
    let bundle = &issued["allocations"][0]["bundles"][0];
    let released = world
        .auditor
        .bundle(bundle["sdgc_bundle_id"].as_i64().unwrap())
        .await;
    let expected = json!({
        "certificate_bundle_status": "Active", "account_id": world.s, "bundle_quantity": 801,
        "device_id": site.battery, "is_storage": true, "energy_source": "wind",
        "certificate_bundle_id_range_start": 1, "certificate_bundle_id_range_end": 801,
        "production_starting_interval": hour(2), "production_ending_interval": hour(3),
        "scr_allocation_id": 1, "sdr_allocation_id": 3, "storage_allocation_id": 1,
        "discharging_start_datetime": hour(2), "discharging_end_datetime": hour(3),
        "storage_efficiency_factor": 0.89, "issuing_body": "OFGEM",
        "issuance_id": format!("{}-{}", site.battery, hour(2).format("%Y-%m-%d %H:%M:%S")),
    });
    for (name, value) in expected.as_object().unwrap() {
        assert_eq!(&released[name], value, "{name} of {released}");
    }
    assert_eq!(released["hash"], tests::recomputed_hash(&released));
    let path = "/storage/allocated_storage_records_by_id?allocated_storage_record_ids=1";
    let chain = site.validator.get(path).await.expect(200);
    assert_eq!(chain[0]["sdgc_bundle_ids"], json!([released["id"]]));
    assert_eq!(chain[0]["gc_bundle_ids"], json!([bundle["gc_bundle_id"]]));
    assert_eq!(chain[0]["is_issued"], true);
    let source = world
        .trader
        .bundle(bundle["gc_bundle_id"].as_i64().unwrap())
        .await;
    assert_eq!(
        (
            &source["bundle_quantity"],
            &source["used_allocation_id"],
            &source["parent_id"]
        ),
        (&json!(900), &json!(1), &json!(first))
    );
    // It moves like any other, and a part of it keeps its chain.
    let id = released["id"].as_i64().unwrap();
    let part = json!({"certificate_quantity": 1});
    world
        .trader
        .transfer_part(world.s, world.t, &[id], part)
        .await
        .expect(202);
    let moved = world.trader.query(world.t, json!({})).await;
    let moved = world.trader.bundle(ids(&moved)[0]).await;
    assert_eq!(
        (&moved["storage_allocation_id"], &moved["is_storage"]),
        (&json!(1), &json!(true))
    );
    world.registry.audit().await;
}

/// A week of a battery of 300 MW and 1,200 MWh, charged from a wind farm of the same account: what comes
/// in is certified, cancelled for the battery, and issued anew as it comes out.
#[tokio::test(flavor = "multi_thread")]
async fn a_week_of_a_grid_battery_is_certified_from_charge_to_release() {
    let site = Site::with(json!({"capacity": 300, "peak_demand": 300})).await;
    let world = &site.world;
    let wind = json!({"device_name": "Offshore", "capacity": 400});
    let wind = world.producer.register_device(world.s, wind).await;
    let week = GRID_BATTERY.dispatch((0..168).map(hour));
    let flows: Vec<_> = (0..).zip(&week).map(|(n, (_, wh))| (n, wh.0)).collect();
    let charged: i64 = flows.iter().map(|(_, wh)| (-wh).max(0)).sum();
    let discharged: i64 = flows.iter().map(|(_, wh)| (*wh).max(0)).sum();
    // The wind blows as strongly as the battery charges, and some more.
    let produced: Vec<Reading> = week
        .iter()
        .filter(|(_, wh)| wh.0 < 0)
        .map(|(start, wh)| Reading {
            start: *start,
            end: *start + TimeDelta::hours(1),
            wh: -wh.0 + 777,
        })
        .collect();
    world
        .producer
        .upload_csv(wind, csv(&produced))
        .await
        .expect(200);
    let certified = world.trader.holdings(world.s).await;
    assert_eq!(
        volume(&certified),
        charged + 777 * i64::try_from(produced.len()).unwrap()
    );
    let submitted = site.submit(&flows).await.expect(201);
    assert_eq!(
        (
            &submitted["total_charge_energy"],
            &submitted["total_discharge_energy"],
            &submitted["total_records"]
        ),
        (&json!(charged), &json!(discharged), &json!(168))
    );
    let measured = site.efficiency(0, 168, None).await.expect(201);
    assert_eq!(
        (
            &measured["wh_in"],
            &measured["wh_out"],
            &measured["loss_wh"]
        ),
        (
            &json!(charged),
            &json!(discharged),
            &json!(charged - discharged)
        )
    );
    let allocated = site.allocate(0, 168).await.expect(201);
    let number = |answer: &Value, name: &str| answer[name].as_i64().unwrap();
    let consumed = number(&allocated, "total_scr_wh_consumed");
    let released = number(&allocated, "total_sdr_wh_produced");
    assert_eq!(number(&allocated, "total_loss_wh"), consumed - released);
    assert_eq!(released + number(&allocated, "uncovered_wh"), discharged);
    assert!(consumed <= charged);
    // The factor of the week counts what the battery still holds at its end as lost, so each day's last
    // discharge is a little short.
    assert!(
        released * 100 >= discharged * 96,
        "{released} of {discharged}"
    );
    site.cancel(&ids(&certified), json!({"storage_device_id": site.battery}))
        .await
        .expect(202);
    let issued = world
        .producer
        .post(
            "/storage/issue_sdgcs",
            allocated["allocated_storage_record_ids"].clone(),
        )
        .await
        .expect(200);
    assert_eq!(number(&issued, "total_certificate_volume"), released);
    let active = json!({"certificate_bundle_status": "Active"});
    let held = world.trader.query(world.s, active).await;
    assert_eq!(volume(&held), released);
    assert!(held.iter().all(|bundle| {
        bundle["energy_source"] == "wind" && bundle["sdr_allocation_id"].is_i64()
    }));
    let cancelled = json!({"certificate_bundle_status": "Cancelled for Storage"});
    let cancelled = world.trader.query(world.s, cancelled).await;
    assert_eq!(volume(&cancelled), volume(&certified));
    let used: i64 = issued["allocations"]
        .as_array()
        .unwrap()
        .iter()
        .flat_map(|one| one["bundles"].as_array().unwrap())
        .map(|bundle| number(bundle, "gc_quantity"))
        .sum();
    assert_eq!(used, consumed);
    world.registry.audit().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_lineage_of_what_storage_releases_and_of_its_source_holds_together() {
    let site = Site::start().await;
    let world = &site.world;
    let [charged] = world.issue([1000]).await;
    site.submit(&[(0, -900), (1, 801)]).await.expect(201);
    site.efficiency(0, 24, Some(0.89)).await.expect(201);
    site.allocate(0, 2).await.expect(201);
    site.cancel(&[charged], json!({"storage_device_id": site.battery}))
        .await
        .expect(202);
    let issued = world
        .producer
        .post("/storage/issue_sdgcs", json!([1]))
        .await
        .expect(200);
    let bundle = &issued["allocations"][0]["bundles"][0];
    let released = bundle["sdgc_bundle_id"].as_i64().unwrap();
    let used = bundle["gc_bundle_id"].as_i64().unwrap();
    let part = json!({"certificate_quantity": 300});
    world
        .trader
        .transfer_part(world.s, world.t, &[released], part)
        .await
        .expect(202);
    for id in [charged, used, released] {
        for format in ["timeline", "raw"] {
            let path = format!("/certificate/{id}/lineage?format={format}");
            let answer = world.producer.get(&path).await.expect(200);
            let lineage = serde_json::from_value(answer.clone()).unwrap();
            let verdict = registry::lineage::verify::verify(&lineage);
            assert!(verdict.holds(), "{verdict} of {answer}");
        }
    }
    let path = format!("/certificate/{used}/lineage");
    let told = world.producer.get(&path).await.expect(200);
    let actions: Vec<_> = told["timeline"]
        .as_array()
        .unwrap()
        .iter()
        .filter_map(|entry| entry["action_type"].as_str().map(str::to_owned))
        .collect();
    assert_eq!(actions, ["cancel_for_storage", "use_for_storage"]);
    // Nobody uses bundles up but by issuing.
    let rest = told["leaves"][0]["bundle_id"].as_i64().unwrap();
    let again = world
        .trader
        .act("use_for_storage", world.s, &[rest], json!({}))
        .await;
    again.refused(405, "method_not_allowed");
    world.registry.audit().await;
}
