//! What people ask of the API, in one line each.

use crate::{Actor, Answer, Bundles, Reading, csv};
use reqwest::multipart::{Form, Part};
use serde_json::{Value, json};

/// `base` with the fields of `more` in it.
#[track_caller]
fn merged(mut base: Value, more: Value) -> Value {
    for (name, value) in more.as_object().unwrap() {
        base[name] = value.clone();
    }
    base
}

/// Identity.
impl Actor {
    pub async fn login(&self, email: &str, password: &str) -> Answer {
        let form = [("username", email), ("password", password)];
        self.send(self.request("POST", "/auth/login").form(&form))
            .await
    }

    pub async fn create_user(&self, name: &str, email: &str, role: i64, password: &str) -> Answer {
        let body = json!({"name": name, "email": email, "role": role, "password": password});
        self.post("/user/create", body).await
    }
}

/// Accounts and devices.
impl Actor {
    /// Opens an account, of which the caller becomes a member; gives its id.
    pub async fn open_account(&self, name: &str, user_ids: &[i64]) -> i64 {
        let body = json!({"account_name": name, "user_ids": user_ids});
        let account = self.post("/account/create", body).await.expect(201);
        account["id"].as_i64().unwrap()
    }

    pub async fn update_whitelist(&self, account: i64, add: &[i64], remove: &[i64]) -> Answer {
        let path = format!("/account/update_whitelist/{account}");
        self.patch(
            &path,
            json!({"add_to_whitelist": add, "remove_from_whitelist": remove}),
        )
        .await
    }

    /// Registers a wind turbine of 10 MW, or what `fields` says; gives the answer.
    pub async fn try_device(&self, account: i64, fields: Value) -> Answer {
        let turbine = json!({
            "device_name": "Hill Farm wind", "local_device_identifier": "BMU-XYZ", "grid": "NESO",
            "energy_source": "wind", "technology_type": "wind_turbine",
            "operational_date": "2020-01-01T00:00:00Z", "capacity": 10, "peak_demand": 0.1,
            "location": "51.4779, -0.0015", "is_storage": false, "account_id": account,
        });
        self.post("/device/create", merged(turbine, fields)).await
    }

    /// As [`Actor::try_device`]; gives its id.
    pub async fn register_device(&self, account: i64, fields: Value) -> i64 {
        let device = self.try_device(account, fields).await.expect(200);
        device["id"].as_i64().unwrap()
    }

    /// Records issuance metadata of a British issuing body; gives its id.
    pub async fn record_metadata(&self) -> i64 {
        let body = json!({
            "country_of_issuance": "UK", "connected_grid_identification": "NESO",
            "issuing_body": "OFGEM", "issue_market_zone": "NESO",
        });
        let metadata = self
            .post("/certificate/create_metadata", body)
            .await
            .expect(201);
        metadata["id"].as_i64().unwrap()
    }
}

/// Readings.
impl Actor {
    pub async fn upload_csv(&self, device: i64, text: impl Into<String>) -> Answer {
        let file = Part::text(text.into())
            .file_name("readings.csv")
            .mime_str("text/csv")
            .unwrap();
        let form = Form::new()
            .part("file", file)
            .text("deviceID", device.to_string());
        self.upload("/measurement/submit_readings", form).await
    }

    pub async fn submit(&self, device: i64, readings: &[Reading]) -> Answer {
        self.upload_csv(device, csv(readings)).await
    }

    pub async fn submit_json(&self, device: i64, readings: &[Reading]) -> Answer {
        let readings: Vec<_> = readings.iter().map(Reading::json).collect();
        let body = json!({"device_id": device, "readings": readings});
        self.post("/measurement/submit_readings", body).await
    }
}

/// Certificates.
impl Actor {
    /// An action on bundles that `source` holds; `fields` are merged into the body.
    pub async fn act(&self, action: &str, source: i64, bundles: &[i64], fields: Value) -> Answer {
        let body = json!({"source_id": source, "granular_certificate_bundle_ids": bundles});
        self.post(&format!("/certificate/{action}"), merged(body, fields))
            .await
    }

    pub async fn transfer(&self, source: i64, target: i64, bundles: &[i64]) -> Answer {
        self.act("transfer", source, bundles, json!({"target_id": target}))
            .await
    }

    pub async fn transfer_part(
        &self,
        source: i64,
        target: i64,
        bundles: &[i64],
        fields: Value,
    ) -> Answer {
        let fields = merged(json!({"target_id": target}), fields);
        self.act("transfer", source, bundles, fields).await
    }

    pub async fn cancel(&self, source: i64, bundles: &[i64], beneficiary: &str) -> Answer {
        self.act(
            "cancel",
            source,
            bundles,
            json!({"beneficiary": beneficiary}),
        )
        .await
    }

    pub async fn try_query(&self, source: i64, fields: Value) -> Answer {
        let body = merged(json!({"source_id": source}), fields);
        self.post("/certificate/query", body).await
    }

    /// The bundles that match, of which there must be no more than a page; checks the total.
    pub async fn query(&self, source: i64, fields: Value) -> Bundles {
        let answer = self.try_query(source, fields).await.expect(202);
        assert_eq!(answer["next_cursor"], Value::Null, "more than one page");
        let bundles = answer["granular_certificate_bundles"]
            .as_array()
            .unwrap()
            .clone();
        assert_eq!(answer["total_certificate_volume"], crate::volume(&bundles));
        bundles
    }

    /// All bundles that an account holds, page by page.
    pub async fn holdings(&self, account: i64) -> Bundles {
        let mut bundles = Vec::new();
        let mut cursor = Value::Null;
        loop {
            let answer = self
                .try_query(account, json!({"cursor": cursor}))
                .await
                .expect(202);
            bundles.extend(
                answer["granular_certificate_bundles"]
                    .as_array()
                    .unwrap()
                    .clone(),
            );
            cursor = answer["next_cursor"].clone();
            if cursor.is_null() {
                assert_eq!(answer["total_certificate_volume"], crate::volume(&bundles));
                return bundles;
            }
        }
    }

    /// A bundle with its device and metadata.
    pub async fn bundle(&self, id: i64) -> Value {
        self.get(&format!("/certificate/{id}")).await.expect(200)
    }
}
