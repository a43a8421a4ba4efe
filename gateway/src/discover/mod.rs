//! Finding devices: every address of a subnet is asked whether it listens, and what listens says who it is,
//! first by SunSpec, then by the identity registers of each profile. Data loggers are asked for their serial number, which
//! a connection to them needs. Candidates are shown to a person, never configured. Nothing but that question and
//! Modbus reads is sent, no name or hardware address is looked up, here or elsewhere, and
//! nothing found leaves this machine.

mod endpoint;
mod fingerprint;
mod search;
#[cfg(test)]
mod simulated_tests;
mod solarman;
mod subnet;
mod sunspec;
#[cfg(test)]
mod tests;

pub use search::{MAX_PORTS, Plan, Search, SearchError};
pub(crate) use solarman::serial as logger_serial;
pub use subnet::{MIN_PREFIX, MIN_PREFIX_LARGE, Subnet, SubnetError};

use crate::connection::Connection;
use crate::control::Control;
use crate::profile::Library;
use chrono::{DateTime, Utc};
use futures_util::StreamExt;
use schemas::gateway::MeterIdentity;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, HashSet};
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::runtime::Handle;
use utoipa::ToSchema;

/// Addresses that are asked at a time.
const CONCURRENT: usize = 64;

/// How a candidate was recognised, the surest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Evidence {
    /// It describes itself by SunSpec.
    SunSpec,
    /// Its model is one of the profile's.
    Model,
    /// There is a readable serial number where the profile has it.
    Serial,
    /// Voltage and frequency of a grid are where the profile has them.
    Grid,
}

/// A profile that may fit.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Candidate {
    /// Its id.
    pub profile: String,
    /// The unit id that answered.
    pub unit_id: u8,
    pub evidence: Evidence,
    /// Who the device says it is, as far as that profile knows.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub meter: Option<MeterIdentity>,
}

/// Something that listens.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Found {
    /// For the configuration of a device.
    pub connection: Connection,
    /// Read already, and therefore left alone.
    pub configured: bool,
    /// Profiles that may fit, the surest first; empty where nothing was recognised.
    pub candidates: Vec<Candidate>,
    /// What a person has to know, where there is something.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
}

/// How far a search is.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Report {
    /// Whether it goes on.
    pub running: bool,
    /// What is searched.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub subnet: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub started_at: Option<DateTime<Utc>>,
    /// Addresses and ports asked so far.
    pub asked: usize,
    /// Addresses and ports in all.
    pub total: usize,
    pub found: Vec<Found>,
}

/// One search runs at a time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a search is running; its report is at GET /discovery")]
pub struct Running;

/// Searches, one at a time; clones are alike.
#[derive(Debug, Clone)]
pub struct Discovery(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    library: Arc<Library>,
    control: Control,
    runtime: Handle,
    report: Mutex<Report>,
}

impl Discovery {
    /// Searches with these profiles, leaving alone what `control` shows as configured. Runs on the Tokio
    /// runtime that this is called in.
    #[must_use]
    pub fn new(library: Arc<Library>, control: Control) -> Self {
        Self(Arc::new(Inner {
            library,
            control,
            runtime: Handle::current(),
            report: Mutex::default(),
        }))
    }

    /// Begins a search.
    ///
    /// # Errors
    /// If one is running.
    pub fn start(&self, plan: Plan) -> Result<Report, Running> {
        let begun = {
            let mut report = self.report_mut();
            if report.running {
                return Err(Running);
            }
            *report = Report {
                running: true,
                subnet: Some(plan.subnet.to_string()),
                started_at: Some(Utc::now()),
                total: plan.endpoints().count(),
                ..Report::default()
            };
            report.clone()
        };
        let search = self.clone();
        self.0.runtime.spawn(async move { search.run(plan).await });
        Ok(begun)
    }

    /// How far the last search is.
    #[must_use]
    pub fn report(&self) -> Report {
        self.report_mut().clone()
    }

    fn report_mut(&self) -> MutexGuard<'_, Report> {
        self.0.report.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn run(&self, plan: Plan) {
        let configured = self.configured();
        let loggers = if plan.wants_loggers() {
            solarman::ask(plan.subnet).await
        } else {
            BTreeMap::new()
        };
        let logger_at = |endpoint: &SocketAddr| {
            let is_its_port = endpoint.port() == crate::transport::solarman::PORT;
            loggers.get(&endpoint.ip()).copied().filter(|_| is_its_port)
        };
        let mut answers = futures_util::stream::iter(plan.endpoints())
            .map(|endpoint| {
                let is_configured = configured.contains(&endpoint);
                let logger = logger_at(&endpoint);
                async move {
                    if is_configured {
                        return Some(found(endpoint, logger, true, Vec::new()));
                    }
                    let library = &self.0.library;
                    let candidates = endpoint::identify(endpoint, logger, library).await?;
                    Some(found(endpoint, logger, false, candidates))
                }
            })
            .buffer_unordered(CONCURRENT);
        while let Some(answer) = answers.next().await {
            let mut report = self.report_mut();
            report.asked += 1;
            report.found.extend(answer);
        }
        let mut report = self.report_mut();
        report
            .found
            .sort_by_key(|found| found.connection.to_string());
        report.running = false;
    }

    /// Where devices are read already. A second client disturbs many inverters.
    fn configured(&self) -> HashSet<SocketAddr> {
        let snapshot = self.0.control.snapshot();
        let addresses = snapshot.devices.iter();
        addresses
            .filter_map(|device| match &device.connection {
                Connection::Tcp { host, port }
                | Connection::RtuOverTcp { host, port }
                | Connection::Solarman { host, port, .. }
                | Connection::P1Tcp { host, port } => {
                    Some(SocketAddr::new(host.parse().ok()?, *port))
                }
                Connection::Rtu { .. } | Connection::P1Http { .. } => None,
            })
            .collect()
    }
}

fn found(
    endpoint: SocketAddr,
    logger: Option<u32>,
    configured: bool,
    candidates: Vec<Candidate>,
) -> Found {
    let (host, port) = (endpoint.ip().to_string(), endpoint.port());
    let is_mute = candidates.is_empty() && !configured && logger.is_none();
    Found {
        connection: match logger {
            Some(logger) => Connection::Solarman { host, port, logger },
            None => Connection::Tcp { host, port },
        },
        configured,
        note: (is_mute && port == crate::transport::solarman::PORT).then(|| {
            "maybe a Solarman logger: connect with kind solarman and the serial number printed on it"
                .to_owned()
        }),
        candidates,
    }
}

/// The address this machine would call others in its network from.
pub(crate) fn own_address() -> Option<Ipv4Addr> {
    // Connecting a datagram socket sends nothing; it only chooses a route. 192.0.2.0/24 is for examples
    // (RFC 5737).
    let socket = std::net::UdpSocket::bind((Ipv4Addr::UNSPECIFIED, 0)).ok()?;
    socket.connect((Ipv4Addr::new(192, 0, 2, 1), 9)).ok()?;
    match socket.local_addr().ok()?.ip() {
        std::net::IpAddr::V4(address) if !address.is_unspecified() => Some(address),
        _ => None,
    }
}
