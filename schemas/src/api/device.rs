//! Production and consumption devices.

use super::decimal::ExactNumber;
use super::field::{Fields, FromFields};
use crate::amount::{WattHours, Watts};
use crate::api::named::Named;
use crate::energy::{DeviceType, EnergySource, GpsLocation, TechnologyType};
use crate::id::{AccountId, DeviceId};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// A device.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct DeviceRead {
    /// Id.
    #[schema(value_type = i64, example = 1)]
    pub id: DeviceId,
    /// When it was registered.
    pub created_at: DateTime<Utc>,
    /// Name people know it by.
    #[schema(example = "Hill Farm wind")]
    pub device_name: String,
    /// Identifier of the device or meter in its own grid.
    pub local_device_identifier: Option<String>,
    /// Grid it feeds or draws from.
    #[schema(example = "NESO")]
    pub grid: String,
    /// What it makes energy from.
    pub energy_source: EnergySource,
    /// How.
    pub technology_type: TechnologyType,
    /// First day of operation.
    pub operational_date: DateTime<Utc>,
    /// Nameplate capacity in MW.
    pub capacity: ExactNumber,
    /// Highest power it draws, in MW.
    pub peak_demand: ExactNumber,
    /// Address or position.
    #[schema(example = "51.4779, -0.0015")]
    pub location: String,
    /// Whether it stores energy.
    pub is_storage: bool,
    /// The account that receives its certificates.
    #[schema(value_type = i64, example = 1)]
    pub account_id: AccountId,
    /// Whether its meter counts production or consumption.
    pub device_type: DeviceType,
    /// Unique identifier in a public register of devices.
    pub device_unique_id: Option<String>,
    /// Position in decimal degrees.
    pub gps_location: Option<Position>,
    /// Whether it was taken out of the registry.
    pub is_deleted: bool,
    /// Wh that certificates stand for although they were not metered; the next issuances pay for them.
    #[schema(value_type = i64, example = 0)]
    pub debt_wh: WattHours,
}

/// WGS 84 position in decimal degrees.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Position {
    /// Degrees north, -90 to 90.
    #[schema(value_type = f64, minimum = -90, maximum = 90, example = 51.4779)]
    pub latitude: ExactNumber,
    /// Degrees east, -180 to 180.
    #[schema(value_type = f64, minimum = -180, maximum = 180, example = -0.0015)]
    pub longitude: ExactNumber,
}

impl From<GpsLocation> for Position {
    fn from(location: GpsLocation) -> Self {
        Self {
            latitude: ExactNumber(location.latitude),
            longitude: ExactNumber(location.longitude),
        }
    }
}

/// A device to register.
#[derive(Debug, Clone, ToSchema)]
pub struct CreateDevice {
    /// Name people know it by, 1 to 500 characters.
    #[schema(min_length = 1, max_length = 500, example = "Hill Farm wind")]
    pub device_name: String,
    /// Identifier of the device or meter in its own grid.
    #[schema(min_length = 1, max_length = 500)]
    pub local_device_identifier: Option<String>,
    /// Grid it feeds or draws from.
    #[schema(min_length = 1, max_length = 500, example = "NESO")]
    pub grid: String,
    /// What it makes energy from.
    pub energy_source: EnergySource,
    /// How.
    pub technology_type: TechnologyType,
    /// First day of operation; no reading may start before.
    pub operational_date: DateTime<Utc>,
    /// Nameplate capacity in MW, down to the watt.
    #[schema(value_type = f64, minimum = 0, maximum = 1_000_000, example = 10)]
    pub capacity: Watts,
    /// Highest power it draws, in MW, down to the watt.
    #[schema(value_type = f64, minimum = 0, maximum = 1_000_000, example = 0.1)]
    pub peak_demand: Watts,
    /// Address, or position as `lat, lon`.
    #[schema(max_length = 500, example = "51.4779, -0.0015")]
    pub location: String,
    /// Whether it stores energy.
    pub is_storage: bool,
    /// The account that receives its certificates.
    #[schema(value_type = i64, example = 1)]
    pub account_id: Named<AccountId>,
    /// Whether its meter counts production (default) or consumption.
    #[schema(required = false)]
    pub device_type: DeviceType,
    /// Unique identifier in a public register of devices.
    #[schema(min_length = 1, max_length = 500)]
    pub device_unique_id: Option<String>,
    /// Position in decimal degrees; taken from `location` if that has the form `lat, lon`.
    #[schema(value_type = Option<Position>)]
    pub gps_location: Option<GpsLocation>,
}

