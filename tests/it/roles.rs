//! Contract 5.1, scenario 56; FEA study 8.1, scenario 30: who may do what, route by route.

use serde_json::{Value, json};
use tests::World;

/// The lowest role of each route; bodies name things that do not exist, so that whoever may ask is
/// refused for another reason.
fn lowest_roles(world: &World) -> Vec<(&'static str, String, Value, usize)> {
    let (s, w) = (world.s, world.w);
    let action =
        json!({"source_id": s, "granular_certificate_bundle_ids": [9999], "target_id": 9999});
    let mut rows = vec![
        ("GET", "/user/me".to_owned(), Value::Null, 1),
        ("GET", format!("/user/{}", world.trader.id), Value::Null, 1),
        ("GET", format!("/account/{s}"), Value::Null, 1),
        ("GET", format!("/account/{s}/summary"), Value::Null, 1),
        ("GET", format!("/account/{s}/devices"), Value::Null, 1),
        ("GET", format!("/account/{s}/certificates"), Value::Null, 1),
        ("GET", format!("/device/{w}"), Value::Null, 1),
        ("GET", "/measurement/9999".to_owned(), Value::Null, 1),
        (
            "GET",
            "/measurement/meter_readings_template".to_owned(),
            Value::Null,
            1,
        ),
        ("GET", "/certificate/9999".to_owned(), Value::Null, 1),
        (
            "POST",
            "/certificate/query".to_owned(),
            json!({"source_id": s}),
            1,
        ),
        ("GET", format!("/account/{s}/whitelist"), Value::Null, 2),
        (
            "GET",
            format!("/account/{s}/whitelist_inverse"),
            Value::Null,
            2,
        ),
        (
            "GET",
            format!("/account/{s}/certificates/devices"),
            Value::Null,
            2,
        ),
        ("GET", "/account/list".to_owned(), Value::Null, 2),
        (
            "PATCH",
            format!("/account/update/{s}"),
            json!({"user_ids": []}),
            2,
        ),
        (
            "PATCH",
            format!("/account/update_whitelist/{s}"),
            json!({"add_to_whitelist": [9999]}),
            2,
        ),
        ("DELETE", format!("/account/delete/{s}"), Value::Null, 2),
        (
            "POST",
            "/account/create".to_owned(),
            json!({"account_name": "s"}),
            3,
        ),
        ("POST", "/device/create".to_owned(), json!({}), 3),
        (
            "PATCH",
            format!("/device/update/{w}"),
            json!({"capacity": -1}),
            3,
        ),
        ("DELETE", "/device/delete/9999".to_owned(), Value::Null, 3),
        (
            "POST",
            "/measurement/submit_readings".to_owned(),
            json!({"device_id": 9999, "readings": []}),
            3,
        ),
        ("POST", "/measurement/create".to_owned(), json!({}), 3),
        (
            "POST",
            "/measurement/issue_readings".to_owned(),
            json!({}),
            3,
        ),
        ("POST", "/measurement/correct/9999".to_owned(), json!({}), 3),
        ("POST", "/device/9999/meters".to_owned(), json!({}), 3),
        ("PATCH", "/device/9999/meters".to_owned(), json!({}), 3),
        ("GET", format!("/device/{w}/meters"), Value::Null, 1),
        ("POST", "/user/create".to_owned(), json!({}), 4),
        (
            "POST",
            "/user/change_role/9999?role=1".to_owned(),
            Value::Null,
            4,
        ),
        ("DELETE", "/user/delete/9999".to_owned(), Value::Null, 4),
        ("GET", format!("/account/{s}/users"), Value::Null, 4),
        ("POST", "/certificate/create".to_owned(), json!({}), 4),
        (
            "POST",
            "/certificate/create_metadata".to_owned(),
            json!({}),
            4,
        ),
        ("PATCH", "/measurement/update/9999".to_owned(), json!({}), 4),
        (
            "DELETE",
            "/measurement/delete/9999".to_owned(),
            Value::Null,
            4,
        ),
        (
            "GET",
            "/storage/storage_readings_template".to_owned(),
            Value::Null,
            1,
        ),
        (
            "GET",
            "/storage/storage_allocation_template".to_owned(),
            Value::Null,
            1,
        ),
        (
            "GET",
            "/storage/storage_records?device_id=9999".to_owned(),
            Value::Null,
            1,
        ),
        (
            "GET",
            "/storage/query_scr?storage_id=9999".to_owned(),
            Value::Null,
            1,
        ),
        (
            "GET",
            "/storage/allocated_storage_records/9999".to_owned(),
            Value::Null,
            1,
        ),
        ("GET", "/storage/efficiency/9999".to_owned(), Value::Null, 1),
        (
            "POST",
            "/storage/storage_records".to_owned(),
            json!({"device_id": 9999, "records": []}),
            3,
        ),
        ("POST", "/storage/create_scr".to_owned(), json!({}), 3),
        ("POST", "/storage/create_sdr".to_owned(), json!({}), 3),
        ("POST", "/storage/withdraw_scr".to_owned(), json!({}), 3),
        ("POST", "/storage/withdraw_sdr".to_owned(), json!({}), 3),
        ("POST", "/storage/issue_sdgcs".to_owned(), json!([9999]), 3),
        ("POST", "/storage/issue_sdgc".to_owned(), json!([9999]), 3),
        // A storage validator stands beside the ladder; of the others an administrator may too.
        ("POST", "/storage/efficiency".to_owned(), json!({}), 4),
        ("POST", "/storage/allocate".to_owned(), json!({}), 4),
        (
            "POST",
            "/storage/allocated_storage_records".to_owned(),
            json!({"device_id": 9999, "allocations": []}),
            4,
        ),
        (
            "GET",
            "/certificate/certificate_import_template".to_owned(),
            Value::Null,
            1,
        ),
        ("GET", "/certificate/export/9999".to_owned(), Value::Null, 1),
        (
            "GET",
            "/certificate/export/9999/file".to_owned(),
            Value::Null,
            2,
        ),
        (
            "POST",
            "/certificate/export/9999/confirm".to_owned(),
            json!({"receiving_reference": "x"}),
            2,
        ),
        (
            "POST",
            "/certificate/export/9999/take_back".to_owned(),
            json!({"reason": "x"}),
            2,
        ),
        ("POST", "/certificate/import".to_owned(), json!({}), 3),
        (
            "POST",
            "/certificate/import/refuse".to_owned(),
            json!({}),
            3,
        ),
        (
            "POST",
            "/change_log_level".to_owned(),
            json!({"level": "WHISPER"}),
            4,
        ),
    ];
    for verb in [
        "transfer",
        "cancel",
        "cancel_for_storage",
        "claim",
        "reserve",
        "release",
        "export",
    ] {
        rows.push(("POST", format!("/certificate/{verb}"), action.clone(), 2));
    }
    for verb in ["withdraw", "lock", "unlock"] {
        rows.push(("POST", format!("/certificate/{verb}"), action.clone(), 4));
    }
    rows
}

