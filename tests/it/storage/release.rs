//! Certificates for what storage releases.

use super::*;

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
        .refused(403, "capability_required");
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