impl FromFields for CreateDevice {
    fn from_fields(fields: &mut Fields<'_>) -> Option<Self> {
        let device_name = fields.required("device_name");
        let grid = fields.required("grid");
        let energy_source = fields.required("energy_source");
        let technology_type = fields.required("technology_type");
        let operational_date = fields.required("operational_date");
        let capacity = fields.required("capacity");
        let peak_demand = fields.required("peak_demand");
        let location: Option<String> = fields.required("location");
        let is_storage = fields.required("is_storage");
        let account_id = fields.required("account_id");
        let local_device_identifier = fields.optional("local_device_identifier");
        let device_type = fields.or("device_type", DeviceType::Production);
        let device_unique_id = fields.optional("device_unique_id");
        let gps_location = fields
            .optional("gps_location")
            .or_else(|| location.as_deref().and_then(GpsLocation::from_text));
        Some(Self {
            device_name: device_name?,
            local_device_identifier,
            grid: grid?,
            energy_source: energy_source?,
            technology_type: technology_type?,
            operational_date: operational_date?,
            capacity: capacity?,
            peak_demand: peak_demand?,
            location: location?,
            is_storage: is_storage?,
            account_id: account_id?,
            device_type,
            device_unique_id,
            gps_location,
        })
    }
}

/// Changes to a device; what is absent stays.
#[derive(Debug, Clone, Default, ToSchema)]
pub struct UpdateDevice {
    /// New name.
    #[schema(min_length = 1, max_length = 500)]
    pub device_name: Option<String>,
    /// New identifier in its own grid.
    #[schema(min_length = 1, max_length = 500)]
    pub local_device_identifier: Option<String>,
    /// New grid.
    #[schema(min_length = 1, max_length = 500)]
    pub grid: Option<String>,
    /// New source.
    pub energy_source: Option<EnergySource>,
    /// New technology.
    pub technology_type: Option<TechnologyType>,
    /// New first day of operation.
    pub operational_date: Option<DateTime<Utc>>,
    /// New capacity in MW.
    #[schema(value_type = Option<f64>, minimum = 0, maximum = 1_000_000, example = 12.5)]
    pub capacity: Option<Watts>,
    /// New highest power it draws, in MW.
    #[schema(value_type = Option<f64>, minimum = 0, maximum = 1_000_000)]
    pub peak_demand: Option<Watts>,
    /// New address or position.
    #[schema(max_length = 500)]
    pub location: Option<String>,
    /// Account that receives its certificates from here on; the caller must be a member of it.
    #[schema(value_type = Option<i64>)]
    pub account_id: Option<Named<AccountId>>,
    /// New identifier in a public register.
    #[schema(min_length = 1, max_length = 500)]
    pub device_unique_id: Option<String>,
    /// New position; taken from `location` if that has the form `lat, lon`.
    #[schema(value_type = Option<Position>)]
    pub gps_location: Option<GpsLocation>,
}

impl FromFields for UpdateDevice {
    fn from_fields(fields: &mut Fields<'_>) -> Option<Self> {
        let location: Option<String> = fields.optional("location");
        let gps_location = fields
            .optional("gps_location")
            .or_else(|| location.as_deref().and_then(GpsLocation::from_text));
        Some(Self {
            device_name: fields.optional("device_name"),
            local_device_identifier: fields.optional("local_device_identifier"),
            grid: fields.optional("grid"),
            energy_source: fields.optional("energy_source"),
            technology_type: fields.optional("technology_type"),
            operational_date: fields.optional("operational_date"),
            capacity: fields.optional("capacity"),
            peak_demand: fields.optional("peak_demand"),
            location,
            account_id: fields.optional("account_id"),
            device_unique_id: fields.optional("device_unique_id"),
            gps_location,
        })
    }
}
