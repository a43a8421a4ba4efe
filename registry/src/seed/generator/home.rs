//! What a home draws: breakfast, dinner, and heating in winter.

use chrono::{DateTime, Datelike, Timelike, Utc};
use schemas::WattHours;

use super::noise::between;

const SEED: u64 = 31;

/// Average power by hour of the day in W.
const LOAD_W: [i64; 24] = [
    210, 180, 170, 170, 180, 220, 420, 780, 690, 420, 360, 380, 470, 400, 350, 380, 560, 980,
    1_240, 1_120, 890, 690, 480, 300,
];
/// The same by month, in percent.
const SEASON_PERCENT: [i64; 12] = [145, 138, 120, 102, 88, 80, 78, 80, 90, 106, 126, 142];

/// Half-hourly energy.
pub(super) fn readings(
    starts: impl Iterator<Item = DateTime<Utc>>,
) -> Vec<(DateTime<Utc>, WattHours)> {
    starts
        .map(|start| {
            let slot = start.timestamp() / 1_800;
            let load =
                LOAD_W[start.hour() as usize] * SEASON_PERCENT[start.month0() as usize] / 100;
            // Now and then an oven or a washing machine runs.
            let appliance = match between(SEED, slot, 0, 19) {
                0 if start.hour() >= 7 => between(SEED + 1, slot, 900, 2_200),
                _ => 0,
            };
            let watts = load * between(SEED + 2, slot, 75, 125) / 100 + appliance;
            (start, WattHours(watts / 2))
        })
        .collect()
}
