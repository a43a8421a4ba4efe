//! Every operation, accepted or refused, has its entry.

use super::{entries, of_request, with_address};
use chrono::{TimeDelta, Utc};
use schemas::gateway::Algorithm;
use serde_json::{Value, json};
use tests::{PASSWORD, TestGateway, World, email, eventually, hour, measured_hour};
use uuid::Uuid;

/// Every operation of the document that is no GET: method, a path that names nothing there is, and id.
async fn operations(world: &World) -> Vec<(String, String, String)> {
    let document = world.registry.anonymous().get("/openapi.json").await;
    let document = document.expect(200);
    let mut operations = Vec::new();
    for (path, item) in document["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            if method != "get" {
                let id = operation["operationId"].as_str().unwrap().to_owned();
                let parameters = operation["parameters"].to_string();
                let nothing = match parameters.contains("\"uuid\"") {
                    true => Uuid::nil().to_string(),
                    false => "9999".to_owned(),
                };
                let parts = path.split('/');
                let parts = parts.map(|part| {
                    if part.starts_with('{') {
                        &nothing
                    } else {
                        part
                    }
                });
                let path = parts.collect::<Vec<_>>().join("/");
                operations.push((method.to_uppercase(), path, id));
            }
        }
    }
    operations
}

#[tokio::test(flavor = "multi_thread")]
async fn every_operation_that_may_change_something_has_an_entry_when_it_is_refused() {
    let world = World::start().await;
    let mut asked = Vec::new();
    for (method, path, operation) in operations(&world).await {
        let request_id = Uuid::now_v7().to_string();
        let admin = match operation.as_str() {
            // Ends a session that nothing else here needs.
            "logout" => world.admin.signed_in(&world.admin.email, PASSWORD).await,
            _ => world.admin.clone(),
        };
        let actor = admin.with("x-request-id", &request_id);
        // What is missing in it is refused, and what needs nothing names what there is not.
        let request = actor
            .request(&method, &path)
            .json(&json!({"no_such_field": 1}));
        let answer = actor.send(request).await;
        assert!(answer.status < 500, "{answer}");
        asked.push((operation, request_id, answer));
    }
    assert!(asked.len() > 50, "only {}", asked.len());
    let trail = entries(&world.admin, "").await;
    for (operation, request_id, answer) in asked {
        let questions = [
            "introspect_token",
            "query_certificates",
            "query_certificates_full",
        ];
        if questions.contains(&operation.as_str()) {
            let is_there = trail
                .iter()
                .any(|entry| entry["request_id"] == request_id.as_str());
            assert!(!is_there, "a question is audited");
            continue;
        }
        let entry = of_request(&trail, &request_id);
        assert_eq!(entry["operation"], operation.as_str(), "{entry}");
        assert_eq!(entry["address"], "127.0.0.1", "{entry}");
        assert_eq!(entry["attempts"], 1, "{entry}");
        let problem = answer.json();
        if answer.status < 400 {
            assert_eq!(entry["outcome"], "accepted", "{answer}: {entry}");
        } else {
            assert_eq!(entry["outcome"], "refused", "{answer}: {entry}");
            assert_eq!(entry["code"], problem["code"], "{answer}: {entry}");
        }
        let is_open = [
            "login",
            "refresh_session",
            "enrol_gateway",
            "submit_envelopes",
            "change_gateway_key",
        ];
        if !is_open.contains(&operation.as_str()) {
            assert_eq!(
                entry["principal"],
                format!("user:{}", world.admin.id),
                "{entry}"
            );
            assert_eq!(entry["user_id"], world.admin.id, "{entry}");
            assert!(entry["via"].is_string(), "{entry}");
        }
    }
    world.registry.audit().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_accepted_action_is_told_by_the_ledger_with_who_what_and_where_from() {
    let world = World::start().await;
    let [bundle] = world.issue([10]).await;
    let request_id = Uuid::now_v7().to_string();
    let trader = world
        .trader
        .with("x-request-id", &request_id)
        .with("idempotency-key", "once");
    let answer = trader.transfer(world.s, world.t, &[bundle]).await;
    let position = answer.ledger_position();
    answer.expect(202);
    let entry = with_address(&world.admin, &request_id).await;
    assert_eq!(entry["operation"], "transfer_certificates");
    assert_eq!(entry["outcome"], "accepted");
    assert_eq!(entry["principal"], format!("user:{}", world.trader.id));
    assert_eq!(entry["account_id"], world.s);
    let sessions = world.trader.get("/user/me/sessions").await.expect(200);
    let sessions = sessions.as_array().unwrap().iter();
    let ids = sessions.map(|one| format!("session:{}", one["id"].as_str().unwrap()));
    assert!(ids.into_iter().any(|id| entry["via"] == id), "{entry}");
    assert_eq!(entry["address"], "127.0.0.1");
    assert_eq!(
        (&entry["stream"], &entry["position"]),
        (&json!("ledger"), &json!(position))
    );
    assert!(entry["command_id"].is_string() && entry["idempotency_key"].is_string());
    assert_eq!(entry["code"], Value::Null);

    // The same again is the same action: it is told by an entry of its own, without a command.
    let again = Uuid::now_v7().to_string();
    let repeated = trader.with("x-request-id", &again);
    repeated
        .transfer(world.s, world.t, &[bundle])
        .await
        .expect(202);
    let trail = entries(&world.admin, "&operation=transfer_certificates").await;
    assert_eq!(trail.len(), 2);
    let entry = of_request(&trail, &again);
    assert_eq!(
        (&entry["stream"], &entry["outcome"]),
        (&json!("audit"), &json!("accepted"))
    );
    assert_eq!(entry["command_id"], Value::Null);
    world.registry.audit().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn signing_in_has_an_entry_whether_it_worked_or_not() {
    let world = World::start().await;
    let anonymous = world.registry.anonymous();
    let [bad, good] = [(); 2].map(|()| Uuid::now_v7().to_string());
    let trader = email("trader");
    let (wrong, right) = (
        anonymous.with("x-request-id", &bad),
        anonymous.with("x-request-id", &good),
    );
    wrong
        .login(&trader, "wrong")
        .await
        .refused(401, "login_failed");
    right.login(&trader, PASSWORD).await.expect(200);
    let mut nobodys = Vec::new();
    for name in [
        "nobody@registry.test",
        " Nobody@Registry.test",
        "none@registry.test",
    ] {
        let id = Uuid::now_v7().to_string();
        let anonymous = anonymous.with("x-request-id", &id);
        let refused = anonymous.login(name, PASSWORD).await;
        refused.refused(401, "login_failed");
        nobodys.push(id);
    }
    let trail = entries(&world.admin, "&operation=login").await;
    let entry = of_request(&trail, &bad);
    assert_eq!(
        (&entry["code"], &entry["principal"]),
        (&json!("login_failed"), &Value::Null)
    );
    assert_eq!(entry["address"], "127.0.0.1");
    assert_eq!(entry["target"], format!("user:{}", world.trader.id));
    let targets: Vec<_> = nobodys
        .iter()
        .map(|id| of_request(&trail, id)["target"].as_str().unwrap())
        .collect();
    assert!(targets[0].starts_with("nobody:"));
    assert!(targets[0] == targets[1] && targets[0] != targets[2]);
    let entry = of_request(&trail, &good);
    assert_eq!(entry["target"], Value::Null);
    assert_eq!(entry["outcome"], "accepted");
    assert_eq!(entry["user_id"], world.trader.id);
    assert!(
        !json!(trail).to_string().contains("registry.test"),
        "no e-mail address"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_gateway_is_refused_is_told_by_its_id() {
    let world = World::start().await;
    let anonymous = world.registry.anonymous();
    let (member, devices) = (&world.producer, [world.w]);
    let gateway = TestGateway::enrol(&anonymous, member, world.s, &devices, Algorithm::Es256).await;
    let payload = gateway.payload(world.w, vec![measured_hour(0, 10)]);
    let first = gateway.key.sign(&payload);
    assert_eq!(anonymous.receipts(&[first]).await[0]["status"], "accepted");
    // Another payload under the same number.
    let other = gateway.payload(world.w, vec![measured_hour(0, 11)]);
    let request_id = Uuid::now_v7().to_string();
    let tampering = anonymous.with("x-request-id", &request_id);
    let receipts = tampering.receipts(&[gateway.key.sign(&other)]).await;
    assert_eq!(receipts[0]["code"], "envelope_replayed");
    let trail = entries(&world.admin, "&operation=submit_envelopes").await;
    let entry = of_request(&trail, &request_id);
    assert_eq!(entry["principal"], format!("gateway:{}", gateway.id));
    assert_eq!(entry["code"], "envelope_replayed");
    assert_eq!(entry["address"], "127.0.0.1");
    let accepted = trail
        .iter()
        .find(|entry| entry["outcome"] == "accepted")
        .unwrap();
    assert_eq!(accepted["principal"], format!("gateway:{}", gateway.id));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_registry_does_by_itself_has_an_entry_too() {
    let mut world = World::start().await;
    let body = json!({
        "account_id": world.s, "device_id": world.w, "metadata_id": 1, "bundle_quantity": 1000,
        "energy_carrier": "electricity", "energy_source": "wind",
        "production_starting_interval": hour(0), "production_ending_interval": hour(1),
        "expiry_datestamp": Utc::now() + TimeDelta::milliseconds(1),
    });
    world
        .admin
        .post("/certificate/create", body)
        .await
        .expect(201);
    // It looks when it starts, and then every minute.
    world.registry.caught_up().await;
    world.registry.down().await;
    world.registry.up().await;
    let expired = eventually("the bundle expires", || async {
        let trail = entries(&world.admin, "&outcome=accepted").await;
        trail
            .into_iter()
            .find(|entry| entry["principal"] == "system:expiry")
    });
    let entry = expired.await;
    assert_eq!(entry["account_id"], world.s);
    assert_eq!(
        (&entry["via"], &entry["address"]),
        (&Value::Null, &Value::Null)
    );
    world.registry.audit().await;
}
