//! Staying signed in and signing out.

use chrono::TimeDelta;
use ledger::session::{MAX_SESSIONS, REFRESH_GRACE};
use projections::postgres::Secret;
use registry::identity::{KeyRing, Master, NewKey, Tokens};
use registry::read::signing_key::SigningKeyRow;
use reqwest::header::SET_COOKIE;
use schemas::id::UserId;
use serde_json::{Value, json};
use std::collections::BTreeSet;
use tests::{Actor, Answer, Clusters, PASSWORD, Registry, World, email, eventually};
use uuid::Uuid;

/// Somebody's tokens.
struct SignedIn {
    actor: Actor,
    refresh: String,
    session: String,
}

async fn sign_in(registry: &Registry, name: &str) -> SignedIn {
    registry.admin().await;
    let anonymous = registry.anonymous();
    let answer = anonymous.login(&email(name), PASSWORD).await.expect(200);
    SignedIn::of(&anonymous, &answer)
}

impl SignedIn {
    fn of(anonymous: &Actor, answer: &Value) -> Self {
        let text = |name: &str| answer[name].as_str().unwrap().to_owned();
        Self {
            actor: anonymous.with_token(&text("access_token")),
            refresh: text("refresh_token"),
            session: text("session_id"),
        }
    }

    async fn refreshed(&self, anonymous: &Actor) -> Self {
        let answer = refresh(anonymous, &self.refresh).await.expect(200);
        Self::of(anonymous, &answer)
    }

    /// Waits until the access token is refused.
    async fn is_over(&self) {
        let me = async || self.actor.get("/user/me").await;
        let refused = async || Some(me().await).filter(|answer| answer.status != 200);
        let refused = eventually("the access token is refused", refused).await;
        refused.refused(401, "token_invalid");
    }
}

