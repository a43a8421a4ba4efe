//! What a storage device charged and discharged.

use super::RowTexts;
use crate::WattHours;
use crate::api::field::{Fields, FromFields};
use crate::api::named::Named;
use crate::api::problem::code;
use crate::id::{AccountId, DeviceId, StorageRecordId, UserId};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

/// Records of a storage device as JSON.
#[derive(Debug, Clone, ToSchema)]
#[schema(as = SubmitStorageRecords, example = json!({
    "device_id": 1,
    "records": [
        {"flow_start_datetime": "2024-11-18T10:00:00Z", "flow_end_datetime": "2024-11-18T11:00:00Z",
         "flow_energy": -1000},
        {"flow_start_datetime": "2024-11-18T11:00:00Z", "flow_end_datetime": "2024-11-18T12:00:00Z",
         "flow_energy": 850}
    ]
}))]
pub struct SubmitRecords {
    /// The storage device.
    #[schema(value_type = i64)]
    pub device_id: Named<DeviceId>,
    /// The records, at most 50,000; in any order, without a gap between them and to those before.
    #[schema(value_type = Vec<RecordRow>, min_items = 1, max_items = 50_000)]
    pub records: Vec<RowTexts>,
}

impl FromFields for SubmitRecords {
    fn from_fields(fields: &mut Fields<'_>) -> Option<Self> {
        let device_id = fields.required("device_id");
        let records = fields.required("records");
        Some(Self {
            device_id: device_id?,
            records: records?,
        })
    }
}

/// One record of a submission.
#[derive(Debug, Clone, ToSchema)]
#[schema(as = StorageRecordRow)]
pub struct RecordRow {
    /// Start of the interval.
    pub flow_start_datetime: DateTime<Utc>,
    /// End of the interval, exclusive; at most an hour later.
    pub flow_end_datetime: DateTime<Utc>,
    /// Energy in whole Wh: below 0 charged, above 0 discharged.
    #[schema(value_type = i64)]
    pub flow_energy: WattHours,
    /// Who validated it, kept as given.
    pub validator_id: Option<i64>,
}

/// Records of a storage device as a CSV file, in a multipart form.
#[derive(Debug, ToSchema)]
#[schema(as = StorageRecordsUpload)]
pub struct RecordUpload {
    /// CSV in UTF-8 with the columns `flow_start_datetime`, `flow_end_datetime`, `flow_energy` (whole
    /// Wh; below 0 charged, above 0 discharged) and, if wanted, `validator_id`, in any order; other
    /// columns are ignored. At most 16 MiB and 50,000 rows.
    #[schema(format = Binary, content_media_type = "text/csv")]
    pub file: String,
    /// The storage device.
    #[schema(value_type = i64)]
    pub device_id: DeviceId,
}

/// What became of a submission of records.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(example = json!({
    "message": "Storage records submitted successfully.",
    "total_charge_energy": 3700,
    "total_discharge_energy": 1600,
    "total_energy": 5300,
    "total_records": 5,
    "record_ids": [1, 2, 3, 4, 5],
    "repeated": 0
}))]
pub struct StorageRecordsSubmitted {
    /// A sentence for people.
    pub message: String,
    /// Wh charged in the records accepted now.
    #[schema(value_type = i64)]
    pub total_charge_energy: WattHours,
    /// Wh discharged in them.
    #[schema(value_type = i64)]
    pub total_discharge_energy: WattHours,
    /// The sum of both.
    #[schema(value_type = i64)]
    pub total_energy: WattHours,
    /// Records accepted now.
    pub total_records: usize,
    /// Their ids, in time order.
    #[schema(value_type = Vec<i64>)]
    pub record_ids: Vec<StorageRecordId>,
    /// Records that had been accepted before.
    pub repeated: usize,
}

