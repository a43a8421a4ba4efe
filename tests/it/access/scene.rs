//! Something of every kind in account S, and everybody who may ask for it.

use reqwest::multipart::{Form, Part};
use schemas::gateway::Algorithm;
use serde_json::{Value, json};
use tests::{
    Actor, Clusters, PASSWORD, Registry, TestGateway, World, eventually, hour, measured_hour,
};

/// A world with an entry of every kind in account S.
pub struct Scene {
    pub world: World,
    /// Of account O alone, and manager of an organisation that owns nothing.
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
    /// What storage can be asked about, each of a battery of its own.
    pub storage: Storage,
    /// A device that has done nothing.
    pub spare: i64,
    /// An export of the registry `fr` that was imported into S.
    pub foreign_export: i64,
    pub bundle: i64,
    /// A bundle that nothing can be done with any longer.
    pub cancelled: i64,
    pub action: i64,
    pub export: i64,
    pub rule: i64,
    pub measurement: i64,
    pub gateway: i64,
    /// It owns account S.
    pub organisation: i64,
    /// Who manages it, and who belongs to it besides.
    pub manager: Actor,
    pub leaver: i64,
    /// Into it, and taken back.
    pub invitation: String,
}

/// A battery with a charge and a discharge.
pub struct Battery {
    pub device: i64,
    /// The charge, and the discharge where there is one.
    pub records: Vec<i64>,
}

/// Batteries as far along as what is asked of them takes.
pub struct Storage {
    /// With a charge that can be taken back, and with a discharge.
    pub charged: Battery,
    pub discharged: Battery,
    /// With an efficiency, to be allocated by method and by rows.
    pub to_allocate: [Battery; 2],
    /// Allocations whose certificates can be issued.
    pub allocations: [i64; 2],
}

impl Scene {
    pub async fn set(separation_of_duties: bool) -> Self {
        let mut registry = Registry::prepare(Clusters::shared().await).await;
        registry.config.auth.separation_of_duties = separation_of_duties;
        let mut fr = Registry::prepare_as(Clusters::shared().await, "fr").await;
        registry.trust(&fr);
        fr.trust(&registry);
        registry.up().await;
        fr.up().await;
        let world = World::on(registry).await;
        let foreign_export = imported(&world, &World::on(fr).await).await;
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
        let spare = json!({"device_name": "Spare", "local_device_identifier": "SPARE"});
        let spare = world.producer.register_device(world.s, spare).await;
        let [first, second, bundle, cancelled, offered] = world.issue([90, 90, 10, 20, 30]).await;
        let storage = Storage::set(&world, &validator, [first, second]).await;
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
        let mut gateway = TestGateway::enrol(
            &anonymous,
            &world.producer,
            world.s,
            &[world.w],
            Algorithm::Es256,
        )
        .await;
        let envelope = gateway.envelope(world.w, vec![measured_hour(100, 7)]);
        let receipts = anonymous.receipts(&[envelope]).await;
        assert_eq!(receipts[0]["status"], "accepted", "{receipts:?}");
        let organisation = organisation(&world, "H").await;
        let path = format!("/account/{}/organisation", world.s);
        let body = json!({"organisation_id": organisation});
        world.admin.patch(&path, body).await.expect(200);
        let manager = user(&world, "manager", 3).await;
        join(&world, organisation, &manager).await;
        let leaver = user(&world, "leaver", 1).await;
        join(&world, organisation, &leaver).await;
        let path = format!("/user/{}/organisation", leaver.id);
        let stays = json!({"manages": false});
        assert_eq!(world.admin.patch(&path, stays).await.status, 204);
        join(&world, self::organisation(&world, "G").await, &stranger).await;
        let invitation = invite(&world, organisation).await["invitation_id"]
            .as_str()
            .unwrap()
            .to_owned();
        let path = format!("/invitation/{invitation}");
        assert_eq!(world.admin.delete(&path).await.status, 204);
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
            storage,
            spare,
            foreign_export,
            bundle,
            cancelled,
            action: id(&action.expect(202)),
            export: id(&export.expect(202)),
            rule: id(&rule.expect(202)),
            measurement: id(&readings[0]),
            gateway: gateway.id,
            organisation,
            manager,
            leaver: leaver.id,
            invitation,
            world,
        }
    }
}

