//! A day of one row.

use crate::row::{LOGGER, Row};
use chrono::{DateTime, TimeDelta, Utc};
use gateway::clock::{Clock, Source};
use gateway::interval::{Accountant, Length, Settings, State};
use gateway::meter::{Bus, Device as Asked, MeterHandle, P1Port, Sample};
use gateway::profile::{Kind, Meaning, Point, Protocol, Value};
use gateway::simulate::device::{Device, values};
use gateway::simulate::fault::Script;
use gateway::simulate::physics::{LocalDay, Size};
use gateway::simulate::server::Simulator;
use schemas::gateway::{ClockState, Quality};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::time::timeout;

const SEED: u64 = 11;
const LENGTH: Length = Length::QuarterHour;
/// When it is looked within an interval and the next one, in seconds: of their ends, one lies between two looks and the
/// other is looked at.
const LOOKS_S: [&[i64]; 2] = [&[0, 430, 860], &[50, 480]];
/// Long enough for an answer on a busy machine.
const PATIENCE: Duration = Duration::from_secs(120);
const SOURCES: [Meaning; 3] = [
    Meaning::GenerationTotal,
    Meaning::ImportTotal,
    Meaning::DischargeTotal,
];
const SINKS: [Meaning; 2] = [Meaning::ExportTotal, Meaning::ChargeTotal];

/// A clock that stands until it is put forward; what waits by it waits a thousandth of the time.
#[derive(Debug, Clone)]
struct Standing {
    start: DateTime<Utc>,
    passed_s: Arc<AtomicI64>,
}

impl Standing {
    fn put_to(&self, at: DateTime<Utc>) {
        let passed_s = (at - self.start).num_seconds();
        self.passed_s.store(passed_s, Ordering::Release);
    }
}

impl Source for Standing {
    fn wall(&self) -> DateTime<Utc> {
        self.start + TimeDelta::seconds(self.passed_s.load(Ordering::Acquire))
    }

    fn monotonic(&self) -> Duration {
        (self.wall() - self.start).to_std().unwrap()
    }

    fn wait(&self, span: Duration) -> Duration {
        span / 1_000
    }
}

/// The moments of a day at which it is looked, both its ends among them.
fn moments(day: LocalDay) -> Vec<DateTime<Utc>> {
    let mut moments = Vec::new();
    let (mut start, mut looks) = (day.start(), LOOKS_S.iter().cycle());
    while start < day.end() {
        let looks = looks.next().unwrap();
        moments.extend(
            looks
                .iter()
                .map(|second| start + TimeDelta::seconds(*second)),
        );
        start += LENGTH.span();
    }
    moments.push(day.end());
    moments
}

/// Lives through `day` with a device of `row`.
pub async fn live(row: Row, day: LocalDay) {
    let what = format!(
        "{} {:?} {:?} on {}",
        row.profile.id, row.variant, row.framing, day.0
    );
    let clock = Standing {
        start: day.start(),
        passed_s: Arc::default(),
    };
    let size = Size::default();
    let device = Device::new(
        row.profile.clone(),
        row.identity.clone(),
        size,
        SEED,
        day.start(),
        Script::default(),
    );
    // The same house, looked at directly.
    let mut house = device.unwrap();
    let meter = serve(&row, house.clone(), Clock::from_source(clock.clone())).await;
    let nameplate_w = i64::try_from(size.inverter_w).unwrap();
    // A house may buy more than its inverter can make.
    let settings = Settings::new(LENGTH, Some(2 * nameplate_w));
    let mut accountant = Accountant::new(settings, State::default());
    let (mut readings, mut first, mut last) = (Vec::new(), None, None);
    for at in moments(day) {
        clock.put_to(at);
        house.advance_to(at);
        let shown = Shown::of(&house);
        let sample = timeout(PATIENCE, look(&meter, &shown)).await;
        let sample = sample.unwrap_or_else(|_| panic!("{what} at {at}: no sample"));
        assert_eq!(sample.taken_at, at, "{what}");
        shown.is_told_by(&sample, &what);
        readings.extend(accountant.take(&sample, ClockState::Synchronised));
        let (first, first_shown) = first.get_or_insert_with(|| (sample.clone(), shown.clone()));
        balance(first, &sample, first_shown, &shown, &what);
        last = Some(sample);
    }
    // Each interval once, on the quarter hours of UTC, whatever the clocks in the kitchen do.
    let intervals = day.length().num_minutes() / LENGTH.minutes();
    assert_eq!(
        readings.len(),
        usize::try_from(intervals).unwrap(),
        "{what}"
    );
    let mut start = day.start();
    for reading in &readings {
        assert_eq!(reading.interval_start, start, "{what}");
        start += LENGTH.span();
        assert_eq!(reading.interval_end, start, "{what}");
        assert_eq!(
            (reading.quality, reading.cause),
            (Quality::Measured, None),
            "{what}: {reading:?}"
        );
    }
    let told: i64 = readings.iter().map(|reading| reading.wh.0).sum();
    let wh = |sample: Option<Sample>| sample.unwrap().energy_mwh.div_euclid(1_000);
    assert_eq!(
        told,
        wh(last) - wh(first.map(|(sample, _)| sample)),
        "{what}"
    );
    assert!(told > 1_000, "{what}: {told} Wh in a day");
}

