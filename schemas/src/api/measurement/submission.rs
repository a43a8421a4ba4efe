//! Submission of readings of one device.

use crate::WattHours;
use crate::api::field::{Fields, FromFields};
use crate::api::named::Named;
use crate::api::problem::{FieldError, code};
use crate::api::value::{At, FromValue, Given};
use crate::id::DeviceId;
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use std::collections::BTreeMap;
use utoipa::ToSchema;

/// Readings of a device as JSON.
#[derive(Debug, Clone, ToSchema)]
#[schema(example = json!({
    "device_id": 1,
    "readings": [{
        "interval_start_datetime": "2024-11-18T10:00:00Z",
        "interval_end_datetime": "2024-11-18T11:00:00Z",
        "interval_usage": 1000,
        "gross_net_indicator": "NET"
    }],
    "partial": false,
    "issue": true
}))]
pub struct SubmitReadings {
    /// The metered device; `deviceID` is the same.
    #[schema(value_type = i64)]
    pub device_id: Named<DeviceId>,
    /// The readings, in any order, at most 50,000.
    #[schema(value_type = Vec<Reading>, min_items = 1, max_items = 50_000)]
    pub readings: Vec<ReadingTexts>,
    /// Whether to accept the good readings of a submission that has bad ones.
    #[schema(required = false)]
    pub partial: bool,
    /// Whether to issue certificates at once (default); otherwise on request only.
    #[schema(required = false)]
    pub issue: bool,
}

impl FromFields for SubmitReadings {
    fn from_fields(fields: &mut Fields<'_>) -> Option<Self> {
        let device_id = device_id(fields);
        let readings = fields.required("readings");
        let partial = fields.or("partial", false);
        let issue = fields.or("issue", true);
        Some(Self {
            device_id: device_id?,
            readings: readings?,
            partial,
            issue,
        })
    }
}

/// The device under either of its names.
fn device_id(fields: &mut Fields<'_>) -> Option<Named<DeviceId>> {
    if fields.has("deviceID") && !fields.has("device_id") {
        fields.required("deviceID")
    } else {
        fields.required("device_id")
    }
}

/// The fields of an upload besides its file.
#[derive(Debug, Clone, Copy)]
pub struct UploadFields {
    /// The metered device.
    pub device_id: Named<DeviceId>,
    /// Whether to accept the good rows of a file that has bad ones.
    pub partial: bool,
    /// Whether to issue certificates at once.
    pub issue: bool,
}

impl FromFields for UploadFields {
    fn from_fields(fields: &mut Fields<'_>) -> Option<Self> {
        let device_id = device_id(fields);
        let partial = fields.or("partial", false);
        let issue = fields.or("issue", true);
        Some(Self {
            device_id: device_id?,
            partial,
            issue,
        })
    }
}

/// One reading.
#[derive(Debug, Clone, ToSchema)]
pub struct Reading {
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
}

/// One reading as it was written: what does not parse is one bad row among others.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ReadingTexts {
    /// See [`Reading::interval_start_datetime`].
    pub start: Option<String>,
    /// See [`Reading::interval_end_datetime`].
    pub end: Option<String>,
    /// See [`Reading::interval_usage`].
    pub usage: Option<String>,
    /// See [`Reading::gross_net_indicator`].
    pub indicator: Option<String>,
    /// See [`Reading::meter_identifier`].
    pub meter: Option<String>,
}

impl FromValue for ReadingTexts {
    fn from_value(given: &Given<'_>, at: &At, errors: &mut Vec<FieldError>) -> Option<Self> {
        let members = match given {
            Given::Object(text) => {
                serde_json::from_str::<BTreeMap<std::borrow::Cow<'_, str>, &RawValue>>(text).ok()
            }
            _ => None,
        };
        let Some(members) = members else {
            errors.push(at.error(code::WRONG_TYPE, "a reading must be an object".to_owned()));
            return None;
        };
        let text = |name: &str| match members.get(name).map(|raw| Given::json(raw))? {
            Given::Null => None,
            Given::Text(text) | Given::Loose(text) => Some(text),
            Given::Number(text) | Given::List(text) | Given::Object(text) => Some(text.to_owned()),
            Given::Bool(value) => Some(value.to_string()),
        };
        Some(Self {
            start: text("interval_start_datetime"),
            end: text("interval_end_datetime"),
            usage: text("interval_usage"),
            indicator: text("gross_net_indicator"),
            meter: text("meter_identifier"),
        })
    }
}

/// Readings of a device as a CSV file, in a multipart form.
#[derive(Debug, ToSchema)]
pub struct ReadingsUpload {
    /// CSV in UTF-8 with the columns `interval_start_datetime`, `interval_end_datetime`,
    /// `interval_usage` (whole Wh) and `gross_net_indicator` in any order, and if need be
    /// `meter_identifier`, blank for the device's own meter; other columns are ignored. At most 16 MiB
    /// and 50,000 rows.
    #[schema(format = Binary, content_media_type = "text/csv")]
    pub file: String,
    /// The metered device; `device_id` is the same.
    #[schema(rename = "deviceID", value_type = i64)]
    pub device_id: DeviceId,
    /// Whether to accept the good rows of a file that has bad ones.
    #[schema(required = false)]
    pub partial: bool,
    /// Whether to issue certificates at once (default); otherwise on request only.
    #[schema(required = false)]
    pub issue: bool,
}

/// What became of a submission.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(example = json!({
    "message": "Readings submitted successfully.",
    "first_reading_datetime": "2024-11-18T10:00:00Z",
    "last_reading_datetime": "2024-11-18T12:00:00Z",
    "total_device_usage": 45,
    "accepted": 3,
    "repeated": 0,
    "refused": []
}))]
pub struct ReadingsSubmitted {
    /// A sentence for people.
    pub message: String,
    /// Start of the first reading that stands.
    pub first_reading_datetime: Option<DateTime<Utc>>,
    /// Start of the last reading that stands.
    pub last_reading_datetime: Option<DateTime<Utc>>,
    /// Energy of the readings that stand in Wh: accepted now or before.
    #[schema(value_type = i64)]
    pub total_device_usage: WattHours,
    /// Readings accepted now.
    pub accepted: usize,
    /// Readings that had been accepted before, or stand in the submission more than once.
    pub repeated: usize,
    /// Values refused while the rest was accepted; only with `partial`.
    pub refused: Vec<RefusedValue>,
}

/// A value of a submission that was refused.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct RefusedValue {
    /// Its row, counted from 1 without the header.
    pub row: u32,
    /// Its column.
    pub column: String,
    /// Stable code of the rule.
    pub code: String,
    /// The rule it breaks, in a sentence.
    pub detail: String,
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_reading_that_does_not_parse_is_kept_as_text() {
        let body = br#"{"deviceID": 4, "readings": [
            {"interval_usage": 5.5, "interval_start_datetime": null, "interval_end_datetime": "soon"}]}"#;
        let read: SubmitReadings = Fields::from_json(body).unwrap().read().unwrap();
        assert_eq!(read.device_id.to_string(), "4");
        assert_eq!(
            read.readings,
            [ReadingTexts {
                start: None,
                end: Some("soon".to_owned()),
                usage: Some("5.5".to_owned()),
                indicator: None,
                meter: None,
            }]
        );
    }

    #[test]
    fn a_reading_that_is_no_object_is_named() {
        let body = br#"{"device_id": 4, "readings": [{}, 7]}"#;
        let errors = Fields::from_json(body)
            .unwrap()
            .read::<SubmitReadings>()
            .unwrap_err();
        assert_eq!(errors[0].pointer.as_deref(), Some("/readings/1"));
    }
}
