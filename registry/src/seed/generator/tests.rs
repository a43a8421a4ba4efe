#![allow(clippy::unwrap_used)]
use chrono::{Datelike, Timelike};

use super::*;

const ALL: [(Generator, i64); 5] = [
    (Generator::WindFarm, WIND_FARM_W),
    (Generator::SolarPark, SOLAR_PARK_W),
    (Generator::Roof, ROOF_W),
    (Generator::Battery, BATTERY_W),
    (Generator::Home, HOME_W),
];

fn window() -> Window {
    Window::from("2025-03-01T00:00:00Z".parse().unwrap())
}

fn total(readings: &[(DateTime<Utc>, WattHours)]) -> i64 {
    readings.iter().map(|(_, wh)| wh.0).sum()
}

/// Energy as permille of what the capacity could have made.
fn capacity_factor(generator: Generator, capacity_w: i64) -> i64 {
    total(&generator.readings(window())) / 8_760 * 1_000 / capacity_w
}

#[test]
fn no_reading_is_negative_or_above_the_capacity() {
    for (generator, capacity_w) in ALL {
        let most = capacity_w * i64::from(generator.interval_s()) / 3_600;
        for (start, wh) in generator.readings(window()) {
            assert!((0..=most).contains(&wh.0), "{generator:?} {start} {wh}");
        }
    }
}

#[test]
fn every_run_and_every_interval_gives_the_same_reading() {
    for (generator, _) in ALL {
        let readings = generator.readings(window());
        assert_eq!(
            readings.len() * generator.interval_s() as usize,
            365 * 86_400
        );
        assert_eq!(readings, generator.readings(window()));
    }
}

#[test]
fn a_year_is_plausible() {
    let wind = capacity_factor(Generator::WindFarm, WIND_FARM_W);
    assert!((250..450).contains(&wind), "wind: {wind} permille");
    for (generator, capacity_w) in [
        (Generator::SolarPark, SOLAR_PARK_W),
        (Generator::Roof, ROOF_W),
    ] {
        let sun = capacity_factor(generator, capacity_w);
        assert!((80..150).contains(&sun), "{generator:?}: {sun} permille");
    }
    let home_kwh = total(&Generator::Home.readings(window())) / 1_000;
    assert!((3_000..7_000).contains(&home_kwh), "{home_kwh} kWh");
}

#[test]
fn the_sun_shines_by_day_and_longer_in_june() {
    let roof = Generator::Roof.readings(window());
    let lit = |month: u32| {
        let lit = |(start, wh): &&(DateTime<Utc>, WattHours)| start.month() == month && wh.0 > 0;
        roof.iter().filter(lit).count()
    };
    assert!(lit(6) > lit(12) * 3 / 2, "{} and {}", lit(6), lit(12));
    let night = |(start, wh): &(DateTime<Utc>, WattHours)| start.hour() >= 2 || wh.0 == 0;
    assert!(roof.iter().all(night), "at midnight it is dark");
}

#[test]
fn wind_blows_most_of_the_time_and_changes() {
    let wind = Generator::WindFarm.readings(window());
    let calm = wind.iter().filter(|(_, wh)| wh.0 == 0).count();
    assert!(calm * 10 < wind.len(), "{calm} calm hours");
    let full = wind
        .iter()
        .filter(|(_, wh)| wh.0 > WIND_FARM_W * 95 / 100)
        .count();
    assert!(full > 100, "{full} hours near capacity");
}
