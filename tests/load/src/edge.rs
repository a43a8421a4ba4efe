//! A gateway as it is in the field, without meters: its own folder, buffer and key, enrolled at the registry that is
//! measured.

use crate::http::{Connection, post};
use crate::row::Bench;
use anyhow::{Context, Result};
use chrono::{DateTime, Utc};
use gateway::buffer::{self, Buffer};
use gateway::config::Config;
use gateway::enrolment::{self, Enrolment};
use gateway::signer::Signer;
use schemas::WattHours;
use schemas::gateway::{Algorithm, ClockState, MeterIdentity, ProfileRef, Quality, Reading};
use serde_json::json;
use std::path::Path;
use std::sync::Arc;
use tempfile::TempDir;

pub struct Edge {
    folder: TempDir,
    pub config: Config,
    pub buffer: Buffer,
    pub enrolment: Enrolment,
}

impl Edge {
    /// Enrols a new one for these devices.
    pub async fn enrol(bench: &Bench, devices: &[i64], algorithm: Algorithm) -> Result<Self> {
        let code = code(bench, devices).await?;
        let folder = tempfile::tempdir()?;
        let config = Config::new(Some(format!("http://{}", bench.world.address).parse()?));
        let buffer = Buffer::open(&folder.path().join(buffer::FILE_NAME), config.disk_share())?;
        let enrolled =
            enrolment::enrol(folder.path(), &config, &buffer, &code, None, algorithm).await?;
        Ok(Self {
            folder,
            config,
            buffer,
            enrolment: enrolled.0,
        })
    }

    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// The key it enrolled with.
    pub fn signer(&self) -> Result<Arc<dyn Signer>> {
        Ok(self.enrolment.signer(self.folder(), &self.config)?)
    }
}

/// A one-time code for a gateway of these devices.
async fn code(bench: &Bench, devices: &[i64]) -> Result<String> {
    let mut connection = Connection::open(bench.world.address).await?;
    let ask = json!({"account_id": bench.world.source, "device_ids": devices}).to_string();
    let reply = connection
        .send(&post("/gateway/code", &bench.world.producer, &ask))
        .await?;
    reply.expect(201)?;
    let code = reply.json()?["code"].as_str().map(str::to_owned);
    code.context("no code")
}

/// What a meter says of itself.
pub fn meter() -> MeterIdentity {
    MeterIdentity {
        maker: "Huawei".to_owned(),
        model: "SUN2000-10KTL-M1".to_owned(),
        serial: "HV2140123456".to_owned(),
        firmware: None,
    }
}

/// How it was read.
pub fn profile() -> ProfileRef {
    ProfileRef {
        id: "huawei_sun2000".to_owned(),
        sha256: "ab".repeat(32),
    }
}

/// A measured reading.
pub fn measured(start: DateTime<Utc>, end: DateTime<Utc>, wh: i64) -> Reading {
    const COUNTER: i64 = 1_000_000;
    Reading {
        interval_start: start,
        interval_end: end,
        wh: WattHours(wh),
        counter_start_wh: Some(WattHours(COUNTER)),
        counter_end_wh: Some(WattHours(COUNTER + wh)),
        quality: Quality::Measured,
        cause: None,
        clock: ClockState::Synchronised,
    }
}
