#![allow(clippy::unwrap_used)]

use super::*;
use crate::meter::{Counter, Sample};
use crate::profile::Meaning;
use chrono::{DateTime, TimeDelta, Utc};
use proptest::prelude::*;
use schemas::WattHours;
use schemas::gateway::{Cause, ClockState, MeterIdentity, Quality, Reading};
use std::time::Duration;

const SYNCHRONISED: ClockState = ClockState::Synchronised;
const STEP: i64 = 10_000;
const NAMEPLATE_W: i64 = 10_000;

/// A device whose counter, clock and power a test sets as it likes.
struct Bench {
    accountant: Accountant,
    start: DateTime<Utc>,
    elapsed_s: i64,
    /// What the wall clock is off by.
    off_s: i64,
    energy_mwh: i64,
    power_w: Option<i64>,
    modulus_mwh: Option<i64>,
    serial: &'static str,
    clock: ClockState,
    readings: Vec<Reading>,
}

impl Bench {
    fn new(start: &str, energy_mwh: i64) -> Self {
        let settings = Settings::new(Length::QuarterHour, Some(NAMEPLATE_W));
        let mut bench = Self {
            accountant: Accountant::new(settings, State::default()),
            start: start.parse().unwrap(),
            elapsed_s: 0,
            off_s: 0,
            energy_mwh,
            power_w: None,
            modulus_mwh: None,
            serial: "A1",
            clock: SYNCHRONISED,
            readings: Vec::new(),
        };
        bench.look();
        bench
    }

    fn noon() -> Self {
        Self::new("2026-06-21T12:00:00Z", 1_000_000_500)
    }

    fn sample(&self) -> Sample {
        Sample {
            taken_at: self.start + TimeDelta::seconds(self.elapsed_s + self.off_s),
            monotonic: Duration::from_secs(u64::try_from(self.elapsed_s).unwrap()),
            energy_mwh: self.energy_mwh,
            counter: Counter {
                meaning: Meaning::GenerationTotal,
                resolution_mwh: STEP,
                modulus_mwh: self.modulus_mwh,
            },
            power_w: self.power_w,
            values: Vec::new(),
            unreadable: Vec::new(),
            identity: MeterIdentity {
                maker: "Maker".to_owned(),
                model: "Model".to_owned(),
                serial: self.serial.to_owned(),
                firmware: None,
            },
            frame_sha256: String::new(),
        }
    }

    fn look(&mut self) -> Vec<Reading> {
        let given = self.accountant.take(&self.sample(), self.clock);
        self.readings.extend(given.clone());
        given
    }

    fn pass(&mut self, seconds: i64) -> &mut Self {
        self.elapsed_s += seconds;
        self
    }

    fn produce(&mut self, mwh: i64) -> &mut Self {
        self.energy_mwh += mwh;
        self
    }

    /// So many seconds at 3.6 kW, which is 1 Wh a second, with a look each 10 s.
    fn run(&mut self, seconds: i64) -> &mut Self {
        for _ in 0..seconds / 10 {
            self.pass(10).produce(10_000).look();
        }
        self
    }

    /// The program was ended and started: the state is kept, the monotonic clock begins anew.
    fn restart(&mut self) {
        let kept = serde_json::to_string(self.accountant.state()).unwrap();
        let settings = Settings::new(Length::QuarterHour, Some(NAMEPLATE_W));
        self.accountant = Accountant::new(settings, serde_json::from_str(&kept).unwrap());
        self.start += TimeDelta::seconds(self.elapsed_s);
        self.elapsed_s = 0;
    }

    fn kinds(&self) -> Vec<(Quality, Option<Cause>, i64)> {
        self.readings
            .iter()
            .map(|reading| (reading.quality, reading.cause, reading.wh.0))
            .collect()
    }

    fn check(&self) {
        for pair in self.readings.windows(2) {
            assert_eq!(pair[0].interval_end, pair[1].interval_start);
        }
        for reading in &self.readings {
            assert!(reading.wh >= WattHours::ZERO, "{reading:?}");
            assert_eq!(
                Length::QuarterHour.start_of(reading.interval_start),
                reading.interval_start
            );
            let difference = reading.counter_end_wh.unwrap() - reading.counter_start_wh.unwrap();
            match (reading.quality, reading.cause) {
                (Quality::Measured, None) | (Quality::Interpolated, Some(Cause::Gap)) => {
                    assert_eq!(difference, reading.wh, "{reading:?}");
                }
                (Quality::Measured, Some(Cause::Wrap)) => assert!(difference < WattHours::ZERO),
                (Quality::Doubtful, Some(_)) => {}
                _ => panic!("{reading:?} is not as envelopes have it"),
            }
        }
    }
}

