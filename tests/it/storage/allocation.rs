//! Which charge a discharge comes from.

use super::*;

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
            .refused_saying(403, "capability_required", "storage_validator");
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
        .refused(403, "capability_required");
    site.world.registry.audit().await;
}