/// A record of a storage device.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(as = StorageRecordRead, example = json!({
    "id": 1,
    "created_at": "2024-11-18T12:00:00.123456Z",
    "device_id": 1,
    "is_charging": true,
    "flow_start_datetime": "2024-11-18T10:00:00Z",
    "flow_end_datetime": "2024-11-18T11:00:00Z",
    "flow_energy": 1000,
    "validator_id": null,
    "allocated_energy": 0,
    "is_deleted": false
}))]
pub struct StorageRecord {
    /// Its id.
    #[schema(value_type = i64)]
    pub id: StorageRecordId,
    /// When it was accepted.
    pub created_at: DateTime<Utc>,
    /// The storage device.
    #[schema(value_type = i64)]
    pub device_id: DeviceId,
    /// Whether energy was charged; else it was discharged, or none flowed.
    pub is_charging: bool,
    /// Start of the interval.
    pub flow_start_datetime: DateTime<Utc>,
    /// End of the interval, exclusive.
    pub flow_end_datetime: DateTime<Utc>,
    /// Energy charged or discharged in Wh, never below 0.
    #[schema(value_type = i64)]
    pub flow_energy: WattHours,
    /// Who validated it, as given.
    pub validator_id: Option<i64>,
    /// Of a charge the Wh that discharges used up; of a discharge the Wh allocated to charges.
    #[schema(value_type = i64)]
    pub allocated_energy: WattHours,
    /// Whether it was taken back.
    pub is_deleted: bool,
}

/// Which records are wanted: those listed, or those of a device.
#[derive(Debug, Clone, Default, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct RecordFilter {
    /// These records, separated by commas or in repeated parameters; at most 1,000.
    #[param(example = "1,2,3", required = false)]
    pub storage_record_ids: Option<String>,
    /// Those of this storage device, by start.
    #[param(value_type = Option<i64>)]
    pub device_id: Option<Named<DeviceId>>,
    /// First start of an interval; with `device_id` only.
    pub from: Option<DateTime<Utc>>,
    /// Intervals start before; with `device_id` only.
    pub to: Option<DateTime<Utc>>,
}

impl FromFields for RecordFilter {
    fn from_fields(fields: &mut Fields<'_>) -> Option<Self> {
        let read = Self {
            storage_record_ids: fields.optional("storage_record_ids"),
            device_id: fields.optional("device_id"),
            from: fields.optional("from"),
            to: fields.optional("to"),
        };
        if fields.has("storage_record_ids") == fields.has("device_id") {
            fields.refuse(
                "storage_record_ids",
                code::MISSING,
                "either `storage_record_ids` or `device_id` is required, and not both",
            );
        }
        Some(read)
    }
}

/// Which charges, or which discharges, are wanted.
#[derive(Debug, Clone, Copy, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct ChargeRecordFilter {
    /// The storage device.
    #[param(value_type = i64)]
    pub storage_id: Named<DeviceId>,
    /// First start of an interval.
    pub charging_period_start: Option<DateTime<Utc>>,
    /// Intervals start before.
    pub charging_period_end: Option<DateTime<Utc>>,
}

impl FromFields for ChargeRecordFilter {
    fn from_fields(fields: &mut Fields<'_>) -> Option<Self> {
        let name = if fields.has("device_id") && !fields.has("storage_id") {
            "device_id"
        } else {
            "storage_id"
        };
        let storage_id = fields.required(name);
        let charging_period_start = fields.optional("charging_period_start");
        let charging_period_end = fields.optional("charging_period_end");
        Some(Self {
            storage_id: storage_id?,
            charging_period_start,
            charging_period_end,
        })
    }
}

