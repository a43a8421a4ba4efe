//! What panels give, by the time of day and the clouds.

use chrono::{DateTime, Utc};

use super::day::second_of_day;
use super::noise::{PERMILLE, gradual, hash};

/// Permille of the panels' rated power under a clear sky at each half hour from [`SUNRISE_S`] on: a spring
/// day somewhere in the middle of Europe, no latitude in particular.
const CLEAR_SKY: [u64; 29] = [
    0, 18, 60, 124, 204, 292, 384, 474, 560, 640, 708, 764, 806, 832, 842, 834, 810, 770, 716, 650,
    572, 488, 398, 308, 220, 140, 72, 22, 0,
];
/// When the sun rises: 06:00.
const SUNRISE_S: i64 = 6 * 3_600;
const STEP_S: i64 = 1_800;
/// When it sets.
const SUNSET_S: i64 = SUNRISE_S + STEP_S * (CLEAR_SKY.len() as i64 - 1);
/// How long a cloud takes to come or go.
const CLOUD_S: i64 = 420;
/// Channels of chance.
const CLOUDS: u64 = 1;
const WEATHER: u64 = 2;

/// DC power of panels of `rated_w`, in W.
pub fn power_w(rated_w: u64, seed: u64, at: DateTime<Utc>) -> u64 {
    let second = second_of_day(at);
    if !(SUNRISE_S..SUNSET_S).contains(&second) {
        return 0;
    }
    let since = second - SUNRISE_S;
    let (step, within) = ((since / STEP_S) as usize, (since % STEP_S) as u64);
    let clear = CLEAR_SKY[step] * (STEP_S as u64 - within) + CLEAR_SKY[step + 1] * within;
    // W × permille × s × permille of light that the clouds let through.
    rated_w * clear / STEP_S as u64 * light(seed, at) / PERMILLE / PERMILLE
}

/// Permille of light that comes through: some days have many clouds, some hardly any.
fn light(seed: u64, at: DateTime<Utc>) -> u64 {
    let day = at.timestamp().div_euclid(super::day::DAY_S);
    let thickest = 150 + hash(seed, WEATHER, day) % 650;
    PERMILLE - thickest * gradual(seed, CLOUDS, at.timestamp(), CLOUD_S) / PERMILLE
}
