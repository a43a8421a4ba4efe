#![allow(clippy::unwrap_used)]
use chrono::{DateTime, NaiveDate, TimeDelta, Utc};
use proptest::prelude::*;

use super::*;

fn day(year: i32, month: u32, day: u32) -> LocalDay {
    LocalDay(NaiveDate::from_ymd_opt(year, month, day).unwrap())
}

fn house() -> impl Strategy<Value = Size> {
    let battery = prop::option::of((1_000_u64..20_000, 500_u64..6_000));
    (1_000_u64..20_000, battery, 0_u64..3_000).prop_map(|(panels_w, battery, load_permille)| Size {
        panels_w,
        inverter_w: panels_w * 3 / 4,
        battery: battery.map(|(capacity_wh, power_w)| BatterySize {
            capacity_wh,
            power_w,
        }),
        load_permille,
        east_h: 0,
    })
}

#[test]
fn days_on_which_clocks_change_have_23_and_25_hours() {
    assert_eq!(day(2026, 3, 29).length(), TimeDelta::hours(23));
    assert_eq!(day(2026, 10, 25).length(), TimeDelta::hours(25));
    assert_eq!(day(2026, 6, 21).length(), TimeDelta::hours(24));
    let start: DateTime<Utc> = "2026-10-24T22:00:00Z".parse().unwrap();
    assert_eq!(day(2026, 10, 25).start(), start);
}

#[test]
fn the_sun_shines_by_day_only_and_the_battery_fills_and_empties() {
    let day = day(2026, 3, 29);
    let mut plant = Plant::new(Size::default(), 7, day.start());
    let begun = plant.totals();
    plant.advance_to(day.start() + TimeDelta::hours(4));
    assert_eq!(plant.totals().generation, begun.generation, "at night");
    let at_night = plant.charge_permille().unwrap();
    plant.advance_to(day.start() + TimeDelta::hours(14));
    assert!(plant.powers().generation_w > 500, "{:?}", plant.powers());
    assert!(plant.charge_permille().unwrap() > at_night);
    plant.advance_to(day.end());
    let (end, made) = (plant.totals(), plant.totals().generation - begun.generation);
    assert!((10_000..80_000).contains(&made.wh()), "{} Wh", made.wh());
    let (charged, given) = (end.charge - begun.charge, end.discharge - begun.discharge);
    assert!(charged > Joules::of_wh(1_000) && given > Joules::of_wh(1_000));
}

#[test]
fn far_in_the_east_the_sun_shines_earlier() {
    let night = day(2026, 6, 21).start() + TimeDelta::hours(1);
    let power_w = |east_h| {
        let size = Size {
            east_h,
            ..Size::default()
        };
        let mut plant = Plant::new(size, 7, night);
        plant.advance_to(night + TimeDelta::minutes(1));
        plant.powers().generation_w
    };
    assert_eq!(power_w(0), 0);
    assert!(power_w(11) > 500, "it is noon there");
}

#[test]
fn a_battery_gives_less_than_it_takes() {
    let day = day(2026, 6, 21);
    let size = Size::default();
    let mut plant = Plant::new(size, 3, day.start());
    let (begun, charge) = (plant.totals(), plant.charge_permille().unwrap());
    plant.advance_to(day.end() + TimeDelta::days(3));
    let (charged, given) = (
        plant.totals().charge - begun.charge,
        plant.totals().discharge - begun.discharge,
    );
    let stored = size.battery.unwrap().capacity_wh * 3_600 / 1_000;
    let (before, after) = (charge * stored, plant.charge_permille().unwrap() * stored);
    assert!(given.0 + after < charged.0 + before, "something is lost");
}

#[test]
fn phases_grow_one_after_another_and_add_up() {
    for of in 1..=3 {
        let phases = |joules| (0..of).map(move |phase| Joules(joules).phase(phase, of).0);
        for joules in 0..1_000 {
            assert_eq!(phases(joules).sum::<u64>(), joules);
            let mut then = phases(joules).zip(phases(joules + 1));
            assert!(then.all(|(now, then)| now <= then));
        }
    }
}

#[test]
fn milliwatt_hours_do_not_overflow_before_the_counter_does() {
    assert_eq!(Joules(3_600).mwh(), 1_000);
    assert_eq!(Joules(17).mwh(), 4);
    assert_eq!(Joules(u64::MAX).mwh() / 1_000, Joules(u64::MAX).wh());
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]

    #[test]
    fn what_goes_in_comes_out_at_every_moment(
        size in house(),
        seed: u64,
        start in 0_i64..2_000_000_000,
        steps in prop::collection::vec(1_i64..3_000, 1..12),
    ) {
        let mut at = DateTime::from_timestamp(start, 0).unwrap();
        let mut plant = Plant::new(size, seed, at);
        for step in steps {
            let before = plant.totals();
            at += TimeDelta::seconds(step);
            plant.advance_to(at);
            let now = plant.totals();
            prop_assert_eq!(now.sources(), now.sinks());
            for (before, now) in [
                (before.generation, now.generation), (before.load, now.load),
                (before.charge, now.charge), (before.discharge, now.discharge),
                (before.import, now.import), (before.export, now.export),
            ] {
                prop_assert!(before <= now, "no counter goes back");
            }
            let powers = plant.powers();
            prop_assert!(powers.generation_w <= size.inverter_w);
            prop_assert!(powers.import_w == 0 || powers.export_w == 0);
            prop_assert!(powers.charge_w == 0 || powers.discharge_w == 0);
            prop_assert!(plant.charge_permille().is_none_or(|charge| charge <= 1_000));
        }
    }

    #[test]
    fn a_house_is_the_same_however_one_gets_to_a_moment(seed: u64, stop in 1_i64..20_000) {
        let start = day(2026, 6, 21).start() + TimeDelta::hours(8);
        let end = start + TimeDelta::seconds(20_000);
        let mut straight = Plant::new(Size::default(), seed, start);
        straight.advance_to(end);
        let mut halting = Plant::new(Size::default(), seed, start);
        halting.advance_to(start + TimeDelta::seconds(stop) + TimeDelta::milliseconds(300));
        halting.advance_to(start);
        halting.advance_to(end);
        prop_assert_eq!(straight.totals(), halting.totals());
        prop_assert_eq!(straight.charge_permille(), halting.charge_permille());
    }
}
