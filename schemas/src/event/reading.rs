//! Events of meter readings.

use super::gateway::FromGateway;
use crate::amount::WattHours;
use crate::gateway::Quality;
use crate::id::{AccountId, ActionId, BundleId, DeviceId, MeasurementId, MeterId};
use crate::interval::Interval;
use crate::life_cycle::Settle;
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
    /// The meter, where it is not the device's own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub meter_id: Option<MeterId>,
    /// Id of the first reading.
    pub first_measurement_id: MeasurementId,
    /// `NET` or `GROSS`, as submitted.
    pub gross_net_indicator: String,
    /// The readings.
    pub runs: Vec<Run>,
    /// Rows of the same submission that had been accepted before.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub repeated: i64,
    /// The gateway that signed them, where one did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gateway: Option<FromGateway>,
}

const fn is_zero(count: &i64) -> bool {
    *count == 0
}

const fn is_no_energy(amount: &WattHours) -> bool {
    amount.0 == 0
}

impl ReadingsAccepted {
    /// Whether nothing is issued for them before a person has settled them.
    #[must_use]
    pub fn is_doubtful(&self) -> bool {
        self.gateway
            .is_some_and(|from| from.quality == Quality::Doubtful)
    }

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
    /// Meter it stood under, where it was not the device's own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub previous_meter_id: Option<MeterId>,
    /// Interval it stood for.
    pub previous_interval: Interval,
    /// Device it stands under from here on.
    pub device_id: DeviceId,
    /// Meter it stands under from here on, where it is not the device's own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub meter_id: Option<MeterId>,
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
    /// Its meter, where it is not the device's own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub meter_id: Option<MeterId>,
    /// Its interval, free again.
    pub interval: Interval,
    /// Its amount.
    pub wh: WattHours,
}

/// A reading has another value from here on. Certificates that it no longer covers were withdrawn, and
/// what was withdrawn beyond that was issued anew, by the events before this one in the same decision;
/// what it covers beyond before is paid and issued by the events after it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReadingCorrected {
    /// The reading.
    pub measurement_id: MeasurementId,
    /// Its device.
    pub device_id: DeviceId,
    /// Its meter, where it is not the device's own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub meter_id: Option<MeterId>,
    /// The account the device belongs to.
    pub account_id: AccountId,
    /// Its interval.
    pub interval: Interval,
    /// Its amount so far.
    pub previous_wh: WattHours,
    /// Its amount from here on.
    pub wh: WattHours,
    /// Why.
    pub reason: String,
    /// What was to become of certificates that can not be taken back.
    pub settle: Settle,
    /// Wh of the reading, in all, that certificates stand for although they were not metered; the
    /// device owes them, or paid for them with other readings.
    #[serde(default, skip_serializing_if = "is_no_energy")]
    pub excess: WattHours,
    /// Wh of the reading, in all, that the issuing body withdrew: it alone issues them anew.
    #[serde(default, skip_serializing_if = "is_no_energy")]
    pub withdrawn: WattHours,
    /// What the device owes from here on beyond before.
    #[serde(default, skip_serializing_if = "is_no_energy")]
    pub debt: WattHours,
    /// What of the difference pays what the device owes.
    #[serde(default, skip_serializing_if = "is_no_energy")]
    pub paid: WattHours,
    /// The withdrawal of certificates that it no longer covers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub action_id: Option<ActionId>,
    /// The bundles withdrawn.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub replaced: Vec<BundleId>,
    /// The bundle issued anew for what was withdrawn beyond the difference.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reissued: Option<BundleId>,
    /// The bundle issued for what the reading covers beyond before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub issued: Option<BundleId>,
}

/// A device kept energy of its readings back, to pay for certificates that corrections took the energy
/// from. No certificate is issued for what paid.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DebtPaid {
    /// The device.
    pub device_id: DeviceId,
    /// The account it belongs to.
    pub account_id: AccountId,
    /// The readings that paid, oldest interval first.
    pub parts: Vec<DebtPart>,
}

/// What one reading paid.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct DebtPart {
    /// The reading.
    pub measurement_id: MeasurementId,
    /// Its meter, where it is not the device's own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub meter_id: Option<MeterId>,
    /// Start of its interval.
    pub interval_start: DateTime<Utc>,
    /// How much.
    pub wh: WattHours,
}

impl DebtPaid {
    /// What all of them paid.
    #[must_use]
    pub fn total(&self) -> WattHours {
        self.parts.iter().map(|part| part.wh).sum()
    }
}
