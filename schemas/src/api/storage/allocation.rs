//! Which discharge is allocated to which charge.

use super::RowTexts;
use crate::WattHours;
use crate::api::decimal::ExactNumber;
use crate::api::field::{Fields, FromFields};
use crate::api::named::Named;
use crate::api::problem::code;
use crate::id::{AllocationId, BundleId, DeviceId, StorageRecordId};
use crate::storage::AllocationMethod;
use chrono::{DateTime, Utc};
use serde::Serialize;
use utoipa::{IntoParams, ToSchema};

/// A range of discharges to allocate.
#[derive(Debug, Clone, Copy, ToSchema)]
#[schema(example = json!({
    "device_id": 1, "from": "2024-11-01T00:00:00Z", "to": "2024-12-01T00:00:00Z", "method": "fifo"
}))]
pub struct AllocateStorage {
    /// The storage device.
    #[schema(value_type = i64)]
    pub device_id: Named<DeviceId>,
    /// First start of a discharge.
    pub from: DateTime<Utc>,
    /// Discharges start before; at most 184 days later.
    pub to: DateTime<Utc>,
    /// `fifo`, `lifo` or `weighted_average`; the device's own where absent, `fifo` where it has none yet.
    pub method: Option<AllocationMethod>,
}

impl FromFields for AllocateStorage {
    fn from_fields(fields: &mut Fields<'_>) -> Option<Self> {
        let device_id = fields.required("device_id");
        let from = fields.required("from");
        let to = fields.required("to");
        let method = fields.optional("method");
        Some(Self {
            device_id: device_id?,
            from: from?,
            to: to?,
            method,
        })
    }
}

/// Allocations of a storage device as JSON.
#[derive(Debug, Clone, ToSchema)]
#[schema(as = SubmitAllocatedStorageRecords, example = json!({
    "device_id": 1,
    "allocations": [{"scr_allocation_id": 1, "sdr_allocation_id": 2, "scr_wh_consumed": 1000}]
}))]
pub struct SubmitAllocations {
    /// The storage device.
    #[schema(value_type = i64)]
    pub device_id: Named<DeviceId>,
    /// The allocations, at most 50,000.
    #[schema(value_type = Vec<AllocationRow>, min_items = 1, max_items = 50_000)]
    pub allocations: Vec<RowTexts>,
}

impl FromFields for SubmitAllocations {
    fn from_fields(fields: &mut Fields<'_>) -> Option<Self> {
        let device_id = fields.required("device_id");
        let allocations = fields.required("allocations");
        Some(Self {
            device_id: device_id?,
            allocations: allocations?,
        })
    }
}

/// One allocation of a submission.
#[derive(Debug, Clone, ToSchema)]
#[schema(as = AllocatedStorageRecordRow)]
pub struct AllocationRow {
    /// The charge record.
    #[schema(value_type = i64)]
    pub scr_allocation_id: StorageRecordId,
    /// The discharge record, which must start after the charge has ended.
    #[schema(value_type = i64)]
    pub sdr_allocation_id: StorageRecordId,
    /// Charged Wh used up; it or `sdr_proportion` must be there.
    #[schema(value_type = Option<i64>, minimum = 1)]
    pub scr_wh_consumed: Option<WattHours>,
    /// Share of the discharge in (0, 1]: the least charged Wh are used up that give so much, rounded
    /// down to whole Wh.
    #[schema(value_type = Option<f64>, maximum = 1, exclusive_minimum = 0)]
    pub sdr_proportion: Option<ExactNumber>,
    /// Discharged Wh they account for; must be consumed × efficiency, rounded down, where given.
    #[schema(value_type = Option<i64>)]
    pub sdr_wh_produced: Option<WattHours>,
    /// An efficiency to fix for a window, unless it is fixed so already; needs the window.
    #[schema(value_type = Option<f64>)]
    pub storage_efficiency_factor: Option<ExactNumber>,
    /// Start of that window.
    pub efficiency_factor_interval_start: Option<DateTime<Utc>>,
    /// End of that window, exclusive.
    pub efficiency_factor_interval_end: Option<DateTime<Utc>>,
}

/// Allocations of a storage device as a CSV file, in a multipart form.
#[derive(Debug, ToSchema)]
#[schema(as = AllocatedStorageRecordsUpload)]
pub struct AllocationUpload {
    /// CSV in UTF-8 with the columns of an allocation row in any order; other columns are ignored. At
    /// most 16 MiB and 50,000 rows.
    #[schema(format = Binary, content_media_type = "text/csv")]
    pub file: String,
    /// The storage device.
    #[schema(value_type = i64)]
    pub device_id: DeviceId,
}

/// What was allocated.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
#[schema(as = StorageAllocationAnswer, example = json!({
    "message": "2 allocations made; 0 Wh of the discharges are uncovered.",
    "device_id": 1,
    "scr_allocation_methodology": "fifo",
    "total_records": 2,
    "allocated_storage_record_ids": [1, 2],
    "total_scr_wh_consumed": 1000,
    "total_sdr_wh_produced": 890,
    "total_loss_wh": 110,
    "uncovered_wh": 0,
    "uncovered": []
}))]
pub struct AllocationAnswer {
    /// A sentence for people.
    pub message: String,
    /// The storage device.
    #[schema(value_type = i64)]
    pub device_id: DeviceId,
    /// How; from here on the only way for the device.
    pub scr_allocation_methodology: AllocationMethod,
    /// Allocations made.
    pub total_records: usize,
    /// Their ids.
    #[schema(value_type = Vec<i64>)]
    pub allocated_storage_record_ids: Vec<AllocationId>,
    /// Charged Wh used up.
    #[schema(value_type = i64)]
    pub total_scr_wh_consumed: WattHours,
    /// Discharged Wh they account for.
    #[schema(value_type = i64)]
    pub total_sdr_wh_produced: WattHours,
    /// The difference, lost in storage.
    #[schema(value_type = i64)]
    pub total_loss_wh: WattHours,
    /// Discharged Wh of the records looked at that no charge accounts for.
    #[schema(value_type = i64)]
    pub uncovered_wh: WattHours,
    /// The discharges they are of.
    pub uncovered: Vec<Uncovered>,
}

