//! Tokens for machines, and questions about tokens.

use chrono::{TimeDelta, Utc};
use registry::config::Rate;
use reqwest::header::{CACHE_CONTROL, WWW_AUTHENTICATE};
use serde_json::{Value, json};
use tests::{Actor, Answer, Clusters, PASSWORD, Registry, World, eventually};

/// A machine's key.
struct Machine {
    id: String,
    key: String,
}

impl Machine {
    async fn of(owner: &Actor, capabilities: &[&str], accounts: Option<&[i64]>) -> Self {
        Self::until(owner, capabilities, accounts, TimeDelta::days(1)).await
    }

    async fn until(
        owner: &Actor,
        capabilities: &[&str],
        accounts: Option<&[i64]>,
        life: TimeDelta,
    ) -> Self {
        let body = json!({
            "name": "a machine", "capabilities": capabilities, "account_ids": accounts,
            "expires_at": Utc::now() + life,
        });
        let made = owner.post("/api_keys", body).await.expect(201);
        let text = |name: &str| made[name].as_str().unwrap().to_owned();
        Self {
            id: text("key_id"),
            key: text("key"),
        }
    }

    /// Asks for a token, by HTTP Basic.
    async fn ask(&self, anonymous: &Actor, scope: Option<&str>) -> Answer {
        let mut form = vec![("grant_type", "client_credentials")];
        form.extend(scope.map(|scope| ("scope", scope)));
        let request = anonymous.request("POST", "/oauth/token");
        let request = request.basic_auth(&self.id, Some(&self.key)).form(&form);
        anonymous.send(request).await
    }

    async fn token(&self, anonymous: &Actor, scope: Option<&str>) -> Actor {
        let given = self.ask(anonymous, scope).await.expect(200);
        anonymous.with_token(given["access_token"].as_str().unwrap())
    }

    /// Asks about a token.
    async fn introspect(&self, anonymous: &Actor, token: &str) -> Value {
        let request = anonymous.request("POST", "/oauth/introspect");
        let request = request.basic_auth(&self.id, Some(&self.key));
        anonymous
            .send(request.form(&[("token", token)]))
            .await
            .expect(200)
    }

    async fn revoke(&self, owner: &Actor) {
        let revoked = owner.delete(&format!("/api_keys/{}", self.id)).await;
        assert_eq!(revoked.status, 204, "{revoked}");
    }
}

