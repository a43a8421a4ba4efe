//! Sun: half a sine from sunrise to sunset, lower and shorter in winter, behind clouds.

use chrono::{DateTime, Datelike, Timelike, Utc};
use schemas::WattHours;

use super::noise::{between, between_neighbours};

/// Minutes from sunrise to sunset in the middle of each month at 52° N.
const DAYLIGHT_MIN: [i64; 12] = [500, 590, 710, 830, 930, 990, 965, 875, 760, 645, 535, 475];
/// Output at noon under a clear sky, in permille of capacity, in the middle of each month.
const NOON_PERMILLE: [i64; 12] = [300, 430, 590, 730, 810, 840, 830, 780, 660, 490, 340, 260];
/// Solar noon near Greenwich, in minutes of the UTC day.
const NOON_MIN: i64 = 12 * 60;
const MINUTES_OF_INTERVAL: i64 = 30;

/// Half-hourly energy of panels of `capacity_w`; `seed` is the place's weather.
pub(super) fn readings(
    starts: impl Iterator<Item = DateTime<Utc>>,
    capacity_w: i64,
    seed: u64,
) -> Vec<(DateTime<Utc>, WattHours)> {
    starts
        .map(|start| {
            let clear = clear_sky_permille(start);
            let sky = sky_permille(start, seed);
            // W × permille × permille over half an hour.
            (start, WattHours(capacity_w * clear * sky / 2_000_000))
        })
        .collect()
}

/// Output under a clear sky in the middle of the interval, in permille of capacity.
fn clear_sky_permille(start: DateTime<Utc>) -> i64 {
    let day_length = of_season(&DAYLIGHT_MIN, start);
    let middle = i64::from(start.hour() * 60 + start.minute()) + MINUTES_OF_INTERVAL / 2;
    let since_sunrise = middle - (NOON_MIN - day_length / 2);
    if !(0..day_length).contains(&since_sunrise) {
        return 0;
    }
    let height = sine_per_myriad(since_sunrise * 180 / day_length);
    of_season(&NOON_PERMILLE, start) * height / 10_000
}

/// Sine of whole degrees from 0 to 180, times 10,000: Bhaskara's formula, off by less than 0.002.
const fn sine_per_myriad(degrees: i64) -> i64 {
    let product = degrees * (180 - degrees);
    40_000 * product / (40_500 - product)
}

/// Between the middles of the two nearest months.
fn of_season(table: &[i64; 12], start: DateTime<Utc>) -> i64 {
    let (month, day) = (start.month0() as usize, i64::from(start.day0()));
    if day < 15 {
        between_neighbours(table[(month + 11) % 12], table[month], day + 15, 30)
    } else {
        between_neighbours(
            table[month],
            table[(month + 1) % 12],
            (day - 15).min(30),
            30,
        )
    }
}

/// What clouds leave, in permille: a share for the day, and passing clouds.
fn sky_permille(start: DateTime<Utc>, seed: u64) -> i64 {
    let day = start.timestamp() / 86_400;
    let overcast = between(seed, day, 0, 99);
    let of_day = match overcast {
        0..25 => between(seed + 1, day, 880, 1_000),
        25..70 => between(seed + 1, day, 480, 850),
        _ => between(seed + 1, day, 150, 450),
    };
    of_day - between(seed + 2, start.timestamp() / 1_800, 0, of_day / 5)
}
