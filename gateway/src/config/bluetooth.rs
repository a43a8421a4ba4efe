//! Commissioning over Bluetooth.

use serde::{Deserialize, Serialize};

/// Commissioning over Bluetooth.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct BluetoothConfig {
    /// When it is offered.
    pub offer: Offer,
    /// Who is trusted.
    pub trust: TrustConfig,
    /// The name that phones see; the first 8 characters of it at least.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
}

/// When commissioning is offered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Offer {
    /// Before the gateway has enrolled, and a quarter of an hour after the program was started.
    #[default]
    UntilEnrolled,
    Always,
    Never,
}

/// Whom commissioning trusts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TrustConfig {
    /// Who knows the key in `bluetooth.key`, which is printed on the gateway.
    #[default]
    Key,
    /// Who has paired with the number that the gateway shows.
    Pairing,
}

impl BluetoothConfig {
    /// Whether it is as it is without being written.
    #[must_use]
    pub fn is_default(&self) -> bool {
        *self == Self::default()
    }
}
