//! Meter readings to submit.

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::{Value, json};

/// The hour that readings of tests begin with, unless they say otherwise.
pub const HOUR_0: &str = "2024-11-18T10:00:00Z";

/// A reading of a device.
#[derive(Debug, Clone, Copy)]
pub struct Reading {
    pub start: DateTime<Utc>,
    pub end: DateTime<Utc>,
    pub wh: i64,
}

/// The start of the `n`-th hour after [`HOUR_0`].
pub fn hour(n: i64) -> DateTime<Utc> {
    HOUR_0.parse::<DateTime<Utc>>().unwrap() + TimeDelta::hours(n)
}

/// Readings of consecutive hours, the first beginning `from` hours after [`HOUR_0`].
pub fn hours(from: i64, wh: impl IntoIterator<Item = i64>) -> Vec<Reading> {
    let readings = wh.into_iter().zip(from..).map(|(wh, n)| Reading {
        start: hour(n),
        end: hour(n + 1),
        wh,
    });
    readings.collect()
}

impl Reading {
    /// As the API takes it.
    pub fn json(&self) -> Value {
        json!({
            "interval_start_datetime": self.start,
            "interval_end_datetime": self.end,
            "interval_usage": self.wh,
            "gross_net_indicator": "NET",
        })
    }
}

/// The readings as the file that the API takes.
pub fn csv(readings: &[Reading]) -> String {
    let mut text = String::from(
        "interval_start_datetime,interval_end_datetime,interval_usage,gross_net_indicator\n",
    );
    for Reading { start, end, wh } in readings {
        let format = |at: &DateTime<Utc>| at.format("%Y-%m-%dT%H:%M:%SZ").to_string();
        text.push_str(&format!("{},{},{wh},NET\n", format(start), format(end)));
    }
    text
}
