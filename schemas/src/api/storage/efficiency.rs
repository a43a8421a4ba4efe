//! How efficient a storage device is.

use crate::WattHours;
use crate::api::decimal::ExactNumber;
use crate::api::field::{Fields, FromFields};
use crate::api::named::Named;
use crate::id::DeviceId;
use chrono::{DateTime, Utc};
use serde::Serialize;
use utoipa::ToSchema;

/// An efficiency to fix for a window.
#[derive(Debug, Clone, Copy, ToSchema)]
#[schema(as = FixStorageEfficiency, example = json!({
    "device_id": 1, "from": "2024-11-01T00:00:00Z", "to": "2024-12-01T00:00:00Z",
    "storage_efficiency_factor": 0.89
}))]
pub struct FixEfficiency {
    /// The storage device.
    #[schema(value_type = i64)]
    pub device_id: Named<DeviceId>,
    /// Start of the window.
    pub from: DateTime<Utc>,
    /// End of the window, exclusive; at most 184 days later.
    pub to: DateTime<Utc>,
    /// The factor in (0, 1] with at most 12 decimal places; measured over the records of the window
    /// where absent.
    #[schema(value_type = Option<f64>, maximum = 1, exclusive_minimum = 0)]
    pub storage_efficiency_factor: Option<ExactNumber>,
}

impl FromFields for FixEfficiency {
    fn from_fields(fields: &mut Fields<'_>) -> Option<Self> {
        let device_id = fields.required("device_id");
        let from = fields.required("from");
        let to = fields.required("to");
        let storage_efficiency_factor = fields.optional("storage_efficiency_factor");
        Some(Self {
            device_id: device_id?,
            from: from?,
            to: to?,
            storage_efficiency_factor,
        })
    }
}

/// The efficiency that holds for discharges starting in a window, and where it was measured the loss.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
#[schema(as = StorageEfficiencyRead, example = json!({
    "device_id": 1,
    "efficiency_factor_interval_start": "2024-11-01T00:00:00Z",
    "efficiency_factor_interval_end": "2024-12-01T00:00:00Z",
    "efficiency_factor_methodology": "measured",
    "storage_efficiency_factor": 0.93,
    "storage_efficiency_numerator": 930,
    "storage_efficiency_denominator": 1000,
    "wh_in": 1000,
    "wh_out": 930,
    "loss_wh": 70,
    "created_at": "2024-12-01T08:00:00Z"
}))]
pub struct StorageEfficiency {
    /// The storage device.
    #[schema(value_type = i64)]
    pub device_id: DeviceId,
    /// Start of the window.
    pub efficiency_factor_interval_start: DateTime<Utc>,
    /// End of the window, exclusive.
    pub efficiency_factor_interval_end: DateTime<Utc>,
    /// `measured` (Wh out per Wh in) or `stated`.
    #[schema(value_type = String)]
    pub efficiency_factor_methodology: &'static str,
    /// The factor, cut off after 12 decimal places.
    #[schema(value_type = f64)]
    pub storage_efficiency_factor: ExactNumber,
    /// The factor exactly: numerator.
    pub storage_efficiency_numerator: i64,
    /// The factor exactly: denominator.
    pub storage_efficiency_denominator: i64,
    /// Wh charged in the window, where measured.
    #[schema(value_type = Option<i64>)]
    pub wh_in: Option<WattHours>,
    /// Wh discharged in the window, where measured.
    #[schema(value_type = Option<i64>)]
    pub wh_out: Option<WattHours>,
    /// Wh lost in the window, where measured.
    #[schema(value_type = Option<i64>)]
    pub loss_wh: Option<WattHours>,
    /// When it was fixed.
    pub created_at: DateTime<Utc>,
}
