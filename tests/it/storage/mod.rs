//! FEA study, sections 7 and 8.1 (scenario 13), with the correct formulation: whole Wh from the charge to
//! the certificate for what was released. And the storage routes of the contract, section 1.8.

mod allocation;
mod record;
mod release;

use chrono::{DateTime, TimeDelta, Utc};
use registry::seed::generator::GRID_BATTERY;
use reqwest::multipart::{Form, Part};
use serde_json::{Value, json};
use tests::{Actor, Answer, PASSWORD, Reading, World, csv, hour, ids, volume};

/// A world with a battery of 10 MW in S and somebody who validates what it does.
struct Site {
    world: World,
    battery: i64,
    validator: Actor,
}

impl Site {
    async fn start() -> Self {
        Self::with(json!({})).await
    }

    async fn with(fields: Value) -> Self {
        let world = World::start().await;
        let mut battery = json!({
            "device_name": "Battery", "local_device_identifier": "BAT-1", "is_storage": true,
            "energy_source": "battery_storage", "technology_type": "battery_storage",
        });
        for (name, value) in fields.as_object().unwrap() {
            battery[name] = value.clone();
        }
        let battery = world.producer.register_device(world.s, battery).await;
        let email = "validator@registry.test";
        let user = world.admin.create_user("Validator", email, 0, PASSWORD);
        let user = user.await.expect(200);
        assert_eq!(user["role"], "STORAGE_VALIDATOR");
        let members = [
            world.producer.id,
            world.trader.id,
            world.auditor.id,
            user["id"].as_i64().unwrap(),
        ];
        let path = format!("/account/update/{}", world.s);
        let body = json!({"user_ids": members});
        world.producer.patch(&path, body).await.expect(200);
        let validator = world.registry.anonymous().signed_in(email, PASSWORD).await;
        Self {
            world,
            battery,
            validator,
        }
    }

    async fn submit(&self, flows: &[(i64, i64)]) -> Answer {
        self.submit_as(&self.world.producer, &file(flows)).await
    }

    async fn submit_as(&self, actor: &Actor, text: &str) -> Answer {
        self.upload(actor, "/storage/storage_records", text).await
    }

    async fn upload(&self, actor: &Actor, path: &str, text: &str) -> Answer {
        let file = Part::text(text.to_owned()).file_name("storage.csv");
        let form = Form::new()
            .part("file", file.mime_str("text/csv").unwrap())
            .text("device_id", self.battery.to_string());
        actor.upload(path, form).await
    }

    async fn efficiency(&self, from: i64, to: i64, factor: Option<f64>) -> Answer {
        let mut body = json!({"device_id": self.battery, "from": hour(from), "to": hour(to)});
        if let Some(factor) = factor {
            body["storage_efficiency_factor"] = json!(factor);
        }
        self.validator.post("/storage/efficiency", body).await
    }

    async fn allocate(&self, from: i64, to: i64) -> Answer {
        let body = json!({"device_id": self.battery, "from": hour(from), "to": hour(to)});
        self.validator.post("/storage/allocate", body).await
    }

    async fn cancel(&self, bundles: &[i64], fields: Value) -> Answer {
        let world = &self.world;
        world
            .trader
            .act("cancel_for_storage", world.s, bundles, fields)
            .await
    }
}

/// Flows of single hours, by the number of the hour.
fn file(flows: &[(i64, i64)]) -> String {
    let mut text = String::from("flow_start_datetime,flow_end_datetime,flow_energy\n");
    for (n, wh) in flows {
        let format = |at: DateTime<Utc>| at.format("%Y-%m-%dT%H:%M:%SZ").to_string();
        text.push_str(&format!(
            "{},{},{wh}\n",
            format(hour(*n)),
            format(hour(n + 1))
        ));
    }
    text
}

const FIVE: [(i64, i64); 5] = [(0, -1000), (1, 900), (2, -1200), (3, 700), (4, -1500)];

fn text(at: DateTime<Utc>) -> String {
    at.format("%Y-%m-%dT%H:%M:%SZ").to_string()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_of_another_account_is_not_visible() {
    let site = Site::start().await;
    site.submit(&FIVE).await.expect(201);
    let world = &site.world;
    // A producer of another account.
    let email = "other@registry.test";
    world
        .admin
        .create_user("Other", email, 3, PASSWORD)
        .await
        .expect(200);
    let other = world.registry.anonymous().signed_in(email, PASSWORD).await;
    let path = format!("/storage/storage_records?device_id={}", site.battery);
    other.get(&path).await.refused(404, "device_not_found");
    other
        .get("/storage/storage_records?storage_record_ids=1")
        .await
        .refused(404, "storage_record_not_found");
    other
        .get(&format!("/storage/query_scr?storage_id={}", site.battery))
        .await
        .refused(404, "device_not_found");
    site.submit_as(&other, &file(&[(5, 5)]))
        .await
        .refused(404, "device_not_found");
    other
        .post("/storage/issue_sdgcs", json!([1]))
        .await
        .refused(404, "allocation_not_found");
    world.admin.get(&path).await.expect(200);
    let unknown = "/storage/storage_records?storage_record_ids=99";
    world
        .admin
        .get(unknown)
        .await
        .refused(404, "storage_record_not_found");
    let many: Vec<_> = (1..=1000).map(|id| id.to_string()).collect();
    let at_limit = format!(
        "/storage/storage_records?storage_record_ids={}",
        many.join(",")
    );
    world
        .admin
        .get(&at_limit)
        .await
        .refused(404, "storage_record_not_found");
    let many: Vec<_> = (1..=1001).map(|id| id.to_string()).collect();
    let many = format!(
        "/storage/storage_records?storage_record_ids={}",
        many.join(",")
    );
    world
        .admin
        .get(&many)
        .await
        .refused_at(422, "request_invalid", "storage_record_ids");
    world
        .admin
        .get("/storage/storage_records")
        .await
        .refused(422, "request_invalid");
}
