//! Meters of a device beside its own.

use super::field::{Fields, FromFields};
use crate::id::DeviceId;
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// A meter of a device.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct MeterRead {
    /// The device.
    #[schema(value_type = i64, example = 1)]
    pub device_id: DeviceId,
    /// Identifier, unique within the device.
    #[schema(example = "T_WHILW-1/2")]
    pub meter_identifier: String,
    /// Whether readings of it are accepted.
    pub is_active: bool,
    /// When it was registered.
    pub created_at: DateTime<Utc>,
}

/// A meter to register.
#[derive(Debug, Clone, ToSchema)]
pub struct CreateMeter {
    /// Identifier, unique within the device, 1 to 500 characters.
    #[schema(min_length = 1, max_length = 500, example = "T_WHILW-1/2")]
    pub meter_identifier: String,
    /// Whether readings of it are accepted (default).
    #[schema(required = false)]
    pub is_active: bool,
}

impl FromFields for CreateMeter {
    fn from_fields(fields: &mut Fields<'_>) -> Option<Self> {
        let meter_identifier = fields.required("meter_identifier");
        let is_active = fields.or("is_active", true);
        Some(Self {
            meter_identifier: meter_identifier?,
            is_active,
        })
    }
}

/// Whether readings of a meter are accepted from here on.
#[derive(Debug, Clone, ToSchema)]
pub struct UpdateMeter {
    /// Identifier of the meter.
    #[schema(min_length = 1, max_length = 500, example = "T_WHILW-1/2")]
    pub meter_identifier: String,
    /// Whether they are.
    pub is_active: bool,
}

impl FromFields for UpdateMeter {
    fn from_fields(fields: &mut Fields<'_>) -> Option<Self> {
        let meter_identifier = fields.required("meter_identifier");
        let is_active = fields.required("is_active");
        Some(Self {
            meter_identifier: meter_identifier?,
            is_active: is_active?,
        })
    }
}
