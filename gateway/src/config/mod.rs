//! `gateway.toml`: which registry, which devices, and how.
//!
//! ```toml
//! registry = "https://registry.example"
//! interval = "PT5M"            # PT5M, PT15M, PT30M or PT1H
//! sample_every_s = 10          # between the ends of intervals
//! gap_limit_h = 24             # a longer gap is doubtful
//! disk_share_mib = 1024
//! clock_check = true           # doubt readings while nobody sets the clock
//! # ca_file = "registry-ca.pem"
//!
//! [[device]]
//! id = 42                      # at the registry
//! profile = "eastron_sdm630"
//! connection = { kind = "tcp", host = "192.168.1.20" }
//! unit_id = 1
//! nameplate_w = 10000
//! # counter = "export_total"   # instead of the profile's
//! # firmware = "1098"          # where no register tells it and it matters
//!
//! [api]
//! listen = "127.0.0.1:8450"
//!
//! # [signer.pkcs11]            # instead of the file `key.pem`
//! # module = "/usr/lib/softhsm/libsofthsm2.so"
//! # token = "gateway"
//! # key = "meter"
//! # pin_file = "pin"
//! ```

mod amend;
mod bluetooth;
mod file;
mod key;

pub use bluetooth::{BluetoothConfig, Offer, TrustConfig};
pub use file::{ConfigError, Wrong, registry_address};
pub use key::{Pkcs11, SignerConfig};

use crate::connection::Connection;
use crate::interval::Length;
use schemas::id::DeviceId;
use serde::{Deserialize, Serialize};
use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;
use url::Url;

/// Name of the file in the gateway's folder.
pub const FILE_NAME: &str = "gateway.toml";
/// Devices of one gateway at most.
pub const MAX_DEVICES: usize = 1_000;
/// Shortest and longest time between two samples of a device, in seconds: the longest still gives a measured end to an
/// interval of five minutes.
pub const SAMPLE_EVERY_S: std::ops::RangeInclusive<u64> = 1..=60;
/// Longest gap that may be settled by the counter alone, in hours.
pub const GAP_LIMIT_H: std::ops::RangeInclusive<u32> = 1..=744;
/// What the buffer may take, in MiB.
pub const DISK_SHARE_MIB: std::ops::RangeInclusive<u64> = 16..=1_048_576;
/// Nameplate power of a device, in watts.
pub const NAMEPLATE_W: std::ops::RangeInclusive<i64> = 1..=1_000_000_000;
/// Where the local API listens if nothing is said.
pub const API_LISTEN: SocketAddr =
    SocketAddr::new(std::net::IpAddr::V4(Ipv4Addr::LOCALHOST), 8_450);

/// Everything that can be set.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// The registry's address; none before the gateway was told one.
    #[serde(
        default,
        deserialize_with = "file::registry",
        skip_serializing_if = "Option::is_none"
    )]
    pub registry: Option<Url>,
    /// Certificates trusted besides those of the system, PEM; relative to the gateway's folder.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ca_file: Option<PathBuf>,
    /// Length of the intervals that are metered.
    #[serde(default = "default_interval")]
    pub interval: Length,
    /// Seconds between samples of a device within an interval.
    #[serde(default = "default_sample_every_s")]
    pub sample_every_s: u64,
    /// Hours after which a gap is doubtful instead of interpolated.
    #[serde(default = "default_gap_limit_h")]
    pub gap_limit_h: u32,
    /// MiB the buffer may take.
    #[serde(default = "default_disk_share_mib")]
    pub disk_share_mib: u64,
    /// Folder of further device profiles; relative to the gateway's folder.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub profiles: Option<PathBuf>,
    /// Whether readings are doubted while the system says that nobody sets its clock. Without, the clock's state is
    /// told as unknown.
    #[serde(default = "default_clock_check")]
    pub clock_check: bool,
    /// The local API.
    #[serde(default)]
    pub api: ApiConfig,
    /// Commissioning over Bluetooth.
    #[serde(default, skip_serializing_if = "BluetoothConfig::is_default")]
    pub bluetooth: BluetoothConfig,
    /// Where the key is.
    #[serde(default, skip_serializing_if = "SignerConfig::is_file")]
    pub signer: SignerConfig,
    /// The devices that are metered.
    #[serde(default, rename = "device", skip_serializing_if = "Vec::is_empty")]
    pub devices: Vec<DeviceConfig>,
}

/// A device that is metered.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct DeviceConfig {
    /// Its id at the registry.
    pub id: DeviceId,
    /// The id of its profile, or `sunspec`.
    pub profile: String,
    /// How it is reached.
    pub connection: Connection,
    /// Its unit id on that connection, if not the profile's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unit_id: Option<u8>,
    /// The energy counter certificates come from, if not the profile's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub counter: Option<String>,
    /// The version of its firmware, where its profile has variants by it and no register to tell it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(min_length = 1, max_length = 100)]
    pub firmware: Option<String>,
    /// Most power it can have, in watts: more energy than that is doubted.
    pub nameplate_w: i64,
    /// Not read while this is set.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub paused: bool,
}

/// The local API.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ApiConfig {
    /// Where it listens.
    pub listen: SocketAddr,
    /// A file with the token that callers have to send; needed where it does not listen on loopback.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub token_file: Option<PathBuf>,
}

impl Default for ApiConfig {
    fn default() -> Self {
        Self {
            listen: API_LISTEN,
            token_file: None,
        }
    }
}

fn default_interval() -> Length {
    Length::FiveMinutes
}

fn default_sample_every_s() -> u64 {
    10
}

fn default_clock_check() -> bool {
    true
}

fn default_gap_limit_h() -> u32 {
    24
}

fn default_disk_share_mib() -> u64 {
    1_024
}

impl Config {
    /// What a gateway is set to that reports to `registry`.
    #[must_use]
    pub fn new(registry: Option<Url>) -> Self {
        Self {
            registry,
            ca_file: None,
            interval: default_interval(),
            sample_every_s: default_sample_every_s(),
            gap_limit_h: default_gap_limit_h(),
            disk_share_mib: default_disk_share_mib(),
            profiles: None,
            clock_check: default_clock_check(),
            api: ApiConfig::default(),
            bluetooth: BluetoothConfig::default(),
            signer: SignerConfig::default(),
            devices: Vec::new(),
        }
    }

    /// Time between samples within an interval.
    #[must_use]
    pub fn sample_every(&self) -> Duration {
        Duration::from_secs(self.sample_every_s)
    }

    /// Bytes the buffer may take.
    #[must_use]
    pub fn disk_share(&self) -> u64 {
        self.disk_share_mib << 20
    }

    /// The device with this id.
    #[must_use]
    pub fn device(&self, id: DeviceId) -> Option<&DeviceConfig> {
        self.devices.iter().find(|device| device.id == id)
    }
}

#[cfg(test)]
#[path = "tests.rs"]
mod tests;