macro_rules! one_way {
    ($(
        $(#[$doc:meta])*
        $new:ident as $new_name:ident / $read:ident as $read_name:ident {
            $id:ident, $start:ident, $end:ident, $energy:ident
        }
    )+) => {$(
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, ToSchema)]
        #[schema(as = $new_name)]
        pub struct $new {
            /// The storage device.
            #[schema(value_type = i64)]
            pub device_id: Named<DeviceId>,
            /// Start of the interval.
            pub $start: DateTime<Utc>,
            /// End of the interval, exclusive; at most an hour later.
            pub $end: DateTime<Utc>,
            /// Energy in whole Wh, at least 1.
            #[schema(value_type = i64, minimum = 1)]
            pub $energy: WattHours,
        }

        impl FromFields for $new {
            fn from_fields(fields: &mut Fields<'_>) -> Option<Self> {
                let device_id = fields.required("device_id");
                let start = fields.required(stringify!($start));
                let end = fields.required(stringify!($end));
                let energy = fields.required::<WattHours>(stringify!($energy));
                if energy.is_some_and(|wh| wh.0 < 1) {
                    let rule = concat!("`", stringify!($energy), "` must be at least 1 Wh");
                    fields.refuse(stringify!($energy), code::OUT_OF_RANGE, rule);
                }
                Some(Self {
                    device_id: device_id?,
                    $start: start?,
                    $end: end?,
                    $energy: energy?,
                })
            }
        }

        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
        #[schema(as = $read_name)]
        pub struct $read {
            /// Its id.
            #[schema(value_type = i64)]
            pub $id: StorageRecordId,
            /// The storage device.
            #[schema(value_type = i64)]
            pub device_id: DeviceId,
            /// Start of the interval.
            pub $start: DateTime<Utc>,
            /// End of the interval, exclusive.
            pub $end: DateTime<Utc>,
            /// Energy in Wh.
            #[schema(value_type = i64)]
            pub $energy: WattHours,
            /// Wh of it that are allocated.
            #[schema(value_type = i64)]
            pub allocated_energy: WattHours,
            /// When it was accepted.
            pub created_at: DateTime<Utc>,
        }

        impl From<StorageRecord> for $read {
            fn from(record: StorageRecord) -> Self {
                Self {
                    $id: record.id,
                    device_id: record.device_id,
                    $start: record.flow_start_datetime,
                    $end: record.flow_end_datetime,
                    $energy: record.flow_energy,
                    allocated_energy: record.allocated_energy,
                    created_at: record.created_at,
                }
            }
        }
    )+};
}

one_way! {
    /// A charge of a storage device.
    NewChargeRecord as StorageChargeRecordBase / ChargeRecord as StorageChargeRecordRead {
        scr_allocation_id, charging_start_datetime, charging_end_datetime, charging_energy
    }

    /// A discharge of a storage device.
    NewDischargeRecord as StorageDischargeRecordBase / DischargeRecord as StorageDischargeRecordRead {
        sdr_allocation_id, discharging_start_datetime, discharging_end_datetime, discharge_energy
    }
}

/// Which records to take back: one by its id, which must be the device's last, or all of a storage device
/// from an instant on.
#[derive(Debug, Clone, Copy, ToSchema)]
#[schema(as = StorageAction, example = json!({"source_id": 1, "source_allocation_id": 12}))]
pub struct WithdrawRecords {
    /// The account the storage device belongs to.
    #[schema(value_type = i64)]
    pub source_id: Named<AccountId>,
    /// Must be the caller's own id where given, unless the caller administers users.
    #[schema(value_type = Option<i64>)]
    pub user_id: Option<Named<UserId>>,
    /// The record.
    #[schema(value_type = Option<i64>)]
    pub source_allocation_id: Option<StorageRecordId>,
    /// The storage device, in place of a record.
    #[schema(value_type = Option<i64>)]
    pub storage_id: Option<Named<DeviceId>>,
    /// With `storage_id`: all of its records from here on, of either kind, at most 31 days.
    pub charging_period_start: Option<DateTime<Utc>>,
}

impl FromFields for WithdrawRecords {
    fn from_fields(fields: &mut Fields<'_>) -> Option<Self> {
        let source_id = fields.required("source_id");
        let user_id = fields.optional("user_id");
        let source_allocation_id = fields.optional("source_allocation_id");
        let storage_id = fields.optional("storage_id");
        let charging_period_start = fields.optional("charging_period_start");
        let of_device = fields.has("storage_id") && fields.has("charging_period_start");
        if fields.has("source_allocation_id") == of_device {
            fields.refuse(
                "source_allocation_id",
                code::MISSING,
                "either `source_allocation_id`, or `storage_id` and `charging_period_start` are required, and \
                 not both",
            );
        }
        Some(Self {
            source_id: source_id?,
            user_id,
            source_allocation_id,
            storage_id,
            charging_period_start,
        })
    }
}

/// What was taken back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
#[schema(as = StorageRecordsWithdrawn)]
pub struct Withdrawn {
    /// The storage device.
    #[schema(value_type = i64)]
    pub device_id: DeviceId,
    /// The records, in time order.
    #[schema(value_type = Vec<i64>)]
    pub record_ids: Vec<StorageRecordId>,
    /// Where the device's next record begins.
    pub next_start_datetime: DateTime<Utc>,
}
