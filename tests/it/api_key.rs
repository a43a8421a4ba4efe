//! Keys for machines: good for what they were made for and nothing else, as long as their user may do it.

use chrono::{TimeDelta, Utc};
use projections::postgres::connect;
use serde_json::{Value, json};
use std::time::{Duration, Instant};
use tests::{Actor, World, eventually};

/// Asks for a key that is good for a day.
async fn ask(owner: &Actor, capabilities: &[&str], accounts: Option<&[i64]>) -> tests::Answer {
    let body = json!({
        "name": "a machine", "capabilities": capabilities, "account_ids": accounts,
        "expires_at": Utc::now() + TimeDelta::days(1),
    });
    owner.post("/api_keys", body).await
}

/// A machine with a key, and what the registry says of it.
async fn machine(owner: &Actor, capabilities: &[&str], accounts: Option<&[i64]>) -> (Actor, Value) {
    let key = ask(owner, capabilities, accounts).await.expect(201);
    let machine = owner.with_token(key["key"].as_str().unwrap());
    (machine, key)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_does_what_it_was_made_for_and_nothing_else() {
    let world = World::start().await;
    let (s, t) = (world.s, world.t);
    let [one, other] = world.issue([10, 10]).await;
    let (reads, _) = machine(&world.producer, &["read"], None).await;
    reads.bundle(one).await;
    for refused in [
        reads.transfer(s, t, &[one]).await,
        reads.submit(world.w, &tests::hours(100, [1])).await,
        reads.get("/audit").await,
        reads
            .patch(&format!("/user/update/{}", reads.id), json!({"name": "x"}))
            .await,
    ] {
        refused.refused(403, "capability_required");
    }
    let (trades, _) = machine(&world.producer, &["trade"], Some(&[s])).await;
    trades.transfer(s, t, &[one]).await.expect(202);
    trades
        .transfer(t, s, &[one])
        .await
        .refused(404, "account_not_found");
    trades
        .get(&format!("/certificate/{other}"))
        .await
        .refused(403, "capability_required");
    let (everywhere, _) = machine(&world.producer, &["read", "trade"], None).await;
    everywhere.cancel(t, &[one], "Acme").await.expect(202);
    world.registry.audit().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_makes_a_key_that_is_good_for_more_than_they_may_do() {
    let world = World::start().await;
    for beyond in ["submit_readings", "issue", "manage_users", "oversee"] {
        let refused = ask(&world.trader, &["read", beyond], None).await;
        refused.refused(403, "capability_required");
    }
    let refused = ask(&world.trader, &["read"], Some(&[world.s, world.x])).await;
    refused.refused(404, "account_not_found");
    // Who sees an account does not act for it.
    let refused = ask(&world.admin, &["withdraw"], Some(&[world.s])).await;
    refused.refused(403, "account_access_denied");
    let (machine, key) = machine(&world.trader, &["manage_self"], None).await;
    ask(&machine, &["manage_self"], None)
        .await
        .refused(403, "sign_in_required");
    let path = format!("/api_keys/{}", key["key_id"].as_str().unwrap());
    machine.delete(&path).await.refused(403, "sign_in_required");
    for (fields, place) in [
        (json!({"name": " "}), "/name"),
        (json!({"name": "x".repeat(101)}), "/name"),
        (json!({"capabilities": []}), "/capabilities"),
        (json!({"capabilities": ["steal"]}), "/capabilities/0"),
        (json!({"expires_at": null}), "/expires_at"),
    ] {
        let mut body = json!({"name": "n", "capabilities": ["read"], "expires_at": Utc::now() + TimeDelta::days(1)});
        for (name, value) in fields.as_object().unwrap() {
            body[name] = value.clone();
        }
        world
            .trader
            .post("/api_keys", body)
            .await
            .refused_at(422, "request_invalid", place);
    }
    for expires_at in [
        Utc::now() - TimeDelta::seconds(1),
        Utc::now() + TimeDelta::days(367),
    ] {
        let body = json!({"name": "n", "capabilities": ["read"], "expires_at": expires_at});
        let refused = world.trader.post("/api_keys", body).await;
        refused.refused_at(422, "value_out_of_range", "/expires_at");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_loses_what_its_user_loses() {
    let world = World::start().await;
    let [bundle] = world.issue([10]).await;
    let (machine, _) = machine(&world.trader, &["read", "trade"], None).await;
    machine.bundle(bundle).await;
    let role = format!("/user/change_role/{}?role=1", world.trader.id);
    world.admin.post_nothing(&role).await.expect(200);
    let refused = machine.transfer(world.s, world.t, &[bundle]).await;
    refused.refused(403, "capability_required");
    machine.bundle(bundle).await;
    let path = format!("/user/delete/{}", world.trader.id);
    world.admin.delete(&path).await.expect(200);
    machine.get("/user/me").await.refused(401, "token_invalid");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_revoked_key_and_an_expired_one_are_good_for_nothing() {
    let world = World::start().await;
    let (machine, key) = machine(&world.trader, &["read"], None).await;
    machine.get("/user/me").await.expect(200);
    let path = format!("/api_keys/{}", key["key_id"].as_str().unwrap());
    world
        .auditor
        .delete(&path)
        .await
        .refused(404, "api_key_not_found");
    assert_eq!(world.trader.delete(&path).await.status, 204);
    machine.get("/user/me").await.refused(401, "token_invalid");
    world
        .trader
        .delete(&path)
        .await
        .refused(404, "api_key_not_found");

    let life = TimeDelta::seconds(10);
    let body = json!({"name": "short", "capabilities": ["read"], "expires_at": Utc::now() + life});
    let key = world.trader.post("/api_keys", body).await.expect(201);
    let machine = world.trader.with_token(key["key"].as_str().unwrap());
    machine.get("/user/me").await.expect(200);
    eventually("the key expires", || async {
        let answer = machine.get("/user/me").await;
        (answer.status == 401).then_some(())
    })
    .await;
    world.registry.audit().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_revoked_through_another_process_is_good_for_a_second_at_most() {
    let world = World::start().await;
    let (machine, key) = machine(&world.trader, &["read"], None).await;
    machine.get("/user/me").await.expect(200);
    let key_id: uuid::Uuid = key["key_id"].as_str().unwrap().parse().unwrap();
    let command = ledger::Command::RevokeApiKey(schemas::event::api_key::ApiKeyRevoked {
        key_id,
        user_id: schemas::id::UserId(world.trader.id),
    });
    // Past the API, which therefore knows nothing of it.
    let request = registry::sequencer::Request::of_system("test", command);
    world
        .registry
        .core()
        .sequencers()
        .execute(request)
        .await
        .unwrap();
    world.registry.caught_up().await;
    let seen = Instant::now();
    while machine.get("/user/me").await.status == 200 {
        assert!(seen.elapsed() < Duration::from_secs(60), "it goes on");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_key_or_mistyped_is_refused_as_any_bad_token() {
    let world = World::start().await;
    let (_, key) = machine(&world.trader, &["read"], None).await;
    let text = key["key"].as_str().unwrap();
    let last = if text.ends_with('0') { "1" } else { "0" };
    let mistyped = format!("{}{last}", &text[..text.len() - 1]);
    for wrong in ["gcr_", "gcr_00000000_0", mistyped.as_str()] {
        let nobody = world.trader.with_token(wrong);
        nobody.get("/user/me").await.refused(401, "token_invalid");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_is_shown_once_and_its_secret_is_nowhere_else() {
    let world = World::start().await;
    let trader = world.trader.with("idempotency-key", "make-a-key");
    let body = json!({"name": "a machine", "capabilities": ["read"], "expires_at": Utc::now() + TimeDelta::days(1)});
    let first = trader.post("/api_keys", body.clone()).await.expect(201);
    // The answer was lost: the same again.
    assert_eq!(trader.post("/api_keys", body).await.expect(201), first);
    let text = first["key"].as_str().unwrap().to_owned();
    let machine = world.trader.with_token(&text);
    machine.get("/user/me").await.expect(200);
    let listed = eventually("its use is recorded", || async {
        let keys = world.trader.get("/api_keys").await.expect(200);
        keys[0]["last_used_at"].is_string().then_some(keys)
    })
    .await;
    assert_eq!(listed.as_array().unwrap().len(), 1);
    assert_eq!(listed[0]["prefix"], first["prefix"]);
    assert!(text.starts_with(first["prefix"].as_str().unwrap()));
    let of_trader = format!("/api_keys?user_id={}", world.trader.id);
    world.admin.get(&of_trader).await.expect(200);
    world
        .auditor
        .get(&of_trader)
        .await
        .refused(403, "capability_required");
    let trail = world
        .admin
        .get("/audit?operation=create_api_key")
        .await
        .expect(200);

    let secret = &text[first["prefix"].as_str().unwrap().len() + 1..];
    assert!(!listed.to_string().contains(secret) && !trail.to_string().contains(secret));
    world.registry.caught_up().await;
    let client = connect(&world.registry.config.database.read).await.unwrap();
    for table in ["api_key", "audit_entry"] {
        let rows = client
            .query(&format!("SELECT t::text FROM {table} AS t"), &[])
            .await
            .unwrap();
        assert!(
            rows.iter()
                .all(|row| !row.get::<_, String>(0).contains(secret)),
            "{table}"
        );
    }
    for file in std::fs::read_dir(&world.registry.config.data_dir).unwrap() {
        let path = file.unwrap().path();
        if path.is_file() {
            let bytes = std::fs::read(&path).unwrap();
            let found = bytes
                .windows(secret.len())
                .any(|part| part == secret.as_bytes());
            assert!(!found, "{}", path.display());
        }
    }
    // What it does is told by its id.
    let refused = machine
        .post("/account/create", json!({"account_name": "A"}))
        .await;
    refused.refused(403, "capability_required");
    let trail = world
        .admin
        .get("/audit?operation=create_account&outcome=refused")
        .await;
    let via = format!("api_key:{}", first["key_id"].as_str().unwrap());
    assert_eq!(trail.expect(200)[0]["via"], via);
    world.registry.audit().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn attack_a_stolen_key_locks_its_owner_out() {
    let world = World::start().await;
    let trader = &world.trader;
    let (stolen, _) = machine(trader, &["manage_self"], None).await;
    let sessions = trader.get("/user/me/sessions").await.expect(200);
    let session = sessions[0]["id"].as_str().unwrap();
    let confirm = json!({"enrolment": "none", "code": "000000"});
    for refused in [
        stolen.post_nothing("/user/me/second_factor").await,
        stolen.post("/user/me/second_factor/confirm", confirm).await,
        stolen
            .patch(
                &format!("/user/update/{}", trader.id),
                json!({"email": "thief@registry.test"}),
            )
            .await,
        stolen.delete(&format!("/user/me/sessions/{session}")).await,
    ] {
        refused.refused(403, "sign_in_required");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn attack_a_key_that_keeps_users_makes_itself_an_administrator() {
    let world = World::start().await;
    let (stolen, _) = machine(&world.admin, &["read", "manage_self", "manage_users"], None).await;
    let (admin, other) = (world.admin.id, world.trader.id);
    let identity = json!({"issuer": "https://login.example", "subject": "thief"});
    let own_password =
        json!({"password": "correct horse battery", "current_password": tests::PASSWORD});
    for refused in [
        stolen
            .create_user("thief", "thief@registry.test", 4, "correct horse battery")
            .await,
        stolen
            .post_nothing(&format!("/user/change_role/{other}?role=4"))
            .await,
        stolen
            .patch(
                &format!("/user/update/{admin}"),
                json!({"email": "thief@registry.test"}),
            )
            .await,
        stolen
            .patch(
                &format!("/user/update/{other}"),
                json!({"password": "correct horse battery"}),
            )
            .await,
        stolen
            .post(&format!("/user/{other}/identities"), identity)
            .await,
        stolen.post_nothing(&format!("/user/erase/{other}")).await,
        stolen.delete(&format!("/user/delete/{other}")).await,
        stolen.delete(&format!("/user/{other}/second_factor")).await,
        stolen.delete(&format!("/user/{other}/sessions")).await,
        stolen
            .delete(&format!("/user/identities/{}", uuid::Uuid::nil()))
            .await,
        stolen.post("/user/me/password", own_password).await,
    ] {
        refused.refused(403, "sign_in_required");
    }
    stolen.get("/user/list").await.expect(200);
}

#[tokio::test(flavor = "multi_thread")]
async fn attack_a_key_for_one_account_tells_of_the_others_of_its_user() {
    const HIDDEN: &str = "Unmistakably Elsewhere";
    let world = World::start().await;
    let own = &world.producer;
    let hidden = world
        .admin
        .create_user(HIDDEN, "hidden@registry.test", 1, tests::PASSWORD)
        .await;
    let hidden = hidden.expect(200)["id"].as_i64().unwrap();
    let elsewhere = own.open_account(HIDDEN, &[hidden]).await;
    let seen = own.get("/user/list").await.expect(200);
    assert!(seen.to_string().contains(HIDDEN), "{seen}");
    let (key, _) = machine(own, &["read", "audit", "manage_accounts"], Some(&[world.s])).await;
    for path in [
        "/user/me".to_owned(),
        "/user/me/accounts".to_owned(),
        "/user/list".to_owned(),
        format!("/user/{}", own.id),
        format!("/user/{}", world.auditor.id),
        "/account/list".to_owned(),
        "/audit".to_owned(),
    ] {
        let told = key.get(&path).await.expect(200);
        let names = |account: i64| {
            told.to_string()
                .contains(&format!("\"account_id\":{account}"))
        };
        assert!(!told.to_string().contains(HIDDEN), "{path}: {told}");
        assert!(!names(elsewhere), "{path}: {told}");
    }
    let refused = key.get(&format!("/user/{hidden}")).await;
    refused.refused(404, "user_not_found");
}
