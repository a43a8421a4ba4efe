#![allow(clippy::unwrap_used)]
//! The engine over a real buffer, with meters that can be told how to fail, at a pace of 600.

use super::*;
use crate::buffer::FILE_NAME;
use crate::clock::{Clock, Pace, Paced};
use crate::meter::{Counter, Sample};
use crate::profile::Meaning;
use crate::snapshot::{DeviceState, Queue};
use chrono::{DateTime, TimeDelta, Utc};
use schemas::gateway::{Cause, ClockState, MeterIdentity, ProfileRef, Quality, Reading};
use schemas::id::GatewayId;
use std::path::Path;
use std::sync::atomic::{AtomicU8, Ordering};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

const FACTOR: u32 = 600;
const DEADLINE: Duration = Duration::from_secs(60);
const SHARE: u64 = 64 << 20;

const WELL: u8 = 0;
const AWAY: u8 = 1;
const NONSENSE: u8 = 2;
const PANICS: u8 = 3;

/// 3.6 kW without a pause: a mWh each millisecond.
struct House {
    clock: Clock,
    began: DateTime<Utc>,
    mood: AtomicU8,
}

impl Meter for House {
    fn profile(&self) -> ProfileRef {
        ProfileRef {
            id: "house".into(),
            sha256: "ab".repeat(32),
        }
    }

    fn sample(&self) -> BoxFuture<'_, Result<Sample, NotRead>> {
        async {
            let cause = match self.mood.load(Ordering::Relaxed) {
                AWAY => None,
                NONSENSE => Some(Cause::Sentinel),
                PANICS => panic!("as told"),
                _ => return Ok(self.look()),
            };
            let reason = "no answer".to_owned();
            Err(NotRead {
                reason,
                cause,
                again_in: None,
            })
        }
        .boxed()
    }
}

impl House {
    fn look(&self) -> Sample {
        let now = self.clock.wall();
        Sample {
            taken_at: now,
            monotonic: self.clock.monotonic(),
            energy_mwh: 5_000_000 + (now - self.began).num_milliseconds(),
            counter: Counter {
                meaning: Meaning::GenerationTotal,
                resolution_mwh: 1,
                modulus_mwh: None,
            },
            power_w: Some(3_600),
            values: Vec::new(),
            unreadable: Vec::new(),
            identity: MeterIdentity {
                maker: "House".into(),
                model: "1".into(),
                serial: "7".into(),
                firmware: None,
            },
            frame_sha256: String::new(),
        }
    }
}

struct Street(Arc<House>);

impl Meters for Street {
    fn open(&self, device: &DeviceConfig) -> Result<Arc<dyn Meter>, String> {
        match device.profile.as_str() {
            "house" => Ok(Arc::clone(&self.0) as Arc<dyn Meter>),
            other => Err(format!("there is no profile {other}")),
        }
    }
}

struct World {
    dir: tempfile::TempDir,
    house: Arc<House>,
    clock: Clock,
    buffer: Buffer,
    engine: Arc<Engine>,
    snapshot: watch::Receiver<Arc<Snapshot>>,
    stop: oneshot::Sender<()>,
    running: JoinHandle<()>,
}

fn blank() -> Snapshot {
    Snapshot {
        version: String::new(),
        taken_at: Utc::now(),
        started_at: Utc::now(),
        registry: None,
        gateway_id: None,
        key_id: None,
        clock: ClockState::Unknown,
        queue: Queue::default(),
        uplink: crate::snapshot::Uplink::default(),
        devices: Vec::new(),
    }
}

fn device(id: i64, profile: &str) -> DeviceConfig {
    DeviceConfig {
        id: DeviceId(id),
        profile: profile.into(),
        connection: crate::connection::Connection::Tcp {
            host: format!("10.0.0.{id}"),
            port: 502,
        },
        unit_id: None,
        counter: None,
        firmware: None,
        nameplate_w: 10_000,
        paused: false,
    }
}

