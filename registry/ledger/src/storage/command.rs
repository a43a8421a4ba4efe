//! What can be asked about storage.

use crate::refusal::FieldError;
use chrono::{DateTime, Utc};
use rust_decimal::Decimal;
use schemas::WattHours;
use schemas::id::{AllocationId, BundleId, DeviceId, StorageRecordId};
use schemas::storage::AllocationMethod;

/// Submits what a storage device charged and discharged; all rows or none.
#[derive(Debug, Clone)]
pub struct SubmitStorageRecords {
    /// The storage device.
    pub device_id: DeviceId,
    /// Rows that could be read.
    pub rows: Vec<FlowRow>,
    /// Rows that could not; they are refused with the others.
    pub unreadable: Vec<FieldError>,
}

/// One row of a submission. Times are as given: the rules look at them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FlowRow {
    /// Number of the row, counted from 1 without the header.
    pub row: u32,
    /// Start of the interval.
    pub start: DateTime<Utc>,
    /// End of the interval, exclusive.
    pub end: DateTime<Utc>,
    /// The flow: below zero charged, above discharged.
    pub wh: WattHours,
    /// Who validated it, as given.
    pub validator_id: Option<i64>,
}

/// Which way energy flows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Flow {
    /// Into the storage.
    Charging,
    /// Out of it.
    Discharging,
}

/// Takes back the last records of a storage device.
#[derive(Debug, Clone, Copy)]
pub struct WithdrawStorageRecords {
    /// The storage device.
    pub device_id: DeviceId,
    /// All records that start here or later.
    pub from: DateTime<Utc>,
    /// There is one such record only, and it is this one.
    pub only: Option<(StorageRecordId, Flow)>,
}

/// Fixes the efficiency of a storage device for a window.
#[derive(Debug, Clone, Copy)]
pub struct FixStorageEfficiency {
    /// The storage device.
    pub device_id: DeviceId,
    /// Start of the window.
    pub from: DateTime<Utc>,
    /// End of the window, exclusive.
    pub to: DateTime<Utc>,
    /// The factor; `None` measures it over the records of the window.
    pub stated: Option<Decimal>,
}

/// Allocates the discharges that start in `[from, to)` to earlier charges.
#[derive(Debug, Clone, Copy)]
pub struct AllocateStorage {
    /// The storage device.
    pub device_id: DeviceId,
    /// Start of the range.
    pub from: DateTime<Utc>,
    /// End of the range, exclusive.
    pub to: DateTime<Utc>,
    /// How; the device's method where `None`, or first in, first out where it has none yet.
    pub method: Option<AllocationMethod>,
}

/// Allocates as a validator says, row by row; all rows or none.
#[derive(Debug, Clone)]
pub struct AllocateRows {
    /// The storage device.
    pub device_id: DeviceId,
    /// Rows that could be read.
    pub rows: Vec<AllocationRow>,
    /// Rows that could not; they are refused with the others.
    pub unreadable: Vec<FieldError>,
}

/// One row of an allocation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AllocationRow {
    /// Number of the row, counted from 1 without the header.
    pub row: u32,
    /// The charge.
    pub scr: RecordPlace,
    /// The discharge.
    pub sdr: RecordPlace,
    /// How much.
    pub amount: RowAmount,
    /// What it is said to produce, to be compared with what it does.
    pub produced: Option<WattHours>,
    /// An efficiency that shall hold for a window from here on.
    pub factor: Option<StatedFactor>,
}

/// A record and where the caller found it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RecordPlace {
    /// The record.
    pub record_id: StorageRecordId,
    /// Its start; `None` where there is no such record.
    pub start: Option<DateTime<Utc>>,
}

/// How much a row allocates.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RowAmount {
    /// So many charged Wh.
    Consumed(WattHours),
    /// Such a share of the discharge, in (0, 1].
    Proportion(Decimal),
}

/// An efficiency stated in a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StatedFactor {
    /// Start of its window.
    pub from: DateTime<Utc>,
    /// End of its window, exclusive.
    pub to: DateTime<Utc>,
    /// The factor.
    pub factor: Decimal,
}

/// Issues certificates for allocations of one storage device.
#[derive(Debug, Clone)]
pub struct IssueForStorage {
    /// The storage device.
    pub device_id: DeviceId,
    /// The allocations, each once.
    pub allocation_ids: Vec<AllocationId>,
    /// Bundles cancelled for what the allocations consumed, in the order to use them up.
    pub bundle_ids: Vec<BundleId>,
    /// Whether somebody named these bundles: one that does not fit is refused then, else passed over.
    pub are_named: bool,
}
