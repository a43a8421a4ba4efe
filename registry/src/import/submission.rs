//! Readings go to the registry, in batches, several at a time.

use std::sync::atomic::{AtomicBool, Ordering};

use chrono::TimeDelta;
use futures_util::{StreamExt, stream};
use schemas::{
    WattHours, api::measurement::ReadingsSubmitted, api::problem::FieldError, id::DeviceId,
    interval::rfc3339,
};
use serde::Serialize;

use super::{length::IntervalLength, mapping::Reading, reason::Reason, refusals::Refusals};
use crate::client::{Client, ClientError};

/// Readings per request: about 160 bytes each, so that a body stays below the registry's 1 MiB.
pub const MAX_BATCH: u16 = 5_000;
/// Requests in flight: the registry decides one while it reads the next.
const IN_FLIGHT: usize = 4;

/// Where readings go, and how.
#[derive(Debug)]
pub struct Target<'t> {
    pub client: &'t Client,
    pub device_id: DeviceId,
    pub interval: IntervalLength,
    /// `NET` or `GROSS`.
    pub gross_net_indicator: &'t str,
    /// Readings per request, 1 to [`MAX_BATCH`].
    pub batch: u16,
    /// Whether good readings are taken where others of their batch are refused.
    pub partial: bool,
    /// The meter, where it is not the device's own.
    pub meter_identifier: Option<&'t str>,
    /// Whether certificates are issued at once.
    pub issue: bool,
}

/// What became of the readings.
#[derive(Debug, Default)]
pub struct Sent {
    /// Accepted now.
    pub accepted: u64,
    /// Recognised: the registry had them.
    pub known: u64,
    /// Energy of both.
    pub total: WattHours,
    /// Refused by the registry, by their row in the table.
    pub refused: Refusals,
    /// Not sent, because a batch before them was refused or failed, or stored in no part because
    /// another reading of their batch was refused.
    pub left: u64,
    /// Why sending stopped early.
    pub failure: Option<ClientError>,
}

#[derive(Serialize)]
struct Body<'b> {
    device_id: DeviceId,
    readings: Vec<Line<'b>>,
    partial: bool,
    issue: bool,
}

#[derive(Serialize)]
struct Line<'b> {
    interval_start_datetime: String,
    interval_end_datetime: String,
    interval_usage: WattHours,
    gross_net_indicator: &'b str,
    #[serde(skip_serializing_if = "Option::is_none")]
    meter_identifier: Option<&'b str>,
}

/// What became of one batch.
enum Outcome {
    Taken(ReadingsSubmitted),
    Failed(ClientError),
    NotSent,
}

/// Sends the readings in order of time; `progress` is told how many more are done with.
pub async fn send(target: &Target<'_>, mut readings: Vec<Reading>, progress: impl Fn(u64)) -> Sent {
    readings.sort_unstable_by_key(|reading| reading.start);
    let stopped = &AtomicBool::new(false);
    let mut batches = stream::iter(readings.chunks(target.batch.max(1).into()))
        .map(|batch| async move {
            let outcome = match stopped.load(Ordering::Relaxed) {
                true => Outcome::NotSent,
                false => submit(target, batch).await,
            };
            (batch, outcome)
        })
        .buffer_unordered(IN_FLIGHT);
    let mut sent = Sent::default();
    while let Some((batch, outcome)) = batches.next().await {
        if !sent.add(batch, outcome, target.partial) {
            stopped.store(true, Ordering::Relaxed);
        }
        progress(batch.len() as u64);
    }
    sent
}

async fn submit(target: &Target<'_>, batch: &[Reading]) -> Outcome {
    let length = TimeDelta::seconds(target.interval.seconds().into());
    let line = |reading: &Reading| Line {
        interval_start_datetime: rfc3339(reading.start),
        interval_end_datetime: rfc3339(reading.start + length),
        interval_usage: reading.wh,
        gross_net_indicator: target.gross_net_indicator,
        meter_identifier: target.meter_identifier,
    };
    let body = Body {
        device_id: target.device_id,
        readings: batch.iter().map(line).collect(),
        partial: target.partial,
        issue: target.issue,
    };
    match target
        .client
        .post("/measurement/submit_readings", &body)
        .await
    {
        Ok(submitted) => Outcome::Taken(submitted),
        Err(error) => Outcome::Failed(error),
    }
}

impl Sent {
    /// Counts a batch. False where no other shall be sent.
    fn add(&mut self, batch: &[Reading], outcome: Outcome, partial: bool) -> bool {
        let all = batch.len() as u64;
        let error = match outcome {
            Outcome::Taken(submitted) => {
                self.accepted += submitted.accepted as u64;
                self.known += submitted.repeated as u64;
                self.total += submitted.total_device_usage;
                for value in submitted.refused {
                    self.refuse(batch, value.row, value.code, value.detail);
                }
                return true;
            }
            Outcome::Failed(error) => error,
            Outcome::NotSent => {
                self.left += all;
                return false;
            }
        };
        let before = self.refused.count();
        if let ClientError::Refused(refused) = &error {
            for error in &refused.problem.errors {
                if let Some(row) = row_of(error) {
                    self.refuse(batch, row, error.code.clone(), error.detail.clone());
                }
            }
        }
        let named = self.refused.count() - before;
        self.left += all.saturating_sub(named);
        if named == 0 {
            // It concerns the device, the caller or the connection, so it would the next batch too.
            self.failure.get_or_insert(error);
            return false;
        }
        partial
    }

    /// Notes a refused reading under the row of the table it comes from.
    fn refuse(&mut self, batch: &[Reading], row: u32, code: String, detail: String) {
        let index = usize::try_from(row).unwrap_or(usize::MAX).wrapping_sub(1);
        let row = batch.get(index).map_or(row, |reading| reading.row);
        self.refused.add(row, Reason::Registry { code, detail });
    }
}

/// The reading that an error of a refused batch concerns, counted from 1.
fn row_of(error: &FieldError) -> Option<u32> {
    let in_body = || {
        let pointer = error.pointer.as_deref()?.strip_prefix("/readings/")?;
        let index: u32 = pointer.split('/').next()?.parse().ok()?;
        index.checked_add(1)
    };
    error.row.or_else(in_body)
}
