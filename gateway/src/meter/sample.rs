//! What one look at a meter gives.

use crate::profile::{Meaning, Unreadable, Value};
use chrono::{DateTime, Utc};
use schemas::gateway::MeterIdentity;
use std::time::Duration;

/// The counter that certificates come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Counter {
    /// Which it is.
    pub meaning: Meaning,
    /// Its finest step, in mWh.
    pub resolution_mwh: i64,
    /// Where it starts again at zero, in mWh; `None` where no device lives to see that.
    pub modulus_mwh: Option<i64>,
}

/// One look at a meter.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sample {
    /// When, by the gateway's wall clock: the middle between asking for the counter and its answer.
    pub taken_at: DateTime<Utc>,
    /// The same moment on the gateway's monotonic clock.
    pub monotonic: Duration,
    /// What the counter said, in mWh.
    pub energy_mwh: i64,
    /// Which counter that is.
    pub counter: Counter,
    /// The power whose integral the counter is, in W, where the device measures one; positive while it counts.
    pub power_w: Option<i64>,
    /// All points that were read.
    pub values: Vec<(Meaning, Value)>,
    /// All points that were not, with the reason.
    pub unreadable: Vec<(Meaning, Unreadable)>,
    /// Who answered. An empty serial is one that the meter does not tell.
    pub identity: MeterIdentity,
    /// SHA-256 over the words as they were answered, in hexadecimal.
    pub frame_sha256: String,
}

impl Sample {
    /// The value of that meaning.
    #[must_use]
    pub fn value(&self, meaning: Meaning) -> Option<Value> {
        let found = self.values.iter().find(|(name, _)| *name == meaning);
        found.map(|(_, value)| *value)
    }
}
