//! Wind: a bounded random walk of its speed, through the power curve of a turbine.

use chrono::{DateTime, Datelike, Utc};
use schemas::WattHours;

use super::noise::{between, between_neighbours};

const SEED: u64 = 7;

/// Mean speed at hub height by month in cm/s: winters are windier (52° N).
const MEAN_CM_S: [i64; 12] = [880, 855, 820, 740, 690, 640, 610, 625, 700, 775, 830, 870];
/// Power in permille of capacity at speeds in cm/s: cut-in at 3 m/s, rated from 13, cut-out at 25.
const POWER_CURVE: [(i64, i64); 10] = [
    (0, 0),
    (300, 0),
    (400, 30),
    (500, 80),
    (600, 160),
    (800, 400),
    (1_000, 720),
    (1_200, 950),
    (1_300, 1_000),
    (2_500, 1_000),
];
const MAX_CM_S: i64 = 2_800;

/// Hourly energy of a farm of `capacity_w`.
pub(super) fn readings(
    starts: impl Iterator<Item = DateTime<Utc>>,
    capacity_w: i64,
) -> Vec<(DateTime<Utc>, WattHours)> {
    let mut speed = MEAN_CM_S[0];
    starts
        .map(|start| {
            let hour = start.timestamp() / 3_600;
            let mean = MEAN_CM_S[start.month0() as usize];
            let gust = between(SEED, hour, -130, 130);
            speed = (speed + (mean - speed) / 20 + gust).clamp(0, MAX_CM_S);
            let wh = capacity_w / 1_000 * power_permille(speed);
            // The last digits of a real meter are never round.
            (
                start,
                WattHours((wh - between(SEED + 1, hour, 0, 4_999)).max(0)),
            )
        })
        .collect()
}

fn power_permille(speed: i64) -> i64 {
    POWER_CURVE
        .windows(2)
        .find(|pair| speed < pair[1].0)
        .map_or(0, |pair| {
            let ((left, low), (right, high)) = (pair[0], pair[1]);
            between_neighbours(low, high, speed - left, right - left)
        })
}