async fn refresh(anonymous: &Actor, token: &str) -> Answer {
    let body = json!({"refresh_token": token});
    anonymous.post("/auth/refresh", body).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refresh_token_is_taken_for_others_of_the_same_session() {
    let registry = Registry::start().await;
    let first = sign_in(&registry, "trader").await;
    let second = first.refreshed(&registry.anonymous()).await;
    assert_eq!(first.session, second.session);
    assert_ne!(first.refresh, second.refresh);
    second.actor.get("/user/me").await.expect(200);
    // An access token is good until it expires.
    first.actor.get("/user/me").await.expect(200);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_repeat_within_the_grace_is_answered_alike_and_one_after_it_ends_the_session() {
    let registry = Registry::start().await;
    let anonymous = registry.anonymous();
    let first = sign_in(&registry, "trader").await;
    let second = first.refreshed(&anonymous).await;
    let repeat = first.refreshed(&anonymous).await;
    assert_eq!(second.refresh, repeat.refresh);

    registry
        .clock
        .advance(REFRESH_GRACE + TimeDelta::seconds(1));
    let third = second.refreshed(&anonymous).await;
    let reused = refresh(&anonymous, &first.refresh).await;
    reused.refused(401, "refresh_token_invalid");
    let successor = refresh(&anonymous, &third.refresh).await;
    successor.refused(401, "refresh_token_invalid");
    third.is_over().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn of_many_refreshes_at_once_all_get_the_one_successor() {
    let registry = Registry::start().await;
    let anonymous = registry.anonymous();
    let first = sign_in(&registry, "trader").await;
    let all = (0..16).map(|_| refresh(&anonymous, &first.refresh));
    let answers = futures_util::future::join_all(all).await;
    let successors: BTreeSet<_> = answers
        .into_iter()
        .map(|answer| answer.expect(200)["refresh_token"].to_string())
        .collect();
    assert_eq!(successors.len(), 1);
    let successor: String = serde_json::from_str(successors.first().unwrap()).unwrap();
    refresh(&anonymous, &successor).await.expect(200);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_registry_never_gave_out_refreshes_nothing_and_ends_nothing() {
    let registry = Registry::start().await;
    let anonymous = registry.anonymous();
    let signed_in = sign_in(&registry, "trader").await;
    let mut altered = signed_in.refresh.clone();
    let replaced = if altered.starts_with('A') { "B" } else { "A" };
    altered.replace_range(40..41, replaced);
    let short = &signed_in.refresh[1..];
    for token in ["", "x", short, &altered, signed_in.actor.token()] {
        let refused = refresh(&anonymous, token).await;
        refused.refused(401, "refresh_token_invalid");
    }
    let none = anonymous.post("/auth/refresh", json!({})).await;
    none.refused(401, "not_authenticated");
    signed_in.refreshed(&anonymous).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_can_not_be_refreshed_for_ever() {
    let registry = Registry::start().await;
    let signed_in = sign_in(&registry, "trader").await;
    let days = TimeDelta::days(registry.config.auth.session_days.into());
    registry.clock.advance(days);
    let late = refresh(&registry.anonymous(), &signed_in.refresh).await;
    late.refused(401, "refresh_token_invalid");
}

#[tokio::test(flavor = "multi_thread")]
async fn who_signs_out_has_neither_token_any_longer() {
    let registry = Registry::start().await;
    let anonymous = registry.anonymous();
    let [leaving, staying] = [
        sign_in(&registry, "trader").await,
        sign_in(&registry, "trader").await,
    ];
    let answer = leaving.actor.post_nothing("/auth/logout").await;
    assert_eq!(answer.status, 204, "{answer}");
    leaving.is_over().await;
    let refused = refresh(&anonymous, &leaving.refresh).await;
    refused.refused(401, "refresh_token_invalid");
    staying.actor.get("/user/me").await.expect(200);
    staying.refreshed(&anonymous).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn one_sees_ones_sessions_and_ends_them_and_nobody_elses() {
    let registry = Registry::start().await;
    let own = sign_in(&registry, "trader").await;
    let elsewhere = sign_in(&registry, "trader").await;
    let other = sign_in(&registry, "producer").await;
    let listed = own.actor.get("/user/me/sessions").await.expect(200);
    let listed = listed.as_array().unwrap();
    let shown: Vec<_> = listed
        .iter()
        .map(|session| {
            (
                session["id"].as_str().unwrap(),
                session["is_current"].as_bool().unwrap(),
            )
        })
        .collect();
    assert_eq!(shown, [(&*own.session, true), (&*elsewhere.session, false)]);

    let path = |signed_in: &SignedIn| format!("/user/me/sessions/{}", signed_in.session);
    let theirs = own.actor.delete(&path(&other)).await;
    theirs.refused(404, "session_not_found");
    other.actor.get("/user/me").await.expect(200);
    let ended = own.actor.delete(&path(&elsewhere)).await;
    assert_eq!(ended.status, 204, "{ended}");
    elsewhere.is_over().await;
    let again = own.actor.delete(&path(&elsewhere)).await;
    again.refused(404, "session_not_found");
    let malformed = own.actor.delete("/user/me/sessions/1").await;
    malformed.refused(422, "request_invalid");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_password_ends_every_session_but_the_one_it_was_changed_in() {
    let registry = Registry::start().await;
    let own = sign_in(&registry, "trader").await;
    let elsewhere = sign_in(&registry, "trader").await;
    let me = own.actor.get("/user/me").await.expect(200)["id"].clone();
    let body = json!({"password": "another good one", "current_password": PASSWORD});
    own.actor
        .patch(&format!("/user/update/{me}"), body)
        .await
        .expect(200);
    elsewhere.is_over().await;
    let refused = refresh(&registry.anonymous(), &elsewhere.refresh).await;
    refused.refused(401, "refresh_token_invalid");
    own.actor.get("/user/me").await.expect(200);
    own.refreshed(&registry.anonymous()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_administrator_ends_the_sessions_of_a_user_and_removing_them_does() {
    let world = World::start().await;
    let registry = &world.registry;
    let trader = sign_in(registry, "trader").await;
    let auditor = sign_in(registry, "auditor").await;
    let path = format!("/user/{}/sessions", world.trader.id);
    auditor
        .actor
        .delete(&path)
        .await
        .refused(403, "capability_required");
    let ended = world.admin.delete(&path).await;
    assert_eq!(ended.status, 204, "{ended}");
    trader.is_over().await;
    let unknown = world.admin.delete("/user/999/sessions").await;
    unknown.refused(404, "user_not_found");

    let path = format!("/user/delete/{}", world.auditor.id);
    world.admin.delete(&path).await.expect(200);
    auditor.is_over().await;
    let refused = refresh(&registry.anonymous(), &auditor.refresh).await;
    refused.refused(401, "refresh_token_invalid");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_browser_keeps_its_tokens_where_scripts_and_other_sites_do_not_reach() {
    let registry = Registry::start().await;
    registry.admin().await;
    let anonymous = registry.anonymous().with("x-forwarded-proto", "https");
    let form = [
        ("username", email("trader")),
        ("password", PASSWORD.to_owned()),
    ];
    let login = anonymous
        .request("POST", "/auth/login?cookie=true")
        .form(&form);
    let answer = anonymous.send(login).await;
    let cookies = cookies(&answer);
    for (name, path) in [("access_token", "/"), ("refresh_token", "/auth/refresh")] {
        let cookie = cookies
            .iter()
            .find(|cookie| cookie.starts_with(name))
            .unwrap();
        for attribute in [
            "HttpOnly",
            "Secure",
            "SameSite=Strict",
            &format!("Path={path}"),
        ] {
            assert!(
                cookie.split("; ").any(|part| part == attribute),
                "{attribute}"
            );
        }
    }
    assert_eq!(answer.expect(200)["refresh_token"], Value::Null);

    let pair = |cookie: &str| cookie.split(';').next().unwrap().to_owned();
    let refresh = pair(
        cookies
            .iter()
            .find(|c| c.starts_with("refresh_token"))
            .unwrap(),
    );
    let by_cookie = anonymous.with("cookie", &refresh);
    let forged = by_cookie.post("/auth/refresh", json!({})).await;
    forged.refused(403, "csrf_token_invalid");
    let given = anonymous.get("/csrf-token").await;
    let session = pair(given.header(SET_COOKIE));
    let csrf = given.json()["csrf_token"].as_str().unwrap().to_owned();
    let answer = anonymous
        .with("cookie", format!("{refresh}; {session}"))
        .with("x-csrf-token", csrf)
        .post("/auth/refresh", json!({}))
        .await;
    assert_eq!(answer.headers.get_all(SET_COOKIE).iter().count(), 2);
    assert_eq!(answer.expect(200)["refresh_token"], Value::Null);
}

fn cookies(answer: &Answer) -> Vec<String> {
    let all = answer.headers.get_all(SET_COOKIE).iter();
    all.map(|cookie| cookie.to_str().unwrap().to_owned())
        .collect()
}

/// The `kid` that a token names.
fn key_of(token: &str) -> Value {
    use base64::Engine as _;
    use base64::prelude::BASE64_URL_SAFE_NO_PAD;
    let header = BASE64_URL_SAFE_NO_PAD.decode(token.split('.').next().unwrap());
    serde_json::from_slice::<Value>(&header.unwrap()).unwrap()["kid"].clone()
}

#[tokio::test(flavor = "multi_thread")]
async fn keys_change_by_schedule_and_what_the_last_one_signed_still_counts() {
    let mut registry = Registry::prepare(Clusters::shared().await).await;
    let auth = &mut registry.config.auth;
    auth.session_days = auth.signing_key_days + 1;
    let days = TimeDelta::days(auth.signing_key_days.into());
    registry.up().await;
    let anonymous = registry.anonymous();
    let old = sign_in(&registry, "trader").await;
    let kid = key_of(old.actor.token());
    let published = anonymous.get("/.well-known/jwks.json").await.expect(200);
    assert_eq!(published["keys"][0]["kid"], kid);
    assert_eq!(published["keys"][0]["alg"], "EdDSA");
    assert!(published["keys"][0].get("d").is_none());

    registry.clock.advance(days);
    let new = eventually("another key signs", async || {
        let new = old.refreshed(&anonymous).await;
        Some(new).filter(|new| key_of(new.actor.token()) != kid)
    })
    .await;
    new.actor.get("/user/me").await.expect(200);
    old.actor.get("/user/me").await.expect(200);
    let both = eventually("both keys are published", async || {
        let keys = anonymous.get("/.well-known/jwks.json").await.expect(200);
        Some(keys).filter(|keys| keys["keys"].as_array().unwrap().len() == 2)
    })
    .await;
    assert_eq!(both["keys"][0]["kid"], kid);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_that_is_replaced_at_once_takes_its_tokens_along() {
    let registry = Registry::start().await;
    let old = sign_in(&registry, "trader").await;
    let master = registry.config.auth.master().unwrap();
    let none = TimeDelta::zero();
    registry
        .core()
        .replace_signing_key(&master, none)
        .await
        .unwrap();
    old.is_over().await;
    // The session is not.
    let new = old.refreshed(&registry.anonymous()).await;
    new.actor.get("/user/me").await.expect(200);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_registry_that_is_started_again_knows_its_sessions_and_keys() {
    let mut registry = Registry::start().await;
    let signed_in = sign_in(&registry, "trader").await;
    registry.down().await;
    registry.up().await;
    signed_in.actor.get("/user/me").await.expect(200);
    let kid = key_of(signed_in.actor.token());
    let again = signed_in.refreshed(&registry.anonymous()).await;
    assert_eq!(key_of(again.actor.token()), kid);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_fiftieth_session_ends_none_and_one_more_ends_the_oldest() {
    let registry = Registry::start().await;
    let mut sessions = Vec::new();
    for _ in 0..MAX_SESSIONS {
        sessions.push(sign_in(&registry, "trader").await);
    }
    sessions[0].refreshed(&registry.anonymous()).await;
    sign_in(&registry, "trader").await;
    sessions[0].is_over().await;
    sessions[1].actor.get("/user/me").await.expect(200);
}

/// Neither the log of events nor an answer that anybody may ask for tells a token or a key.
#[tokio::test(flavor = "multi_thread")]
async fn what_is_stored_has_no_token_in_it() {
    let registry = Registry::start().await;
    let first = sign_in(&registry, "trader").await;
    let second = first.refreshed(&registry.anonymous()).await;
    let mut found = 0;
    for file in std::fs::read_dir(&registry.config.data_dir).unwrap() {
        let path = file.unwrap().path();
        if !path.is_file() {
            continue;
        }
        let bytes = std::fs::read(&path).unwrap();
        found += bytes.len();
        for secret in [
            &*first.refresh,
            &*second.refresh,
            first.actor.token(),
            PASSWORD,
        ] {
            let holds = bytes
                .windows(secret.len())
                .any(|window| window == secret.as_bytes());
            assert!(!holds, "a secret is in {}", path.display());
        }
    }
    assert!(found > 0, "nothing is stored");
}

/// A token of a registry with the same master secret, under a key that this one has never seen.
fn token_of_unknown_key(registry: &Registry) -> String {
    let secret = registry.config.auth.master().unwrap();
    let master = Master::new(secret.expose().as_bytes());
    let vault = master.vault().unwrap();
    let key = NewKey::random(&vault).unwrap();
    let row = SigningKeyRow {
        key_id: key.public_key.key_id(),
        public_key: key.public_key,
        sealed: key.sealed,
        added_at: chrono::Utc::now(),
        accepted_until: None,
    };
    let ring = KeyRing::of(vec![row], &vault);
    let tokens = Tokens::new(&master, &registry.config.domain, 15);
    tokens.access(&ring, UserId(1), Uuid::nil()).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_that_the_log_may_tell_of_is_waited_for_and_one_that_it_does_not_is_refused() {
    let mut registry = Registry::prepare(Clusters::shared().await).await;
    registry.config.http.read_wait_ms = 500;
    registry.up().await;
    let world = World::on(registry).await;
    let token = token_of_unknown_key(&world.registry);
    let somebody = world.registry.anonymous().with_token(&token).alone();
    let refused = somebody.get("/user/me").await;
    refused.refused(401, "token_invalid");
    // READ stands still.
    let pool = projections::postgres::pool(&world.registry.config.database.read).unwrap();
    let mut client = pool.get().await.unwrap();
    let standstill = client.transaction().await.unwrap();
    let hold = "SELECT FROM checkpoint FOR UPDATE";
    standstill.query(hold, &[]).await.unwrap();
    let created = world
        .admin
        .create_user("new", "new@registry.test", 1, PASSWORD)
        .await;
    created.expect(200);
    let unlike = async |status: u16| {
        let answer = somebody.get("/user/me").await;
        (answer.status != status).then_some(answer)
    };
    let waits = eventually("the key is looked for", async || unlike(401).await).await;
    assert_eq!(waits.header("retry-after"), "1");
    waits.refused(503, "read_lagging");
    // Known keys are good meanwhile.
    let known = world.trader.alone().get("/account/list").await;
    assert_ne!(known.status, 401, "{known}");
    standstill.rollback().await.unwrap();
    let refused = eventually("READ goes on", async || unlike(503).await).await;
    refused.refused(401, "token_invalid");
}

#[tokio::test(flavor = "multi_thread")]
async fn attack_a_key_that_was_replaced_before_the_compromised_one_signs_on() {
    let registry = Registry::start().await;
    let old = sign_in(&registry, "trader").await;
    let master = registry.config.auth.master().unwrap();
    let replace = async |overlap| {
        let replaced = registry.core().replace_signing_key(&master, overlap).await;
        replaced.unwrap()
    };
    replace(TimeDelta::hours(1)).await;
    let newer = eventually("another key signs", async || {
        let newer = old.refreshed(&registry.anonymous()).await;
        Some(newer).filter(|newer| key_of(newer.actor.token()) != key_of(old.actor.token()))
    })
    .await;
    old.actor.get("/user/me").await.expect(200);
    replace(TimeDelta::zero()).await;
    newer.is_over().await;
    old.is_over().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn cookies_go_over_tls_alone_where_the_registry_is_reached_so() {
    let mut registry = Registry::prepare(Clusters::shared().await).await;
    registry.config.http.public_url = Some("https://registry.example/api".to_owned());
    registry.up().await;
    registry.admin().await;
    let anonymous = registry.anonymous();
    let form = [
        ("username", email("trader")),
        ("password", PASSWORD.to_owned()),
    ];
    let login = anonymous
        .request("POST", "/auth/login?cookie=true")
        .form(&form);
    let answers = [
        anonymous.send(login).await,
        anonymous.get("/csrf-token").await,
    ];
    let all = answers
        .iter()
        .flat_map(|answer| answer.headers.get_all(SET_COOKIE));
    let mut count = 0;
    for cookie in all.map(|cookie| cookie.to_str().unwrap()) {
        let has = |wanted: &str| cookie.split("; ").any(|part| part == wanted);
        assert!(has("Secure"), "{cookie}");
        let is_refresh = cookie.starts_with("refresh_token=");
        // A proxy has put the API there.
        assert!(
            has(if is_refresh {
                "Path=/api/auth/refresh"
            } else {
                "Path=/"
            }),
            "{cookie}"
        );
        count += 1;
    }
    assert!(count >= 4, "{count}");
}

#[tokio::test(flavor = "multi_thread")]
async fn cookies_go_over_tls_alone_wherever_nothing_is_said_but_on_this_machine() {
    let registry = Registry::start().await;
    let anonymous = registry.anonymous();
    for (host, secure) in [
        ("registry.example", true),
        ("192.0.2.1:8000", true),
        ("localhost.example", true),
        ("localhost:8000", false),
        ("127.0.0.1:8000", false),
        ("[::1]:8000", false),
    ] {
        let answer = anonymous.with("host", host).get("/csrf-token").await;
        let cookie = answer.header("set-cookie").to_owned();
        assert_eq!(cookie.contains("; Secure"), secure, "{host}: {cookie}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_process_with_another_master_secret_does_not_take_the_place_of_a_new_key() {
    let mut registry = Registry::start().await;
    let before = sign_in(&registry, "trader").await;
    registry.down().await;
    registry.config.auth.master_secret = Secret::new("another secret of 32 characters!");
    registry.up().await;
    let anonymous = registry.anonymous();
    let refused = anonymous.login(&email("trader"), PASSWORD).await;
    refused.refused(503, "unavailable");
    // It still counts.
    before.actor.get("/user/me").await.expect(200);
    let master = registry.config.auth.master().unwrap();
    let none = TimeDelta::zero();
    let replaced = registry.core().replace_signing_key(&master, none).await;
    replaced.unwrap();
    eventually("the new key signs", async || {
        let answer = anonymous.login(&email("trader"), PASSWORD).await;
        (answer.status == 200).then_some(())
    })
    .await;
}
