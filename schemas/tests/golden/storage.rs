//! Samples of storage.

use super::{at, hour};
use schemas::event::LedgerEvent;
use schemas::event::reading::Run;
use schemas::event::storage::{
    AllocationIssued, ChargeAllocated, DischargeAllocated, EfficiencyWindow, NewBundle, RecordRef,
    SourceUsed, StorageAllocated, StorageCertificatesIssued, StorageEfficiencyFixed,
    StorageRecordsAccepted, StorageRecordsWithdrawn, WithdrawnRecord,
};
use schemas::id::{AccountId, AllocationId, BundleId, CertificateId, DeviceId, StorageRecordId};
use schemas::storage::{AllocationMethod, Efficiency};
use schemas::{Interval, WattHours};

pub fn samples() -> Vec<LedgerEvent> {
    let later = Interval::new(at("2024-11-18T12:00:00Z"), at("2024-11-18T13:00:00Z")).unwrap();
    let factor = EfficiencyWindow {
        window: Interval::new(at("2024-11-01T00:00:00Z"), at("2024-12-01T00:00:00Z")).unwrap(),
        efficiency: Efficiency::new(89, 100).unwrap(),
        is_measured: true,
    };
    let record = |id, interval| RecordRef {
        record_id: StorageRecordId(id),
        interval,
    };
    vec![
        StorageRecordsAccepted {
            device_id: DeviceId(8),
            account_id: AccountId(1),
            first_record_id: StorageRecordId(21),
            validator_id: Some(7),
            runs: vec![Run {
                start: hour().start(),
                step_s: 3_600,
                wh: vec![WattHours(-1000), WattHours(0), WattHours(890)],
            }],
        }
        .into(),
        StorageRecordsWithdrawn {
            device_id: DeviceId(8),
            from: later.start(),
            records: vec![WithdrawnRecord {
                record_id: StorageRecordId(23),
                start: later.start(),
                wh: WattHours(890),
            }],
        }
        .into(),
        StorageEfficiencyFixed {
            device_id: DeviceId(8),
            fixed: factor,
        }
        .into(),
        StorageAllocated {
            device_id: DeviceId(8),
            method: AllocationMethod::WeightedAverage,
            first_allocation_id: AllocationId(5),
            open_from: Some(later.end()),
            discharges: vec![DischargeAllocated {
                sdr: record(23, later),
                factor,
                uncovered: WattHours(1),
                charges: vec![ChargeAllocated {
                    scr: record(21, hour()),
                    consumed: WattHours(999),
                    produced: WattHours(889),
                }],
            }],
        }
        .into(),
        StorageCertificatesIssued {
            device_id: DeviceId(8),
            account_id: AccountId(1),
            first_certificate_id: CertificateId(1),
            expiry: at("2026-11-19T08:00:00Z"),
            allocations: vec![AllocationIssued {
                allocation_id: AllocationId(5),
                discharged: later,
                sources: vec![SourceUsed {
                    bundle_id: BundleId(8),
                    wh: WattHours(999),
                    issued: Some(NewBundle {
                        bundle_id: BundleId(10),
                        wh: WattHours(889),
                    }),
                }],
            }],
        }
        .into(),
    ]
}
