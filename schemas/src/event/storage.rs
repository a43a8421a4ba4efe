//! Events of storage: what was charged and discharged, how efficiently, which discharge is allocated to
//! which charge, and what is issued for it.

use super::reading::Run;
use crate::amount::WattHours;
use crate::id::{AccountId, AllocationId, BundleId, CertificateId, DeviceId, StorageRecordId};
use crate::interval::Interval;
use crate::storage::{AllocationMethod, Efficiency};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

/// Records of a storage device, in time order and without a gap behind those accepted before. Record ids
/// count up from `first_record_id` over all runs in order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StorageRecordsAccepted {
    /// The storage device.
    pub device_id: DeviceId,
    /// The account the device belongs to.
    pub account_id: AccountId,
    /// Id of the first record.
    pub first_record_id: StorageRecordId,
    /// Who validated them, as submitted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub validator_id: Option<i64>,
    /// The flows: negative amounts were charged, positive ones discharged.
    pub runs: Vec<Run>,
}

impl StorageRecordsAccepted {
    /// Each record with its id.
    pub fn records(&self) -> impl Iterator<Item = (StorageRecordId, Interval, WattHours)> + '_ {
        (0..)
            .zip(self.runs.iter().flat_map(Run::intervals))
            .map(|(index, (interval, wh))| (self.first_record_id.plus(index), interval, wh))
    }
}

/// The last records of a storage device, which nothing was allocated of, were taken back; the next ones
/// begin where the first of these did.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StorageRecordsWithdrawn {
    /// The storage device.
    pub device_id: DeviceId,
    /// Start of the first of them.
    pub from: DateTime<Utc>,
    /// The records in time order.
    pub records: Vec<WithdrawnRecord>,
}

/// A record that was taken back.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct WithdrawnRecord {
    /// Its id.
    pub record_id: StorageRecordId,
    /// Its start.
    pub start: DateTime<Utc>,
    /// Its flow.
    pub wh: WattHours,
}

/// The efficiency that holds for discharges starting in a window.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct EfficiencyWindow {
    /// The window.
    pub window: Interval,
    /// The efficiency.
    pub efficiency: Efficiency,
    /// Whether it is Wh out per Wh in of all records of the window; otherwise a validator stated it.
    pub is_measured: bool,
}

/// The efficiency of a storage device in a window was measured or stated. Where it is measured, its
/// denominator less its numerator is the loss of the window in Wh.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StorageEfficiencyFixed {
    /// The storage device.
    pub device_id: DeviceId,
    /// Window and efficiency.
    pub fixed: EfficiencyWindow,
}

/// A record by its id and interval.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct RecordRef {
    /// The record.
    pub record_id: StorageRecordId,
    /// Its interval.
    pub interval: Interval,
}

/// Discharges were allocated to charges. Allocation ids count up from `first_allocation_id` over all
/// charges of all discharges in order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StorageAllocated {
    /// The storage device.
    pub device_id: DeviceId,
    /// How; from here on the only way for the device.
    pub method: AllocationMethod,
    /// Id of the first allocation.
    pub first_allocation_id: AllocationId,
    /// Charges that start before have nothing left that would give a Wh; absent where nobody looked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub open_from: Option<DateTime<Utc>>,
    /// The discharges looked at, in time order; one may be there more than once where rows were given.
    pub discharges: Vec<DischargeAllocated>,
}

/// What a discharge took from charges.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DischargeAllocated {
    /// The discharge record.
    pub sdr: RecordRef,
    /// Window and efficiency that hold for it.
    pub factor: EfficiencyWindow,
    /// What of the discharge is allocated to no charge after this event.
    pub uncovered: WattHours,
    /// From which charges it took what.
    pub charges: Vec<ChargeAllocated>,
}

/// What was taken from one charge: `produced` = floor(`consumed` × efficiency).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChargeAllocated {
    /// The charge record.
    pub scr: RecordRef,
    /// Charged energy used up.
    pub consumed: WattHours,
    /// Discharged energy it accounts for; the difference was lost.
    pub produced: WattHours,
}

