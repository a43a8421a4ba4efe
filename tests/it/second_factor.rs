//! Codes beside the password.

use chrono::Utc;
use registry::identity::TotpSecret;
use serde_json::{Value, json};
use tests::{Actor, Answer, PASSWORD, World, email};

/// Somebody with an authenticator.
pub struct Enrolled {
    /// The offer that was confirmed.
    enrolment: Value,
    secret: TotpSecret,
    pub recovery: Vec<String>,
    /// Period of the last code that was used.
    used: i64,
}

fn now_step() -> i64 {
    Utc::now().timestamp() / 30
}

fn decoded(base32: &str) -> TotpSecret {
    let digit = |c: char| "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567".find(c).unwrap();
    let bits: String = base32
        .chars()
        .map(|c| format!("{:05b}", digit(c)))
        .collect();
    let byte = |at: usize| u8::from_str_radix(&bits[at * 8..at * 8 + 8], 2).unwrap();
    TotpSecret(std::array::from_fn(byte))
}

/// The code of now that follows from a secret as people type it.
pub fn code_of(base32: &str) -> String {
    decoded(base32).code(now_step())
}

pub async fn enrol(user: &Actor) -> Enrolled {
    let offer = user
        .post_nothing("/user/me/second_factor")
        .await
        .expect(200);
    let secret = decoded(offer["secret"].as_str().unwrap());
    let used = now_step();
    let body =
        json!({"enrolment": offer["enrolment"], "code": secret.code(used), "password": PASSWORD});
    let confirmed = user.post("/user/me/second_factor/confirm", body).await;
    let codes = confirmed.expect(200)["recovery_codes"].clone();
    let recovery: Vec<String> = serde_json::from_value(codes).unwrap();
    assert_eq!(recovery.len(), 10);
    Enrolled {
        enrolment: offer["enrolment"].clone(),
        secret,
        recovery,
        used,
    }
}

async fn login(anonymous: &Actor, otp: Value) -> Answer {
    let body = json!({"username": email("trader"), "password": PASSWORD, "otp": otp});
    anonymous.post("/auth/login", body).await
}

