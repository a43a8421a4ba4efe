//! Commands about readings.

use crate::refusal::FieldError;
use chrono::{DateTime, Utc};
use schemas::WattHours;
use schemas::id::{BundleId, DeviceId, MeasurementId, MeterId};
use schemas::interval::Interval;
use schemas::life_cycle::Settle;

/// See [`crate::Command::SubmitReadings`].
#[derive(Debug, Clone)]
pub struct SubmitReadings {
    /// The metered device.
    pub device_id: DeviceId,
    /// Rows that could be read.
    pub rows: Vec<ReadingRow>,
    /// Rows that could not; they are refused with the others.
    pub unreadable: Vec<FieldError>,
    /// Whether to accept the good rows of a submission that has bad ones.
    pub partial: bool,
    /// Whether to issue for the accepted rows at once.
    pub issue: bool,
}

/// One row of a submission. Times are as given: the rules look at them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReadingRow {
    /// Number of the row, counted from 1 without the header.
    pub row: u32,
    /// Start of the interval.
    pub start: DateTime<Utc>,
    /// End of the interval, exclusive.
    pub end: DateTime<Utc>,
    /// Metered energy.
    pub wh: WattHours,
    /// `NET` or `GROSS`, or what else was given.
    pub gross_net_indicator: String,
    /// The meter, where it is not the device's own.
    pub meter_identifier: Option<String>,
}

/// A reading by id, with where the caller found it.
#[derive(Debug, Clone, Copy)]
pub struct MeasurementRef {
    /// The reading.
    pub measurement_id: MeasurementId,
    /// Its device.
    pub device_id: DeviceId,
    /// Its meter, where it is not the device's own.
    pub meter_id: Option<MeterId>,
    /// Its interval.
    pub interval: Interval,
}

/// See [`crate::Command::CorrectReading`].
#[derive(Debug, Clone)]
pub struct CorrectReading {
    /// The reading.
    pub measurement: MeasurementRef,
    /// Its amount from here on.
    pub wh: WattHours,
    /// Why.
    pub reason: String,
    /// What becomes of certificates that can not be taken back.
    pub settle: Settle,
    /// The reading's bundles, as the caller found them; the rules look at each.
    pub candidates: Vec<BundleId>,
    /// Whether to tell what would follow, and do nothing.
    pub dry_run: bool,
}

/// See [`crate::Command::IssueReadings`].
#[derive(Debug, Clone)]
pub struct IssueReadings {
    /// The device.
    pub device_id: DeviceId,
    /// Intervals start here or later,
    pub from: DateTime<Utc>,
    /// and before.
    pub to: DateTime<Utc>,
    /// Identifier of the only meter to issue for; `None` for all meters of the device.
    pub meter_identifier: Option<String>,
    /// Whether to issue anew what the issuing body withdrew, too.
    pub include_withdrawn: bool,
    /// Whether to issue for doubtful readings of gateways, too: that settles them.
    pub include_doubtful: bool,
    /// Whether to tell what would follow, and do nothing.
    pub dry_run: bool,
}

/// See [`crate::Command::MoveMeasurement`].
#[derive(Debug, Clone, Copy)]
pub struct MoveMeasurement {
    /// The reading.
    pub from: MeasurementRef,
    /// Device from here on; another than before takes it under its own meter.
    pub device_id: DeviceId,
    /// Start from here on.
    pub start: DateTime<Utc>,
    /// End from here on.
    pub end: DateTime<Utc>,
}
