//! The keys that sign access tokens, and how they change.

use super::session::sign_in;
use chrono::TimeDelta;
use projections::postgres::Secret;
use registry::identity::{KeyRing, Master, NewKey, Tokens};
use registry::read::signing_key::SigningKeyRow;
use schemas::id::UserId;
use serde_json::Value;
use tests::{Clusters, PASSWORD, Registry, World, email, eventually};
use uuid::Uuid;

/// The `kid` that a token names.
fn key_of(token: &str) -> Value {
    use base64::Engine as _;
    use base64::prelude::BASE64_URL_SAFE_NO_PAD;
    let header = BASE64_URL_SAFE_NO_PAD.decode(token.split('.').next().unwrap());
    serde_json::from_slice::<Value>(&header.unwrap()).unwrap()["kid"].clone()
}

#[tokio::test(flavor = "multi_thread")]
async fn keys_change_by_schedule_and_what_the_last_one_signed_still_counts() {
    let mut registry = Registry::prepare(Clusters::shared().await).await;
    let auth = &mut registry.config.auth;
    auth.session_days = auth.signing_key_days + 1;
    let days = TimeDelta::days(auth.signing_key_days.into());
    registry.up().await;
    let anonymous = registry.anonymous();
    let old = sign_in(&registry, "trader").await;
    let kid = key_of(old.actor.token());
    let published = anonymous.get("/.well-known/jwks.json").await.expect(200);
    assert_eq!(published["keys"][0]["kid"], kid);
    assert_eq!(published["keys"][0]["alg"], "EdDSA");
    assert!(published["keys"][0].get("d").is_none());

    registry.clock.advance(days);
    let new = eventually("another key signs", async || {
        let new = old.refreshed(&anonymous).await;
        Some(new).filter(|new| key_of(new.actor.token()) != kid)
    })
    .await;
    new.actor.get("/user/me").await.expect(200);
    old.actor.get("/user/me").await.expect(200);
    let both = eventually("both keys are published", async || {
        let keys = anonymous.get("/.well-known/jwks.json").await.expect(200);
        Some(keys).filter(|keys| keys["keys"].as_array().unwrap().len() == 2)
    })
    .await;
    assert_eq!(both["keys"][0]["kid"], kid);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_that_is_replaced_at_once_takes_its_tokens_along() {
    let registry = Registry::start().await;
    let old = sign_in(&registry, "trader").await;
    let master = registry.config.auth.master().unwrap();
    let none = TimeDelta::zero();
    registry
        .core()
        .replace_signing_key(&master, none)
        .await
        .unwrap();
    old.is_over().await;
    // The session is not.
    let new = old.refreshed(&registry.anonymous()).await;
    new.actor.get("/user/me").await.expect(200);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_registry_that_is_started_again_knows_its_sessions_and_keys() {
    let mut registry = Registry::start().await;
    let signed_in = sign_in(&registry, "trader").await;
    registry.down().await;
    registry.up().await;
    signed_in.actor.get("/user/me").await.expect(200);
    let kid = key_of(signed_in.actor.token());
    let again = signed_in.refreshed(&registry.anonymous()).await;
    assert_eq!(key_of(again.actor.token()), kid);
}

/// A token of a registry with the same master secret, under a key that this one has never seen.
fn token_of_unknown_key(registry: &Registry) -> String {
    let secret = registry.config.auth.master().unwrap();
    let master = Master::new(secret.expose().as_bytes());
    let vault = master.vault().unwrap();
    let key = NewKey::random(&vault).unwrap();
    let row = SigningKeyRow {
        key_id: key.public_key.key_id(),
        public_key: key.public_key,
        sealed: key.sealed,
        added_at: chrono::Utc::now(),
        accepted_until: None,
    };
    let ring = KeyRing::of(vec![row], &vault);
    let tokens = Tokens::new(&master, &registry.config.domain, 15);
    tokens.access(&ring, UserId(1), Uuid::nil()).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_that_the_log_may_tell_of_is_waited_for_and_one_that_it_does_not_is_refused() {
    let mut registry = Registry::prepare(Clusters::shared().await).await;
    registry.config.http.read_wait_ms = 500;
    registry.up().await;
    let world = World::on(registry).await;
    let token = token_of_unknown_key(&world.registry);
    let somebody = world.registry.anonymous().with_token(&token).alone();
    let refused = somebody.get("/user/me").await;
    refused.refused(401, "token_invalid");
    // READ stands still.
    let pool = projections::postgres::pool(&world.registry.config.database.read).unwrap();
    let mut client = pool.get().await.unwrap();
    let standstill = client.transaction().await.unwrap();
    let hold = "SELECT FROM checkpoint FOR UPDATE";
    standstill.query(hold, &[]).await.unwrap();
    let created = world
        .admin
        .create_user("new", "new@registry.test", 1, PASSWORD)
        .await;
    created.expect(200);
    let unlike = async |status: u16| {
        let answer = somebody.get("/user/me").await;
        (answer.status != status).then_some(answer)
    };
    let waits = eventually("the key is looked for", async || unlike(401).await).await;
    assert_eq!(waits.header("retry-after"), "1");
    waits.refused(503, "read_lagging");
    // Known keys are good meanwhile.
    let known = world.trader.alone().get("/account/list").await;
    assert_ne!(known.status, 401, "{known}");
    standstill.rollback().await.unwrap();
    let refused = eventually("READ goes on", async || unlike(503).await).await;
    refused.refused(401, "token_invalid");
}

#[tokio::test(flavor = "multi_thread")]
async fn attack_a_key_that_was_replaced_before_the_compromised_one_signs_on() {
    let registry = Registry::start().await;
    let old = sign_in(&registry, "trader").await;
    let master = registry.config.auth.master().unwrap();
    let replace = async |overlap| {
        let replaced = registry.core().replace_signing_key(&master, overlap).await;
        replaced.unwrap()
    };
    replace(TimeDelta::hours(1)).await;
    let newer = eventually("another key signs", async || {
        let newer = old.refreshed(&registry.anonymous()).await;
        Some(newer).filter(|newer| key_of(newer.actor.token()) != key_of(old.actor.token()))
    })
    .await;
    old.actor.get("/user/me").await.expect(200);
    replace(TimeDelta::zero()).await;
    newer.is_over().await;
    old.is_over().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_process_with_another_master_secret_does_not_take_the_place_of_a_new_key() {
    let mut registry = Registry::start().await;
    let before = sign_in(&registry, "trader").await;
    registry.down().await;
    registry.config.auth.master_secret = Secret::new("another secret of 32 characters!");
    registry.up().await;
    let anonymous = registry.anonymous();
    let refused = anonymous.login(&email("trader"), PASSWORD).await;
    refused.refused(503, "unavailable");
    // It still counts.
    before.actor.get("/user/me").await.expect(200);
    let master = registry.config.auth.master().unwrap();
    let none = TimeDelta::zero();
    let replaced = registry.core().replace_signing_key(&master, none).await;
    replaced.unwrap();
    eventually("the new key signs", async || {
        let answer = anonymous.login(&email("trader"), PASSWORD).await;
        (answer.status == 200).then_some(())
    })
    .await;
}