#[tokio::test(flavor = "multi_thread")]
async fn who_has_a_second_factor_needs_a_code_of_it_and_each_is_good_once() {
    let world = World::start().await;
    let anonymous = world.registry.anonymous();
    let enrolled = enrol(&world.trader).await;
    let none = login(&anonymous, Value::Null).await;
    none.refused(401, "second_factor_required");
    // The code that confirmed it is used up.
    let spent = login(&anonymous, json!(enrolled.secret.code(enrolled.used))).await;
    spent.refused(401, "second_factor_invalid");
    let next = json!(enrolled.secret.code(enrolled.used + 1));
    login(&anonymous, next.clone()).await.expect(200);
    let replayed = login(&anonymous, next).await;
    replayed.refused(401, "second_factor_invalid");
    for wrong in ["", "000", "abcdef", "0000000"] {
        let refused = login(&anonymous, json!(wrong)).await;
        refused.refused(401, "second_factor_invalid");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn that_a_code_is_needed_is_said_to_nobody_without_the_password() {
    let world = World::start().await;
    enrol(&world.trader).await;
    let anonymous = world.registry.anonymous();
    let wrong = anonymous
        .login(&email("trader"), "correct horse batterz")
        .await;
    let unknown = anonymous.login("nobody@registry.test", PASSWORD).await;
    let wrong = wrong.refused(401, "login_failed");
    assert_eq!(wrong, unknown.refused(401, "login_failed"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_recovery_code_takes_the_place_of_a_code_once() {
    let world = World::start().await;
    let anonymous = world.registry.anonymous();
    let enrolled = enrol(&world.trader).await;
    let first = json!(enrolled.recovery[0]);
    login(&anonymous, first.clone()).await.expect(200);
    let again = login(&anonymous, first).await;
    again.refused(401, "second_factor_invalid");
    let typed = enrolled.recovery[1].to_lowercase().replace('-', " ");
    login(&anonymous, json!(typed)).await.expect(200);
}

#[tokio::test(flavor = "multi_thread")]
async fn of_two_who_use_a_code_at_once_one_signs_in() {
    let world = World::start().await;
    let anonymous = world.registry.anonymous();
    let enrolled = enrol(&world.trader).await;
    let all = (0..6).map(|_| login(&anonymous, json!(enrolled.recovery[0])));
    let answers = futures_util::future::join_all(all).await;
    let signed_in = answers.iter().filter(|answer| answer.status == 200);
    assert_eq!(signed_in.count(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn removing_it_takes_password_and_code() {
    let world = World::start().await;
    let trader = &world.trader;
    let enrolled = enrol(trader).await;
    let remove = async |password: &str, otp: &str| {
        let body = json!({"password": password, "otp": otp});
        let request = trader
            .request("DELETE", "/user/me/second_factor")
            .json(&body);
        trader.send(request).await
    };
    let code = &enrolled.recovery[0];
    remove("wrong", code)
        .await
        .refused(422, "current_password_wrong");
    remove(PASSWORD, "000")
        .await
        .refused_at(422, "second_factor_wrong", "/otp");
    let again = trader
        .post_nothing("/user/me/second_factor")
        .await
        .expect(200);
    let secret = decoded(again["secret"].as_str().unwrap());
    let body = json!({
        "enrolment": again["enrolment"], "code": secret.code(now_step()), "password": PASSWORD,
    });
    let twice = trader.post("/user/me/second_factor/confirm", body).await;
    twice.refused(409, "second_factor_exists");
    let removed = remove(PASSWORD, code).await;
    assert_eq!(removed.status, 204, "{removed}");
    let anonymous = world.registry.anonymous();
    login(&anonymous, Value::Null).await.expect(200);
    remove(PASSWORD, code)
        .await
        .refused(409, "second_factor_missing");
}

#[tokio::test(flavor = "multi_thread")]
async fn attack_a_removed_second_factor_is_confirmed_again_and_its_codes_with_it() {
    let world = World::start().await;
    let trader = &world.trader;
    let enrolled = enrol(trader).await;
    let offer = trader.post_nothing("/user/me/second_factor").await;
    let offer = offer.expect(200);
    let path = format!("/user/{}/second_factor", trader.id);
    let removed = world.admin.delete(&path).await;
    assert_eq!(removed.status, 204, "{removed}");
    let unused = decoded(offer["secret"].as_str().unwrap());
    for (enrolment, secret) in [
        (&enrolled.enrolment, &enrolled.secret),
        (&offer["enrolment"], &unused),
    ] {
        let code = secret.code(now_step());
        let body = json!({"enrolment": enrolment, "code": code, "password": PASSWORD});
        let again = trader.post("/user/me/second_factor/confirm", body).await;
        again.refused_at(422, "request_invalid", "/enrolment");
    }
    let anonymous = world.registry.anonymous();
    login(&anonymous, Value::Null).await.expect(200);
    // One that is offered now is taken.
    let enrolled = enrol(trader).await;
    login(&anonymous, json!(enrolled.recovery[0]))
        .await
        .expect(200);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_offer_is_its_users_and_is_not_altered() {
    let world = World::start().await;
    let offer = world.trader.post_nothing("/user/me/second_factor").await;
    let offer = offer.expect(200);
    let secret = decoded(offer["secret"].as_str().unwrap());
    let enrolment = offer["enrolment"].as_str().unwrap();
    let (_, sealed) = enrolment.split_once('.').unwrap();
    let later = format!("99999999999.{sealed}");
    let confirm = async |user: &Actor, enrolment: &str, code: String| {
        let body = json!({"enrolment": enrolment, "code": code, "password": PASSWORD});
        user.post("/user/me/second_factor/confirm", body).await
    };
    let code = || secret.code(now_step());
    let theirs = confirm(&world.producer, enrolment, code()).await;
    theirs.refused_at(422, "request_invalid", "/enrolment");
    let altered = confirm(&world.trader, &later, code()).await;
    altered.refused_at(422, "request_invalid", "/enrolment");
    let wrong = confirm(&world.trader, enrolment, "abc".to_owned()).await;
    wrong.refused_at(422, "request_invalid", "/code");
}

#[tokio::test(flavor = "multi_thread")]
async fn attack_a_stolen_access_token_adds_no_second_factor() {
    let world = World::start().await;
    let trader = &world.trader;
    let offer = trader.post_nothing("/user/me/second_factor").await;
    let offer = offer.expect(200);
    let code = code_of(offer["secret"].as_str().unwrap());
    for password in [Value::Null, json!("wrong")] {
        let body = json!({"enrolment": offer["enrolment"], "code": code, "password": password});
        let refused = trader.post("/user/me/second_factor/confirm", body).await;
        refused.refused_at(422, "current_password_wrong", "/password");
    }
    let anonymous = world.registry.anonymous();
    login(&anonymous, Value::Null).await.expect(200);
}
