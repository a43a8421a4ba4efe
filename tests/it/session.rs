//! Staying signed in and signing out.

use chrono::TimeDelta;
use ledger::session::{MAX_SESSIONS, REFRESH_GRACE};
use reqwest::header::SET_COOKIE;
use serde_json::{Value, json};
use std::collections::BTreeSet;
use tests::{Actor, Answer, Clusters, PASSWORD, Registry, World, email, eventually};

/// Somebody's tokens.
pub struct SignedIn {
    pub actor: Actor,
    refresh: String,
    session: String,
}

pub async fn sign_in(registry: &Registry, name: &str) -> SignedIn {
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

    pub async fn refreshed(&self, anonymous: &Actor) -> Self {
        let answer = refresh(anonymous, &self.refresh).await.expect(200);
        Self::of(anonymous, &answer)
    }

    /// Waits until the access token is refused.
    pub async fn is_over(&self) {
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
