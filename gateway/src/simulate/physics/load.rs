//! What a household uses, by the time of day.

use chrono::{DateTime, Utc};

use super::day::second_of_day;
use super::noise::{PERMILLE, gradual, hash};

/// W at the beginning of each local hour of a household that uses about 11 kWh a day.
const BY_HOUR_W: [u64; 24] = [
    210, 180, 170, 165, 170, 200, 380, 620, 560, 430, 390, 450, 640, 540, 420, 400, 450, 640, 880,
    920, 800, 640, 460, 300,
];
/// A kettle, an oven: on for as long as one period, in one of so many.
const APPLIANCE_S: i64 = 240;
const ONE_IN: u64 = 14;
const APPLIANCE_W: u64 = 2_000;
/// Channels of chance.
const WOBBLE: u64 = 3;
const APPLIANCE: u64 = 4;

/// Power of a household that uses `permille` of the usual, in W.
pub fn power_w(permille: u64, seed: u64, at: DateTime<Utc>) -> u64 {
    let second = second_of_day(at);
    let (hour, within) = ((second / 3_600) as usize, (second % 3_600) as u64);
    let usual = (BY_HOUR_W[hour] * (3_600 - within) + BY_HOUR_W[(hour + 1) % 24] * within) / 3_600;
    let wobbling = usual * (800 + gradual(seed, WOBBLE, at.timestamp(), 60) * 2 / 5) / PERMILLE;
    let slot = at.timestamp().div_euclid(APPLIANCE_S);
    let is_awake = (6..23).contains(&hour);
    let appliance = match hash(seed, APPLIANCE, slot) % ONE_IN {
        0 if is_awake => APPLIANCE_W,
        _ => 0,
    };
    (wobbling + appliance) * permille / PERMILLE
}
