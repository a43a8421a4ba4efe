//! What can be asked over Bluetooth: this list, and nothing else.

use crate::config::DeviceConfig;
use crate::control::{ControlError, Secret};
use serde::{Deserialize, Serialize};

/// Longest name of a WiFi network, in bytes (IEEE 802.11-2020, 9.4.2.2).
pub const MAX_SSID_BYTES: usize = 32;
/// Length of a WPA passphrase (IEEE 802.11-2020, annex J.4).
pub const PASSPHRASE_CHARS: std::ops::RangeInclusive<usize> = 8..=63;

/// A request, as JSON: `{"op": "wifi_scan"}`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(tag = "op", rename_all = "snake_case", deny_unknown_fields)]
pub enum Operation {
    /// Asks for a challenge. Open to everybody.
    Hello {},
    /// Answers it. Open to everybody.
    Authenticate {
        /// 16 random bytes of the client, hexadecimal.
        nonce: String,
        /// HMAC-SHA256, hexadecimal.
        proof: String,
    },
    /// Who this gateway is.
    Identity {},
    /// What it is at.
    State {},
    /// The WiFi networks in reach.
    WifiScan {},
    /// Joins a WiFi network.
    WifiConnect {
        /// Its name.
        ssid: String,
        /// Its passphrase; absent for an open network.
        #[serde(default)]
        passphrase: Option<Secret>,
    },
    /// Enrols at a registry.
    Enrol {
        /// Its address, as it was typed.
        registry: String,
        /// The one-time code.
        code: Secret,
    },
    /// Adds a device.
    AddDevice {
        /// As in the configuration.
        device: DeviceConfig,
    },
}

/// A WiFi network in reach.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Wifi {
    /// Its name.
    pub ssid: String,
    /// Signal, 0 to 100.
    pub strength: u8,
    /// Whether it needs a passphrase.
    pub protected: bool,
    /// Whether this gateway is in it.
    pub connected: bool,
}

/// What is answered, as JSON: `{"ok": …}` or `{"refused": {"code": …, "detail": …}}`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Answer {
    /// It was done.
    Ok(serde_json::Value),
    /// It was not.
    Refused(Refusal),
}

/// Why not.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[error("{detail}")]
pub struct Refusal {
    /// Stable.
    pub code: String,
    /// A sentence for people; holds no secret.
    pub detail: String,
    /// When trying again may help, in seconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retry_after_s: Option<u64>,
}

impl Refusal {
    /// A refusal.
    pub fn new(code: &str, detail: impl Into<String>) -> Self {
        Self {
            code: code.to_owned(),
            detail: detail.into(),
            retry_after_s: None,
        }
    }
}

impl From<ControlError> for Refusal {
    fn from(error: ControlError) -> Self {
        let code = match &error {
            ControlError::Invalid { .. } => "request_invalid",
            ControlError::NoSuchDevice { .. } => "device_not_found",
            ControlError::DeviceThere { .. } => "device_there",
            ControlError::Unreadable { .. } => "device_unreadable",
            ControlError::NotNow { .. } => "not_now",
            ControlError::Failed { .. } => "failed",
            ControlError::Busy => "busy",
            ControlError::Stopping => "stopping",
        };
        Self::new(code, error.to_string())
    }
}

impl Operation {
    /// Reads a request.
    ///
    /// # Errors
    /// What is wrong with it, without what it holds: that may be a secret.
    pub fn parse(bytes: &[u8]) -> Result<Self, Refusal> {
        let operation: Self = serde_json::from_slice(bytes).map_err(|error| {
            let detail = if error.is_data() {
                "the request is not one of those there are, or lacks a field"
            } else {
                "the request is not JSON"
            };
            Refusal::new("request_invalid", detail)
        })?;
        if let Self::WifiConnect { ssid, passphrase } = &operation {
            if !(1..=MAX_SSID_BYTES).contains(&ssid.len()) {
                let detail = format!("ssid has 1 to {MAX_SSID_BYTES} bytes");
                return Err(Refusal::new("request_invalid", detail));
            }
            let chars = passphrase
                .as_ref()
                .map(|passphrase| passphrase.reveal().chars().count());
            if chars.is_some_and(|chars| !PASSPHRASE_CHARS.contains(&chars)) {
                let detail = format!(
                    "passphrase has {} to {} characters",
                    PASSPHRASE_CHARS.start(),
                    PASSPHRASE_CHARS.end()
                );
                return Err(Refusal::new("request_invalid", detail));
            }
        }
        Ok(operation)
    }

    /// Whether anybody in radio range may ask it.
    #[must_use]
    pub const fn is_open(&self) -> bool {
        matches!(self, Self::Hello {} | Self::Authenticate { .. })
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn refused(text: &str) -> String {
        Operation::parse(text.as_bytes()).unwrap_err().detail
    }

    #[test]
    fn only_what_is_listed_can_be_asked() {
        assert_eq!(
            Operation::parse(br#"{"op":"wifi_scan"}"#).unwrap(),
            Operation::WifiScan {}
        );
        for text in [
            r#"{"op":"reboot"}"#,
            r#"{"op":"sign","message":"x"}"#,
            r#"{"op":"state","path":"/api"}"#,
            r#"{"method":"GET","path":"/status"}"#,
            r#"{"op":"wifi_connect"}"#,
        ] {
            assert!(refused(text).contains("not one of those"), "{text}");
        }
        assert_eq!(refused("{"), "the request is not JSON");
    }

    #[test]
    fn a_refused_request_does_not_repeat_its_secrets() {
        let text = r#"{"op":"wifi_connect","ssid":7,"passphrase":"hunter2 hunter2"}"#;
        assert!(!refused(text).contains("hunter2"));
        let text = r#"{"op":"enrol","registry":"https://r.example","code":"ABCD-EFGH"}"#;
        let operation = Operation::parse(text.as_bytes()).unwrap();
        assert!(!format!("{operation:?}").contains("ABCD"));
    }

    #[test]
    fn names_and_passphrases_of_networks_keep_their_limits() {
        let connect = |ssid: usize, passphrase: usize| {
            let text = serde_json::json!({"op": "wifi_connect", "ssid": "s".repeat(ssid),
                "passphrase": "p".repeat(passphrase)});
            Operation::parse(text.to_string().as_bytes())
        };
        assert!(connect(1, 8).is_ok());
        assert!(connect(32, 63).is_ok());
        for (ssid, passphrase) in [(0, 8), (33, 8), (1, 7), (1, 64)] {
            assert_eq!(
                connect(ssid, passphrase).unwrap_err().code,
                "request_invalid"
            );
        }
    }
}