async fn post_form(anonymous: &Actor, path: &str, form: &[(&str, &str)]) -> Answer {
    let request = anonymous.request("POST", path).form(form);
    anonymous.send(request).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_machine_trades_by_a_token_within_its_key_and_scope() {
    let world = World::start().await;
    let anonymous = world.registry.anonymous();
    let (s, t) = (world.s, world.t);
    let [one, other] = world.issue([10, 10]).await;
    let machine = Machine::of(&world.producer, &["read", "trade"], Some(&[s])).await;

    let answer = machine.ask(&anonymous, None).await;
    assert_eq!(answer.header(CACHE_CONTROL), "no-store");
    let given = answer.expect(200);
    assert_eq!(given["token_type"], "Bearer");
    assert_eq!(given["scope"], "read trade");
    assert_eq!(given["expires_in"], 900);
    assert!(given.get("refresh_token").is_none());
    let whole = anonymous.with_token(given["access_token"].as_str().unwrap());
    whole.transfer(s, t, &[one]).await.expect(202);
    // The key is good for one account, so the token is.
    let elsewhere = whole.transfer(t, s, &[one]).await;
    elsewhere.refused(404, "account_not_found");
    let beyond = whole.submit(world.w, &tests::hours(100, [1])).await;
    beyond.refused(403, "capability_required");

    let reads = machine.token(&anonymous, Some("read")).await;
    reads.bundle(other).await;
    let narrowed = reads.transfer(s, t, &[other]).await;
    narrowed.refused(403, "capability_required");
    // A token makes no keys, as its key does not.
    let selfish = Machine::of(&world.producer, &["manage_self"], None).await;
    let by_token = selfish.token(&anonymous, None).await;
    let body = json!({"name": "n", "capabilities": ["manage_self"], "expires_at": Utc::now() + TimeDelta::days(1)});
    let refused = by_token.post("/api_keys", body).await;
    refused.refused(403, "sign_in_required");
    world.registry.audit().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_for_a_token_is_refused_in_the_words_of_oauth() {
    let world = World::start().await;
    let anonymous = world.registry.anonymous();
    let machine = Machine::of(&world.trader, &["read"], None).await;
    let other = Machine::of(&world.trader, &["read"], None).await;
    let (id, key) = (machine.id.as_str(), machine.key.as_str());
    let grant = ("grant_type", "client_credentials");
    let (by_id, by_key) = (("client_id", id), ("client_secret", key));
    let good = post_form(&anonymous, "/oauth/token", &[grant, by_id, by_key]).await;
    good.expect(200);
    let unknown_id = uuid::Uuid::nil().to_string();
    let mistyped = format!("{key}0");
    for (form, status, code) in [
        (vec![by_id, by_key], 400, "invalid_request"),
        (vec![grant, grant, by_id, by_key], 400, "invalid_request"),
        (
            vec![("grant_type", "password"), by_id, by_key],
            400,
            "unsupported_grant_type",
        ),
        (vec![grant], 401, "invalid_client"),
        (vec![grant, by_id], 401, "invalid_client"),
        (vec![grant, by_key], 401, "invalid_client"),
        (
            vec![grant, ("client_id", &unknown_id), by_key],
            401,
            "invalid_client",
        ),
        (
            vec![grant, ("client_id", &other.id), by_key],
            401,
            "invalid_client",
        ),
        (
            vec![grant, by_id, ("client_secret", &mistyped)],
            401,
            "invalid_client",
        ),
        (
            vec![grant, by_id, by_key, ("scope", "trade")],
            400,
            "invalid_scope",
        ),
        (
            vec![grant, by_id, by_key, ("scope", "read steal")],
            400,
            "invalid_scope",
        ),
        (
            vec![("grant_type", "refresh_token")],
            400,
            "invalid_request",
        ),
        (
            vec![("grant_type", "refresh_token"), ("refresh_token", "x")],
            400,
            "invalid_grant",
        ),
    ] {
        let answer = post_form(&anonymous, "/oauth/token", &form).await;
        assert_eq!(answer.header("content-type"), "application/json");
        assert_eq!(answer.header(CACHE_CONTROL), "no-store");
        if status == 401 {
            assert_eq!(answer.header(WWW_AUTHENTICATE), "Basic");
        }
        let refused = answer.expect(status);
        assert_eq!(refused["error"], code, "{refused}");
        assert_eq!(refused["code"], code, "{refused}");
        assert_eq!(refused["error_description"], refused["detail"]);
        assert!(!refused.to_string().contains(key), "{refused}");
    }
    let twice = anonymous.request("POST", "/oauth/token");
    let twice = twice
        .basic_auth(id, Some(key))
        .form(&[grant, by_id, by_key]);
    let twice = anonymous.send(twice).await.expect(400);
    assert_eq!(twice["error"], "invalid_request");
    let json = anonymous.post("/oauth/token", json!({"grant_type": "client_credentials"}));
    json.await.refused(415, "unsupported_media_type");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_ends_with_its_key_and_loses_what_its_user_loses() {
    let world = World::start().await;
    let anonymous = world.registry.anonymous();
    let [bundle] = world.issue([10]).await;
    let machine = Machine::of(&world.trader, &["read", "trade"], None).await;
    let asks = Machine::of(&world.auditor, &["read"], None).await;
    let token = machine.token(&anonymous, None).await;
    token.get("/user/me").await.expect(200);

    let role = format!("/user/change_role/{}?role=1", world.trader.id);
    world.admin.post_nothing(&role).await.expect(200);
    let refused = token.transfer(world.s, world.t, &[bundle]).await;
    refused.refused(403, "capability_required");
    let told = asks.introspect(&anonymous, token.token()).await;
    assert_eq!(told["scope"], "read");

    machine.revoke(&world.trader).await;
    token.get("/user/me").await.refused(401, "token_invalid");
    let told = asks.introspect(&anonymous, token.token()).await;
    assert_eq!(told, json!({"active": false}));
    let refused = machine.ask(&anonymous, None).await.expect(401);
    assert_eq!(refused["error"], "invalid_client");

    let short = Machine::until(&world.trader, &["read"], None, TimeDelta::seconds(10)).await;
    let given = short.ask(&anonymous, None).await.expect(200);
    assert!(given["expires_in"].as_u64().unwrap() <= 10, "{given}");
    let token = anonymous.with_token(given["access_token"].as_str().unwrap());
    eventually("the token ends with its key", || async {
        let answer = token.get("/user/me").await;
        (answer.status == 401).then_some(())
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_that_is_good_is_told_of_and_of_another_nothing_is() {
    let world = World::start().await;
    let anonymous = world.registry.anonymous();
    let asks = Machine::of(&world.auditor, &["audit"], None).await;
    let machine = Machine::of(&world.trader, &["read", "trade"], None).await;
    let token = machine.token(&anonymous, Some("read")).await;
    let told = asks.introspect(&anonymous, token.token()).await;
    assert_eq!(told["active"], true);
    assert_eq!(told["scope"], "read");
    assert_eq!(told["client_id"], machine.id);
    assert_eq!(told["sub"], world.trader.id.to_string());
    assert_eq!(told["token_type"], "Bearer");
    for number in ["exp", "iat"] {
        assert!(told[number].is_i64(), "{told}");
    }
    let told = asks.introspect(&anonymous, &machine.key).await;
    assert_eq!(
        (&told["active"], &told["scope"]),
        (&json!(true), &json!("read trade"))
    );
    let told = asks.introspect(&anonymous, world.trader.token()).await;
    assert_eq!(
        (&told["active"], &told["client_id"]),
        (&json!(true), &json!("registry"))
    );

    let expired = world.registry.expiring_token(world.trader.id).await;
    let altered = format!("{}x", token.token());
    for other in ["x", "a.b.c", "gcr_", &altered, &format!("{}0", machine.key)] {
        let told = asks.introspect(&anonymous, other).await;
        assert_eq!(told, json!({"active": false}), "{other}");
    }
    eventually("the token expires", || async {
        let told = asks.introspect(&anonymous, &expired).await;
        (told == json!({"active": false})).then_some(())
    })
    .await;

    // Who asks must prove who they are, and a token is no such proof.
    let form = [("token", token.token())];
    for actor in [&anonymous, &token, &world.trader] {
        let refused = post_form(actor, "/oauth/introspect", &form)
            .await
            .expect(401);
        assert_eq!(refused["error"], "invalid_client");
    }
    let without = anonymous.request("POST", "/oauth/introspect");
    let without = without.basic_auth(&asks.id, Some(&asks.key));
    let refused = anonymous
        .send(without.form(&[("a", "b")]))
        .await
        .expect(400);
    assert_eq!(refused["error"], "invalid_request");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_is_refreshed_by_its_grant_too() {
    let world = World::start().await;
    let anonymous = world.registry.anonymous();
    let signed_in = anonymous
        .login(&world.trader.email, PASSWORD)
        .await
        .expect(200);
    let first = signed_in["refresh_token"].as_str().unwrap();
    let grant = ("grant_type", "refresh_token");
    let form = [grant, ("refresh_token", first)];
    let second = post_form(&anonymous, "/oauth/token", &form)
        .await
        .expect(200);
    assert_ne!(second["refresh_token"], first);
    let token = anonymous.with_token(second["access_token"].as_str().unwrap());
    let me = token.get("/user/me").await.expect(200);
    assert_eq!(me["id"], world.trader.id);
    let over = token.post_nothing("/auth/logout").await;
    assert_eq!(over.status, 204, "{over}");
    let next = second["refresh_token"].as_str().unwrap();
    let refused = post_form(
        &anonymous,
        "/oauth/token",
        &[grant, ("refresh_token", next)],
    )
    .await;
    assert_eq!(refused.expect(400)["error"], "invalid_grant");
}

#[tokio::test(flavor = "multi_thread")]
async fn clients_find_out_by_themselves_where_tokens_are_given_out() {
    let world = World::start().await;
    let anonymous = world.registry.anonymous();
    let path = "/.well-known/oauth-authorization-server";
    let told = anonymous.get(path).await.expect(200);
    let url = world.registry.url();
    assert_eq!(told["issuer"], url);
    assert_eq!(told["token_endpoint"], format!("{url}/oauth/token"));
    let scopes = told["scopes_supported"].as_array().unwrap();
    assert!(scopes.contains(&json!("trade")), "{told}");
    let document = anonymous.get("/openapi.json").await.expect(200);
    let scheme = &document["components"]["securitySchemes"]["machine"];
    let flow = &scheme["flows"]["clientCredentials"];
    assert_eq!(flow["tokenUrl"], "/oauth/token");
    assert_eq!(flow["scopes"].as_object().unwrap().len(), scopes.len());
}

#[tokio::test(flavor = "multi_thread")]
async fn every_token_that_is_asked_for_is_in_the_audit_trail() {
    let world = World::start().await;
    let anonymous = world.registry.anonymous();
    let machine = Machine::of(&world.trader, &["read"], None).await;
    machine.ask(&anonymous, None).await.expect(200);
    machine.ask(&anonymous, Some("trade")).await.expect(400);
    let form = [("grant_type", "client_credentials"), ("client_id", "x")];
    post_form(&anonymous, "/oauth/token", &form)
        .await
        .expect(401);
    let codes = eventually("three entries", || async {
        let path = "/audit?operation=create_token";
        let listed = world.admin.get(path).await.expect(200);
        let listed = listed.as_array().unwrap().clone();
        (listed.len() == 3).then_some(listed)
    })
    .await;
    let via = format!("api_key:{}", machine.id);
    let found = |code: Value, via: Value| {
        codes
            .iter()
            .any(|entry| entry["code"] == code && entry["via"] == via)
    };
    assert!(found(Value::Null, json!(via)), "{codes:?}");
    assert!(found(json!("invalid_scope"), json!(via)), "{codes:?}");
    assert!(found(json!("invalid_client"), Value::Null), "{codes:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_proves_nothing_is_in_the_audit_trail_whatever_it_asked_for() {
    let mut registry = Registry::prepare(Clusters::shared().await).await;
    registry.config.limits.unproven = Rate {
        per_minute: 1,
        burst: 1,
    };
    registry.up().await;
    let world = World::on(registry).await;
    let asks = Machine::of(&world.auditor, &["audit"], None).await;
    let anonymous = world.registry.anonymous();
    // A question of who is known leaves nothing.
    asks.introspect(&anonymous, world.trader.token()).await;
    let mistyped = format!("{}0", asks.key);
    let mut refused = Vec::new();
    for (path, status, code) in [
        ("/oauth/introspect", 401, "invalid_client"),
        ("/oauth/token", 401, "invalid_client"),
        ("/oauth/introspect", 429, "too_many_requests"),
    ] {
        let id = uuid::Uuid::now_v7().to_string();
        let client = anonymous.with("x-request-id", &id);
        let request = client.request("POST", path);
        let request = request.basic_auth(&asks.id, Some(&mistyped));
        let form = [("token", "x"), ("grant_type", "client_credentials")];
        let answer = client.send(request.form(&form)).await;
        assert_eq!(answer.expect(status)["code"], code);
        refused.push((id, code));
    }
    // All are durable before they are answered.
    let trail = world.admin.get("/audit?outcome=refused&limit=100").await;
    let trail = trail.expect(200);
    for (id, code) in refused {
        let of_it = |entry: &&Value| entry["request_id"] == id.as_str();
        let found: Vec<_> = trail.as_array().unwrap().iter().filter(of_it).collect();
        assert_eq!(found.len(), 1, "{code}: {trail}");
        assert_eq!(found[0]["code"], code);
        assert_eq!(found[0]["principal"], Value::Null);
        assert_eq!(found[0]["address"], "127.0.0.1");
    }
    let questions = "/audit?outcome=accepted&operation=introspect_token";
    assert_eq!(world.admin.get(questions).await.expect(200), json!([]));
    assert!(!trail.to_string().contains(&mistyped), "{trail}");
}

#[tokio::test(flavor = "multi_thread")]
async fn attack_the_key_of_a_removed_user_asks_about_tokens() {
    let world = World::start().await;
    let anonymous = world.registry.anonymous();
    let eve = world
        .admin
        .create_user("eve", "eve@registry.test", 0, PASSWORD)
        .await
        .expect(200);
    let owner = anonymous.signed_in("eve@registry.test", PASSWORD).await;
    let machine = Machine::of(&owner, &["read"], None).await;
    machine.introspect(&anonymous, world.trader.token()).await;
    let path = format!("/user/delete/{}", eve["id"]);
    world.admin.delete(&path).await.expect(200);
    let request = anonymous.request("POST", "/oauth/introspect");
    let request = request.basic_auth(&machine.id, Some(&machine.key));
    let asked = anonymous
        .send(request.form(&[("token", world.trader.token())]))
        .await;
    for refused in [asked, machine.ask(&anonymous, None).await] {
        assert_eq!(refused.status, 401, "{refused}");
        assert!(
            refused.header(WWW_AUTHENTICATE).starts_with("Basic"),
            "{refused}"
        );
        assert_eq!(refused.json()["error"], "invalid_client");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_of_a_key_that_lost_all_it_was_made_for_is_good_for_nothing() {
    let world = World::start().await;
    let anonymous = world.registry.anonymous();
    let machine = Machine::of(&world.trader, &["trade"], None).await;
    let role = format!("/user/change_role/{}?role=1", world.trader.id);
    world.admin.post_nothing(&role).await.expect(200);
    let token = machine.token(&anonymous, None).await;
    let refused = token.get("/user/me").await;
    refused.refused(403, "capability_required");
}

#[tokio::test(flavor = "multi_thread")]
async fn attack_keys_are_guessed_by_asking_about_tokens() {
    let mut registry = Registry::prepare(Clusters::shared().await).await;
    registry.config.limits.unproven = Rate {
        per_minute: 1,
        burst: 5,
    };
    registry.up().await;
    let anonymous = registry.anonymous();
    let guess = async || {
        let request = anonymous.request("POST", "/oauth/introspect");
        let request = request.basic_auth("key", Some("guess"));
        anonymous.send(request.form(&[("token", "x")])).await.status
    };
    // The one above the limit finds it exceeded.
    for _ in 0..=5 {
        assert_eq!(guess().await, 401);
    }
    assert_eq!(guess().await, 429);
}
