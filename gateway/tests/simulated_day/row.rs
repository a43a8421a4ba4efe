//! The table: each profile as its devices come, each of its variants, each kind of those that describe themselves.

use gateway::connection::Connection;
use gateway::profile::{self, Condition, Facts, Library, Limits, Profile, Protocol};
use gateway::simulate::device::{Family, Identity};
use gateway::simulate::server::Framing;
use std::net::SocketAddr;
use std::sync::Arc;

/// Serial number of the data logger.
pub const LOGGER: u32 = 2_712_345_678;

#[derive(Debug, Clone)]
pub struct Row {
    pub profile: Arc<Profile>,
    pub variant: Option<String>,
    /// Who the device says it is.
    pub identity: Identity,
    /// What no register of it tells and the configuration therefore states.
    pub stated: Facts,
    pub framing: Framing,
}

pub fn rows() -> Vec<Row> {
    let library = Library::embedded().unwrap();
    library.iter().flat_map(of_profile).collect()
}

fn of_profile(profile: &Arc<Profile>) -> Vec<Row> {
    let row = Row {
        profile: Arc::new(Profile {
            // Pauses are for hardware that gets confused, and would make the day long.
            limits: Limits {
                min_gap_ms: 0,
                connect_delay_ms: 0,
                timeout_ms: 60_000,
                ..profile.limits
            },
            ..Profile::clone(profile)
        }),
        variant: None,
        identity: Identity {
            serial: "20230042".to_owned(),
            ..Identity::default()
        },
        stated: Facts::default(),
        framing: framing(profile),
    };
    match profile.protocol {
        Protocol::Modbus => {
            let variants = profile
                .variants
                .iter()
                .map(|variant| of_variant(&row, variant));
            std::iter::once(row.clone()).chain(variants).collect()
        }
        Protocol::SunSpec => [Family::Int, Family::Float, Family::Der]
            .map(|family| {
                let mut row = row.clone();
                row.identity.family = family;
                row
            })
            .to_vec(),
        Protocol::P1 => [Framing::P1Tcp, Framing::P1Http]
            .map(|framing| Row {
                framing,
                ..row.clone()
            })
            .to_vec(),
    }
}

/// The wire that such devices usually have; a serial line is passed on over TCP.
fn framing(profile: &Profile) -> Framing {
    match profile.framing {
        profile::Framing::Tcp => Framing::Tcp,
        profile::Framing::Rtu | profile::Framing::RtuOverTcp => Framing::RtuOverTcp,
        profile::Framing::Solarman => Framing::Solarman,
    }
}

fn of_variant(row: &Row, variant: &profile::Variant) -> Row {
    let mut row = row.clone();
    for condition in &variant.when {
        match condition {
            Condition::Model(models) => row.identity.model.clone_from(&models[0]),
            Condition::Firmware(versions) => row.identity.firmware = Some(versions[0].clone()),
            Condition::FirmwareAtLeast(version) => {
                row.identity.firmware = Some(version.to_string())
            }
            Condition::DeviceType(types) => row.identity.device_type = Some(types[0]),
        }
    }
    if row.profile.identity.firmware.is_none() {
        row.stated.firmware.clone_from(&row.identity.firmware);
    }
    let facts = row.identity.facts(&row.profile);
    assert!(row.profile.select(&facts).variants.contains(&variant.name));
    row.variant = Some(variant.name.clone());
    row
}

impl Row {
    /// How the device at `address` is reached.
    pub fn connection(&self, address: SocketAddr) -> Connection {
        let (host, port) = (address.ip().to_string(), address.port());
        match self.framing {
            Framing::Tcp => Connection::Tcp { host, port },
            Framing::RtuOverTcp => Connection::RtuOverTcp { host, port },
            Framing::Solarman => Connection::Solarman {
                host,
                port,
                logger: LOGGER,
            },
            Framing::P1Tcp => Connection::P1Tcp { host, port },
            Framing::P1Http => Connection::P1Http {
                url: format!("http://{address}/api/v1/telegram"),
            },
        }
    }
}