const MEASURED: Quality = Quality::Measured;
const DOUBTFUL: Quality = Quality::Doubtful;
const INTERPOLATED: Quality = Quality::Interpolated;

#[test]
fn an_interval_with_samples_at_both_ends_is_measured() {
    let mut bench = Bench::noon();
    bench.run(1_800);
    bench.check();
    assert_eq!(
        bench.kinds(),
        [(MEASURED, None, 900), (MEASURED, None, 900)]
    );
    let first = &bench.readings[0];
    assert_eq!(
        first.interval_start.to_rfc3339(),
        "2026-06-21T12:00:00+00:00"
    );
    assert_eq!(first.counter_start_wh, Some(WattHours(1_000_000)));
    assert_eq!(first.counter_end_wh, Some(WattHours(1_000_900)));
}

#[test]
fn the_interval_that_the_gateway_was_started_in_is_interpolated() {
    let mut bench = Bench::new("2026-06-21T12:05:00Z", 0);
    bench.run(1_500);
    assert_eq!(
        bench.kinds(),
        [(INTERPOLATED, Some(Cause::Gap), 600), (MEASURED, None, 900)]
    );
}

#[test]
fn parts_of_a_wh_are_carried_to_the_next_interval() {
    let mut bench = Bench::noon();
    for _ in 0..4 {
        bench.pass(890).produce(1_000).look();
        bench.pass(10).produce(250).look();
    }
    // 500 mWh at the start and 1,250 in each interval.
    let wh: Vec<_> = bench.readings.iter().map(|reading| reading.wh.0).collect();
    assert_eq!(wh, [1, 2, 1, 1]);
}

#[test]
fn an_end_between_two_samples_has_its_share_of_their_difference() {
    let mut bench = Bench::noon();
    bench.run(890);
    bench.pass(20).produce(20_000).look();
    assert_eq!(bench.kinds(), [(MEASURED, None, 900)]);
}

#[test]
fn intervals_missed_in_a_gap_are_covered_by_the_counter_and_marked() {
    let mut bench = Bench::noon();
    bench.run(300);
    bench.restart();
    bench.pass(3_600).produce(3_600_000).look();
    bench.run(600);
    bench.check();
    let gap = (INTERPOLATED, Some(Cause::Gap), 900);
    assert_eq!(bench.kinds(), [gap; 5]);
}

#[test]
fn a_gap_inside_an_interval_leaves_it_measured() {
    let mut bench = Bench::noon();
    bench.run(60);
    bench.pass(780).produce(780_000).look();
    bench.run(60);
    assert_eq!(bench.kinds(), [(MEASURED, None, 900)]);
}

#[test]
fn samples_around_an_end_may_be_as_far_apart_as_settings_say_and_no_farther() {
    for (apart, quality) in [(120, MEASURED), (121, INTERPOLATED)] {
        let mut bench = Bench::noon();
        bench.pass(840).produce(0).look();
        bench.pass(apart).look();
        assert_eq!(bench.readings[0].quality, quality, "{apart} s");
    }
}

#[test]
fn a_gap_longer_than_allowed_is_doubtful() {
    for (hours, quality) in [(24, INTERPOLATED), (25, DOUBTFUL)] {
        let mut bench = Bench::new("2026-06-21T12:01:00Z", 0);
        bench.pass(hours * 3_600).produce(9_000_000).look();
        bench.check();
        let total: i64 = bench.readings.iter().map(|reading| reading.wh.0).sum();
        assert_eq!(
            total,
            9_000 - bench.accountant.state().pending_mwh() / 1_000
        );
        assert!(
            bench.readings.iter().all(|r| r.quality == quality),
            "{hours} h"
        );
    }
}

#[test]
fn a_gap_of_more_intervals_than_can_be_told_is_one_reading() {
    for (extra, readings) in [(0, usize::try_from(MAX_INTERVALS).unwrap()), (900, 1)] {
        let mut bench = Bench::noon();
        bench
            .pass(MAX_INTERVALS * 900 + extra)
            .produce(7_000_000)
            .look();
        assert_eq!(bench.readings.len(), readings);
        let total: i64 = bench.readings.iter().map(|reading| reading.wh.0).sum();
        assert_eq!(total, 7_000);
        assert!(
            bench
                .readings
                .iter()
                .all(|reading| reading.quality == DOUBTFUL)
        );
    }
}

