//! Another value for an accepted reading.

use super::Correction;
use crate::WattHours;
use crate::api::field::{Fields, FromFields};
use crate::id::MeasurementId;
use crate::life_cycle::Settle;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// Another value for a reading.
#[derive(Debug, Clone, ToSchema)]
#[schema(example = json!({
    "interval_usage": 940,
    "reason": "the meter's transformer ratio was wrong",
    "settle": "now",
    "dry_run": false
}))]
pub struct CorrectMeasurement {
    /// Metered energy in Wh from here on.
    #[schema(value_type = i64, minimum = 0)]
    pub interval_usage: WattHours,
    /// Why, 1 to 500 characters.
    #[schema(min_length = 1, max_length = 500)]
    pub reason: String,
    /// Where certificates can not be taken back: refuse (now, default), or let the device's next
    /// issuances pay for them (later).
    #[schema(required = false)]
    pub settle: Settle,
    /// Whether to answer what would follow, and do nothing.
    #[schema(required = false)]
    pub dry_run: bool,
}

impl FromFields for CorrectMeasurement {
    fn from_fields(fields: &mut Fields<'_>) -> Option<Self> {
        let interval_usage = fields.required("interval_usage");
        let reason = fields.required("reason");
        let settle = fields.or("settle", Settle::Now);
        let dry_run = fields.or("dry_run", false);
        Some(Self {
            interval_usage: interval_usage?,
            reason: reason?,
            settle,
            dry_run,
        })
    }
}

/// What became of a correction.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct MeasurementCorrected {
    /// The reading.
    #[schema(value_type = i64)]
    pub measurement_id: MeasurementId,
    /// Whether it only would: nothing was done.
    pub dry_run: bool,
    /// What changed; null where the reading had the value already.
    pub correction: Option<Correction>,
}
