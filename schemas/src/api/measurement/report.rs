//! One meter reading.

use crate::WattHours;
use crate::api::field::{Fields, FromFields};
use crate::api::named::Named;
use crate::api::problem::code;
use crate::gateway::{Cause, Quality};
use crate::id::{DeviceId, MeasurementId};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

/// A reading to submit by itself.
#[derive(Debug, Clone, ToSchema)]
#[schema(as = MeasurementReportBase, example = json!({
    "device_id": 1,
    "interval_start_datetime": "2024-11-18T10:00:00Z",
    "interval_end_datetime": "2024-11-18T11:00:00Z",
    "interval_usage": 1000,
    "gross_net_indicator": "NET"
}))]
pub struct NewMeasurement {
    /// The metered device.
    #[schema(value_type = i64)]
    pub device_id: Named<DeviceId>,
    /// Start of the interval.
    pub interval_start_datetime: DateTime<Utc>,
    /// End of the interval, exclusive.
    pub interval_end_datetime: DateTime<Utc>,
    /// Metered energy in Wh.
    #[schema(value_type = i64, minimum = 0)]
    pub interval_usage: WattHours,
    /// `NET` or `GROSS`.
    #[schema(min_length = 1, max_length = 20, pattern = r"\S")]
    pub gross_net_indicator: String,
    /// The meter, where it is not the device's own.
    #[schema(min_length = 1, max_length = 500)]
    pub meter_identifier: Option<String>,
    /// Whether to issue certificates at once (default); otherwise on request only.
    #[schema(required = false)]
    pub issue: bool,
}

impl FromFields for NewMeasurement {
    fn from_fields(fields: &mut Fields<'_>) -> Option<Self> {
        let device_id = fields.required("device_id");
        let interval_start_datetime = fields.required("interval_start_datetime");
        let interval_end_datetime = fields.required("interval_end_datetime");
        let interval_usage = fields.required("interval_usage");
        let gross_net_indicator: Option<String> = fields.required("gross_net_indicator");
        if gross_net_indicator
            .as_ref()
            .is_some_and(|text| text.trim().is_empty())
        {
            // As in a submission of many.
            let rule = "`gross_net_indicator` is required";
            fields.refuse("gross_net_indicator", code::MISSING, rule);
        }
        let meter_identifier = fields.optional("meter_identifier");
        let issue = fields.or("issue", true);
        Some(Self {
            device_id: device_id?,
            interval_start_datetime: interval_start_datetime?,
            interval_end_datetime: interval_end_datetime?,
            interval_usage: interval_usage?,
            gross_net_indicator: gross_net_indicator?,
            meter_identifier,
            issue,
        })
    }
}

/// What to change of a reading that no certificate was issued for; what is absent stays.
#[derive(Debug, Clone, Default, ToSchema)]
#[schema(as = MeasurementReportUpdate, example = json!({
    "interval_start_datetime": "2024-11-18T11:00:00Z",
    "interval_end_datetime": "2024-11-18T12:00:00Z"
}))]
pub struct MeasurementChange {
    /// Device it shall stand under.
    #[schema(value_type = Option<i64>)]
    pub device_id: Option<Named<DeviceId>>,
    /// Start of the interval it shall stand for.
    pub interval_start_datetime: Option<DateTime<Utc>>,
    /// End of the interval it shall stand for, exclusive.
    pub interval_end_datetime: Option<DateTime<Utc>>,
}

impl FromFields for MeasurementChange {
    fn from_fields(fields: &mut Fields<'_>) -> Option<Self> {
        Some(Self {
            device_id: fields.optional("device_id"),
            interval_start_datetime: fields.optional("interval_start_datetime"),
            interval_end_datetime: fields.optional("interval_end_datetime"),
        })
    }
}

/// An accepted reading.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(as = MeasurementReportRead, example = json!({
    "id": 1,
    "created_at": "2024-11-18T12:00:00.123456Z",
    "device_id": 1,
    "interval_start_datetime": "2024-11-18T10:00:00Z",
    "interval_end_datetime": "2024-11-18T11:00:00Z",
    "interval_usage": 1000,
    "gross_net_indicator": "NET",
    "is_deleted": false,
    "meter_identifier": null
}))]
pub struct MeasurementReport {
    /// Its id.
    #[schema(value_type = i64)]
    pub id: MeasurementId,
    /// When it was accepted.
    pub created_at: DateTime<Utc>,
    /// The metered device.
    #[schema(value_type = i64)]
    pub device_id: DeviceId,
    /// Start of the interval.
    pub interval_start_datetime: DateTime<Utc>,
    /// End of the interval, exclusive.
    pub interval_end_datetime: DateTime<Utc>,
    /// Metered energy in Wh.
    #[schema(value_type = i64)]
    pub interval_usage: WattHours,
    /// `NET` or `GROSS`, as submitted.
    pub gross_net_indicator: String,
    /// Whether it was taken back.
    pub is_deleted: bool,
    /// The meter, where it is not the device's own.
    pub meter_identifier: Option<String>,
    /// How far it can be trusted, where a gateway signed it.
    pub quality: Option<Quality>,
    /// Why not further.
    pub cause: Option<Cause>,
}

/// Which readings of a list are wanted.
#[derive(Debug, Clone, Default, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct MeasurementFilter {
    /// The metered device; all that the caller may see where absent.
    #[param(value_type = Option<i64>)]
    pub device_id: Option<Named<DeviceId>>,
    /// First start of an interval; needs `device_id`.
    pub from: Option<DateTime<Utc>>,
    /// Intervals start before; needs `device_id`.
    pub to: Option<DateTime<Utc>>,
    /// Only readings of which all that can be is issued (true), or of which something is not (false);
    /// needs `device_id`.
    pub issued: Option<bool>,
}

/// Code of a filter that is given without another; the edge's own.
const QUERY_INVALID: &str = "query_invalid";

impl FromFields for MeasurementFilter {
    fn from_fields(fields: &mut Fields<'_>) -> Option<Self> {
        let read = Self {
            device_id: fields.optional("device_id"),
            from: fields.optional("from"),
            to: fields.optional("to"),
            issued: fields.optional("issued"),
        };
        if !fields.has("device_id") {
            for bound in ["from", "to", "issued"] {
                if fields.has(bound) {
                    let rule = format!("`{bound}` needs `device_id`");
                    fields.refuse("device_id", QUERY_INVALID, rule);
                }
            }
        }
        Some(read)
    }
}

/// The reading to take back, as clients of the reference name it.
#[derive(Debug, Clone, Copy, Default, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct NamedMeasurement {
    /// Goes before the id in the path, as in the reference.
    #[param(value_type = Option<i64>)]
    pub measurement_id: Option<Named<MeasurementId>>,
}

impl FromFields for NamedMeasurement {
    fn from_fields(fields: &mut Fields<'_>) -> Option<Self> {
        Some(Self {
            measurement_id: fields.optional("measurement_id"),
        })
    }
}
