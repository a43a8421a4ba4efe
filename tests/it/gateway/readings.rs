//! What becomes of the readings of an envelope.

use super::{enrolled, submit};
use schemas::gateway::{Algorithm, Cause, Quality, Reading};
use serde_json::{Value, json};
use tests::{World, doubtful_hour, hour, hours, measured_hour, quantities};

#[tokio::test(flavor = "multi_thread")]
async fn readings_of_either_algorithm_are_issued_as_an_upload_would_be() {
    for algorithm in [Algorithm::Es256, Algorithm::EdDsa] {
        let world = World::start().await;
        let mut gateway = enrolled(&world, algorithm).await;
        let gap = Reading {
            quality: Quality::Interpolated,
            cause: Some(Cause::Gap),
            ..measured_hour(2, 30)
        };
        let list = vec![measured_hour(0, 10), measured_hour(1, 0), gap];
        let receipt = submit(&world, &gateway.envelope(world.w, list)).await;
        assert_eq!(receipt["status"], "accepted", "{receipt}");
        assert_eq!(receipt["accepted_readings"], 3);
        assert_eq!(
            (&receipt["issued_bundles"], &receipt["issued_wh"]),
            (&json!(2), &json!(40))
        );
        assert_eq!(
            quantities(&world.producer.holdings(world.s).await),
            [10, 30]
        );
        let path = format!("/measurement/list?device_id={}", world.w);
        let list = world.auditor.get(&path).await.expect(200);
        let qualities: Vec<_> = list
            .as_array()
            .unwrap()
            .iter()
            .map(|one| &one["quality"])
            .collect();
        assert_eq!(qualities, ["measured", "measured", "interpolated"]);
        world.registry.audit().await;
    }
}

async fn readings(world: &World) -> Vec<Value> {
    let path = format!("/measurement/list?device_id={}", world.w);
    let list = world.auditor.get(&path).await.expect(200);
    list.as_array().unwrap().clone()
}

#[tokio::test(flavor = "multi_thread")]
async fn doubtful_readings_wait_for_a_person_who_issues_or_corrects_them() {
    let world = World::start().await;
    let mut gateway = enrolled(&world, Algorithm::Es256).await;
    let list = vec![
        measured_hour(0, 10),
        doubtful_hour(1, 20, Cause::Frozen),
        doubtful_hour(2, 30, Cause::Reset),
        doubtful_hour(3, 99_000_000_000, Cause::OutOfRange),
    ];
    let receipt = submit(&world, &gateway.envelope(world.w, list)).await;
    assert_eq!(receipt["accepted_readings"], 4, "{receipt}");
    assert_eq!(receipt["doubtful_readings"], 3);
    assert_eq!(receipt["issued_wh"], 10);
    let found = readings(&world).await;
    assert_eq!(found[1]["quality"], "doubtful");
    assert_eq!(found[1]["cause"], "frozen");

    let issue = |fields: Value| {
        let mut body = json!({"device_id": world.w, "from": hour(0), "to": hour(3)});
        for (name, value) in fields.as_object().unwrap() {
            body[name] = value.clone();
        }
        world.producer.post("/measurement/issue_readings", body)
    };
    let ordinary = issue(json!({})).await.expect(200);
    assert_eq!(ordinary["bundles"], 0, "nobody asked for what is doubtful");
    let asked = issue(json!({"to": hour(2), "include_doubtful": true}))
        .await
        .expect(200);
    assert_eq!(asked["issued_wh"], 20);
    let impossible = issue(json!({"to": hour(4), "include_doubtful": true})).await;
    impossible.refused_at(422, "over_capacity", "/include_doubtful");

    for (index, wh) in [(2, 25), (3, 40)] {
        let path = format!("/measurement/correct/{}", found[index]["id"]);
        let body = json!({"interval_usage": wh, "reason": "read from the display"});
        world.admin.post(&path, body).await.expect(200);
    }
    let held = world.producer.holdings(world.s).await;
    assert_eq!(tests::volume(&held), 10 + 20 + 25 + 40);
    let path = format!("/measurement/{}", found[2]["id"]);
    let detail = world.auditor.get(&path).await.expect(200);
    assert_eq!(detail["quality"], "doubtful", "what the gateway said stays");
    assert_eq!(
        (&detail["envelope_device_id"], &detail["envelope_sequence"]),
        (&json!(world.w), &json!(1))
    );
    world.registry.audit().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn readings_that_break_a_rule_are_named_and_do_not_hold_up_what_follows() {
    let world = World::start().await;
    world
        .producer
        .submit(world.w, &hours(1, [40]))
        .await
        .expect(200);
    let mut gateway = enrolled(&world, Algorithm::Es256).await;
    let list = vec![
        measured_hour(0, 10),
        measured_hour(1, 41),
        measured_hour(2, 99_000_000_000),
    ];
    let first = gateway.envelope(world.w, list);
    let receipt = submit(&world, &first).await;
    assert_eq!(
        (&receipt["status"], &receipt["accepted_readings"]),
        (&json!("accepted"), &json!(1))
    );
    let refused = receipt["refused_readings"].as_array().unwrap();
    assert_eq!(
        (&refused[0]["index"], &refused[0]["code"]),
        (&json!(1), &json!("reading_conflict"))
    );
    assert_eq!(
        (&refused[1]["index"], &refused[1]["code"]),
        (&json!(2), &json!("over_capacity"))
    );
    assert!(refused[0]["detail"].as_str().unwrap().contains("40 Wh"));
    let again = submit(&world, &first).await;
    assert_eq!(again["status"], "repeated");
    assert_eq!(again["refused_readings"][1]["code"], "over_capacity");
    let second = gateway.envelope(world.w, vec![measured_hour(1, 40), measured_hour(3, 5)]);
    let receipt = submit(&world, &second).await;
    assert_eq!(
        (&receipt["accepted_readings"], &receipt["repeated_readings"]),
        (&json!(1), &json!(1))
    );
    world.registry.audit().await;
}
