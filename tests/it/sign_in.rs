//! Contract 5.1, scenarios 1 to 7.

use reqwest::header::{SET_COOKIE, WWW_AUTHENTICATE};
use serde_json::json;
use tests::{PASSWORD, Registry, World, email, eventually};

/// Scenario 1.
#[tokio::test(flavor = "multi_thread")]
async fn a_csrf_token_is_given_out_with_its_session() {
    let registry = Registry::start().await;
    let answer = registry.anonymous().get("/csrf-token").await;
    assert!(
        answer.header(SET_COOKIE).starts_with("session="),
        "{answer}"
    );
    let body = answer.expect(200);
    assert!(body["csrf_token"].as_str().unwrap().len() >= 43);
}

/// Scenarios 2 and 3.
#[tokio::test(flavor = "multi_thread")]
async fn login_takes_a_form_or_json_and_needs_no_csrf_token() {
    let registry = Registry::start().await;
    registry.admin().await;
    let anonymous = registry.anonymous();
    let (username, password) = (email("admin"), PASSWORD);
    let json = json!({"username": username, "password": password});
    for answer in [
        anonymous.login(&username, password).await,
        anonymous.post("/auth/login", json).await,
    ] {
        let body = answer.expect(200);
        assert_eq!(body["token_type"], "bearer");
        assert_eq!(body["user_id"], 1);
        let signed_in = anonymous.with_token(body["access_token"].as_str().unwrap());
        signed_in.get("/user/me").await.expect(200);
    }
}

/// Scenarios 4 and 5.
#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_password_and_an_unknown_user_are_answered_alike() {
    let registry = Registry::start().await;
    registry.admin().await;
    let anonymous = registry.anonymous();
    let wrong_password = anonymous
        .login(&email("admin"), "correct horse batterz")
        .await;
    let unknown_user = anonymous.login("nobody@registry.test", PASSWORD).await;
    let answers = [&wrong_password, &unknown_user].map(|answer| {
        assert_eq!(answer.header(WWW_AUTHENTICATE), "Bearer");
        answer.clone().refused(401, "login_failed")
    });
    assert_eq!(answers[0], answers[1]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_login_without_a_field_names_it() {
    let registry = Registry::start().await;
    let anonymous = registry.anonymous();
    let form = [("username", email("admin"))];
    let request = anonymous.request("POST", "/auth/login").form(&form);
    anonymous
        .send(request)
        .await
        .refused_at(422, "request_invalid", "/password");
    anonymous
        .post("/auth/login", json!({"password": "x"}))
        .await
        .refused_at(422, "request_invalid", "/username");
}

/// Scenario 6.
#[tokio::test(flavor = "multi_thread")]
async fn the_signed_in_user_is_shown_with_role_name_and_accounts() {
    let world = World::start().await;
    let me = world.admin.get("/user/me").await.expect(200);
    assert_eq!(me["role"], "ADMIN");
    assert_eq!(
        (&me["name"], &me["email"]),
        (&json!("admin"), &json!(email("admin")))
    );
    assert_eq!(me["accounts"][0]["account_name"], "X");
    assert!(me.get("hashed_password").is_none());
}

/// Scenario 7.
#[tokio::test(flavor = "multi_thread")]
async fn a_bad_token_and_none_are_refused_with_what_is_wanted_instead() {
    let registry = Registry::start().await;
    let admin = registry.admin().await;
    let (signed, _) = admin.token().rsplit_once('.').unwrap();
    for token in ["x", &format!("{signed}."), &format!("{signed}.AAAA")] {
        let answer = admin.with_token(token).get("/user/me").await;
        assert_eq!(answer.header(WWW_AUTHENTICATE), "Bearer");
        answer.refused_saying(401, "token_invalid", "Could not validate credentials");
    }
    let answer = registry.anonymous().get("/user/me").await;
    assert_eq!(answer.header(WWW_AUTHENTICATE), "Bearer");
    answer.refused_saying(401, "not_authenticated", "Not authenticated");
}

/// Scenario 7.
#[tokio::test(flavor = "multi_thread")]
async fn a_token_is_refused_once_it_has_expired() {
    let registry = Registry::start().await;
    let admin = registry.admin().await;
    let expiring = admin.with_token(&registry.expiring_token(admin.id).await);
    let answer = eventually("the token expires", async || {
        Some(expiring.get("/user/me").await).filter(|answer| answer.status != 200)
    })
    .await;
    answer.refused_saying(401, "token_invalid", "Could not validate credentials");
}

/// Scenario 2.
#[tokio::test(flavor = "multi_thread")]
async fn csrf_is_demanded_of_a_mutation_that_comes_with_a_cookie_and_of_no_other() {
    let world = World::start().await;
    let anonymous = world.registry.anonymous();
    let cookie = format!("access_token={}", world.producer.token());
    let by_cookie = anonymous.with("cookie", &cookie);
    by_cookie.get("/user/me").await.expect(200);
    let account = json!({"account_name": "By cookie"});
    by_cookie
        .post("/account/create", account.clone())
        .await
        .refused(403, "csrf_token_invalid");

    let given = anonymous.get("/csrf-token").await;
    let session = given
        .header(SET_COOKIE)
        .split(';')
        .next()
        .unwrap()
        .to_owned();
    let csrf = given.json()["csrf_token"].as_str().unwrap().to_owned();
    let both = anonymous.with("cookie", format!("{cookie}; {session}"));
    let with_token = both.with("x-csrf-token", &csrf);
    with_token
        .post("/account/create", account.clone())
        .await
        .expect(201);
    both.with("x-csrf-token", "another")
        .post("/account/create", account)
        .await
        .refused(403, "csrf_token_invalid");
}

#[tokio::test(flavor = "multi_thread")]
async fn attack_a_page_of_another_site_signs_a_visitor_in_as_somebody_else() {
    let registry = Registry::start().await;
    registry.admin().await;
    let form = [
        ("username", email("trader")),
        ("password", PASSWORD.to_owned()),
    ];
    let login = async |path: &str, header: &'static str, value: &str| {
        let browser = registry.anonymous().with(header, value);
        browser
            .send(browser.request("POST", path).form(&form))
            .await
    };
    let (own, by_cookie) = (registry.url(), "/auth/login?cookie=true");
    for (header, value) in [
        ("sec-fetch-site", "cross-site"),
        ("sec-fetch-site", ""),
        ("origin", "https://evil.example"),
        ("origin", "null"),
    ] {
        let refused = login(by_cookie, header, value).await;
        assert!(!refused.headers.contains_key(SET_COOKIE), "{refused}");
        refused.refused(403, "cross_site_sign_in");
        login("/auth/login", header, value).await.expect(200);
    }
    for (header, value) in [
        ("sec-fetch-site", "same-origin"),
        ("sec-fetch-site", "none"),
        ("origin", own.as_str()),
    ] {
        login(by_cookie, header, value).await.expect(200);
    }
}
