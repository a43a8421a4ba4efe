//! The authorization code flow, and what must not come of it.

use super::issuer::{Issuer, changed, jwt, jwt_of_text, unsigned};
use super::{
    Browser, CLIENT_ID, CLIENT_SECRET, SUBJECT, cookies, header, link, refused, signed_in, world,
};
use aws_lc_rs::hmac;
use base64::Engine as _;
use base64::prelude::{BASE64_STANDARD, BASE64_URL_SAFE_NO_PAD};
use chrono::Utc;
use reqwest::header::{LOCATION, SET_COOKIE};
use schemas::gateway::Algorithm;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use tests::{GatewayKey, World, eventually};

#[tokio::test(flavor = "multi_thread")]
async fn a_linked_subject_is_signed_in_as_by_password_and_goes_on_where_it_wanted() {
    let issuer = Issuer::start();
    let world = world(&issuer, |_| {}).await;
    link(&world, &world.trader, &issuer, SUBJECT).await;
    let browser = Browser::of(&world);
    let begun = browser.begin().await;
    let asked = |name: &str| begun.asked[name].as_str();
    assert_eq!(asked("response_type"), "code");
    assert_eq!(asked("client_id"), CLIENT_ID);
    assert_eq!(asked("scope"), "openid email profile");
    assert_eq!(asked("code_challenge_method"), "S256");
    let callback = format!("{}/auth/oidc/callback", world.registry.url());
    assert_eq!(asked("redirect_uri"), callback);

    issuer.will_give(issuer.id_token(&begun, json!({})));
    let query = [("code", "a code"), ("state", asked("state"))];
    let answer = browser.finish(&begun.cookie, &query).await;
    assert_eq!(header(&answer, LOCATION), "/docs?x=1");
    for cookie in answer.headers().get_all(SET_COOKIE) {
        let cookie = cookie.to_str().unwrap();
        assert!(cookie.contains("HttpOnly"), "{cookie}");
        let is_ours = cookie.starts_with("oidc_sign_in=;");
        assert!(is_ours || cookie.contains("SameSite=Strict"), "{cookie}");
    }
    assert!(cookies(&answer).contains_key("refresh_token"));
    let me = signed_in(&world, &answer).get("/user/me").await.expect(200);
    assert_eq!(me["id"], world.trader.id);

    let all = issuer.asked("/token");
    assert_eq!(all.len(), 1);
    let exchange = &all[0];
    let challenge = Sha256::digest(&exchange.form["code_verifier"]);
    let challenge = BASE64_URL_SAFE_NO_PAD.encode(challenge);
    assert_eq!(challenge, asked("code_challenge"));
    assert_eq!(exchange.form["redirect_uri"], callback);
    assert!(!exchange.form.contains_key("client_secret"));
    let basic = exchange.authorization.strip_prefix("Basic ").unwrap();
    let basic = String::from_utf8(BASE64_STANDARD.decode(basic).unwrap()).unwrap();
    let (_, secret) = basic.split_once(':').unwrap();
    let url = reqwest::Url::parse(&format!("http://x/?s={secret}")).unwrap();
    assert_eq!(url.query_pairs().next().unwrap().1, CLIENT_SECRET);

    let entry = of_sign_in(&world, 1).await.remove(0);
    assert_eq!(entry["outcome"], "accepted");
    assert_eq!(entry["user_id"], world.trader.id);
    world.registry.audit().await;
}

