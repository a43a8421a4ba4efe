//! Storage on the wire: records, efficiencies, allocations.

mod allocation;
mod efficiency;
mod issue;
mod record;
mod row;

pub use allocation::{
    AllocateStorage, AllocatedFilter, AllocatedIds, AllocatedRecord, AllocationAnswer,
    AllocationRow, AllocationUpload, SubmitAllocations, Uncovered,
};
pub use efficiency::{FixEfficiency, StorageEfficiency};
pub use issue::{IssueAnswer, IssueBody, IssueSdgcs, IssuedForAllocation, IssuedSdgc};
pub use record::{
    ChargeRecord, ChargeRecordFilter, DischargeRecord, NewChargeRecord, NewDischargeRecord,
    RecordFilter, RecordRow, RecordUpload, StorageRecord, StorageRecordsSubmitted, SubmitRecords,
    WithdrawRecords, Withdrawn,
};
pub use row::RowTexts;

use super::field::{Fields, FromFields};
use crate::api::named::Named;
use crate::id::DeviceId;

/// The fields of an upload besides its file.
#[derive(Debug, Clone, Copy)]
pub struct UploadFields {
    /// The storage device.
    pub device_id: Named<DeviceId>,
}

impl FromFields for UploadFields {
    fn from_fields(fields: &mut Fields<'_>) -> Option<Self> {
        Some(Self {
            device_id: fields.required("device_id")?,
        })
    }
}

/// Most ids one question lists.
pub const MAX_IDS: usize = 1_000;
