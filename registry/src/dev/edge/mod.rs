//! The edge of the development environment: a simulated inverter and a gateway beside it, each a process of the
//! program `gateway`, so that certificates appear by themselves. The registry knows them through its API only.

mod config;
mod error;
mod place;
mod process;

use std::{
    fs,
    net::SocketAddr,
    path::{Path, PathBuf},
};

use schemas::gateway::api::GatewayCode;
use serde_json::json;

pub(super) use error::EdgeError;

use self::{
    error::while_doing,
    place::Place,
    process::{Process, Program},
};
use crate::client::Client;

/// The folder of the gateway in the data directory.
pub(super) const FOLDER: &str = "gateway";
/// What the gateway writes when it has enrolled.
const ENROLMENT: &str = "enrolment.json";

/// A simulated inverter and its gateway. Dropping it stops both at once; [`Edge::stop`] in good order.
#[derive(Debug)]
pub(super) struct Edge {
    gateway: Process,
    _simulator: Process,
    /// What the inverter says of itself.
    pub inverter: String,
    /// Where the gateway's local API is.
    pub api: SocketAddr,
    /// The folder of the gateway.
    pub folder: PathBuf,
    /// The account in which its certificates appear.
    pub account: &'static str,
}

impl Edge {
    /// Starts both; `None` if there is no program `gateway` beside this one.
    ///
    /// # Errors
    /// [`EdgeError`].
    pub async fn start(data_dir: &Path, registry: SocketAddr) -> Result<Option<Self>, EdgeError> {
        let Some(program) = Program::beside_this_one() else {
            return Ok(None);
        };
        let folder = data_dir.join(FOLDER);
        fs::create_dir_all(&folder).map_err(while_doing(&folder))?;
        let url = format!("http://{registry}");
        let place = Place::ensure(&folder, &url).await?;
        let (simulator, inverter, address) = program.simulate(&place, &folder).await?;
        let api = config::api_address().map_err(while_doing(&folder))?;
        config::write(&folder, &url, &place, address, api)?;
        if !folder.join(ENROLMENT).exists() {
            let code = one_time_code(&place).await?;
            program.enrol(&folder, &url, &code.code).await?;
            // Enrolling may have written its own.
            config::write(&folder, &url, &place, address, api)?;
        }
        let gateway = program.run(&folder)?;
        Ok(Some(Self {
            gateway,
            _simulator: simulator,
            inverter,
            api,
            folder,
            account: place::ACCOUNT,
        }))
    }

    /// Whether the gateway has ended by itself, which is said once.
    pub fn has_ended(&mut self) -> bool {
        self.gateway.has_ended()
    }

    /// Stops the gateway in good order, then the inverter.
    pub async fn stop(self) {
        self.gateway.stop().await;
    }
}

async fn one_time_code(place: &Place) -> Result<GatewayCode, EdgeError> {
    let producer: &Client = &place.producer;
    let body = json!({"account_id": place.account_id, "device_ids": [place.device_id]});
    producer
        .post("/gateway/code", &body)
        .await
        .map_err(|source| EdgeError::Request {
            what: "a code for the gateway",
            source,
        })
}
