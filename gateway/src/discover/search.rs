//! What somebody asks to be searched, and what that comes to.

use super::subnet::{MIN_PREFIX, MIN_PREFIX_LARGE, Subnet, SubnetError};
use serde::{Deserialize, Serialize};
use std::net::SocketAddr;
use utoipa::ToSchema;

/// Ports asked at once at most.
pub const MAX_PORTS: usize = 8;
/// Modbus TCP; what vendors use instead; Huawei's; Solarman loggers.
const PORTS: [u16; 4] = [502, 1502, 6607, crate::transport::solarman::PORT];

/// What to search.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Search {
    /// A private subnet, of at most 254 addresses; the one of this machine if absent.
    #[schema(example = "192.168.1.0/24")]
    pub subnet: Option<String>,
    /// TCP ports, at most 8; 502, 1502, 6607 and 8899 if empty.
    pub ports: Vec<u16>,
    /// Allow a subnet of up to 4,094 addresses.
    pub large: bool,
}

/// A search that keeps the rules.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plan {
    /// Where.
    pub subnet: Subnet,
    ports: Vec<u16>,
}

/// Why it is not searched.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SearchError {
    /// The subnet.
    #[error(transparent)]
    Subnet(#[from] SubnetError),
    /// Too many addresses.
    #[error(
        "{subnet} has more addresses than a /{at_most}; `large` allows up to a /{MIN_PREFIX_LARGE}"
    )]
    TooLarge {
        /// What was asked for.
        subnet: Subnet,
        /// The shortest prefix.
        at_most: u8,
    },
    /// None was given and this machine has no address.
    #[error("this machine has no IPv4 address; name a subnet")]
    NoNetwork,
    /// Too many ports.
    #[error("{0} ports are more than {MAX_PORTS}")]
    Ports(usize),
    /// Port 0.
    #[error("0 is not a port")]
    Port0,
}

impl SearchError {
    /// The field at fault, as a JSON pointer.
    #[must_use]
    pub const fn pointer(&self) -> &'static str {
        match self {
            Self::Subnet(_) | Self::TooLarge { .. } | Self::NoNetwork => "/subnet",
            Self::Ports(_) | Self::Port0 => "/ports",
        }
    }
}

impl Search {
    /// What it comes to.
    ///
    /// # Errors
    /// The rule it breaks.
    pub fn plan(self) -> Result<Plan, SearchError> {
        let subnet: Subnet = match self.subnet {
            Some(text) => text.parse()?,
            None => Subnet::around(super::own_address().ok_or(SearchError::NoNetwork)?)?,
        };
        let at_most = if self.large {
            MIN_PREFIX_LARGE
        } else {
            MIN_PREFIX
        };
        if subnet.prefix() < at_most {
            return Err(SearchError::TooLarge { subnet, at_most });
        }
        let mut ports = if self.ports.is_empty() {
            PORTS.to_vec()
        } else {
            self.ports
        };
        ports.sort_unstable();
        ports.dedup();
        if ports.len() > MAX_PORTS {
            return Err(SearchError::Ports(ports.len()));
        }
        if ports.first() == Some(&0) {
            return Err(SearchError::Port0);
        }
        Ok(Plan { subnet, ports })
    }
}

impl Plan {
    /// Whether data loggers are looked for.
    #[must_use]
    pub fn wants_loggers(&self) -> bool {
        self.ports.contains(&crate::transport::solarman::PORT)
    }

    /// Every address with every port.
    pub fn endpoints(&self) -> impl Iterator<Item = SocketAddr> {
        let hosts = self.subnet.hosts();
        hosts.flat_map(|host| {
            self.ports
                .iter()
                .map(move |port| SocketAddr::from((host, *port)))
        })
    }
}