/// The entries of the audit trail about sign-ins that came back.
async fn of_sign_in(world: &World, count: usize) -> Vec<Value> {
    eventually("the trail tells of it", || async {
        let path = "/audit?operation=finish_oidc_sign_in";
        let listed = world.admin.get(path).await.expect(200);
        let listed = listed.as_array().unwrap().clone();
        (listed.len() == count).then_some(listed)
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn an_id_token_that_is_not_for_this_sign_in_signs_nobody_in() {
    let issuer = Issuer::start();
    let world = world(&issuer, |_| {}).await;
    link(&world, &world.trader, &issuer, SUBJECT).await;
    let browser = Browser::of(&world);
    // So that every refusal below is for the one thing that was changed.
    signed_in(&world, &browser.sign_in(&issuer, json!({})).await);
    let two = json!([CLIENT_ID, "another"]);
    let shared = json!({"aud": two, "azp": CLIENT_ID});
    signed_in(&world, &browser.sign_in(&issuer, shared).await);

    let now = Utc::now().timestamp();
    for wrong in [
        json!({"iss": "https://evil.example"}),
        json!({"iss": format!("{}/", issuer.url)}),
        json!({"iss": [issuer.url, "https://evil.example"]}),
        json!({"iss": null}),
        json!({"aud": "another"}),
        json!({"aud": null}),
        json!({"aud": two}),
        json!({"aud": two, "azp": "another"}),
        json!({"azp": "another"}),
        json!({"nonce": "another"}),
        json!({"nonce": null}),
        json!({"exp": now - 60}),
        json!({"exp": null}),
        json!({"nbf": now + 3_600}),
        json!({"sub": null}),
        json!({"sub": "x".repeat(256)}),
    ] {
        let answer = browser.sign_in(&issuer, wrong.clone()).await;
        println!("{wrong}");
        refused(answer, 401, "external_sign_in_failed").await;
    }
    let entries = of_sign_in(&world, 18).await;
    let wrong = entries
        .iter()
        .filter(|e| e["code"] == "external_sign_in_failed");
    assert_eq!(wrong.count(), 16);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_id_token_that_another_signed_or_nobody_signs_nobody_in() {
    let issuer = Issuer::start();
    let world = world(&issuer, |_| {}).await;
    link(&world, &world.trader, &issuer, SUBJECT).await;
    let browser = Browser::of(&world);
    let stranger = &GatewayKey::new(Algorithm::EdDsa);
    let p256 = GatewayKey::new(Algorithm::Es256);
    issuer.publish(&p256, "two");
    // A secret that is published is none.
    issuer.publish_secret("three", b"a published secret");
    let public = serde_json::to_value(issuer.key().public()).unwrap();
    let x = BASE64_URL_SAFE_NO_PAD.decode(public["x"].as_str().unwrap());
    let hs256 = |header: &Value, claims: &Value, secret: &[u8]| {
        let message = unsigned(header, claims);
        let key = hmac::Key::new(hmac::HMAC_SHA256, secret);
        let tag = hmac::sign(&key, message.as_bytes());
        format!("{message}.{}", BASE64_URL_SAFE_NO_PAD.encode(tag))
    };
    let x = x.unwrap();
    type Forge<'a> = Box<dyn Fn(&Value) -> String + 'a>;
    let header =
        |change: Value| changed(json!({"alg": "EdDSA", "kid": "one", "typ": "JWT"}), change);
    let good: Forge = Box::new(|claims: &Value| jwt(&header(json!({})), claims, issuer.key()));
    let by_p256: Forge = Box::new(|claims: &Value| {
        jwt(
            &header(json!({"alg": "ES256", "kid": "two"})),
            claims,
            &p256,
        )
    });
    let stolen = |change: Value| -> Forge<'_> {
        let header = header(change);
        Box::new(move |claims: &Value| jwt(&header, claims, stranger))
    };
    let key = issuer.key();
    let typed = |change: Value| -> Forge<'_> {
        let header = header(change);
        Box::new(move |claims: &Value| jwt(&header, claims, key))
    };
    let forged: [(&str, Forge); 17] = [
        (
            "address of keys",
            stolen(json!({"jku": "https://evil.example/jwks"})),
        ),
        (
            "address of a certificate",
            stolen(json!({"x5u": "https://evil.example/x"})),
        ),
        (
            "id that is a path",
            stolen(json!({"kid": "../../../../dev/null"})),
        ),
        ("type of another use", typed(json!({"typ": "logout+jwt"}))),
        (
            "extension that must be understood",
            typed(json!({"crit": ["exp"]})),
        ),
        (
            "claim twice",
            Box::new(|claims: &Value| {
                let claims = claims.to_string();
                let twice = format!(
                    "{},\"nonce\":\"x\",{}",
                    &claims[..claims.len() - 1],
                    &claims[1..]
                );
                jwt_of_text(&header(json!({})), &twice, issuer.key())
            }),
        ),
        (
            "none",
            Box::new(|claims: &Value| {
                format!("{}.", unsigned(&header(json!({"alg": "none"})), claims))
            }),
        ),
        (
            "no signature",
            Box::new(|claims: &Value| format!("{}.", unsigned(&header(json!({})), claims))),
        ),
        (
            "stranger",
            Box::new(|claims: &Value| jwt(&header(json!({})), claims, stranger)),
        ),
        (
            "unknown id",
            Box::new(|claims: &Value| jwt(&header(json!({"kid": "x"})), claims, issuer.key())),
        ),
        (
            "other id",
            Box::new(|claims: &Value| jwt(&header(json!({"kid": "two"})), claims, issuer.key())),
        ),
        (
            "other algorithm",
            Box::new(|claims: &Value| jwt(&header(json!({"alg": "ES256"})), claims, issuer.key())),
        ),
        (
            "public key as secret",
            Box::new(|claims: &Value| hs256(&header(json!({"alg": "HS256"})), claims, &x)),
        ),
        (
            "client's secret",
            Box::new(|claims: &Value| {
                hs256(
                    &header(json!({"alg": "HS256"})),
                    claims,
                    CLIENT_SECRET.as_bytes(),
                )
            }),
        ),
        (
            "published secret",
            Box::new(|claims: &Value| {
                hs256(
                    &header(json!({"alg": "HS256", "kid": "three"})),
                    claims,
                    b"a published secret",
                )
            }),
        ),
        (
            "embedded key",
            Box::new(|claims: &Value| {
                let own = serde_json::to_value(stranger.public()).unwrap();
                jwt(&header(json!({"kid": null, "jwk": own})), claims, stranger)
            }),
        ),
        ("nothing", Box::new(|_: &Value| String::new())),
    ];
    for forge in [&good, &by_p256] {
        let begun = browser.begin().await;
        issuer.will_give(forge(&issuer.claims(&begun, json!({}))));
        let query = [("code", "a code"), ("state", begun.asked["state"].as_str())];
        signed_in(&world, &browser.finish(&begun.cookie, &query).await);
    }
    for (what, forge) in &forged {
        let begun = browser.begin().await;
        issuer.will_give(forge(&issuer.claims(&begun, json!({}))));
        let query = [("code", "a code"), ("state", begun.asked["state"].as_str())];
        println!("{what}");
        let answer = browser.finish(&begun.cookie, &query).await;
        refused(answer, 401, "external_sign_in_failed").await;
    }
    // An answer that does not end is not read to its end.
    let begun = browser.begin().await;
    issuer.will_give(issuer.id_token(&begun, json!({"pad": "x".repeat(2 << 20)})));
    let query = [("code", "a code"), ("state", begun.asked["state"].as_str())];
    let answer = browser.finish(&begun.cookie, &query).await;
    refused(answer, 503, "unavailable").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sign_in_is_ended_by_the_browser_that_began_it_once() {
    let issuer = Issuer::start();
    let world = world(&issuer, |_| {}).await;
    link(&world, &world.trader, &issuer, SUBJECT).await;
    let browser = Browser::of(&world);
    let failed = "external_sign_in_failed";
    let [victim, attacker] = [browser.begin().await, browser.begin().await];
    let state = victim.asked["state"].as_str();
    let other = attacker.asked["state"].as_str();
    issuer.will_give(issuer.id_token(&victim, json!({})));
    for (cookie, query) in [
        // Another's state, and none.
        (
            victim.cookie.as_str(),
            vec![("code", "c"), ("state", other)],
        ),
        (&victim.cookie, vec![("code", "c")]),
        (&victim.cookie, vec![("code", "c"), ("state", "")]),
        // Another's browser, and one that began nothing.
        (&attacker.cookie, vec![("code", "c"), ("state", state)]),
        ("", vec![("code", "c"), ("state", state)]),
        ("oidc_sign_in=x", vec![("code", "c"), ("state", state)]),
        // Nobody was signed in.
        (&victim.cookie, vec![("state", state)]),
        (
            &victim.cookie,
            vec![("code", "c"), ("state", state), ("error", "access_denied")],
        ),
    ] {
        refused(browser.finish(cookie, &query).await, 401, failed).await;
    }
    assert!(issuer.asked("/token").is_empty(), "a code was tried");
    let query = [("code", "c"), ("state", state)];
    let answer = browser.finish(&victim.cookie, &query).await;
    assert_eq!(cookies(&answer)["oidc_sign_in"], "");
    signed_in(&world, &answer);
    // The code was used.
    refused(browser.finish(&victim.cookie, &query).await, 401, failed).await;
    // An ID token of another sign-in has another nonce.
    let [one, two] = [browser.begin().await, browser.begin().await];
    issuer.will_give(issuer.id_token(&one, json!({})));
    let query = [("code", "c"), ("state", two.asked["state"].as_str())];
    refused(browser.finish(&two.cookie, &query).await, 401, failed).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_address_links_nobody_and_makes_a_user_only_where_it_is_verified_and_free() {
    let issuer = Issuer::start();
    let world = world(&issuer, |oidc| oidc.create_users = true).await;
    let browser = Browser::of(&world);
    let taken = world.trader.email.clone();
    for claims in [
        json!({"email": taken, "email_verified": true}),
        json!({"email": taken.to_uppercase(), "email_verified": true}),
        json!({"email": taken, "email_verified": false}),
        json!({"email": "new@example.org", "email_verified": false}),
        json!({"email": "new@example.org"}),
        json!({"email": "no address", "email_verified": true}),
        json!({}),
    ] {
        println!("{claims}");
        let answer = browser.sign_in(&issuer, claims).await;
        refused(answer, 403, "external_user_unknown").await;
    }
    let listed = format!("/user/{}/identities", world.trader.id);
    assert_eq!(world.admin.get(&listed).await.expect(200), json!([]));

    let claims = json!({"email": "new@example.org", "email_verified": true, "name": "New"});
    let first = browser.sign_in(&issuer, claims).await;
    let me = signed_in(&world, &first).get("/user/me").await.expect(200);
    assert_eq!(
        (&me["name"], &me["role"]),
        (&json!("New"), &json!("AUDIT_USER"))
    );
    // From here on the subject counts, whatever address it has.
    let claims = json!({"email": taken, "email_verified": true});
    let again = browser.sign_in(&issuer, claims).await;
    let still = signed_in(&world, &again).get("/user/me").await.expect(200);
    assert_eq!(still["id"], me["id"]);
    // Who was removed does not come back as somebody new.
    let path = format!("/user/delete/{}", me["id"]);
    world.admin.delete(&path).await.expect(200);
    let claims = json!({"email": "new@example.org", "email_verified": true});
    let removed = browser.sign_in(&issuer, claims).await;
    refused(removed, 403, "external_user_unknown").await;
    world.registry.audit().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_provider_there_is_nowhere_to_go_and_one_that_is_away_is_told_of() {
    let without = World::start().await;
    let anonymous = without.registry.anonymous();
    for path in ["/auth/oidc/login", "/auth/oidc/callback?code=c&state=s"] {
        anonymous.get(path).await.refused(404, "route_not_found");
    }
    let issuer = Issuer::start();
    // Nothing listens on port 1.
    let world = world(&issuer, |oidc| {
        oidc.issuer = "http://127.0.0.1:1".to_owned()
    })
    .await;
    let anonymous = world.registry.anonymous();
    let login = anonymous.get("/auth/oidc/login").await;
    login.refused(503, "unavailable");
    for elsewhere in ["https://evil.example", "//evil.example", "/\\evil.example"] {
        let request = anonymous.request("GET", "/auth/oidc/login");
        let answer = anonymous
            .send(request.query(&[("return_to", elsewhere)]))
            .await;
        answer.refused(422, "request_invalid");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_browser_that_another_server_sends_back_is_not_signed_in() {
    for names_itself in [false, true] {
        let issuer = Issuer::start();
        if names_itself {
            issuer.will_name_itself();
        }
        let world = world(&issuer, |_| {}).await;
        link(&world, &world.trader, &issuer, SUBJECT).await;
        let browser = Browser::of(&world);
        let slash = format!("{}/", issuer.url);
        for (iss, is_taken) in [
            (None, !names_itself),
            (Some(issuer.url.as_str()), true),
            (Some("https://evil.example"), false),
            (Some(slash.as_str()), false),
            (Some(""), false),
        ] {
            let begun = browser.begin().await;
            issuer.will_give(issuer.id_token(&begun, json!({})));
            let mut query = vec![("code", "c"), ("state", begun.asked["state"].as_str())];
            query.extend(iss.map(|iss| ("iss", iss)));
            let answer = browser.finish(&begun.cookie, &query).await;
            println!("{iss:?} {names_itself}");
            if is_taken {
                signed_in(&world, &answer);
            } else {
                refused(answer, 401, "external_sign_in_failed").await;
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_browser_that_is_refused_is_shown_a_page_that_repeats_nothing_of_what_it_sent() {
    let issuer = Issuer::start();
    let world = world(&issuer, |_| {}).await;
    let client = reqwest::Client::new();
    for path in [
        "/auth/oidc/callback?code=c&state=s&error=%3Cscript%3Eevil%3C/script%3E",
        "/auth/oidc/login?return_to=//evil.example",
    ] {
        let url = format!("{}{path}", world.registry.url());
        let ask = |accept: &'static str| client.get(&url).header("accept", accept).send();
        let page = ask("text/html,application/xhtml+xml,*/*;q=0.8")
            .await
            .unwrap();
        assert!(page.status().is_client_error(), "{page:?}");
        let kind = header(&page, reqwest::header::CONTENT_TYPE);
        assert_eq!(kind, "text/html; charset=utf-8");
        let policy = header(&page, reqwest::header::CONTENT_SECURITY_POLICY);
        assert!(policy.starts_with("default-src 'none'"), "{policy}");
        let page = page.text().await.unwrap();
        assert!(page.contains("href=\"login\""), "{page}");
        assert!(page.contains("href=\"/problems/"), "{page}");
        assert!(!page.contains("evil"), "{page}");
        for program in ["*/*", "application/json"] {
            let problem = ask(program).await.unwrap();
            let kind = header(&problem, reqwest::header::CONTENT_TYPE);
            assert_eq!(kind, "application/problem+json");
        }
    }
    // The trail tells the code all the same.
    let entry = of_sign_in(&world, 3).await.remove(0);
    assert_eq!(entry["code"], "external_sign_in_failed");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_path_to_go_on_to_fits_into_the_cookie_or_is_refused_at_once() {
    let issuer = Issuer::start();
    let world = world(&issuer, |_| {}).await;
    let client = reqwest::Client::builder().redirect(reqwest::redirect::Policy::none());
    let client = client.build().unwrap();
    let begin = async |chars: usize| {
        let path = format!("/{}", "x".repeat(chars - 1));
        let url = format!("{}/auth/oidc/login?return_to={path}", world.registry.url());
        client.get(url).send().await.unwrap()
    };
    assert_eq!(begin(512).await.status(), 303);
    refused(begin(513).await, 422, "request_invalid").await;
}
