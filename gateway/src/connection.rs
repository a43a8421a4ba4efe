//! How a device is reached: what the configuration and the local API say.

use serde::{Deserialize, Serialize};
use std::fmt;
use utoipa::ToSchema;

const fn modbus_port() -> u16 {
    502
}

const fn solarman_port() -> u16 {
    crate::transport::solarman::PORT
}

const fn baud() -> u32 {
    9600
}

/// The way to a device. In TOML and JSON alike: `kind`, and what that kind needs.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum Connection {
    /// Modbus TCP.
    Tcp {
        /// Name or address.
        host: String,
        #[serde(default = "modbus_port")]
        port: u16,
    },
    /// Modbus RTU on a serial line.
    Rtu {
        /// The device file, such as `/dev/ttyUSB0`.
        path: String,
        /// Bits per second.
        #[serde(default = "baud")]
        baud: u32,
        #[serde(default)]
        parity: Parity,
    },
    /// Modbus RTU frames over TCP, as serial servers pass them on.
    RtuOverTcp {
        /// Name or address.
        host: String,
        #[serde(default = "modbus_port")]
        port: u16,
    },
    /// Modbus behind a Solarman data logger.
    Solarman {
        /// Name or address.
        host: String,
        #[serde(default = "solarman_port")]
        port: u16,
        /// The serial number printed on the logger.
        logger: u32,
    },
    /// P1 telegrams that an adapter passes on over TCP.
    P1Tcp {
        /// Name or address.
        host: String,
        port: u16,
    },
    /// P1 telegrams that an adapter answers over HTTP, such as `http://p1meter/api/v1/telegram`.
    P1Http {
        /// `http` or `https`.
        url: String,
    },
}

/// Parity of a serial line; 8 data bits, and 1 stop bit with parity, 2 without as Modbus over serial
/// line 1.02, section 2.5.1 has it, unless the line works otherwise.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Parity {
    /// None, with 1 stop bit, as most inverters are delivered.
    #[default]
    None,
    Even,
    Odd,
}

impl Connection {
    /// Whether there is a P1 port at its other end, which knows no unit ids.
    #[must_use]
    pub const fn is_p1(&self) -> bool {
        matches!(self, Self::P1Tcp { .. } | Self::P1Http { .. })
    }
}

impl fmt::Display for Connection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tcp { host, port } => write!(f, "{host}:{port}"),
            Self::Rtu { path, baud, .. } => write!(f, "{path} at {baud} baud"),
            Self::RtuOverTcp { host, port } => write!(f, "{host}:{port} (RTU)"),
            Self::Solarman { host, port, logger } => write!(f, "{host}:{port} (logger {logger})"),
            Self::P1Tcp { host, port } => write!(f, "{host}:{port} (P1)"),
            Self::P1Http { url } => f.write_str(url.split('?').next().unwrap_or_default()),
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_connection_is_written_with_its_kind_and_the_usual_ports() {
        let read = |text| serde_json::from_str::<Connection>(text);
        let tcp = read(r#"{"kind":"tcp","host":"inverter.lan"}"#).unwrap();
        assert_eq!(tcp.to_string(), "inverter.lan:502");
        let logger = read(r#"{"kind":"solarman","host":"10.0.0.7","logger":2712345678}"#).unwrap();
        assert_eq!(logger.to_string(), "10.0.0.7:8899 (logger 2712345678)");
        let unknown = read(r#"{"kind":"tcp","host":"a","prot":1}"#).unwrap_err();
        assert!(unknown.to_string().contains("prot"), "{unknown}");
    }

    #[test]
    fn what_is_shown_of_an_address_holds_no_query() {
        let url = "http://p1/telegram?token=secret".to_owned();
        assert_eq!(Connection::P1Http { url }.to_string(), "http://p1/telegram");
    }
}
