#![allow(clippy::unwrap_used)]

mod clock;
mod counter;
mod histories;
mod interval;

use super::*;
use crate::meter::{Counter, Sample};
use crate::profile::Meaning;
use chrono::{DateTime, TimeDelta, Utc};
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
