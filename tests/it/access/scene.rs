//! Something of every kind in account S, and everybody who may ask for it.

use schemas::gateway::Algorithm;
use serde_json::{Value, json};
use tests::{Actor, Clusters, PASSWORD, Registry, TestGateway, World, eventually};

/// A world with an entry of every kind in account S.
pub struct Scene {
    pub world: World,
    /// Of account O alone.
    pub stranger: Actor,
    pub validator: Actor,
    /// Signed in once, and removed since.
    pub removed: Actor,
    /// Whose token is no longer good.
    pub expired: Actor,
    /// The producer, who signed out with this token.
    pub revoked: Actor,
    /// A machine of the producer's, with a key that is good for settling exports and nothing else.
    pub machine: Actor,
    /// A key and a session of the producer's that nobody uses.
    pub key_id: String,
    pub session_id: String,
    pub battery: i64,
    pub bundle: i64,
    /// A bundle that nothing can be done with any longer.
    pub cancelled: i64,
    pub action: i64,
    pub export: i64,
    pub rule: i64,
    pub measurement: i64,
    pub gateway: i64,
    /// It owns account S, and nobody belongs to it.
    pub organisation: i64,
}

impl Scene {
    pub async fn set(separation_of_duties: bool) -> Self {
        let mut registry = Registry::prepare(Clusters::shared().await).await;
        registry.config.auth.separation_of_duties = separation_of_duties;
        registry.up().await;
        let world = World::on(registry).await;
        let stranger = user(&world, "stranger", 3).await;
        stranger.open_account("O", &[]).await;
        let validator = user(&world, "validator", 0).await;
        let members = [
            world.producer.id,
            world.trader.id,
            world.auditor.id,
            validator.id,
        ];
        let path = format!("/account/update/{}", world.s);
        let body = json!({"user_ids": members});
        world.producer.patch(&path, body).await.expect(200);
        let removed = user(&world, "removed", 3).await;
        let path = format!("/user/delete/{}", removed.id);
        world.admin.delete(&path).await.expect(200);
        let expired = expired(&world).await;
        let revoked = sign_in(&world).await;
        let revoked = world
            .producer
            .with_token(revoked["access_token"].as_str().unwrap());
        assert_eq!(revoked.post_nothing("/auth/logout").await.status, 204);
        let machine = key(&world, "settle_exports").await;
        let machine = world.producer.with_token(machine["key"].as_str().unwrap());
        let unused = key(&world, "read").await;
        let session = sign_in(&world).await;
        let battery = json!({
            "device_name": "Battery", "local_device_identifier": "BAT-1", "is_storage": true,
            "energy_source": "battery_storage", "technology_type": "battery_storage",
        });
        let battery = world.producer.register_device(world.s, battery).await;
        let [bundle, cancelled, offered] = world.issue([10, 20, 30]).await;
        let trader = &world.trader;
        let action = trader.cancel(world.s, &[cancelled], "Somebody").await;
        let offer = json!({"receiving_registry": "fr"});
        let export = trader.act("export", world.s, &[offered], offer).await;
        let rule = json!({
            "source_id": world.s, "target_id": world.t, "certificate_quantity": 1,
            "recurring_period_units": "year",
            "initial_action_datetime": world.registry.clock.now() + chrono::TimeDelta::days(30),
        });
        let rule = trader.post("/certificate/recurring_transfer", rule).await;
        let readings = format!("/measurement/list?device_id={}", world.w);
        let readings = world.producer.get(&readings).await.expect(200);
        let anonymous = world.registry.anonymous();
        let gateway = TestGateway::enrol(
            &anonymous,
            &world.producer,
            world.s,
            &[world.w],
            Algorithm::Es256,
        )
        .await;
        let organisation = json!({"name": "H", "business_id": "H", "address": "H", "contact": "H"});
        let organisation = world.admin.post("/organisation/create", organisation).await;
        let organisation = organisation.expect(201)["id"].as_i64().unwrap();
        let path = format!("/account/{}/organisation", world.s);
        let body = json!({"organisation_id": organisation});
        world.admin.patch(&path, body).await.expect(200);
        let id = |answer: &Value| answer["id"].as_i64().unwrap();
        Self {
            stranger,
            validator,
            removed,
            expired,
            revoked,
            machine,
            key_id: unused["key_id"].as_str().unwrap().to_owned(),
            session_id: session["session_id"].as_str().unwrap().to_owned(),
            battery,
            bundle,
            cancelled,
            action: id(&action.expect(202)),
            export: id(&export.expect(202)),
            rule: id(&rule.expect(202)),
            measurement: id(&readings[0]),
            gateway: gateway.id,
            organisation,
            world,
        }
    }
}

async fn user(world: &World, name: &str, role: i64) -> Actor {
    let email = format!("{name}@registry.test");
    let created = world.admin.create_user(name, &email, role, PASSWORD).await;
    created.expect(200);
    world.registry.anonymous().signed_in(&email, PASSWORD).await
}

/// What signing in as the producer gives.
async fn sign_in(world: &World) -> Value {
    let anonymous = world.registry.anonymous();
    anonymous
        .login(&world.producer.email, PASSWORD)
        .await
        .expect(200)
}

/// A key of the producer's.
async fn key(world: &World, capability: &str) -> Value {
    let body = json!({
        "name": "k", "capabilities": [capability], "account_ids": null,
        "expires_at": chrono::Utc::now() + chrono::TimeDelta::days(1),
    });
    world.producer.post("/api_keys", body).await.expect(201)
}

/// The producer with a token that has expired.
async fn expired(world: &World) -> Actor {
    let token = world.registry.expiring_token(world.producer.id).await;
    let expired = world.producer.with_token(&token);
    eventually("the token expires", async || {
        (expired.get("/user/me").await.status != 200).then_some(())
    })
    .await;
    expired
}