/// One allocation with its id.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AllocatedRecord {
    /// Its id.
    pub allocation_id: AllocationId,
    /// The discharge record.
    pub sdr: RecordRef,
    /// Window and efficiency.
    pub factor: EfficiencyWindow,
    /// The charge record and the amounts.
    pub charge: ChargeAllocated,
}

impl StorageAllocated {
    /// Every allocation, in the order of their ids.
    pub fn allocations(&self) -> impl Iterator<Item = AllocatedRecord> + '_ {
        let of_discharge = |discharge: &DischargeAllocated| {
            let (sdr, factor) = (discharge.sdr, discharge.factor);
            let charges = discharge.charges.clone().into_iter();
            charges.map(move |charge| (sdr, factor, charge))
        };
        (0..)
            .zip(self.discharges.iter().flat_map(of_discharge))
            .map(|(index, (sdr, factor, charge))| AllocatedRecord {
                allocation_id: self.first_allocation_id.plus(index),
                sdr,
                factor,
                charge,
            })
    }
}

/// Certificates were issued for energy released from storage, one bundle for each bundle that was
/// cancelled for what had been charged and, in the action before, used up, with the attributes of that bundle's source. Certificate ids
/// count up from `first_certificate_id` over all of them in order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StorageCertificatesIssued {
    /// The storage device.
    pub device_id: DeviceId,
    /// The account that cancelled and receives.
    pub account_id: AccountId,
    /// First certificate of the first bundle.
    pub first_certificate_id: CertificateId,
    /// First instant at which the bundles are expired.
    pub expiry: DateTime<Utc>,
    /// The allocations issued for.
    pub allocations: Vec<AllocationIssued>,
}

/// What is issued for one allocation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AllocationIssued {
    /// The allocation.
    pub allocation_id: AllocationId,
    /// When the energy was discharged: the production interval of what is issued.
    pub discharged: Interval,
    /// The cancelled bundles that stand for the consumed energy.
    pub sources: Vec<SourceUsed>,
}

/// A cancelled bundle used up by an allocation, whole.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct SourceUsed {
    /// The bundle.
    pub bundle_id: BundleId,
    /// Its certificates.
    pub wh: WattHours,
    /// What is issued for them; nothing where their share is less than one certificate.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub issued: Option<NewBundle>,
}

/// A bundle by id and size.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct NewBundle {
    /// Its id.
    pub bundle_id: BundleId,
    /// Its certificates.
    pub wh: WattHours,
}

/// One bundle issued for energy released from storage.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StorageBundle {
    /// Its id.
    pub bundle_id: BundleId,
    /// First certificate.
    pub start: CertificateId,
    /// Last certificate, inclusive.
    pub end: CertificateId,
}

impl StorageCertificatesIssued {
    /// Every source in order, with its allocation and the bundle issued for it.
    pub fn sources(
        &self,
    ) -> impl Iterator<Item = (&AllocationIssued, &SourceUsed, Option<StorageBundle>)> + '_ {
        let mut start = self.first_certificate_id;
        self.allocations
            .iter()
            .flat_map(|allocation| {
                let sources = allocation.sources.iter();
                sources.map(move |source| (allocation, source))
            })
            .map(move |(allocation, source)| {
                let bundle = source.issued.map(|new| {
                    let bundle = StorageBundle {
                        bundle_id: new.bundle_id,
                        start,
                        end: start.plus(new.wh.0 - 1),
                    };
                    start = start.plus(new.wh.0);
                    bundle
                });
                (allocation, source, bundle)
            })
    }

    /// Certificates issued over all allocations.
    #[must_use]
    pub fn total(&self) -> WattHours {
        let sources = self.allocations.iter().flat_map(|one| &one.sources);
        sources
            .filter_map(|source| source.issued)
            .map(|new| new.wh)
            .sum()
    }
}
