//! The house with the simulated inverter: its account and device at the registry, and what has to stay the same
//! from one start to the next.

use std::{fs, io, path::Path};

use chrono::{DateTime, NaiveDate, Timelike, Utc};
use schemas::{
    api::{account::AccountRead, device::DeviceRead},
    energy::{DeviceType, EnergySource, TechnologyType},
    id::{AccountId, DeviceId},
    interval::rfc3339,
};
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::error::{EdgeError, while_doing};
use crate::{
    client::{Client, ClientError},
    config::Secret,
    dev::DEMO_USERS,
    seed,
};

/// Its account.
pub(super) const ACCOUNT: &str = "1 Sunny Lane";
/// Its device.
const DEVICE: &str = "Sunny Lane inverter (simulated)";
/// What kind of inverter it is: one that counts single Wh.
pub(super) const PROFILE: &str = "fronius_sf";
/// What it can deliver at most, in W.
pub(super) const CAPACITY_W: i64 = 6_000;
/// The file in the gateway's folder.
const FILE: &str = "simulator.json";
/// At what time of the sun's day the environment starts first: mid-morning, so that there is something to see.
const MORNING_H: u32 = 9;

/// What has to stay the same from one start to the next, so that counters go on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Sun {
    /// The day the house was built.
    pub since: NaiveDate,
    /// How many hours the sun is ahead.
    pub east_h: u32,
}

impl Sun {
    /// A sun that stands as in the morning at `now`.
    fn at(now: DateTime<Utc>) -> Self {
        Self {
            since: now.date_naive(),
            // The summer hour or winter hour of central Europe is near enough.
            east_h: (MORNING_H + 24 - 1 - now.hour()) % 24,
        }
    }
}

/// The house as the registry knows it.
pub(super) struct Place {
    pub producer: Client,
    pub account_id: AccountId,
    pub device_id: DeviceId,
    pub sun: Sun,
}

impl Place {
    /// Makes what is missing of it.
    pub async fn ensure(folder: &Path, registry: &str) -> Result<Self, EdgeError> {
        let [admin, production, _] = DEMO_USERS;
        let issuing_body = Client::sign_in(registry, admin.email, Secret::new(admin.password))
            .await
            .map_err(during("the issuing body signs in"))?;
        let producer = issuing_body
            .sign_in_as(production.email, Secret::new(production.password))
            .await
            .map_err(during("the producer signs in"))?;
        seed::record_metadata(&issuing_body)
            .await
            .map_err(during("issuance metadata"))?;
        let account_id = account(&producer).await?;
        let device_id = device(&producer, account_id).await?;
        Ok(Self {
            producer,
            account_id,
            device_id,
            sun: sun(folder)?,
        })
    }
}

async fn account(producer: &Client) -> Result<AccountId, EdgeError> {
    let known: Option<Vec<AccountRead>> = producer
        .get("/user/me/accounts")
        .await
        .map_err(during("the producer's accounts"))?;
    let found = known
        .unwrap_or_default()
        .into_iter()
        .find(|account| account.account_name == ACCOUNT);
    if let Some(account) = found {
        return Ok(account.id);
    }
    let body = json!({"account_name": ACCOUNT, "user_ids": []});
    let opened: AccountRead = producer
        .post("/account/create", &body)
        .await
        .map_err(during("the gateway's account"))?;
    Ok(opened.id)
}

async fn device(producer: &Client, account_id: AccountId) -> Result<DeviceId, EdgeError> {
    let known: Vec<DeviceRead> = producer
        .get(&format!("/account/{account_id}/devices"))
        .await
        .map_err(during("the account's devices"))?;
    if let Some(device) = known
        .into_iter()
        .find(|device| device.device_name == DEVICE)
    {
        return Ok(device.id);
    }
    let built = Utc::now().date_naive().and_time(chrono::NaiveTime::MIN);
    let body = json!({
        "device_name": DEVICE,
        "local_device_identifier": "SUNNY-1",
        "grid": "NESO",
        "energy_source": EnergySource::SolarPv,
        "technology_type": TechnologyType::SolarPv,
        "operational_date": rfc3339(built.and_utc()),
        "capacity": "0.006",
        "peak_demand": "0",
        "location": "51.4779, -0.0015",
        "is_storage": false,
        "device_type": DeviceType::Production,
        "account_id": account_id,
    });
    let registered: DeviceRead = producer
        .post("/device/create", &body)
        .await
        .map_err(during("the gateway's device"))?;
    Ok(registered.id)
}

fn sun(folder: &Path) -> Result<Sun, EdgeError> {
    let path = folder.join(FILE);
    let text = match fs::read_to_string(&path) {
        Ok(text) => text,
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            let sun = Sun::at(Utc::now());
            let text = json!(sun).to_string();
            fs::write(&path, text).map_err(while_doing(&path))?;
            return Ok(sun);
        }
        Err(error) => return Err(while_doing(&path)(error)),
    };
    serde_json::from_str(&text).map_err(|source| EdgeError::Place { path, source })
}

fn during(what: &'static str) -> impl FnOnce(ClientError) -> EdgeError {
    move |source| EdgeError::Request { what, source }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn the_first_start_is_in_the_morning_of_the_sun() {
        for hour in 0..24 {
            let now = format!("2026-01-15T{hour:02}:30:00Z").parse().unwrap();
            let sun = Sun::at(now);
            assert_eq!((hour + 1 + sun.east_h) % 24, MORNING_H);
        }
    }

    #[test]
    fn the_sun_is_the_same_at_the_next_start() {
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(sun(folder.path()).unwrap(), sun(folder.path()).unwrap());
        fs::write(folder.path().join(FILE), "{}").unwrap();
        let error = sun(folder.path()).unwrap_err().to_string();
        assert!(error.contains(FILE) && error.contains("since"), "{error}");
    }
}