fn config(devices: Vec<DeviceConfig>) -> Config {
    Config {
        devices,
        ..Config::new(None)
    }
}

impl World {
    fn new(config: Config, share: u64) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let clock = Clock::from_source(Paced::new(Pace {
            since: Utc::now(),
            shows: "2026-06-21T03:58:00Z".parse().unwrap(),
            factor: FACTOR,
        }));
        let house = Arc::new(House {
            began: clock.wall(),
            clock: clock.clone(),
            mood: AtomicU8::new(WELL),
        });
        Self::begin(dir, clock, house, config, share)
    }

    fn begin(
        dir: tempfile::TempDir,
        clock: Clock,
        house: Arc<House>,
        config: Config,
        share: u64,
    ) -> Self {
        let buffer = Buffer::open(&dir.path().join(FILE_NAME), share).unwrap();
        let (publish, snapshot) = watch::channel(Arc::new(blank()));
        let engine = Engine::new(Parts {
            config,
            clock: clock.clone(),
            clock_check: Arc::new(ClockState::Synchronised),
            meters: Arc::new(Street(Arc::clone(&house))),
            buffer: buffer.clone(),
            uplink: None,
            publish,
        });
        let (stop, stopped) = oneshot::channel();
        let working = Arc::clone(&engine);
        let running = tokio::spawn(async move { working.run(stopped.map(drop)).await });
        Self {
            dir,
            house,
            clock,
            buffer,
            engine,
            snapshot,
            stop,
            running,
        }
    }

    /// Stops it as a signal does.
    async fn stop(self) -> (tempfile::TempDir, Clock, Arc<House>, Config) {
        let config = self.engine.configuration();
        drop(self.stop);
        self.running.await.unwrap();
        drop(self.engine);
        self.buffer.close().await;
        (self.dir, self.clock, self.house, config)
    }

    fn mood(&self, mood: u8) {
        self.house.mood.store(mood, Ordering::Relaxed);
    }

    async fn until(&mut self, what: &str, holds: impl Fn(&Snapshot) -> bool) {
        let waited = self.snapshot.wait_for(|snapshot| holds(snapshot));
        let waited = tokio::time::timeout(DEADLINE, waited).await;
        assert!(waited.is_ok(), "never so: {what}");
    }

    async fn until_state(&mut self, state: DeviceState) {
        let is = |snapshot: &Snapshot| snapshot.devices.first().map(|one| one.state) == Some(state);
        self.until(state.as_str(), is).await;
    }

    async fn until_readings(&mut self, count: u64) {
        let are = |snapshot: &Snapshot| snapshot.queue.readings >= count;
        self.until("readings are taken", are).await;
    }

    /// Those of the first device, when there are more than so many.
    async fn more_than(&mut self, count: usize) -> Vec<Reading> {
        let waited = tokio::time::timeout(DEADLINE, async {
            loop {
                let readings = self.readings(1).await;
                if readings.len() > count {
                    return readings;
                }
                self.snapshot.changed().await.unwrap();
            }
        });
        waited.await.expect("readings are taken")
    }

    async fn readings(&self, device: i64) -> Vec<Reading> {
        let runs = self
            .buffer
            .unsealed(None, Vec::new(), 1 << 20)
            .await
            .unwrap();
        let runs = runs
            .into_iter()
            .filter(|run| run.device == DeviceId(device));
        runs.flat_map(|run| run.readings).collect()
    }
}

/// Each interval once, in order, and together what the counter advanced.
fn audit(readings: &[Reading]) {
    for pair in readings.windows(2) {
        assert_eq!(pair[0].interval_end, pair[1].interval_start);
        assert_eq!(pair[0].counter_end_wh, pair[1].counter_start_wh);
    }
    let sum: i64 = readings.iter().map(|one| one.wh.0).sum();
    let first = readings.first().unwrap().counter_start_wh.unwrap();
    let last = readings.last().unwrap().counter_end_wh.unwrap();
    assert_eq!(sum, last.0 - first.0);
}