#[test]
fn a_sentinel_at_the_end_of_an_interval_makes_its_neighbours_doubtful() {
    let mut bench = Bench::noon();
    bench.run(800);
    for _ in 0..20 {
        bench.pass(10).produce(10_000);
        bench.accountant.missed(Cause::Sentinel);
    }
    bench.run(1_700);
    bench.check();
    let sentinel = (DOUBTFUL, Some(Cause::Sentinel), 900);
    assert_eq!(bench.kinds(), [sentinel, sentinel, (MEASURED, None, 900)]);
}

#[test]
fn a_sentinel_for_a_moment_changes_nothing() {
    let mut bench = Bench::noon();
    bench.run(890);
    bench.pass(10).produce(10_000);
    bench.accountant.missed(Cause::Sentinel);
    bench.run(10);
    assert_eq!(bench.kinds(), [(MEASURED, None, 900)]);
}

#[test]
fn a_sentinel_while_nothing_is_produced_makes_no_doubt() {
    let mut bench = Bench::noon();
    bench.pass(800).look();
    bench.accountant.missed(Cause::Sentinel);
    bench.pass(7_200).look();
    assert!(
        bench
            .kinds()
            .iter()
            .all(|kind| *kind == (INTERPOLATED, Some(Cause::Gap), 0))
    );
}

#[test]
fn a_counter_that_is_zero_for_a_moment_is_not_believed() {
    let mut bench = Bench::noon();
    bench.run(400);
    let energy = std::mem::replace(&mut bench.energy_mwh, 0);
    bench.pass(10).look();
    bench.energy_mwh = energy + 10_000;
    bench.run(500);
    bench.check();
    assert_eq!(bench.kinds(), [(MEASURED, None, 900)]);
}

#[test]
fn a_counter_that_is_zero_over_the_end_of_an_interval_leaves_it_doubtful() {
    let mut bench = Bench::noon();
    bench.run(800);
    let energy = std::mem::replace(&mut bench.energy_mwh, 0);
    bench.pass(10).look();
    bench.energy_mwh = energy + 200_000;
    bench.pass(190).look();
    bench.run(800);
    let doubtful = (DOUBTFUL, Some(Cause::TransientZero), 900);
    assert_eq!(bench.kinds(), [doubtful, doubtful]);
}

#[test]
fn a_reset_is_believed_when_it_lasts_and_nothing_is_counted_for_it() {
    let mut bench = Bench::noon();
    bench.run(400);
    bench.energy_mwh = 0;
    bench.pass(10).look();
    bench.run(1_390);
    bench.check();
    // What the counter says on both sides: 400 Wh before, and from the third look at 430 s.
    assert_eq!(
        bench.kinds(),
        [(DOUBTFUL, Some(Cause::Reset), 870), (MEASURED, None, 900)]
    );
    assert_eq!(
        bench.readings[0].counter_start_wh,
        Some(WattHours(1_000_000))
    );
    assert_eq!(bench.readings[0].counter_end_wh, Some(WattHours(490)));
}

#[test]
fn a_counter_that_goes_back_is_believed_when_it_lasts() {
    let mut bench = Bench::noon();
    bench.run(400);
    bench.produce(-300_000_000);
    bench.run(500);
    bench.check();
    assert_eq!(
        bench.kinds(),
        [(DOUBTFUL, Some(Cause::CounterBackwards), 870)]
    );
}

#[test]
fn a_jump_beyond_the_nameplate_is_not_counted() {
    let mut bench = Bench::noon();
    bench.run(400);
    bench.produce(53_700_000_000);
    bench.run(500);
    bench.check();
    assert_eq!(bench.kinds(), [(DOUBTFUL, Some(Cause::OutOfRange), 870)]);
}

#[test]
fn a_jump_for_a_moment_is_not_believed() {
    let mut bench = Bench::noon();
    bench.run(400);
    bench.produce(53_700_000_000);
    bench.run(20);
    bench.produce(-53_700_000_000);
    bench.run(480);
    bench.check();
    assert_eq!(bench.kinds(), [(MEASURED, None, 900)]);
}

