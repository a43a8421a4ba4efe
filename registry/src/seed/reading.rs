//! A year of readings of each device.

use std::fmt::Write as _;

use super::{
    device::Devices,
    error::{SeedError, While},
    progress::Progress,
};
use crate::{
    client::Client,
    import::{
        IntervalLength,
        mapping::Reading,
        submission::{self, MAX_BATCH, Sent, Target},
    },
};

/// Readings of all devices.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Submitted {
    pub accepted: u64,
    pub known: u64,
}

/// Submits what the registry does not have; it recognises the rest.
pub(super) async fn submit(
    client: &Client,
    devices: &Devices,
    progress: &Progress,
) -> Result<Submitted, SeedError> {
    let mut all = Submitted::default();
    for (kind, device_id) in devices.iter() {
        let readings: Vec<_> = (1..)
            .zip(kind.generator.readings(devices.window))
            .map(|(row, (start, wh))| Reading { row, start, wh })
            .collect();
        let bar = progress.bar(readings.len() as u64).with_message(kind.name);
        let target = Target {
            client,
            device_id,
            interval: IntervalLength::of_seconds(kind.generator.interval_s())
                .expect("a generator's interval is an hour or half of it"),
            gross_net_indicator: "NET",
            batch: MAX_BATCH,
            partial: false,
            meter_identifier: None,
            issue: true,
        };
        let sent = submission::send(&target, readings, |done| bar.inc(done)).await;
        bar.finish_and_clear();
        let sent = checked(sent, kind.name)?;
        all.accepted += sent.accepted;
        all.known += sent.known;
    }
    Ok(all)
}

fn checked(sent: Sent, what: &'static str) -> Result<Sent, SeedError> {
    if let Some(failure) = sent.failure {
        return Err(failure).during(format!("readings of {what:?}"));
    }
    if sent.refused.count() == 0 {
        return Ok(sent);
    }
    let mut reasons = String::new();
    for (row, reason) in sent.refused.iter().flat_map(|(_, tally)| &tally.first) {
        // Writing to a string can not fail.
        let _ = write!(reasons, "\n  reading {row}: {reason}");
    }
    Err(SeedError::Readings {
        what,
        count: sent.refused.count(),
        reasons,
    })
}
