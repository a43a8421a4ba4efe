//! Issuance on request.

use crate::WattHours;
use crate::api::field::{Fields, FromFields};
use crate::api::named::Named;
use crate::id::{BundleId, CertificateId, DeviceId};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// Which readings to issue for.
#[derive(Debug, Clone, ToSchema)]
#[schema(example = json!({
    "device_id": 1,
    "from": "2024-11-18T00:00:00Z",
    "to": "2024-11-19T00:00:00Z",
    "dry_run": true
}))]
pub struct IssueReadings {
    /// The device.
    #[schema(value_type = i64)]
    pub device_id: Named<DeviceId>,
    /// Intervals start here or later.
    pub from: DateTime<Utc>,
    /// Intervals start before; at most 366 days after `from`.
    pub to: DateTime<Utc>,
    /// The only meter to issue for; all of the device where absent.
    #[schema(min_length = 1, max_length = 500)]
    pub meter_identifier: Option<String>,
    /// Whether to issue anew what was withdrawn, too; the issuing body alone may.
    #[schema(required = false)]
    pub include_withdrawn: bool,
    /// Whether to issue for doubtful readings of gateways, too: that settles them.
    #[schema(required = false)]
    pub include_doubtful: bool,
    /// Whether to answer what would be issued, and do nothing.
    #[schema(required = false)]
    pub dry_run: bool,
}

impl FromFields for IssueReadings {
    fn from_fields(fields: &mut Fields<'_>) -> Option<Self> {
        let device_id = fields.required("device_id");
        let from = fields.required("from");
        let to = fields.required("to");
        let meter_identifier = fields.optional("meter_identifier");
        let include_withdrawn = fields.or("include_withdrawn", false);
        let include_doubtful = fields.or("include_doubtful", false);
        let dry_run = fields.or("dry_run", false);
        Some(Self {
            device_id: device_id?,
            from: from?,
            to: to?,
            meter_identifier,
            include_withdrawn,
            include_doubtful,
            dry_run,
        })
    }
}

/// What was issued, or would be.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ReadingsIssued {
    /// The device.
    #[schema(value_type = i64)]
    pub device_id: DeviceId,
    /// Whether it only would: nothing was done.
    pub dry_run: bool,
    /// Bundles, one per reading.
    pub bundles: usize,
    /// Wh of all of them.
    #[schema(value_type = i64)]
    pub issued_wh: WattHours,
    /// Wh that paid what the device owed, before anything was issued.
    #[schema(value_type = i64)]
    pub paid_wh: WattHours,
    /// The first bundle; the others follow by id.
    #[schema(value_type = Option<i64>)]
    pub first_bundle_id: Option<BundleId>,
    /// The first certificate; the others follow, bundle by bundle.
    #[schema(value_type = Option<i64>)]
    pub first_certificate_id: Option<CertificateId>,
    /// The certificate that the device's next issuance begins with.
    #[schema(value_type = Option<i64>)]
    pub next_certificate_id: Option<CertificateId>,
    /// Start of the first interval issued for.
    pub first_reading_datetime: Option<DateTime<Utc>>,
    /// Start of the last interval issued for.
    pub last_reading_datetime: Option<DateTime<Utc>>,
}