#[test]
fn a_wrap_is_measured_and_nothing_is_lost() {
    let modulus = 65_536 * STEP;
    let mut bench = Bench::new("2026-06-21T12:00:00Z", modulus - 400_000);
    bench.modulus_mwh = Some(modulus);
    bench.run(400);
    bench.energy_mwh = 0;
    for _ in 0..140 {
        bench.pass(10).look();
        bench.produce(10_000);
    }
    bench.check();
    assert_eq!(
        bench.kinds(),
        [(MEASURED, Some(Cause::Wrap), 890), (MEASURED, None, 900)]
    );
}

#[test]
fn a_frozen_counter_leaves_its_intervals_doubtful_until_it_moves() {
    let mut bench = Bench::noon();
    bench.power_w = Some(3_600);
    bench.run(900);
    for _ in 0..90 {
        bench.pass(10).look();
    }
    // It catches up with what it did not show.
    bench.produce(900_000);
    bench.run(1_800);
    bench.check();
    assert_eq!(
        bench.kinds(),
        [
            (MEASURED, None, 900),
            (DOUBTFUL, Some(Cause::Frozen), 0),
            (DOUBTFUL, Some(Cause::Frozen), 1_800),
            (MEASURED, None, 900),
        ]
    );
}

#[test]
fn a_counter_that_stands_still_at_night_is_not_frozen() {
    let mut bench = Bench::new("2026-06-21T22:00:00Z", 5_000_000);
    bench.power_w = Some(0);
    for _ in 0..180 {
        bench.pass(10).look();
    }
    assert_eq!(bench.kinds(), [(MEASURED, None, 0); 2]);
}

#[test]
fn another_meter_at_the_same_place_is_noticed() {
    let mut bench = Bench::noon();
    bench.run(400);
    (bench.serial, bench.energy_mwh) = ("B2", 77_000_000);
    bench.run(1_400);
    bench.check();
    assert_eq!(
        bench.kinds(),
        [
            (DOUBTFUL, Some(Cause::MeterSwapped), 870),
            (MEASURED, None, 900)
        ]
    );
    assert_eq!(bench.readings[1].counter_end_wh, Some(WattHours(78_400)));
}

#[test]
fn readings_of_an_unsynchronised_clock_are_doubtful() {
    let mut bench = Bench::noon();
    bench.clock = ClockState::Unsynchronised;
    bench.run(10);
    bench.clock = SYNCHRONISED;
    bench.run(1_790);
    assert_eq!(
        bench.kinds(),
        [
            (DOUBTFUL, Some(Cause::ClockUnsynchronised), 900),
            (MEASURED, None, 900)
        ]
    );
    assert_eq!(bench.readings[0].clock, ClockState::Unsynchronised);
}

#[test]
fn a_clock_that_cannot_be_known_is_told_and_trusted() {
    let mut bench = Bench::noon();
    bench.clock = ClockState::Unknown;
    bench.run(900);
    assert_eq!(bench.kinds(), [(MEASURED, None, 900)]);
    assert_eq!(bench.readings[0].clock, ClockState::Unknown);
}

#[test]
fn a_clock_set_forward_makes_the_intervals_it_skips_doubtful() {
    let mut bench = Bench::noon();
    bench.run(300);
    bench.off_s = 600;
    bench.run(1_200);
    bench.check();
    // The first 300 s, and of the 10 s that the clock made 610 the part before the end.
    let doubt = Some(Cause::ClockUnsynchronised);
    assert_eq!(
        bench.kinds(),
        [(DOUBTFUL, doubt, 310), (DOUBTFUL, doubt, 890)]
    );
    bench.run(900);
    assert_eq!(bench.kinds()[2], (MEASURED, None, 900));
}

#[test]
fn a_clock_set_back_gives_no_interval_twice_and_loses_nothing() {
    for seconds in [600, 86_400] {
        let mut bench = Bench::noon();
        bench.run(1_000);
        bench.off_s = -seconds;
        bench.run(2_600 + seconds);
        bench.check();
        assert_eq!(bench.kinds()[0], (MEASURED, None, 900));
        let second = bench.kinds()[1];
        assert_eq!(
            (second.0, second.1),
            (DOUBTFUL, Some(Cause::ClockUnsynchronised))
        );
        let counted: i64 = bench.readings.iter().map(|reading| reading.wh.0).sum();
        assert_eq!(
            counted + bench.accountant.state().pending_mwh() / 1_000,
            3_600 + seconds
        );
        assert_eq!(bench.kinds()[2..], [(MEASURED, None, 900); 2]);
    }
}

