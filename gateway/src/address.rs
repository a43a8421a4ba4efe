//! A connection as one word, for the command line: `tcp://192.168.1.20:502`.

use crate::connection::{Connection, Parity};
use std::str::FromStr;
use url::Url;

/// How the ways to a device are written.
pub const FORMS: &str = "tcp://HOST[:PORT], rtu:/dev/ttyUSB0[?baud=9600&parity=none|even|odd], rtu+tcp://HOST[:PORT], \
     solarman://HOST[:PORT]?logger=SERIAL, p1://HOST:PORT or http://HOST/PATH";

/// Why a word is no connection.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AddressError {
    /// It is none of the forms.
    #[error("is not one of {FORMS}")]
    Form,
    /// It lacks something.
    #[error("lacks {0}")]
    Missing(&'static str),
    /// Something of it makes no sense.
    #[error("{name}={value} makes no sense here")]
    Option {
        /// Which.
        name: String,
        /// What it is said to be.
        value: String,
    },
}

impl FromStr for Connection {
    type Err = AddressError;

    /// Reads one of the [`FORMS`].
    fn from_str(text: &str) -> Result<Self, AddressError> {
        let url = Url::parse(text).map_err(|_| AddressError::Form)?;
        if matches!(url.scheme(), "http" | "https") {
            let url = text.to_owned();
            return Ok(Self::P1Http { url });
        }
        let host = || {
            let host = url.host_str().filter(|host| !host.is_empty());
            // An IPv6 address is asked for without its brackets.
            let bare = |host: &str| host.trim_matches(['[', ']']).to_owned();
            host.map(bare).ok_or(AddressError::Missing("the host"))
        };
        let mut baud = 9_600;
        let mut parity = Parity::None;
        let mut logger = None;
        for (name, value) in url.query_pairs() {
            let wrong = || AddressError::Option {
                name: name.to_string(),
                value: value.to_string(),
            };
            match (url.scheme(), &*name) {
                ("rtu", "baud") => baud = value.parse().map_err(|_| wrong())?,
                ("rtu", "parity") => {
                    parity = match &*value {
                        "none" => Parity::None,
                        "even" => Parity::Even,
                        "odd" => Parity::Odd,
                        _ => return Err(wrong()),
                    }
                }
                ("solarman", "logger") => logger = Some(value.parse().map_err(|_| wrong())?),
                _ => return Err(wrong()),
            }
        }
        match url.scheme() {
            "tcp" => Ok(Self::Tcp {
                host: host()?,
                port: url.port().unwrap_or(502),
            }),
            "rtu" => Ok(Self::Rtu {
                path: url.path().to_owned(),
                baud,
                parity,
            }),
            "rtu+tcp" => Ok(Self::RtuOverTcp {
                host: host()?,
                port: url.port().unwrap_or(502),
            }),
            "solarman" => Ok(Self::Solarman {
                host: host()?,
                port: url.port().unwrap_or(crate::transport::solarman::PORT),
                logger: logger.ok_or(AddressError::Missing("logger=, the number printed on it"))?,
            }),
            "p1" => Ok(Self::P1Tcp {
                host: host()?,
                port: url.port().ok_or(AddressError::Missing("the port"))?,
            }),
            _ => Err(AddressError::Form),
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn each_way_to_a_device_is_one_word() {
        for (text, shown) in [
            ("tcp://inverter.lan", "inverter.lan:502"),
            ("tcp://[fe80::1]:1502", "fe80::1:1502"),
            ("rtu:/dev/ttyUSB0", "/dev/ttyUSB0 at 9600 baud"),
            (
                "rtu:///dev/ttyS1?baud=19200&parity=even",
                "/dev/ttyS1 at 19200 baud",
            ),
            ("rtu+tcp://10.0.0.7:8899", "10.0.0.7:8899 (RTU)"),
            (
                "solarman://10.0.0.7?logger=2712345678",
                "10.0.0.7:8899 (logger 2712345678)",
            ),
            ("p1://10.0.0.9:23", "10.0.0.9:23 (P1)"),
            (
                "http://p1meter/api/v1/telegram",
                "http://p1meter/api/v1/telegram",
            ),
        ] {
            assert_eq!(text.parse::<Connection>().unwrap().to_string(), shown);
        }
        let even = "rtu:/dev/ttyS1?parity=even".parse().unwrap();
        assert!(matches!(
            even,
            Connection::Rtu {
                parity: Parity::Even,
                ..
            }
        ));
    }

    #[test]
    fn what_is_none_says_which_there_are_or_what_it_lacks() {
        let refused = |text: &str| text.parse::<Connection>().unwrap_err().to_string();
        for text in [
            "192.168.1.20",
            "192.168.1.20:502",
            "modbus://10.0.0.7",
            "ftp://x",
        ] {
            assert!(
                refused(text).contains("tcp://HOST"),
                "{text}: {}",
                refused(text)
            );
        }
        assert_eq!(refused("p1://10.0.0.9"), "lacks the port");
        assert_eq!(refused("tcp://"), "lacks the host");
        assert!(refused("solarman://10.0.0.7").contains("logger="));
        assert_eq!(
            refused("rtu:/dev/x?baud=fast"),
            "baud=fast makes no sense here"
        );
        assert_eq!(
            refused("tcp://10.0.0.7?unit=3"),
            "unit=3 makes no sense here"
        );
    }
}
