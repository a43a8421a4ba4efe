//! Issuance for energy released from storage.

use crate::WattHours;
use crate::api::field::{Fields, FromFields};
use crate::id::{AccountId, AllocationId, BundleId, CertificateId, DeviceId};
use serde::Serialize;
use utoipa::ToSchema;

/// Allocations that certificates are wanted for: the bare list of their ids, or an object.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[serde(untagged)]
#[schema(as = IssueSdgcsBody, example = json!([1, 2]))]
pub enum IssueBody {
    /// The ids.
    Ids(Vec<i64>),
    /// The ids, and the bundles to use up.
    Named(IssueSdgcs),
}

/// Allocations that certificates are wanted for, and the bundles to use up.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[schema(example = json!({"allocated_storage_record_ids": [1, 2]}))]
pub struct IssueSdgcs {
    /// Allocations of one storage device, each once.
    #[schema(value_type = Vec<i64>, min_items = 1, max_items = 1_000)]
    pub allocated_storage_record_ids: Vec<AllocationId>,
    /// Bundles cancelled for what they consumed, in the order to use them up; any that fit where absent.
    #[schema(value_type = Option<Vec<i64>>, max_items = 10_000)]
    pub granular_certificate_bundle_ids: Option<Vec<BundleId>>,
}

impl FromFields for IssueSdgcs {
    fn from_fields(fields: &mut Fields<'_>) -> Option<Self> {
        let ids = fields.required("allocated_storage_record_ids");
        let granular_certificate_bundle_ids = fields.optional("granular_certificate_bundle_ids");
        Some(Self {
            allocated_storage_record_ids: ids?,
            granular_certificate_bundle_ids,
        })
    }
}

/// What was issued.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
#[schema(as = SdgcsIssued, example = json!({
    "message": "890 Wh issued for 1 allocations.",
    "device_id": 1,
    "account_id": 1,
    "total_certificate_volume": 890,
    "allocations": [{
        "allocated_storage_record_id": 1,
        "bundles": [{
            "gc_bundle_id": 11, "gc_quantity": 1000, "sdgc_bundle_id": 21,
            "certificate_bundle_id_range_start": 1, "certificate_bundle_id_range_end": 890
        }]
    }]
}))]
pub struct IssueAnswer {
    /// A sentence for people.
    pub message: String,
    /// The storage device.
    #[schema(value_type = i64)]
    pub device_id: DeviceId,
    /// The account that cancelled and received.
    #[schema(value_type = i64)]
    pub account_id: AccountId,
    /// Wh issued over all allocations.
    #[schema(value_type = i64)]
    pub total_certificate_volume: WattHours,
    /// By allocation.
    pub allocations: Vec<IssuedForAllocation>,
}

/// What was issued for one allocation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct IssuedForAllocation {
    /// The allocation.
    #[schema(value_type = i64)]
    pub allocated_storage_record_id: AllocationId,
    /// A bundle for each bundle used up.
    pub bundles: Vec<IssuedSdgc>,
}

/// A bundle used up and the one issued for it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct IssuedSdgc {
    /// The cancelled bundle, or the part of it that was used up.
    #[schema(value_type = i64)]
    pub gc_bundle_id: BundleId,
    /// Wh used up.
    #[schema(value_type = i64)]
    pub gc_quantity: WattHours,
    /// The bundle issued; null where its share is less than 1 Wh.
    #[schema(value_type = Option<i64>)]
    pub sdgc_bundle_id: Option<BundleId>,
    /// Its first certificate.
    #[schema(value_type = Option<i64>)]
    pub certificate_bundle_id_range_start: Option<CertificateId>,
    /// Its last certificate.
    #[schema(value_type = Option<i64>)]
    pub certificate_bundle_id_range_end: Option<CertificateId>,
}
