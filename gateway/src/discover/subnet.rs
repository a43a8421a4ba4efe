//! Which addresses are asked.

use std::fmt;
use std::net::Ipv4Addr;
use std::str::FromStr;

/// The largest subnet: 254 addresses.
pub const MIN_PREFIX: u8 = 24;
/// The largest subnet where the caller says that it shall be large: 4,094 addresses.
pub const MIN_PREFIX_LARGE: u8 = 20;

/// A subnet of private addresses, such as `192.168.1.0/24`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Subnet {
    network: u32,
    prefix: u8,
}

/// Why a subnet is not searched.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SubnetError {
    /// The text is none.
    #[error("{0:?} is not a subnet such as 192.168.1.0/24")]
    Text(String),
    /// Other people's machines.
    #[error(
        "{0} is not a private subnet (10.0.0.0/8, 172.16.0.0/12, 192.168.0.0/16, 169.254.0.0/16)"
    )]
    Public(Subnet),
}

impl Subnet {
    /// The /24 around an address.
    ///
    /// # Errors
    /// If it is not private.
    pub fn around(address: Ipv4Addr) -> Result<Self, SubnetError> {
        Self::new(address, MIN_PREFIX)
    }

    fn new(address: Ipv4Addr, prefix: u8) -> Result<Self, SubnetError> {
        let host_bits = u32::MAX.checked_shr(u32::from(prefix)).unwrap_or(0);
        let subnet = Self {
            network: address.to_bits() & !host_bits,
            prefix,
        };
        let is_private = |address: Ipv4Addr| {
            address.is_private() || address.is_link_local() || address.is_loopback()
        };
        let (first, last) = (subnet.network, subnet.network | host_bits);
        if is_private(first.into()) && is_private(last.into()) {
            Ok(subnet)
        } else {
            Err(SubnetError::Public(subnet))
        }
    }

    /// Length of the prefix, in bits.
    #[must_use]
    pub const fn prefix(self) -> u8 {
        self.prefix
    }

    /// The last of its addresses, at which all of it is called.
    #[must_use]
    pub fn last(self) -> Ipv4Addr {
        let host_bits = u32::MAX.checked_shr(u32::from(self.prefix)).unwrap_or(0);
        (self.network | host_bits).into()
    }

    /// Whether an address is in it.
    #[must_use]
    pub fn holds(self, address: Ipv4Addr) -> bool {
        (self.network..=self.last().to_bits()).contains(&address.to_bits())
    }

    /// The addresses of hosts: not that of the network and not the broadcast address, where there are such.
    pub fn hosts(self) -> impl Iterator<Item = Ipv4Addr> {
        let size = 1_u64 << (32 - u32::from(self.prefix));
        let ends = u64::from(size > 2);
        let network = u64::from(self.network);
        (network + ends..network + size - ends)
            .filter_map(|address| u32::try_from(address).ok())
            .map(Ipv4Addr::from)
    }
}

impl FromStr for Subnet {
    type Err = SubnetError;

    fn from_str(text: &str) -> Result<Self, SubnetError> {
        let wrong = || SubnetError::Text(text.chars().take(40).collect());
        let (address, prefix) = text.split_once('/').unwrap_or((text, "32"));
        let address = address.trim().parse().map_err(|_| wrong())?;
        let prefix = prefix.trim().parse().ok().filter(|prefix| *prefix <= 32);
        Self::new(address, prefix.ok_or_else(wrong)?)
    }
}

impl fmt::Display for Subnet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", Ipv4Addr::from(self.network), self.prefix)
    }
}
