//! Devices.

use super::entity::{Entities, Entity};
use chrono::{DateTime, Utc};
use rust_decimal::Decimal;
use schemas::energy::{DeviceType, EnergySource, TechnologyType};
use schemas::event::device::{DeviceAttributes, DeviceRegistered, DeviceUpdated};
use schemas::id::{AccountId, DeviceId};
use schemas::log::Position;
use schemas::{WattHours, Watts};
use serde::{Deserialize, Serialize};

#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Device {
    device_id: DeviceId,
    account_id: AccountId,
    device_name: String,
    local_device_identifier: Option<String>,
    device_unique_id: Option<String>,
    grid: String,
    energy_source: EnergySource,
    technology_type: TechnologyType,
    device_type: DeviceType,
    operational_date: DateTime<Utc>,
    capacity_w: Watts,
    peak_demand_w: Watts,
    location: String,
    latitude: Option<Decimal>,
    longitude: Option<Decimal>,
    is_storage: bool,
    is_deleted: bool,
    created_at: DateTime<Utc>,
    position: Position,
    debt_wh: WattHours,
}

impl Entity for Device {
    const TABLE: &'static str = "device";
    const COLUMNS: &'static [&'static str] = &[
        "device_id",
        "account_id",
        "device_name",
        "local_device_identifier",
        "device_unique_id",
        "grid",
        "energy_source",
        "technology_type",
        "device_type",
        "operational_date",
        "capacity_w",
        "peak_demand_w",
        "location",
        "latitude",
        "longitude",
        "is_storage",
        "is_deleted",
        "created_at",
        "position",
        "debt_wh",
    ];
    const AS_TEXT: &'static [&'static str] = &["latitude", "longitude"];

    fn id(&self) -> i64 {
        self.device_id.0
    }
}

impl Device {
    fn with(
        device_id: DeviceId,
        account_id: AccountId,
        attributes: DeviceAttributes,
        created_at: DateTime<Utc>,
        position: Position,
    ) -> Self {
        Self {
            device_id,
            account_id,
            device_name: attributes.device_name,
            local_device_identifier: attributes.local_device_identifier,
            device_unique_id: attributes.device_unique_id,
            grid: attributes.grid,
            energy_source: attributes.energy_source,
            technology_type: attributes.technology_type,
            device_type: attributes.device_type,
            operational_date: attributes.operational_date,
            capacity_w: attributes.capacity_w,
            peak_demand_w: attributes.peak_demand_w,
            location: attributes.location,
            latitude: attributes.gps_location.map(|gps| gps.latitude),
            longitude: attributes.gps_location.map(|gps| gps.longitude),
            is_storage: attributes.is_storage,
            is_deleted: false,
            created_at,
            position,
            debt_wh: WattHours::ZERO,
        }
    }
}

impl Entities<Device> {
    pub(super) fn registered(
        &mut self,
        event: &DeviceRegistered,
        at: DateTime<Utc>,
        position: Position,
    ) {
        let attributes = event.attributes.clone();
        self.insert(Device::with(
            event.device_id,
            event.account_id,
            attributes,
            at,
            position,
        ));
    }

    pub(super) fn updated(&mut self, event: &DeviceUpdated, position: Position) {
        if let Some(device) = self.edit(event.device_id.0) {
            let (is_deleted, debt_wh) = (device.is_deleted, device.debt_wh);
            *device = Device::with(
                event.device_id,
                event.account_id,
                event.attributes.clone(),
                device.created_at,
                position,
            );
            device.is_deleted = is_deleted;
            device.debt_wh = debt_wh;
        }
    }

    /// The device owes so much more, or less where it is negative.
    pub(super) fn owes(&mut self, id: DeviceId, more: WattHours, position: Position) {
        if let Some(device) = self.edit(id.0) {
            device.debt_wh += more;
            device.position = position;
        }
    }

    pub(super) fn removed(&mut self, id: DeviceId, position: Position) {
        if let Some(device) = self.edit(id.0) {
            device.is_deleted = true;
            device.position = position;
        }
    }
}
