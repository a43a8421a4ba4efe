//! Users linked to who they are elsewhere.

use super::issuer::Issuer;
use super::{Browser, SUBJECT, link, refused, signed_in, world};
use ledger::link::MAX_IDENTITIES;
use serde_json::json;
use tests::PASSWORD;

#[tokio::test(flavor = "multi_thread")]
async fn a_subject_is_one_user_until_it_is_unlinked() {
    let issuer = Issuer::start();
    let world = world(&issuer, |_| {}).await;
    let browser = Browser::of(&world);
    let unknown = browser.sign_in(&issuer, json!({})).await;
    refused(unknown, 403, "external_user_unknown").await;

    let id = link(&world, &world.trader, &issuer, SUBJECT).await;
    let again = link(&world, &world.trader, &issuer, SUBJECT).await;
    assert_eq!(id, again);
    let path = format!("/user/{}/identities", world.producer.id);
    let body = json!({"issuer": issuer.url, "subject": SUBJECT});
    let taken = world.admin.post(&path, body.clone()).await;
    taken.refused(409, "identity_taken");
    let listed = format!("/user/{}/identities", world.trader.id);
    let listed = world.admin.get(&listed).await.expect(200);
    assert_eq!(listed[0]["subject"], SUBJECT);
    assert_eq!(listed[0]["id"], id.as_str());

    signed_in(&world, &browser.sign_in(&issuer, json!({})).await);
    let path_of_it = format!("/user/identities/{id}");
    let unlinked = world.admin.delete(&path_of_it).await;
    assert_eq!(unlinked.status, 204, "{unlinked}");
    let nobody = browser.sign_in(&issuer, json!({})).await;
    refused(nobody, 403, "external_user_unknown").await;
    let gone = world.admin.delete(&path_of_it).await;
    gone.refused(404, "identity_not_found");
    world.admin.post(&path, body).await.expect(201);
    let answer = browser.sign_in(&issuer, json!({})).await;
    let me = signed_in(&world, &answer).get("/user/me").await.expect(200);
    assert_eq!(me["id"], world.producer.id);
    world.registry.audit().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_manages_users_links_them_to_issuers_that_are_configured() {
    let issuer = Issuer::start();
    let world = world(&issuer, |_| {}).await;
    let path = format!("/user/{}/identities", world.trader.id);
    let good = json!({"issuer": issuer.url, "subject": SUBJECT});
    for other in [&world.trader, &world.producer, &world.auditor] {
        let refused = other.post(&path, good.clone()).await;
        refused.refused(403, "capability_required");
    }
    for (body, place) in [
        (
            json!({"issuer": "https://evil.example", "subject": "1"}),
            "/issuer",
        ),
        (json!({"issuer": issuer.url, "subject": ""}), "/subject"),
        (
            json!({"issuer": issuer.url, "subject": "x".repeat(256)}),
            "/subject",
        ),
        (json!({"issuer": issuer.url}), "/subject"),
    ] {
        let refused = world.admin.post(&path, body).await;
        refused.refused_at(422, "request_invalid", place);
    }
    let nobody = world.admin.post("/user/999/identities", good).await;
    nobody.refused(404, "user_not_found");
    for number in 0..MAX_IDENTITIES {
        link(&world, &world.trader, &issuer, &number.to_string()).await;
    }
    let body = json!({"issuer": issuer.url, "subject": "one more"});
    let refused = world.admin.post(&path, body).await;
    refused.refused(409, "too_many_identities");
    world.registry.audit().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_was_removed_is_unlinked_and_another_is_linked_to_the_same() {
    let issuer = Issuer::start();
    let world = world(&issuer, |_| {}).await;
    let admin = &world.admin;
    let eve = admin
        .create_user("eve", "eve@registry.test", 0, PASSWORD)
        .await
        .expect(200);
    let path = format!("/user/{}/identities", eve["id"]);
    let body = json!({"issuer": issuer.url, "subject": SUBJECT});
    admin.post(&path, body.clone()).await.expect(201);
    admin
        .delete(&format!("/user/delete/{}", eve["id"]))
        .await
        .expect(200);
    let listed = admin.get(&path).await.expect(200);
    let unlink = format!("/user/identities/{}", listed[0]["id"].as_str().unwrap());
    let unlinked = admin.delete(&unlink).await;
    assert_eq!(unlinked.status, 204, "{unlinked}");
    let path = format!("/user/{}/identities", world.trader.id);
    admin.post(&path, body).await.expect(201);
}

#[tokio::test(flavor = "multi_thread")]
async fn who_has_no_password_adds_and_removes_a_second_factor_without_one() {
    let issuer = Issuer::start();
    let world = world(&issuer, |_| {}).await;
    let body = json!({"name": "Eve", "email": "eve@registry.test", "role": 0});
    let eve = world.admin.post("/user/create", body).await.expect(200);
    let body = json!({"issuer": issuer.url, "subject": SUBJECT});
    let path = format!("/user/{}/identities", eve["id"]);
    world.admin.post(&path, body).await.expect(201);
    let browser = Browser::of(&world);
    let eve = signed_in(&world, &browser.sign_in(&issuer, json!({})).await);
    let offer = eve.post_nothing("/user/me/second_factor").await.expect(200);
    let code = crate::second_factor::code_of(offer["secret"].as_str().unwrap());
    let body = json!({"enrolment": offer["enrolment"], "code": code});
    let added = eve
        .post("/user/me/second_factor/confirm", body)
        .await
        .expect(200);
    let remove = async |otp: &serde_json::Value| {
        let request = eve.request("DELETE", "/user/me/second_factor");
        eve.send(request.json(&json!({"otp": otp}))).await
    };
    let wrong = remove(&json!("000")).await;
    assert!(wrong.status >= 400, "{wrong}");
    let removed = remove(&added["recovery_codes"][0]).await;
    assert_eq!(removed.status, 204, "{removed}");
}