#[test]
fn days_on_which_daylight_saving_begins_or_ends_have_96_quarters() {
    for day in ["2026-03-29T00:00:00Z", "2026-10-25T00:00:00Z"] {
        let mut bench = Bench::new(day, 0);
        bench.run(86_400);
        bench.check();
        assert_eq!(bench.kinds(), vec![(MEASURED, None, 900); 96]);
    }
}

#[test]
fn a_state_that_was_kept_goes_on_as_if_nothing_had_been() {
    let mut one = Bench::noon();
    let mut other = Bench::noon();
    one.run(1_234);
    other.run(1_234);
    other.restart();
    one.run(2_000);
    other.run(2_000);
    assert_eq!(one.readings, other.readings);
}

#[derive(Debug, Clone)]
enum Event {
    Produce { seconds: i64, watts: i64 },
    Restart,
    Zero,
    Reset,
    Jump,
    Swap,
    Sentinel,
    SetClock(i64),
}

fn events() -> impl Strategy<Value = Vec<Event>> {
    let event = prop_oneof![
        20 => (1_i64..400, 0..=NAMEPLATE_W).prop_map(|(seconds, watts)| Event::Produce { seconds, watts }),
        2 => (3_600_i64..200_000, 0..=NAMEPLATE_W).prop_map(|(seconds, watts)| Event::Produce { seconds, watts }),
        2 => Just(Event::Restart),
        1 => Just(Event::Zero),
        1 => Just(Event::Reset),
        1 => Just(Event::Jump),
        1 => Just(Event::Swap),
        1 => Just(Event::Sentinel),
        1 => (-90_000_i64..90_000).prop_map(Event::SetClock),
    ];
    prop::collection::vec(event, 1..120)
}

proptest! {
    /// Whatever happens: each interval once and in order, and what is told plus what is pending is never more than
    /// what was produced.
    #[test]
    fn nothing_is_told_twice_and_no_more_than_was_produced(events in events()) {
        let mut bench = Bench::noon();
        let mut produced = 0_i64;
        for event in events {
            match event {
                Event::Produce { seconds, watts } => {
                    let mwh = watts * seconds * 1_000 / 3_600;
                    produced += mwh;
                    bench.pass(seconds).produce(mwh).look();
                }
                Event::Restart => bench.restart(),
                Event::Zero => {
                    let energy = std::mem::replace(&mut bench.energy_mwh, 0);
                    bench.pass(5).look();
                    bench.energy_mwh = energy;
                }
                Event::Reset => bench.energy_mwh = 0,
                Event::Jump => bench.energy_mwh += 90_000_000_000,
                Event::Swap => bench.serial = if bench.serial == "A1" { "B2" } else { "A1" },
                Event::Sentinel => bench.accountant.missed(Cause::Sentinel),
                Event::SetClock(seconds) => bench.off_s += seconds,
            }
        }
        bench.check();
        let told: i64 = bench.readings.iter().map(|reading| reading.wh.0).sum();
        let pending = bench.accountant.state().pending_mwh();
        // What was there at the start beyond whole Wh comes to the first reading.
        prop_assert!(told * 1_000 + pending <= produced + 500, "{told} Wh + {pending} mWh of {produced} mWh");
    }

    /// As long as the counter only counts, gaps, restarts, zeros for a moment and a clock that is set lose nothing.
    #[test]
    fn what_is_told_and_what_is_pending_is_what_was_produced(events in events()) {
        let mut bench = Bench::noon();
        let mut produced = 0_i64;
        for event in events {
            match event {
                Event::Produce { seconds, watts } => {
                    let mwh = watts * seconds * 1_000 / 3_600;
                    produced += mwh;
                    bench.pass(seconds).produce(mwh).look();
                }
                Event::Restart => bench.restart(),
                Event::Zero => {
                    let energy = std::mem::replace(&mut bench.energy_mwh, 0);
                    bench.pass(5).look();
                    bench.energy_mwh = energy;
                }
                Event::Sentinel => bench.accountant.missed(Cause::Sentinel),
                Event::SetClock(seconds) => bench.off_s += seconds,
                Event::Reset | Event::Jump | Event::Swap => {}
            }
            bench.look();
        }
        bench.check();
        let told: i64 = bench.readings.iter().map(|reading| reading.wh.0).sum();
        let pending = bench.accountant.state().pending_mwh();
        prop_assert_eq!(told * 1_000 + pending, produced + 500);
    }
}