#[tokio::test(flavor = "multi_thread")]
async fn every_route_is_refused_below_its_lowest_role_and_not_from_there_on() {
    let world = World::start().await;
    let by_role = [&world.auditor, &world.trader, &world.producer, &world.admin];
    let mut wrong = Vec::new();
    for (method, path, body, lowest) in lowest_roles(&world) {
        for (role, actor) in (1..).zip(by_role) {
            let mut request = actor.request(method, &path);
            if !body.is_null() {
                request = request.json(&body);
            }
            let answer = actor.send(request).await;
            let refused = answer.status == 403 && answer.json()["code"] == "capability_required";
            if refused != (role < lowest) || answer.status >= 500 {
                wrong.push(format!("role {role} (lowest {lowest}): {answer}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Scenario 56.
#[tokio::test(flavor = "multi_thread")]
async fn an_auditor_changes_nothing() {
    let world = World::start().await;
    let [bundle] = world.issue([10]).await;
    for action in ["transfer", "cancel", "claim", "reserve", "release"] {
        let fields = json!({"target_id": world.t});
        let answer = world.auditor.act(action, world.s, &[bundle], fields).await;
        answer.refused_saying(403, "capability_required", "trading_user");
    }
    let whitelist = format!("/account/{}/whitelist", world.s);
    let answer = world.auditor.get(&whitelist).await;
    answer.refused_saying(403, "capability_required", "trading_user");
    assert_eq!(
        world.auditor.bundle(bundle).await["certificate_bundle_status"],
        "Active"
    );
}
