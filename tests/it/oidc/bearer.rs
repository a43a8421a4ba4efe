//! JWTs of the provider on API calls.

use super::issuer::{Issuer, changed, jwt, jwt_of_text, unsigned};
use super::{SUBJECT, link, with_roles, world};
use chrono::{TimeDelta, Utc};
use schemas::gateway::Algorithm;
use serde_json::{Value, json};
use tests::GatewayKey;

/// What the API is called at the issuer.
const API: &str = "https://registry.example/api";

#[tokio::test(flavor = "multi_thread")]
async fn a_token_for_this_api_is_its_user_within_the_configured_role() {
    let issuer = Issuer::start();
    let world = world(&issuer, |oidc| {
        oidc.audiences = vec![API.to_owned()];
        with_roles(oidc);
    })
    .await;
    link(&world, &world.producer, &issuer, SUBJECT).await;
    let anonymous = world.registry.anonymous();
    let token = |change: Value| {
        let token = issuer.signed(&changed(issuer.bare_claims(API), change));
        anonymous.with_token(&token)
    };
    let [bundle] = world.issue([10]).await;
    let trades = token(json!({"roles": ["trader"]}));
    trades
        .transfer(world.s, world.t, &[bundle])
        .await
        .expect(202);
    // The user may submit readings, the role that the issuer gives may not.
    let submits = trades.submit(world.w, &tests::hours(100, [1])).await;
    submits.refused(403, "capability_required");
    let none = token(json!({"roles": ["ADMIN"]}));
    none.get("/user/me")
        .await
        .refused(403, "capability_required");
    let keys = json!({"name": "n", "capabilities": ["read"], "expires_at": Utc::now() + TimeDelta::days(1)});
    trades
        .post("/api_keys", keys)
        .await
        .refused(403, "sign_in_required");

    let now = Utc::now().timestamp();
    for wrong in [
        json!({"aud": "another"}),
        json!({"aud": super::CLIENT_ID}),
        json!({"iss": "https://evil.example"}),
        json!({"exp": now - 60}),
        json!({"sub": "somebody else"}),
    ] {
        println!("{wrong}");
        let refused = token(wrong).get("/user/me").await;
        refused.refused(401, "token_invalid");
    }
    let claims = issuer.bare_claims(API);
    let forged = |header: Value, claims: &Value| {
        let token = jwt(&header, claims, issuer.key());
        anonymous.with_token(&token)
    };
    let header = json!({"alg": "EdDSA", "kid": "one", "typ": "at+jwt"});
    let by_type = forged(
        header.clone(),
        &changed(claims.clone(), json!({"roles": "trader"})),
    );
    by_type.get("/user/me").await.expect(200);
    for wrong in [
        json!({"typ": "logout+jwt"}),
        json!({"typ": "secevent+jwt"}),
        json!({"crit": ["exp"]}),
        json!({"alg": "none"}),
        json!({"alg": "HS256"}),
        json!({"kid": "../one"}),
    ] {
        println!("{wrong}");
        let refused = forged(changed(header.clone(), wrong), &claims);
        refused.get("/user/me").await.refused(401, "token_invalid");
    }
    let message = unsigned(&json!({"alg": "none", "typ": "JWT"}), &claims);
    let unsigned = anonymous.with_token(&format!("{message}."));
    unsigned.get("/user/me").await.refused(401, "token_invalid");
    let twice = claims.to_string();
    let twice = format!("{},{}", &twice[..twice.len() - 1], &twice[1..]);
    let twice = anonymous.with_token(&jwt_of_text(&header, &twice, issuer.key()));
    twice.get("/user/me").await.refused(401, "token_invalid");
    // A role gives nothing that the user does not have.
    let path = format!("/user/change_role/{}?role=1", world.producer.id);
    world.admin.post_nothing(&path).await.expect(200);
    let again = token(json!({"roles": "trader"}));
    let refused = again.transfer(world.t, world.s, &[bundle]).await;
    refused.refused(403, "capability_required");
    world.registry.audit().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_that_is_new_is_looked_for_once_however_many_ask() {
    let issuer = Issuer::start();
    let world = world(&issuer, |oidc| oidc.audiences = vec![API.to_owned()]).await;
    link(&world, &world.trader, &issuer, SUBJECT).await;
    let anonymous = world.registry.anonymous();
    let claims = issuer.bare_claims(API);
    let good = anonymous.with_token(&issuer.signed(&claims));
    good.get("/user/me").await.expect(200);
    assert_eq!(issuer.asked("/jwks").len(), 1);

    let key = GatewayKey::new(Algorithm::Es256);
    issuer.publish(&key, "new");
    let header = |kid: &str| json!({"alg": "ES256", "kid": kid});
    let new = anonymous.with_token(&jwt(&header("new"), &claims, &key));
    new.get("/user/me").await.expect(200);
    for number in 0..20 {
        let kid = format!("no such {number}");
        let unknown = anonymous.with_token(&jwt(&header(&kid), &claims, &key));
        unknown.get("/user/me").await.refused(401, "token_invalid");
    }
    assert_eq!(issuer.asked("/jwks").len(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn without_an_audience_no_token_of_the_provider_is_taken() {
    let issuer = Issuer::start();
    let world = world(&issuer, |_| {}).await;
    link(&world, &world.trader, &issuer, SUBJECT).await;
    for audience in [API, super::CLIENT_ID, ""] {
        let token = issuer.signed(&issuer.bare_claims(audience));
        let actor = world.registry.anonymous().with_token(&token);
        actor.get("/user/me").await.refused(401, "token_invalid");
    }
}