fn count(readings: &[Reading], quality: Quality) -> usize {
    let those = readings.iter().filter(|one| one.quality == quality);
    those.count()
}

#[tokio::test]
async fn a_device_that_answers_gives_a_measured_reading_each_interval() {
    let mut world = World::new(config(vec![device(1, "house")]), SHARE);
    let mut readings = Vec::new();
    // Time runs fast here: a machine that is busy for a moment misses the end of an interval, and tells so.
    while count(&readings, Quality::Measured) < 3 {
        readings = world.more_than(readings.len()).await;
    }
    world.until_state(DeviceState::Sampling).await;
    audit(&readings);
    for reading in &readings {
        if reading.quality == Quality::Measured {
            assert!((299..=301).contains(&reading.wh.0), "{reading:?}");
        } else {
            assert_eq!(reading.cause, Some(Cause::Gap), "{reading:?}");
        }
    }
    world.stop().await;
}

#[tokio::test]
async fn a_device_that_is_away_is_asked_again_and_its_counter_settles_the_gap() {
    let mut world = World::new(config(vec![device(1, "house")]), SHARE);
    world.until_readings(2).await;
    world.mood(AWAY);
    world.until_state(DeviceState::BackingOff).await;
    let there = world.readings(1).await.len();
    let away = world.clock.wall();
    let clock = world.clock.clone();
    world
        .until("a quarter of an hour passes", |_| {
            clock.wall() > away + TimeDelta::minutes(15)
        })
        .await;
    assert!(world.readings(1).await.len() <= there + 1);
    world.mood(WELL);
    world.until_state(DeviceState::Sampling).await;
    world
        .until_readings(u64::try_from(there).unwrap() + 3)
        .await;
    let readings = world.readings(1).await;
    audit(&readings);
    assert!(count(&readings, Quality::Interpolated) > 0);
    let snapshot = world.snapshot.borrow().clone();
    assert!(snapshot.devices[0].failures > 0 && snapshot.devices[0].last_error.is_none());
    world.stop().await;
}

#[tokio::test]
async fn what_a_meter_answers_without_sense_is_no_reading() {
    let mut world = World::new(config(vec![device(1, "house")]), SHARE);
    world.until_readings(1).await;
    world.mood(NONSENSE);
    world.until_state(DeviceState::BackingOff).await;
    world.mood(WELL);
    world.until_state(DeviceState::Sampling).await;
    let count = u64::try_from(world.readings(1).await.len()).unwrap();
    world.until_readings(count + 2).await;
    audit(&world.readings(1).await);
    world.stop().await;
}

#[tokio::test]
async fn a_reading_that_panics_is_done_again_and_nothing_is_lost() {
    let mut world = World::new(config(vec![device(1, "house")]), SHARE);
    world.until_readings(1).await;
    world.mood(PANICS);
    let count = world.readings(1).await.len();
    tokio::task::yield_now().await;
    let clock = world.clock.clone();
    let until = clock.wall() + TimeDelta::minutes(6);
    world.until("time passes", |_| clock.wall() > until).await;
    world.mood(WELL);
    world
        .until_readings(u64::try_from(count).unwrap() + 2)
        .await;
    audit(&world.readings(1).await);
    world.stop().await;
}

#[tokio::test]
async fn a_gateway_that_was_off_covers_the_time_between() {
    let mut world = World::new(config(vec![device(1, "house")]), SHARE);
    world.until_readings(2).await;
    let (dir, clock, house, config) = world.stop().await;
    clock.sleep(Duration::from_secs(1_000)).await;
    let mut world = World::begin(dir, clock, house, config, SHARE);
    world.until_readings(6).await;
    let readings = world.readings(1).await;
    audit(&readings);
    assert!(count(&readings, Quality::Interpolated) > 0);
    world.stop().await;
}

