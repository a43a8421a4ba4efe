//! Users linked to who they are elsewhere.

use super::issuer::Issuer;
use super::{Browser, SUBJECT, link, refused, signed_in, world};
use ledger::link::MAX_IDENTITIES;
use serde_json::json;

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
