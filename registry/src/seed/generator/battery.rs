//! What a battery discharges: into the evening peak, and a little into the morning's.

use chrono::{DateTime, Timelike, Utc};
use schemas::WattHours;

use super::noise::between;

const SEED: u64 = 47;

/// Half-hourly energy of a battery of `power_w`.
pub(super) fn readings(
    starts: impl Iterator<Item = DateTime<Utc>>,
    power_w: i64,
) -> Vec<(DateTime<Utc>, WattHours)> {
    starts
        .map(|start| {
            let day = start.timestamp() / 86_400;
            let percent = match start.hour() {
                17..=19 => between(SEED, day, 70, 100),
                7 => between(SEED + 1, day, 0, 45),
                _ => 0,
            };
            let wobble = between(SEED + 2, start.timestamp() / 1_800, 970, 1_000);
            (start, WattHours(power_w * percent * wobble / 200_000))
        })
        .collect()
}