#[tokio::test]
async fn a_full_buffer_suspends_and_the_energy_stays_in_the_counter() {
    let share = 128 << 10;
    let dir_config = config(vec![device(1, "house")]);
    let mut world = World::new(dir_config, share);
    world.until_readings(1).await;
    // Fill what is left for another device.
    let filler = |number| crate::buffer::Taken {
        device: DeviceId(9),
        readings: (0..100).map(|_| filling(number)).collect(),
        meter: world.house.look().identity,
        profile: world.house.profile(),
        accounts: String::new(),
    };
    let mut number = 0;
    while world.buffer.record(filler(number)).await.is_ok() {
        number += 1;
    }
    world.until_state(DeviceState::Suspended).await;
    let error = world.snapshot.borrow().devices[0]
        .last_error
        .clone()
        .unwrap();
    assert!(error.contains("full"), "{error}");
    let before = world.readings(1).await.len();
    let (dir, clock, house, config) = world.stop().await;
    clock.sleep(Duration::from_secs(900)).await;
    // More room: it goes on by itself.
    let mut world = World::begin(dir, clock, house, config, SHARE);
    world.until_state(DeviceState::Sampling).await;
    let readings = world.more_than(before + 2).await;
    audit(&readings);
    world.stop().await;
}

fn filling(number: i64) -> Reading {
    Reading {
        interval_start: DateTime::UNIX_EPOCH + TimeDelta::minutes(number),
        interval_end: DateTime::UNIX_EPOCH + TimeDelta::minutes(number + 1),
        wh: schemas::WattHours(1),
        counter_start_wh: None,
        counter_end_wh: None,
        quality: Quality::Doubtful,
        cause: Some(Cause::Gap),
        clock: ClockState::Unknown,
    }
}

#[tokio::test]
async fn a_device_without_a_profile_is_suspended_with_the_reason_and_others_go_on() {
    let mut paused = device(3, "house");
    paused.paused = true;
    let devices = vec![device(1, "house"), device(2, "cottage"), paused];
    let mut world = World::new(config(devices), SHARE);
    world.until_readings(2).await;
    let states = |snapshot: &Snapshot| {
        snapshot
            .devices
            .iter()
            .map(|one| one.state)
            .collect::<Vec<_>>()
    };
    let expected = [
        DeviceState::Sampling,
        DeviceState::Suspended,
        DeviceState::Suspended,
    ];
    world
        .until("states", |snapshot| states(snapshot) == expected)
        .await;
    let snapshot = world.snapshot.borrow().clone();
    let errors: Vec<_> = snapshot
        .devices
        .iter()
        .map(|one| one.last_error.as_deref())
        .collect();
    let reason = Some("there is no profile cottage");
    assert_eq!(
        errors,
        [None, reason, Some("it is paused by its configuration")]
    );
    world.stop().await;
}

#[tokio::test]
async fn devices_come_and_go_while_it_runs() {
    let mut world = World::new(config(Vec::new()), SHARE);
    world.engine.set_device(device(4, "house"));
    world.until_readings(2).await;
    world.engine.remove_device(DeviceId(4));
    world
        .until("it is gone", |snapshot| snapshot.devices.is_empty())
        .await;
    assert!(!world.readings(4).await.is_empty(), "what was taken stays");
    assert_eq!(world.engine.configuration().devices, []);
    assert!(Path::new(world.dir.path()).exists());
    world.stop().await;
}

#[tokio::test]
async fn who_the_gateway_came_to_be_while_it_was_told_what_it_is_at_stays_told() {
    let world = World::new(config(Vec::new()), SHARE);
    let enrolled = async {
        world
            .engine
            .set_identity(|snapshot| snapshot.gateway_id = Some(GatewayId(7)));
    };
    // The first of them begins, and has to wait for the buffer.
    tokio::join!(world.engine.publish_now(), enrolled);
    let told = world.engine.publish.borrow().gateway_id;
    assert_eq!(told, Some(GatewayId(7)));
    world.stop().await;
}
