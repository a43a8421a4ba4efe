//! Commands about devices and their meters.

use chrono::{DateTime, Utc};
use schemas::energy::EnergySource;
use schemas::event::device::DeviceAttributes;
use schemas::id::{AccountId, DeviceId};

/// See [`crate::Command::RegisterDevice`].
#[derive(Debug, Clone)]
pub struct RegisterDevice {
    /// Account that receives its certificates.
    pub account_id: AccountId,
    /// What is known of it.
    pub attributes: DeviceAttributes,
}

/// See [`crate::Command::UpdateDevice`].
#[derive(Debug, Clone)]
pub struct UpdateDevice {
    /// The device.
    pub device_id: DeviceId,
    /// Account that receives its certificates from here on; `None` leaves it.
    pub account_id: Option<AccountId>,
    /// Changes to the attributes.
    pub patch: DevicePatch,
}

/// Attributes of a device to change; what is `None` stays.
#[derive(Debug, Clone, Default)]
pub struct DevicePatch {
    /// See [`DeviceAttributes::device_name`].
    pub device_name: Option<String>,
    /// See [`DeviceAttributes::local_device_identifier`].
    pub local_device_identifier: Option<String>,
    /// See [`DeviceAttributes::device_unique_id`].
    pub device_unique_id: Option<String>,
    /// See [`DeviceAttributes::grid`].
    pub grid: Option<String>,
    /// See [`DeviceAttributes::energy_source`].
    pub energy_source: Option<EnergySource>,
    /// See [`DeviceAttributes::technology_type`].
    pub technology_type: Option<schemas::energy::TechnologyType>,
    /// See [`DeviceAttributes::operational_date`].
    pub operational_date: Option<DateTime<Utc>>,
    /// See [`DeviceAttributes::capacity_w`].
    pub capacity_w: Option<schemas::Watts>,
    /// See [`DeviceAttributes::peak_demand_w`].
    pub peak_demand_w: Option<schemas::Watts>,
    /// See [`DeviceAttributes::location`].
    pub location: Option<String>,
    /// See [`DeviceAttributes::gps_location`].
    pub gps_location: Option<schemas::energy::GpsLocation>,
}

/// See [`crate::Command::RegisterMeter`].
#[derive(Debug, Clone)]
pub struct RegisterMeter {
    /// The device.
    pub device_id: DeviceId,
    /// Identifier, unique within the device.
    pub identifier: String,
    /// Whether readings of it are accepted.
    pub is_active: bool,
}

/// See [`crate::Command::UpdateMeter`].
#[derive(Debug, Clone)]
pub struct UpdateMeter {
    /// The device.
    pub device_id: DeviceId,
    /// Identifier of the meter.
    pub identifier: String,
    /// Whether readings of it are accepted.
    pub is_active: bool,
}
