//! Who the provider signs in becomes a user once, in the role that follows.

use super::issuer::Issuer;
use super::{Browser, SUBJECT, link, refused, signed_in, with_roles, world};
use futures_util::future::join_all;
use serde_json::{Value, json};
use std::collections::BTreeSet;

#[tokio::test(flavor = "multi_thread")]
async fn a_role_is_the_configured_one_with_each_sign_in_and_none_without() {
    let issuer = Issuer::start();
    let world = world(&issuer, |oidc| {
        oidc.create_users = true;
        with_roles(oidc);
    })
    .await;
    let browser = Browser::of(&world);
    let claims =
        |roles: Value| json!({"email": "new@example.org", "email_verified": true, "roles": roles});
    for none in [
        json!(null),
        json!([]),
        json!("ADMIN"),
        json!(["admin", "4", 4]),
    ] {
        let answer = browser.sign_in(&issuer, claims(none)).await;
        refused(answer, 403, "external_role_missing").await;
    }
    for (words, role) in [
        (json!(["auditor", "trader", "ADMIN"]), "TRADING_USER"),
        (json!("auditor"), "AUDIT_USER"),
        (json!(["trader"]), "TRADING_USER"),
    ] {
        let answer = browser.sign_in(&issuer, claims(words)).await;
        let me = signed_in(&world, &answer).get("/user/me").await.expect(200);
        assert_eq!(me["role"], role);
    }
    world.registry.audit().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_last_administrator_is_not_demoted_by_signing_in_and_not_signed_in_as_one() {
    let issuer = Issuer::start();
    let world = world(&issuer, with_roles).await;
    link(&world, &world.admin, &issuer, SUBJECT).await;
    let browser = Browser::of(&world);
    let answer = browser.sign_in(&issuer, json!({"roles": "trader"})).await;
    refused(answer, 409, "last_administrator").await;
    let me = world.admin.get("/user/me").await.expect(200);
    assert_eq!(me["role"], "ADMIN");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_subject_that_signs_in_many_times_at_once_is_one_user() {
    let issuer = Issuer::start();
    let world = world(&issuer, |oidc| oidc.create_users = true).await;
    let browser = Browser::of(&world);
    let mut begun = Vec::new();
    for n in 0..16 {
        let (code, one) = (format!("code {n}"), browser.begin().await);
        let claims = json!({"email": "new@example.org", "email_verified": true, "name": "New"});
        issuer.will_give_for(&code, issuer.id_token(&one, claims));
        begun.push((code, one));
    }
    let browser = &browser;
    let finished = begun.iter().map(|(code, one)| {
        let query = [
            ("code", code.as_str()),
            ("state", one.asked["state"].as_str()),
        ];
        async move { browser.finish(&one.cookie, &query).await }
    });
    let mut ids = BTreeSet::new();
    for answer in join_all(finished).await {
        let me = signed_in(&world, &answer).get("/user/me").await.expect(200);
        ids.insert(me["id"].as_i64().unwrap());
    }
    assert_eq!(ids.len(), 1, "{ids:?}");
    let listed = world.admin.get("/user/list?limit=100").await.expect(200);
    let new = listed.as_array().unwrap().iter();
    assert_eq!(new.filter(|user| user["name"] == "New").count(), 1);
    world.registry.audit().await;
}
