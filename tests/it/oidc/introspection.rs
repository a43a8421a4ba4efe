//! Tokens that another server is asked about.

use super::issuer::Issuer;
use super::{CLIENT_ID, CLIENT_SECRET, SUBJECT, link};
use chrono::{TimeDelta, Utc};
use registry::config::Introspection;
use schemas::life_cycle::Role;
use serde_json::json;
use tests::{Clusters, PASSWORD, Registry, World, eventually};

/// What the API is called at the issuer.
const API: &str = "https://registry.example/api";

async fn world(issuer: &Issuer, change: impl FnOnce(&mut Introspection)) -> World {
    let mut registry = Registry::prepare(Clusters::shared().await).await;
    let introspection = &mut registry.config.auth.introspection;
    introspection.url = format!("{}/introspect", issuer.url);
    introspection.issuer.clone_from(&issuer.url);
    introspection.client_id = CLIENT_ID.to_owned();
    introspection.audience = API.to_owned();
    introspection.client_secret = projections::postgres::Secret::new(CLIENT_SECRET);
    change(introspection);
    registry.up().await;
    World::on(registry).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_that_is_active_there_is_its_user_here_and_one_question_answers_for_many() {
    let issuer = Issuer::start();
    let world = world(&issuer, |settings| settings.cache_s = 300).await;
    link(&world, &world.trader, &issuer, SUBJECT).await;
    let opaque = world.registry.anonymous().with_token("ory_at_opaque");
    issuer.will_say(Some(
        json!({"active": true, "aud": API, "sub": SUBJECT, "token_type": "Bearer"}),
    ));
    for _ in 0..5 {
        let me = opaque.get("/user/me").await.expect(200);
        assert_eq!(me["id"], world.trader.id);
    }
    let all = issuer.asked("/introspect");
    assert_eq!(all.len(), 1);
    let asked = &all[0];
    assert_eq!(asked.form["token"], "ory_at_opaque");
    assert!(asked.authorization.starts_with("Basic "));
    let body = json!({"name": "n", "capabilities": ["read"], "expires_at": Utc::now() + TimeDelta::days(1)});
    opaque
        .post("/api_keys", body)
        .await
        .refused(403, "sign_in_required");
    let listed = opaque.get("/user/me/sessions").await.expect(200);
    let listed = listed.as_array().unwrap();
    assert!(listed.iter().all(|session| session["is_current"] == false));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_that_is_not_good_there_is_not_good_here_and_when_nobody_answers_none_is() {
    let issuer = Issuer::start();
    let world = world(&issuer, |settings| settings.cache_s = 1).await;
    link(&world, &world.trader, &issuer, SUBJECT).await;
    let anonymous = world.registry.anonymous();
    let active = json!({"active": true, "aud": API, "sub": SUBJECT});
    let mut number = 0;
    let mut fresh = || {
        number += 1;
        anonymous.with_token(&format!("token-{number}"))
    };
    for wrong in [
        json!({"active": false, "aud": API, "sub": SUBJECT}),
        json!({"active": true, "sub": SUBJECT}),
        json!({"active": true, "aud": "https://other.example/api", "sub": SUBJECT}),
        json!({"active": true, "aud": API}),
        json!({"active": true, "aud": API, "sub": "somebody else"}),
        json!({"active": true, "aud": API, "sub": SUBJECT, "iss": "https://evil.example"}),
        json!({"active": true, "aud": API, "sub": SUBJECT, "exp": Utc::now().timestamp() - 1}),
        json!({"active": true, "aud": API, "sub": SUBJECT, "token_use": "refresh_token"}),
    ] {
        println!("{wrong}");
        issuer.will_say(Some(wrong));
        fresh().get("/user/me").await.refused(401, "token_invalid");
    }
    issuer.will_say(None);
    fresh().get("/user/me").await.refused(503, "unavailable");

    issuer.will_say(Some(active));
    let token = fresh();
    token.get("/user/me").await.expect(200);
    issuer.will_say(Some(json!({"active": false})));
    eventually("it is revoked here too", || async {
        let answer = token.get("/user/me").await;
        (answer.status == 401).then_some(())
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn no_token_of_this_registry_is_shown_to_another_server() {
    let issuer = Issuer::start();
    let world = world(&issuer, |_| {}).await;
    issuer.will_say(Some(json!({"active": true, "aud": API, "sub": SUBJECT})));
    link(&world, &world.admin, &issuer, SUBJECT).await;
    let anonymous = world.registry.anonymous();
    let expired = world.registry.expiring_token(world.trader.id).await;
    eventually("the token expires", || async {
        let answer = anonymous.with_token(&expired).get("/user/me").await;
        (answer.status == 401).then_some(())
    })
    .await;
    let altered = format!("{}x", world.trader.token());
    let key = format!("gcr_{}", "0".repeat(81));
    let login = anonymous
        .login(&world.trader.email, PASSWORD)
        .await
        .expect(200);
    let refresh = login["refresh_token"].as_str().unwrap().to_owned();
    for own in [altered, key, refresh, "not good: ü".to_owned()] {
        let request = anonymous.request("GET", "/user/me");
        let request = request.header("authorization", format!("Bearer {own}").as_bytes());
        anonymous.send(request).await.refused(401, "token_invalid");
    }
    assert!(issuer.asked("/introspect").is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_other_server_says_of_roles_only_takes_away() {
    let issuer = Issuer::start();
    let world = world(&issuer, |settings| {
        settings.role_claim = "/ext/groups".to_owned();
        let roles = [("traders", Role::Trading), ("admins", Role::Admin)];
        settings.roles = roles.map(|(word, role)| (word.to_owned(), role)).into();
    })
    .await;
    link(&world, &world.auditor, &issuer, SUBJECT).await;
    let anonymous = world.registry.anonymous();
    let groups = |groups: &[&str]| json!({"active": true, "aud": API, "sub": SUBJECT, "ext": {"groups": groups}});
    issuer.will_say(Some(groups(&["admins"])));
    let admin = anonymous.with_token("admin");
    admin.get("/audit").await.expect(200);
    let path = format!("/user/{}/identities", world.auditor.id);
    admin.get(&path).await.refused(403, "capability_required");
    issuer.will_say(Some(groups(&["others"])));
    let nothing = anonymous.with_token("nothing");
    nothing
        .get("/user/me")
        .await
        .refused(403, "capability_required");
}

/// Where both are the same server: people sign in with it, and it is asked about tokens.
#[tokio::test(flavor = "multi_thread")]
async fn a_jwt_of_the_provider_is_asked_about_where_none_is_taken_unasked() {
    let issuer = Issuer::start();
    let mut registry = Registry::prepare(Clusters::shared().await).await;
    let auth = &mut registry.config.auth;
    auth.oidc.issuer.clone_from(&issuer.url);
    auth.oidc.client_id = CLIENT_ID.to_owned();
    auth.introspection.url = format!("{}/introspect", issuer.url);
    auth.introspection.issuer.clone_from(&issuer.url);
    auth.introspection.audience = API.to_owned();
    registry.up().await;
    let world = World::on(registry).await;
    link(&world, &world.trader, &issuer, SUBJECT).await;
    issuer.will_say(Some(json!({"active": true, "aud": API, "sub": SUBJECT})));
    let token = issuer.signed(&issuer.bare_claims(API));
    let me = world
        .registry
        .anonymous()
        .with_token(&token)
        .get("/user/me")
        .await;
    assert_eq!(me.expect(200)["id"], world.trader.id);
}
