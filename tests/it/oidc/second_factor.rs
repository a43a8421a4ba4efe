//! Whoever has a second factor is asked for it after the provider has signed them in, too.

use super::issuer::Issuer;
use super::{Browser, SUBJECT, cookies, header, link, refused, signed_in, world};
use crate::second_factor::{Enrolled, enrol};
use reqwest::Response;
use reqwest::header::{COOKIE, LOCATION};
use serde_json::json;
use tests::World;

const PATH: &str = "/auth/oidc/second_factor";
/// The same for a page beside it.
const PAGE: &str = "second_factor";

/// Comes back from the provider; the cookie that waits for a code.
async fn waiting(world: &World, browser: &Browser, issuer: &Issuer) -> String {
    let answer = browser.sign_in(issuer, json!({"amr": ["pwd"]})).await;
    assert_eq!(answer.status(), 303, "{answer:?}");
    assert_eq!(header(&answer, LOCATION), PAGE);
    let cookies = cookies(&answer);
    assert!(!cookies.contains_key("access_token") && !cookies.contains_key("refresh_token"));
    assert_eq!(cookies["oidc_sign_in"], "");
    let sessions = world.trader.get("/user/me/sessions").await.expect(200);
    assert_eq!(sessions.as_array().unwrap().len(), 1, "none was opened");
    format!("oidc_second_factor={}", cookies["oidc_second_factor"])
}

impl Browser {
    async fn send_code(&self, cookie: &str, otp: &str) -> Response {
        let url = format!("{}{PATH}", self.base);
        let request = self.client.post(url).form(&[("otp", otp)]);
        request.header(COOKIE, cookie).send().await.unwrap()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_session_is_opened_by_a_code_of_the_second_factor_and_each_is_good_once() {
    let issuer = Issuer::start();
    let world = world(&issuer, |_| {}).await;
    link(&world, &world.trader, &issuer, SUBJECT).await;
    let Enrolled { recovery, .. } = enrol(&world.trader).await;
    let browser = Browser::of(&world);
    let form = format!("{}{PATH}", browser.base);
    let form = browser.client.get(form).send().await.unwrap();
    let form = form.text().await.unwrap();
    assert!(form.contains("name=\"otp\""), "{form}");

    let cookie = waiting(&world, &browser, &issuer).await;
    let wrong = browser.send_code(&cookie, "000").await;
    refused(wrong, 401, "second_factor_invalid").await;
    for none in ["", "oidc_second_factor=x", &cookie[..cookie.len() - 2]] {
        let refusal = browser.send_code(none, &recovery[0]).await;
        refused(refusal, 401, "external_sign_in_failed").await;
    }
    let answer = browser.send_code(&cookie, &recovery[0]).await;
    let me = signed_in(&world, &answer).get("/user/me").await.expect(200);
    assert_eq!(me["id"], world.trader.id);
    assert_eq!(header(&answer, LOCATION), "/docs?x=1");
    assert_eq!(cookies(&answer)["oidc_second_factor"], "");
    let again = browser.send_code(&cookie, &recovery[0]).await;
    refused(again, 401, "second_factor_invalid").await;
    world.registry.audit().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_provider_that_asks_for_one_is_believed_where_that_is_configured() {
    let issuer = Issuer::start();
    let world = world(&issuer, |oidc| {
        oidc.second_factor = vec!["mfa".to_owned(), "urn:two".to_owned()];
    })
    .await;
    link(&world, &world.trader, &issuer, SUBJECT).await;
    enrol(&world.trader).await;
    let browser = Browser::of(&world);
    waiting(&world, &browser, &issuer).await;
    for none in [
        json!({}),
        json!({"amr": ["MFA", "pwd"]}),
        json!({"amr": [["mfa"]]}),
        json!({"acr": "urn:one"}),
    ] {
        let answer = browser.sign_in(&issuer, none).await;
        assert_eq!(header(&answer, LOCATION), PAGE);
    }
    for asked in [json!({"amr": ["pwd", "mfa"]}), json!({"acr": "urn:two"})] {
        let answer = browser.sign_in(&issuer, asked).await;
        signed_in(&world, &answer);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn codes_are_not_to_be_guessed_after_the_provider_either() {
    let issuer = Issuer::start();
    let world = world(&issuer, |_| {}).await;
    link(&world, &world.trader, &issuer, SUBJECT).await;
    let enrolled = enrol(&world.trader).await;
    let browser = Browser::of(&world);
    let cookie = waiting(&world, &browser, &issuer).await;
    for _ in 0..10 {
        let wrong = browser.send_code(&cookie, "000").await;
        refused(wrong, 401, "second_factor_invalid").await;
    }
    let late = browser.send_code(&cookie, &enrolled.recovery[0]).await;
    refused(late, 429, "too_many_requests").await;
}
