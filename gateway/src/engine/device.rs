//! A device, as the engine knows it.

use super::Occurrence;
use super::meters::Meter;
use crate::config::DeviceConfig;
use crate::interval::Accountant;
use crate::meter::Sample;
use crate::snapshot::{self, DeviceState, LastSample, Point};
use chrono::{DateTime, Utc};
use schemas::gateway::MeterIdentity;
use std::sync::Arc;
use std::time::Duration;

/// A device, as the engine knows it.
pub(super) struct Device {
    pub config: DeviceConfig,
    pub state: DeviceState,
    pub since: DateTime<Utc>,
    /// Opened when it is first asked.
    pub meter: Option<Arc<dyn Meter>>,
    /// Read from the buffer when it is first asked. What stands here is never ahead of what is durable in
    /// readings: a sample whose readings could not be kept was not taken.
    pub accounts: Option<Accountant>,
    /// When the accounts were last kept, on the monotonic clock.
    pub kept_at: Option<Duration>,
    pub failures_in_row: u32,
    pub identity: Option<MeterIdentity>,
    pub last_sample: Option<LastSample>,
    pub last_error: Option<String>,
    pub next_at: Option<DateTime<Utc>>,
    pub samples: u64,
    pub failures: u64,
}

impl Device {
    pub(super) fn new(config: DeviceConfig, now: DateTime<Utc>) -> Self {
        Self {
            config,
            state: DeviceState::Configured,
            since: now,
            meter: None,
            accounts: None,
            kept_at: None,
            failures_in_row: 0,
            identity: None,
            last_sample: None,
            last_error: None,
            next_at: None,
            samples: 0,
            failures: 0,
        }
    }

    /// Moves to the state after `occurrence`; stays where that can not happen.
    pub(super) fn pass(&mut self, occurrence: Occurrence, now: DateTime<Utc>) {
        if let Some(state) = self.state.after(occurrence)
            && state != self.state
        {
            self.state = state;
            self.since = now;
        }
    }

    /// On its way to be read, from wherever it was.
    pub(super) fn begin(&mut self, now: DateTime<Utc>) {
        for occurrence in [
            Occurrence::Resumed,
            Occurrence::Started,
            Occurrence::WaitedOut,
        ] {
            self.pass(occurrence, now);
        }
    }

    /// It was read.
    pub(super) fn sampled(&mut self, sample: &Sample, now: DateTime<Utc>) {
        self.pass(Occurrence::Sampled, now);
        self.failures_in_row = 0;
        self.last_error = None;
        self.samples += 1;
        self.identity = Some(sample.identity.clone());
        self.last_sample = Some(last_sample(sample));
    }

    /// It was not read; how often in a row by now.
    pub(super) fn failed(&mut self, reason: String, now: DateTime<Utc>) -> u32 {
        self.pass(Occurrence::Failed, now);
        self.failures_in_row = self.failures_in_row.saturating_add(1);
        self.failures += 1;
        // Told once, and then whenever it is another reason.
        if self.last_error.as_ref() != Some(&reason) {
            tracing::warn!(
                device_id = self.config.id.0,
                reason,
                "a device was not read"
            );
        }
        self.last_error = Some(reason);
        self.failures_in_row
    }

    /// There is a reason not to read it, or not to keep what was read.
    pub(super) fn suspended(&mut self, reason: String, now: DateTime<Utc>) {
        self.pass(Occurrence::Suspended, now);
        if self.last_error.as_ref() != Some(&reason) {
            tracing::warn!(
                device_id = self.config.id.0,
                reason,
                "a device is suspended"
            );
        }
        self.last_error = Some(reason);
    }

    pub(super) fn snapshot(&self, stream: Option<&crate::buffer::Stream>) -> snapshot::Device {
        snapshot::Device {
            device_id: self.config.id,
            profile: self.config.profile.clone(),
            connection: self.config.connection.clone(),
            state: self.state,
            since: self.since,
            meter: self.identity.clone(),
            last_sample: self.last_sample.clone(),
            last_error: self.last_error.clone(),
            next_at: self.next_at,
            samples: self.samples,
            failures: self.failures,
            sequence: stream
                .and_then(|stream| u64::try_from(stream.next_sequence - 1).ok())
                .filter(|sequence| *sequence > 0),
            hold: stream.and_then(|stream| stream.hold.clone()),
        }
    }
}

/// A sample as people are shown it.
#[must_use]
pub fn last_sample(sample: &Sample) -> LastSample {
    let point = |(meaning, value): &(crate::profile::Meaning, crate::profile::Value)| {
        let unit = meaning.quantity().unit();
        Point {
            meaning: meaning.name().to_owned(),
            value: if unit.is_empty() {
                value.0.to_string()
            } else {
                thousandths(value.0)
            },
            unit: unit.to_owned(),
        }
    };
    LastSample {
        taken_at: sample.taken_at,
        energy_mwh: sample.energy_mwh,
        power_w: sample.power_w,
        values: sample.values.iter().map(point).collect(),
    }
}

/// Thousandths as a decimal number without trailing zeros.
fn thousandths(value: i64) -> String {
    let sign = if value < 0 { "-" } else { "" };
    let (whole, part) = (value.unsigned_abs() / 1_000, value.unsigned_abs() % 1_000);
    if part == 0 {
        return format!("{sign}{whole}");
    }
    let text = format!("{sign}{whole}.{part:03}");
    text.trim_end_matches('0').to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thousandths_are_written_as_people_write_them() {
        let texts = [0, 5, -5, 1_000, 50_020, -1_230, i64::MIN].map(thousandths);
        let expected = [
            "0",
            "0.005",
            "-0.005",
            "1",
            "50.02",
            "-1.23",
            "-9223372036854775.808",
        ];
        assert_eq!(texts, expected);
    }
}