impl Storage {
    /// Cancels each of the bundles, produced in the first two hours, for a battery that was charged in that hour and
    /// whose discharge is allocated.
    async fn set(world: &World, validator: &Actor, bundles: [i64; 2]) -> Self {
        let mut allocations = [0; 2];
        for (n, (allocation, bundle)) in (0..).zip(allocations.iter_mut().zip(bundles)) {
            let name = format!("Allocated {n}");
            let battery = Battery::efficient(world, validator, &name, n).await;
            let device = json!({"storage_device_id": battery.device});
            let trader = &world.trader;
            trader
                .act("cancel_for_storage", world.s, &[bundle], device)
                .await
                .expect(202);
            let body = json!({"device_id": battery.device, "from": hour(n), "to": hour(n + 2)});
            let allocated = validator.post("/storage/allocate", body).await.expect(201);
            *allocation = allocated["allocated_storage_record_ids"][0]
                .as_i64()
                .unwrap();
        }
        Self {
            charged: Battery::new(world, "Charged", 0, &[-90]).await,
            discharged: Battery::new(world, "Discharged", 0, &[-90, 80]).await,
            to_allocate: [
                Battery::efficient(world, validator, "Method", 0).await,
                Battery::efficient(world, validator, "Rows", 0).await,
            ],
            allocations,
        }
    }
}

impl Battery {
    /// One with a flow in each hour from the given one on.
    async fn new(world: &World, name: &str, first: i64, flows_wh: &[i64]) -> Self {
        let device = json!({
            "device_name": name, "local_device_identifier": name, "is_storage": true,
            "energy_source": "battery_storage", "technology_type": "battery_storage",
        });
        let device = world.producer.register_device(world.s, device).await;
        let flows = (first..).zip(flows_wh).map(|(n, wh)| {
            json!({
                "flow_start_datetime": hour(n), "flow_end_datetime": hour(n + 1), "flow_energy": wh,
            })
        });
        let body = json!({"device_id": device, "records": flows.collect::<Vec<_>>()});
        let kept = world.producer.post("/storage/storage_records", body).await;
        let records = kept.expect(201)["record_ids"].as_array().unwrap().clone();
        Self {
            device,
            records: records.iter().map(|id| id.as_i64().unwrap()).collect(),
        }
    }

    /// One that can be allocated.
    async fn efficient(world: &World, validator: &Actor, name: &str, first: i64) -> Self {
        let battery = Self::new(world, name, first, &[-90, 80]).await;
        let to = hour(first + 2);
        let body = json!({"device_id": battery.device, "from": hour(first), "to": to});
        let fixed = validator.post("/storage/efficiency", body).await;
        fixed.expect(201);
        battery
    }
}

/// Imports into S what another registry exported; the export.
async fn imported(world: &World, other: &World) -> i64 {
    let [bundle] = other.issue([40]).await;
    let here = json!({"receiving_registry": "gb"});
    let trader = &other.trader;
    let export = trader.act("export", other.s, &[bundle], here).await;
    let export = export.expect(202)["id"].as_i64().unwrap();
    let path = format!("/certificate/export/{export}/file");
    let file = trader.get(&path).await.expect(200).to_string();
    let file = Part::text(file).file_name("certificates");
    let form = Form::new()
        .part("file", file)
        .text("account_id", world.s.to_string());
    let imported = world.producer.upload("/certificate/import", form).await;
    imported.expect(201);
    export
}

async fn organisation(world: &World, name: &str) -> i64 {
    let body = json!({"name": name, "business_id": name, "address": name, "contact": name});
    let founded = world.admin.post("/organisation/create", body).await;
    founded.expect(201)["id"].as_i64().unwrap()
}

/// Who comes by it manages the organisation.
async fn invite(world: &World, organisation: i64) -> Value {
    let path = format!("/organisation/{organisation}/invitations");
    let body = json!({"role": 3, "manages": true});
    world.admin.post(&path, body).await.expect(201)
}

async fn join(world: &World, organisation: i64, user: &Actor) {
    let code = &invite(world, organisation).await["code"];
    let joined = user.post("/invitation/join", json!({"code": code})).await;
    joined.expect(200);
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
