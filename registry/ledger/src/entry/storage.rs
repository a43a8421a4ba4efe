//! Entries of storage devices.

use super::second_of_day;
use chrono::{DateTime, TimeDelta, Utc};
use schemas::event::storage::EfficiencyWindow;
use schemas::id::{AllocationId, DeviceId, StorageRecordId};
use schemas::interval::Day;
use schemas::storage::AllocationMethod;
use schemas::{Interval, WattHours};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

pub(super) const fn first_record() -> StorageRecordId {
    StorageRecordId(1)
}

#[allow(clippy::trivially_copy_pass_by_ref, reason = "serde asks by reference")]
pub(super) const fn is_first_record(next: &StorageRecordId) -> bool {
    next.0 == 1
}

pub(super) const fn first_allocation() -> AllocationId {
    AllocationId(1)
}

#[allow(clippy::trivially_copy_pass_by_ref, reason = "serde asks by reference")]
pub(super) const fn is_first_allocation(next: &AllocationId) -> bool {
    next.0 == 1
}

/// What is known of a storage device beside its records.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Storage {
    /// How its discharges are allocated, from the first allocation on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub method: Option<AllocationMethod>,
    /// Start of its first record.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub first_start: Option<DateTime<Utc>>,
    /// End of its last record, where the next one begins.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next_start: Option<DateTime<Utc>>,
    /// Charges that start before have nothing left that would give a Wh.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub open_from: Option<DateTime<Utc>>,
    /// Its efficiencies, by window; windows do not overlap.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub efficiencies: Vec<EfficiencyKnown>,
    /// Wh charged over all records.
    pub charged: WattHours,
    /// Wh discharged over all records.
    pub discharged: WattHours,
    /// Charged Wh that discharges used up.
    pub consumed: WattHours,
    /// Discharged Wh that are allocated.
    pub produced: WattHours,
}

/// An efficiency and whether allocations rest on it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct EfficiencyKnown {
    /// Window and efficiency.
    #[serde(flatten)]
    pub fixed: EfficiencyWindow,
    /// Whether an allocation rests on it: it stays as it is.
    pub is_used: bool,
}

impl Storage {
    /// The efficiency that holds for a discharge starting here.
    #[must_use]
    pub fn factor(&self, start: DateTime<Utc>) -> Option<EfficiencyWindow> {
        let within = |window: Interval| window.start() <= start && start < window.end();
        let mut known = self.efficiencies.iter().map(|known| known.fixed);
        known.find(|fixed| within(fixed.window))
    }
}

/// Records of a storage device on one UTC day, by second of the day.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct StorageDay(pub BTreeMap<u32, DayRecord>);

/// One record of a day.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(
    from = "(u32, WattHours, WattHours, StorageRecordId)",
    into = "(u32, WattHours, WattHours, StorageRecordId)"
)]
pub struct DayRecord {
    /// Length in seconds.
    pub length_s: u32,
    /// The flow: below zero charged, above discharged.
    pub wh: WattHours,
    /// Of a charge what discharges used up; of a discharge what is allocated.
    pub allocated: WattHours,
    /// Id of the record.
    pub record_id: StorageRecordId,
}

impl From<(u32, WattHours, WattHours, StorageRecordId)> for DayRecord {
    fn from(
        (length_s, wh, allocated, record_id): (u32, WattHours, WattHours, StorageRecordId),
    ) -> Self {
        Self {
            length_s,
            wh,
            allocated,
            record_id,
        }
    }
}

impl From<DayRecord> for (u32, WattHours, WattHours, StorageRecordId) {
    fn from(record: DayRecord) -> Self {
        (
            record.length_s,
            record.wh,
            record.allocated,
            record.record_id,
        )
    }
}

impl DayRecord {
    /// What was charged or discharged, as a positive amount.
    #[must_use]
    pub const fn amount(&self) -> WattHours {
        WattHours(self.wh.0.abs())
    }

    /// What nothing is allocated of yet.
    #[must_use]
    pub fn left(&self) -> WattHours {
        self.amount() - self.allocated
    }
}

impl StorageDay {
    /// The record starting here, with its interval.
    #[must_use]
    pub fn at(&self, start: DateTime<Utc>) -> Option<(Interval, DayRecord)> {
        let record = *self.0.get(&second_of_day(start))?;
        Some((interval(start, record)?, record))
    }

    /// Every record with its interval, in time order. `day` is the entry's.
    pub fn records(&self, day: Day) -> impl Iterator<Item = (Interval, DayRecord)> + '_ {
        let midnight = day.start();
        self.0.iter().filter_map(move |(second, record)| {
            let start = midnight + TimeDelta::seconds(i64::from(*second));
            Some((interval(start, *record)?, *record))
        })
    }
}

fn interval(start: DateTime<Utc>, record: DayRecord) -> Option<Interval> {
    Interval::new(
        start,
        start + TimeDelta::seconds(i64::from(record.length_s)),
    )
    .ok()
}

/// A share of a discharge allocated to a charge.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Allocation {
    /// The storage device.
    pub device_id: DeviceId,
    /// When the energy was charged.
    pub charged: Interval,
    /// When it was discharged.
    pub discharged: Interval,
    /// Charged Wh used up.
    pub consumed: WattHours,
    /// Discharged Wh they account for.
    pub produced: WattHours,
    /// Whether certificates were issued for it.
    pub is_issued: bool,
}

/// What a bundle has to do with storage.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct StorageTrail {
    /// The allocation it was issued for: it stands for energy released from storage.
    pub issued_for: Option<AllocationId>,
    /// The storage device it was cancelled for.
    pub cancelled_for: Option<DeviceId>,
    /// The allocation whose consumed energy it stands for.
    pub used_for: Option<AllocationId>,
}
