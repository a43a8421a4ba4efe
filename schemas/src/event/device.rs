//! Events of a production or consumption device.

use crate::amount::Watts;
use crate::energy::{DeviceType, EnergySource, GpsLocation, TechnologyType};
use crate::id::{AccountId, DeviceId, MeterId};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

/// What is known of a device: EnergyTag Scheme Standard, attributes of the production device.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeviceAttributes {
    /// Name people know it by.
    pub device_name: String,
    /// Identifier of the device or meter in its own grid.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub local_device_identifier: Option<String>,
    /// Unique identifier in a public register of devices, if it has one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub device_unique_id: Option<String>,
    /// Grid it feeds or draws from.
    pub grid: String,
    /// What it makes energy from.
    pub energy_source: EnergySource,
    /// How.
    pub technology_type: TechnologyType,
    /// Whether its meter counts production or consumption.
    pub device_type: DeviceType,
    /// First day of operation; no reading may start before.
    pub operational_date: DateTime<Utc>,
    /// Nameplate capacity.
    pub capacity_w: Watts,
    /// Highest power it draws.
    pub peak_demand_w: Watts,
    /// Address.
    pub location: String,
    /// Position.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gps_location: Option<GpsLocation>,
    /// Whether it stores energy; its discharge is not certified as production.
    pub is_storage: bool,
}

impl DeviceAttributes {
    /// Whether readings of this device issue certificates: it produces and does not merely store.
    #[must_use]
    pub fn is_certified(&self) -> bool {
        self.device_type == DeviceType::Production && !self.is_storage
    }
}

/// Where a device is at home that produced imported certificates: what is unique of it for ever.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct DeviceOrigin {
    /// Name of the registry that issued.
    pub registry: String,
    /// The device in that registry.
    pub device: String,
}

/// A device belongs to an account from here on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeviceRegistered {
    /// The new device.
    pub device_id: DeviceId,
    /// The account that receives its certificates.
    pub account_id: AccountId,
    /// What is known of it.
    pub attributes: DeviceAttributes,
    /// Where it is at home, if it is known here by imported certificates only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub origin: Option<DeviceOrigin>,
}

/// Attributes or account of a device changed; certificates already issued stay where they are.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeviceUpdated {
    /// The device.
    pub device_id: DeviceId,
    /// The account it belonged to.
    pub previous_account_id: AccountId,
    /// The account that receives its certificates from here on.
    pub account_id: AccountId,
    /// All attributes as they are from here on.
    pub attributes: DeviceAttributes,
}

/// The device is out of the registry; its certificates stay.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeviceRemoved {
    /// The device.
    pub device_id: DeviceId,
    /// The account it belonged to.
    pub account_id: AccountId,
}

/// A device has a further meter from here on, beside its own.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MeterRegistered {
    /// The device.
    pub device_id: DeviceId,
    /// The new meter.
    pub meter_id: MeterId,
    /// Its identifier, unique within the device.
    pub meter_identifier: String,
    /// Whether readings of it are accepted.
    pub is_active: bool,
}

/// Readings of a meter are accepted from here on, or no longer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MeterUpdated {
    /// The device.
    pub device_id: DeviceId,
    /// The meter.
    pub meter_id: MeterId,
    /// Its identifier.
    pub meter_identifier: String,
    /// Whether they are.
    pub is_active: bool,
}