/// The device on its wire, and who reads it.
async fn serve(row: &Row, device: Device, clock: Clock) -> MeterHandle {
    let simulator = Simulator::new(
        BTreeMap::from([(row.profile.unit_id, device)]),
        clock.clone(),
        SEED,
        Duration::ZERO..=Duration::ZERO,
        Duration::ZERO,
        LOGGER,
    );
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let connection = row.connection(listener.local_addr().unwrap());
    tokio::spawn(simulator.serve(listener, row.framing));
    if row.profile.protocol == Protocol::P1 {
        let port = Arc::new(P1Port::open(&connection, clock).unwrap());
        return port.meter(&row.profile, None).unwrap();
    }
    Bus::start(connection, clock).meter(Asked {
        facts: row.stated.clone(),
        ..Asked::of(row.profile.clone())
    })
}

/// A sample of this moment: what a meter sends by itself may be on its way since the one before.
async fn look(meter: &MeterHandle, shown: &Shown) -> Sample {
    loop {
        let sample = meter.sample().await.unwrap();
        if !shown.comes_by_itself
            || sample
                .values
                .iter()
                .all(|(meaning, value)| shown.is(*meaning, *value))
        {
            return sample;
        }
    }
}

/// What is so at the house, and how fine each counter is.
#[derive(Clone)]
struct Shown {
    truth: BTreeMap<Meaning, Value>,
    load_mwh: i64,
    steps: BTreeMap<Meaning, i64>,
    singles: BTreeSet<Meaning>,
    comes_by_itself: bool,
}

impl Shown {
    fn of(house: &Device) -> Self {
        let truth = values(house.plant(), 3, Meaning::ALL.iter().copied());
        let points = house.profile().select(&house.facts()).points;
        let singles = points
            .iter()
            .filter(|point| point.register.kind == Kind::F32);
        let step = |point: &Point| {
            let truth = truth.get(&point.meaning)?;
            Some((point.meaning, point.resolution(0, *truth)))
        };
        Self {
            steps: points.iter().filter_map(step).collect(),
            singles: singles.map(|point| point.meaning).collect(),
            load_mwh: house.totals().load.mwh().cast_signed(),
            comes_by_itself: house.profile().protocol == Protocol::P1,
            truth,
        }
    }

    fn is(&self, meaning: Meaning, value: Value) -> bool {
        let truth = self.truth[&meaning];
        let step = self.steps[&meaning];
        // Singles are the nearest to what is so, other numbers are cut off.
        let least = if self.singles.contains(&meaning) {
            -step
        } else {
            0
        };
        (least..=step).contains(&(truth.0 - value.0))
    }

    /// Each counter as it is at the house, cut to its step.
    fn is_told_by(&self, sample: &Sample, what: &str) {
        let counters = sample
            .values
            .iter()
            .filter(|(meaning, _)| meaning.is_counter());
        for (meaning, value) in counters {
            let truth = self.truth[meaning];
            assert!(
                self.is(*meaning, *value),
                "{what} at {}: {meaning} is {truth:?} and read as {value:?}",
                sample.taken_at
            );
        }
        assert_eq!(
            sample.value(sample.counter.meaning),
            Some(Value(sample.energy_mwh)),
            "{what}"
        );
    }
}

/// generation + import + discharge = load + export + charge since the first look, within a step of each counter that
/// was read; what a device has no counter for is as it is at the house.
fn balance(first: &Sample, now: &Sample, first_shown: &Shown, shown: &Shown, what: &str) {
    let mut allowed = 0;
    let mut grown = |meaning: Meaning| match (first.value(meaning), now.value(meaning)) {
        (Some(first), Some(now)) => {
            allowed += shown.steps[&meaning];
            now.0 - first.0
        }
        _ => {
            // Joules, cut to mWh.
            allowed += 1;
            let at = |shown: &Shown| shown.truth.get(&meaning).map_or(0, |value| value.0);
            at(shown) - at(first_shown)
        }
    };
    let sources: i64 = SOURCES.map(&mut grown).iter().sum();
    let sinks: i64 = SINKS.map(&mut grown).iter().sum();
    let load = shown.load_mwh - first_shown.load_mwh;
    let off = (sources - sinks - load).abs();
    assert!(
        off <= allowed + 1,
        "{what} at {}: {off} mWh appear or vanish",
        now.taken_at
    );
}
