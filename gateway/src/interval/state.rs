//! What the accountant remembers between samples.

use super::guard::Oddity;
use crate::meter::Sample;
use chrono::{DateTime, Utc};
use schemas::gateway::{Cause, ClockState};
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// All that an [`super::Accountant`] knows of its meter. Kept durably together with the readings that it gave.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct State {
    pub(super) last: Option<Last>,
    pub(super) open: Option<Open>,
    /// Values that can not be, until they are believed or have passed.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(super) held: Vec<Held>,
    /// What is added to the counter to get the position.
    #[serde(default)]
    pub(super) offset_mwh: i64,
    /// Why there were samples without sense since the last good one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) nonsense: Option<Cause>,
}

/// The last good sample.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Last {
    /// Up to when energy is accounted for; later than the wall clock showed, if that was set back.
    pub at: DateTime<Utc>,
    /// What the wall clock showed.
    pub wall: DateTime<Utc>,
    /// The monotonic clock; of this run of the program only.
    #[serde(skip)]
    pub monotonic: Option<Duration>,
    pub energy_mwh: i64,
    pub power_w: Option<i64>,
    /// How long the counter has not advanced, up to this sample.
    pub still_ms: i64,
    /// What the power says for that time.
    pub expected_mwh: i64,
    pub frozen: bool,
    pub serial: String,
}

/// The interval that is not finished.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Open {
    pub start: DateTime<Utc>,
    /// The position at its start.
    pub position_mwh: i64,
    /// What was added to the counter at its start.
    pub offset_mwh: i64,
    /// Whether its start lies between samples far apart, or before the first.
    pub estimated: bool,
    pub doubt: Option<Cause>,
    pub clock: ClockState,
}

/// A sample, as far as it is accounted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Seen {
    pub at: DateTime<Utc>,
    #[serde(skip)]
    pub monotonic: Option<Duration>,
    pub energy_mwh: i64,
    pub power_w: Option<i64>,
    pub serial: String,
    pub clock: ClockState,
}

/// A sample whose value can not be, unless it stays.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Held {
    pub seen: Seen,
    pub oddity: Oddity,
}

impl Seen {
    pub(super) fn new(sample: &Sample, clock: ClockState) -> Self {
        Self {
            at: sample.taken_at,
            monotonic: Some(sample.monotonic),
            energy_mwh: sample.energy_mwh,
            power_w: sample.power_w,
            serial: sample.identity.serial.clone(),
            clock,
        }
    }
}

impl State {
    /// Up to when readings have been given.
    #[must_use]
    pub fn accounted_until(&self) -> Option<DateTime<Utc>> {
        self.open.as_ref().map(|open| open.start)
    }

    /// When the last good sample was taken.
    #[must_use]
    pub fn last_sample_at(&self) -> Option<DateTime<Utc>> {
        self.last.as_ref().map(|last| last.wall)
    }

    /// What has been counted and not yet been given in a reading, in mWh: below 1,000 together with the Wh of
    /// the interval that is not finished.
    #[must_use]
    pub fn pending_mwh(&self) -> i64 {
        match (&self.last, &self.open) {
            (Some(last), Some(open)) => {
                last.energy_mwh + self.offset_mwh - open.position_mwh.div_euclid(1_000) * 1_000
            }
            _ => 0,
        }
    }
}
