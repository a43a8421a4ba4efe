//! Events of meter readings.

use crate::amount::WattHours;
use crate::id::{AccountId, DeviceId, MeasurementId};
use crate::interval::Interval;
use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};

/// Amounts of consecutive intervals of equal length without a gap.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Run {
    /// Start of the first interval.
    pub start: DateTime<Utc>,
    /// Length of each interval in seconds; divides an hour.
    pub step_s: u32,
    /// One amount per interval.
    pub wh: Vec<WattHours>,
}

impl Run {
    /// Each interval with its amount, in time order.
    pub fn intervals(&self) -> impl Iterator<Item = (Interval, WattHours)> + '_ {
        let step = TimeDelta::seconds(self.step_s.into());
        self.wh.iter().enumerate().filter_map(move |(index, wh)| {
            let start = self.start + step * i32::try_from(index).ok()?;
            Interval::new(start, start + step)
                .ok()
                .map(|interval| (interval, *wh))
        })
    }

    /// Packs intervals, given in time order, into as few runs as possible.
    pub fn pack(intervals: impl IntoIterator<Item = (Interval, WattHours)>) -> Vec<Self> {
        let mut runs: Vec<Self> = Vec::new();
        let mut next_start = None;
        for (interval, wh) in intervals {
            let step_s = u32::try_from(interval.length().num_seconds()).unwrap_or(u32::MAX);
            match runs.last_mut() {
                Some(run) if next_start == Some(interval.start()) && run.step_s == step_s => {
                    run.wh.push(wh);
                }
                _ => runs.push(Self {
                    start: interval.start(),
                    step_s,
                    wh: vec![wh],
                }),
            }
            next_start = Some(interval.end());
        }
        runs
    }
}

/// Readings of one submission that the registry accepted. Measurement ids count up from
/// `first_measurement_id` over all runs in order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReadingsAccepted {
    /// The metered device.
    pub device_id: DeviceId,
    /// The account the device belongs to.
    pub account_id: AccountId,
    /// Id of the first reading.
    pub first_measurement_id: MeasurementId,
    /// `NET` or `GROSS`, as submitted.
    pub gross_net_indicator: String,
    /// The readings.
    pub runs: Vec<Run>,
    /// Rows of the same submission that had been accepted before.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub repeated: i64,
}

const fn is_zero(count: &i64) -> bool {
    *count == 0
}

impl ReadingsAccepted {
    /// Each reading with its id.
    pub fn readings(&self) -> impl Iterator<Item = (MeasurementId, Interval, WattHours)> + '_ {
        (0..)
            .zip(self.runs.iter().flat_map(Run::intervals))
            .map(|(index, (interval, wh))| (self.first_measurement_id.plus(index), interval, wh))
    }
}

/// A reading that no certificate was issued for was moved to another interval or device.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MeasurementMoved {
    /// The reading.
    pub measurement_id: MeasurementId,
    /// Device it stood under.
    pub previous_device_id: DeviceId,
    /// Interval it stood for.
    pub previous_interval: Interval,
    /// Device it stands under from here on.
    pub device_id: DeviceId,
    /// Interval it stands for from here on.
    pub interval: Interval,
    /// Its amount, unchanged.
    pub wh: WattHours,
}

/// A reading that no certificate was issued for was taken back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MeasurementWithdrawn {
    /// The reading.
    pub measurement_id: MeasurementId,
    /// Its device.
    pub device_id: DeviceId,
    /// Its interval, free again.
    pub interval: Interval,
    /// Its amount.
    pub wh: WattHours,
}
