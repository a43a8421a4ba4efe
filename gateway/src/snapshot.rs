//! What the gateway is at. The engine publishes a [`Snapshot`] after each change; the local API, Bluetooth and
//! `gateway status` show it and nothing else, so nothing they do can hold up the polling of a meter.

use crate::buffer::Hold;
use crate::connection::Connection;
use chrono::{DateTime, Utc};
use schemas::gateway::{ClockState, KeyId, MeterIdentity};
use schemas::id::{DeviceId, GatewayId};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// All of it at one moment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Snapshot {
    /// Version of this program.
    pub version: String,
    /// When this was so.
    pub taken_at: DateTime<Utc>,
    /// When the program was started.
    pub started_at: DateTime<Utc>,
    /// The registry it reports to; absent before it was told one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub registry: Option<String>,
    /// Its id there; absent before it was enrolled.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<i64>)]
    pub gateway_id: Option<GatewayId>,
    /// The key it signs with.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    pub key_id: Option<KeyId>,
    /// Whether its clock is set by others.
    pub clock: ClockState,
    pub queue: Queue,
    pub uplink: Uplink,
    /// In the order of the configuration.
    pub devices: Vec<Device>,
}

/// What waits to be sent.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Queue {
    /// Readings that the registry has not acknowledged.
    pub readings: u64,
    /// Envelopes that hold them.
    pub envelopes: u64,
    /// Space that the buffer takes.
    pub bytes: u64,
    /// Space that it may take.
    pub limit_bytes: u64,
    /// End of the interval that waits longest.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub oldest: Option<DateTime<Utc>>,
}

/// Sending to the registry.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Uplink {
    pub state: UplinkState,
    /// When the registry last answered that it has something.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_accepted_at: Option<DateTime<Utc>>,
    /// When it is tried again, while it waits.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next_attempt_at: Option<DateTime<Utc>>,
    /// Why the last attempt failed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_error: Option<String>,
    /// Readings acknowledged since the start.
    pub readings_accepted: u64,
    /// Bytes of request bodies since the start, as sent.
    pub bytes_sent: u64,
    /// Envelopes that the registry refused for good.
    pub envelopes_refused: u64,
}

/// What the uplink is at.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum UplinkState {
    /// There is nothing to send.
    #[default]
    Idle,
    /// A batch is on its way.
    Sending,
    /// The last attempt failed; the next one has its time.
    Waiting,
    /// Not enrolled, or the key was revoked: somebody has to do something.
    Stopped,
}

/// One device.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Device {
    /// Its id at the registry.
    #[schema(value_type = i64)]
    pub device_id: DeviceId,
    /// Id of its profile.
    pub profile: String,
    /// Where it is reached.
    pub connection: Connection,
    pub state: DeviceState,
    /// When it came to be in that state.
    pub since: DateTime<Utc>,
    /// Who it says it is; absent before it was read for the first time.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub meter: Option<MeterIdentity>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_sample: Option<LastSample>,
    /// Why it could not be read last.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_error: Option<String>,
    /// When it is read next.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next_at: Option<DateTime<Utc>>,
    /// Times it was read since the start.
    pub samples: u64,
    /// Times it could not be read since the start.
    pub failures: u64,
    /// Sequence number of its last envelope.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sequence: Option<u64>,
    /// Why its envelopes are not sent, where the registry refused one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hold: Option<Hold>,
}

/// What a device is at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum DeviceState {
    /// Known, not asked yet.
    Configured,
    /// Asked for the first time, or again after a failure.
    Connecting,
    /// It answers and is read.
    Sampling,
    /// It did not answer; asked again after a while.
    BackingOff,
    /// Not asked before the reason is gone.
    Suspended,
}

impl DeviceState {
    /// The word on the wire.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Configured => "configured",
            Self::Connecting => "connecting",
            Self::Sampling => "sampling",
            Self::BackingOff => "backing_off",
            Self::Suspended => "suspended",
        }
    }

    /// Every state.
    pub const ALL: [Self; 5] = [
        Self::Configured,
        Self::Connecting,
        Self::Sampling,
        Self::BackingOff,
        Self::Suspended,
    ];
}

/// What was read last.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct LastSample {
    pub taken_at: DateTime<Utc>,
    /// The counter that certificates come from, in mWh.
    pub energy_mwh: i64,
    /// Power at that moment, in W.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub power_w: Option<i64>,
    /// Everything else that was read.
    pub values: Vec<Point>,
}

/// One value that was read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Point {
    /// From the vocabulary of profiles.
    pub meaning: String,
    /// A decimal number, or a text.
    pub value: String,
    /// Such as `W`; empty for a text.
    pub unit: String,
}

/// A snapshot for tests.
#[cfg(test)]
pub(crate) mod examples {
    #![allow(clippy::unwrap_used)]
    use super::*;

    pub(crate) fn snapshot() -> Snapshot {
        let at: DateTime<Utc> = "2026-06-21T12:00:00Z".parse().unwrap();
        Snapshot {
            version: "0.1.0".to_owned(),
            taken_at: at,
            started_at: at - chrono::TimeDelta::hours(1),
            registry: Some("https://registry.example".to_owned()),
            gateway_id: Some(GatewayId(3)),
            key_id: None,
            clock: ClockState::Synchronised,
            queue: Queue {
                readings: 12,
                envelopes: 2,
                bytes: 4096,
                limit_bytes: 1 << 30,
                oldest: Some(at - chrono::TimeDelta::minutes(5)),
            },
            uplink: Uplink::default(),
            devices: vec![Device {
                device_id: DeviceId(42),
                profile: "eastron_sdm630".to_owned(),
                connection: Connection::Tcp {
                    host: "10.0.0.7".to_owned(),
                    port: 502,
                },
                state: DeviceState::Sampling,
                since: at,
                meter: Some(MeterIdentity {
                    maker: "Eastron".to_owned(),
                    model: "SDM630".to_owned(),
                    serial: "SN-0815".to_owned(),
                    firmware: None,
                }),
                last_sample: Some(LastSample {
                    taken_at: at,
                    energy_mwh: 123_456_000,
                    power_w: Some(4321),
                    values: vec![Point {
                        meaning: "grid_frequency".to_owned(),
                        value: "50.01".to_owned(),
                        unit: "Hz".to_owned(),
                    }],
                }),
                last_error: None,
                next_at: None,
                samples: 100,
                failures: 1,
                sequence: Some(9),
                hold: None,
            }],
        }
    }
}