/// A discharge that is not allocated in full.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
#[schema(as = UncoveredDischarge)]
pub struct Uncovered {
    /// The discharge record.
    #[schema(value_type = i64)]
    pub sdr_allocation_id: StorageRecordId,
    /// Wh of it that no charge accounts for.
    #[schema(value_type = i64)]
    pub uncovered_wh: WattHours,
}

/// A share of a discharge, allocated to a charge, with its chain: certificates cancelled for the charge,
/// and certificates issued for the discharge.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
#[schema(as = AllocatedStorageRecordRead)]
pub struct AllocatedRecord {
    /// Its id.
    #[schema(value_type = i64)]
    pub id: AllocationId,
    /// When it was made.
    pub created_at: DateTime<Utc>,
    /// The storage device.
    #[schema(value_type = i64)]
    pub device_id: DeviceId,
    /// The charge record.
    #[schema(value_type = i64)]
    pub scr_allocation_id: StorageRecordId,
    /// The discharge record.
    #[schema(value_type = i64)]
    pub sdr_allocation_id: StorageRecordId,
    /// Start of the charge.
    pub charging_start_datetime: DateTime<Utc>,
    /// End of the charge.
    pub charging_end_datetime: DateTime<Utc>,
    /// Start of the discharge.
    pub discharging_start_datetime: DateTime<Utc>,
    /// End of the discharge.
    pub discharging_end_datetime: DateTime<Utc>,
    /// Share of the discharge, cut off after 6 decimal places.
    #[schema(value_type = f64)]
    pub sdr_proportion: ExactNumber,
    /// Charged Wh used up.
    #[schema(value_type = i64)]
    pub scr_wh_consumed: WattHours,
    /// Discharged Wh they account for: consumed × efficiency, rounded down.
    #[schema(value_type = i64)]
    pub sdr_wh_produced: WattHours,
    /// The difference, lost in storage.
    #[schema(value_type = i64)]
    pub loss_wh: WattHours,
    /// How it was allocated.
    pub scr_allocation_methodology: AllocationMethod,
    /// `measured` (Wh out per Wh in) or `stated`.
    #[schema(value_type = String)]
    pub efficiency_factor_methodology: &'static str,
    /// Start of the efficiency's window.
    pub efficiency_factor_interval_start: DateTime<Utc>,
    /// End of the efficiency's window, exclusive.
    pub efficiency_factor_interval_end: DateTime<Utc>,
    /// The efficiency, cut off after 12 decimal places.
    #[schema(value_type = f64)]
    pub storage_efficiency_factor: ExactNumber,
    /// The efficiency exactly: numerator.
    pub storage_efficiency_numerator: i64,
    /// The efficiency exactly: denominator.
    pub storage_efficiency_denominator: i64,
    /// Whether certificates were issued for it.
    pub is_issued: bool,
    /// The first bundle cancelled for the charge.
    #[schema(value_type = Option<i64>)]
    pub gc_allocation_id: Option<BundleId>,
    /// The first bundle issued for the discharge.
    #[schema(value_type = Option<i64>)]
    pub sdgc_allocation_id: Option<BundleId>,
    /// The bundles cancelled for the charge; they hold as many Wh as were consumed.
    #[schema(value_type = Vec<i64>)]
    pub gc_bundle_ids: Vec<BundleId>,
    /// The bundles issued for the discharge, parts of splits among them; as issued they hold as many Wh as
    /// were produced.
    #[schema(value_type = Vec<i64>)]
    pub sdgc_bundle_ids: Vec<BundleId>,
}

/// Which allocations are wanted.
#[derive(Debug, Clone, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct AllocatedIds {
    /// The allocations, separated by commas or in repeated parameters; at most 1,000.
    #[param(example = "1,2,3")]
    pub allocated_storage_record_ids: String,
}

impl FromFields for AllocatedIds {
    fn from_fields(fields: &mut Fields<'_>) -> Option<Self> {
        Some(Self {
            allocated_storage_record_ids: fields.required("allocated_storage_record_ids")?,
        })
    }
}

/// When the allocations wanted were made.
#[derive(Debug, Clone, Copy, Default, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct AllocatedFilter {
    /// Not before; 7 days before `created_before` where absent.
    pub created_after: Option<DateTime<Utc>>,
    /// Before; now where absent. At most 30 days after `created_after`.
    pub created_before: Option<DateTime<Utc>>,
}

impl FromFields for AllocatedFilter {
    fn from_fields(fields: &mut Fields<'_>) -> Option<Self> {
        let read = Self {
            created_after: fields.optional("created_after"),
            created_before: fields.optional("created_before"),
        };
        if let (Some(after), Some(before)) = (read.created_after, read.created_before)
            && before <= after
        {
            fields.refuse(
                "created_before",
                code::OUT_OF_RANGE,
                "`created_before` must be after `created_after`",
            );
        }
        Some(read)
    }
}
