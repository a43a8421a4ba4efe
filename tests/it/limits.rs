//! Limits of requests: who exceeds one waits, and takes nothing from others.

use registry::config::{Limits, Rate};
use serde_json::json;
use tests::{Clusters, PASSWORD, Registry, World, email};

/// So few that none is added while a test runs.
const FEW: Rate = Rate {
    per_minute: 1,
    burst: 3,
};

async fn registry(limits: Limits) -> Registry {
    let mut registry = Registry::prepare(Clusters::shared().await).await;
    registry.config.limits = limits;
    registry.up().await;
    registry
}

#[tokio::test(flavor = "multi_thread")]
async fn a_principal_that_asks_too_often_is_told_when_to_come_back_and_others_are_not_held_up() {
    let registry = registry(Limits {
        principal: FEW,
        ..Limits::default()
    });
    let registry = registry.await;
    let anonymous = registry.anonymous();
    registry.admin().await;
    let trader = anonymous.signed_in(&email("trader"), PASSWORD).await;
    for _ in 0..FEW.burst {
        trader.get("/user/me").await.expect(200);
    }
    let refused = trader.get("/user/me").await;
    let wait: i64 = refused.header("retry-after").parse().unwrap();
    assert!((1..=61).contains(&wait), "{refused}");
    assert_eq!(
        refused.header("ratelimit-policy"),
        "\"principal\";q=3;w=180"
    );
    assert_eq!(
        refused.header("ratelimit"),
        format!("\"principal\";r=0;t={wait}")
    );
    assert!(!refused.header("x-request-id").is_empty());
    refused.refused_saying(429, "too_many_requests", "principal");
    let auditor = anonymous.signed_in(&email("auditor"), PASSWORD).await;
    auditor.get("/user/me").await.expect(200);
    // A refusal for this is one like any other.
    let body = json!({"account_name": "A"});
    trader
        .post("/account/create", body)
        .await
        .refused(429, "too_many_requests");
    let admin = anonymous.signed_in(&email("admin"), PASSWORD).await;
    let trail = admin.get("/audit?code=too_many_requests").await.expect(200);
    assert_eq!(trail[0]["operation"], "create_account");
    assert_eq!(trail[0]["user_id"], trader.id);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_address_that_asks_too_often_is_refused_whoever_asks() {
    let registry = registry(Limits {
        address: FEW,
        ..Limits::default()
    });
    let registry = registry.await;
    let anonymous = registry.anonymous();
    for _ in 0..FEW.burst {
        anonymous.get("/healthz").await.expect(200);
    }
    let refused = anonymous.get("/healthz").await;
    refused.refused_saying(429, "too_many_requests", "address");
}

#[tokio::test(flavor = "multi_thread")]
async fn who_proves_nothing_again_and_again_is_no_longer_listened_to_where_no_credentials_are_asked_for()
 {
    let registry = registry(Limits {
        unproven: FEW,
        ..Limits::default()
    });
    let world = World::on(registry.await).await;
    let anonymous = world.registry.anonymous();
    for _ in 0..=FEW.burst {
        anonymous
            .login(&email("trader"), "wrong")
            .await
            .refused(401, "login_failed");
    }
    let right = anonymous.login(&email("trader"), PASSWORD).await;
    right.refused_saying(429, "too_many_requests", "unproven");
    let enrolment = anonymous.post("/gateway/enrol", json!({})).await;
    enrolment.refused(429, "too_many_requests");
    let envelopes = anonymous
        .post("/gateway/events", json!({"envelopes": ["x"]}))
        .await;
    envelopes.refused(429, "too_many_requests");
    // Who has proven who they are goes on.
    world.trader.get("/user/me").await.expect(200);
}

#[tokio::test(flavor = "multi_thread")]
async fn envelopes_that_nobody_signed_count_and_those_that_break_a_rule_do_not() {
    let registry = registry(Limits {
        unproven: FEW,
        ..Limits::default()
    });
    let world = World::on(registry.await).await;
    let anonymous = world.registry.anonymous();
    let forged = vec!["e30.e30.AA"; FEW.burst as usize + 1];
    let body = json!({"envelopes": forged});
    anonymous
        .post("/gateway/events", body.clone())
        .await
        .expect(200);
    anonymous
        .post("/gateway/events", body)
        .await
        .refused(429, "too_many_requests");
}

#[tokio::test(flavor = "multi_thread")]
async fn signing_in_has_a_limit_of_its_own() {
    let registry = registry(Limits {
        sign_in: FEW,
        ..Limits::default()
    });
    let registry = registry.await;
    let anonymous = registry.anonymous();
    registry.admin().await;
    for _ in 1..FEW.burst {
        anonymous.login(&email("admin"), PASSWORD).await.expect(200);
    }
    let refused = anonymous.login(&email("admin"), PASSWORD).await;
    refused.refused_saying(429, "too_many_requests", "sign_in");
}
