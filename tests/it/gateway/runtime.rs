//! A gateway at work against a registry: what its meter counted is what is issued.

use chrono::{DateTime, TimeDelta, Utc};
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use gateway::buffer::{self, Buffer};
use gateway::clock::{Clock, Pace, Paced};
use gateway::config::{Config, DeviceConfig};
use gateway::connection::Connection;
use gateway::control::Control;
use gateway::engine::{Meter, Meters, NotRead};
use gateway::enrolment::{self, Enrolment};
use gateway::folder::Folder;
use gateway::meter::{Counter, Sample};
use gateway::profile::Meaning;
use gateway::program::{Program, Surroundings};
use gateway::snapshot::{Snapshot, UplinkState};
use schemas::gateway::{Algorithm, ClockState, MeterIdentity, ProfileRef};
use schemas::id::{DeviceId, GatewayId};
use serde_json::{Value, json};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use tests::{World, gateway_code, quantities};
use tokio::sync::{oneshot, watch};
use tokio::task::JoinHandle;

/// Five minutes pass in half a second.
const PACE: u32 = 600;
const DEADLINE: Duration = Duration::from_secs(60);

/// 3.6 kW without a pause: a mWh each millisecond.
#[derive(Clone)]
struct Steady {
    clock: Clock,
    began: DateTime<Utc>,
}

impl Steady {
    fn new() -> Self {
        let since = Utc::now();
        let clock = Clock::from_source(Paced::new(Pace {
            since,
            // All of it is over when the registry is asked.
            shows: since - TimeDelta::days(2),
            factor: PACE,
        }));
        Self {
            began: clock.wall(),
            clock,
        }
    }
}

impl Meter for Steady {
    fn profile(&self) -> ProfileRef {
        ProfileRef {
            id: "steady".into(),
            sha256: "ab".repeat(32),
        }
    }

    fn sample(&self) -> BoxFuture<'_, Result<Sample, NotRead>> {
        let taken_at = self.clock.wall();
        let sample = Sample {
            taken_at,
            monotonic: self.clock.monotonic(),
            energy_mwh: 5_000_000 + (taken_at - self.began).num_milliseconds(),
            counter: Counter {
                meaning: Meaning::GenerationTotal,
                resolution_mwh: 1,
                modulus_mwh: None,
            },
            power_w: Some(3_600),
            values: Vec::new(),
            unreadable: Vec::new(),
            identity: MeterIdentity {
                maker: "Steady".into(),
                model: "1".into(),
                serial: "7".into(),
                firmware: None,
            },
            frame_sha256: String::new(),
        };
        async { Ok(sample) }.boxed()
    }
}

impl Meters for Steady {
    fn open(&self, _: &DeviceConfig) -> Result<Arc<dyn Meter>, String> {
        Ok(Arc::new(self.clone()))
    }
}

/// A gateway in this process.
struct Running {
    control: Control,
    snapshot: watch::Receiver<Arc<Snapshot>>,
    stop: oneshot::Sender<()>,
    task: JoinHandle<()>,
}

impl Running {
    async fn start(dir: &Path, config: &Config, meter: &Steady) -> Self {
        let surroundings = Surroundings {
            clock: meter.clock.clone(),
            clock_check: Arc::new(ClockState::Synchronised),
            meters: Arc::new(meter.clone()),
        };
        let folder = Folder::hold(dir).unwrap();
        let program = Program::open(folder, config.clone(), surroundings)
            .await
            .unwrap();
        let (control, snapshot) = (program.control(), program.snapshot());
        let (stop, stopped) = oneshot::channel();
        Self {
            control,
            snapshot,
            stop,
            task: tokio::spawn(program.run(stopped.map(drop))),
        }
    }

    async fn until(&mut self, what: &str, holds: impl Fn(&Snapshot) -> bool) {
        let reached = {
            let waited = self.snapshot.wait_for(|snapshot| holds(snapshot));
            matches!(tokio::time::timeout(DEADLINE, waited).await, Ok(Ok(_)))
        };
        assert!(reached, "never so: {what}; {:#?}", self.snapshot.borrow());
    }

    async fn until_accepted(&mut self, readings: u64) {
        let are = |snapshot: &Snapshot| snapshot.uplink.readings_accepted >= readings;
        self.until("readings are accepted", are).await;
    }

    async fn stop(self) {
        drop(self.stop);
        self.task.await.unwrap();
    }
}

async fn enrol(world: &World, dir: &Path, config: &Config, algorithm: Algorithm) -> Enrolment {
    let code = gateway_code(&world.producer, world.s, &[world.w]).await;
    let buffer = Buffer::open(&dir.join(buffer::FILE_NAME), config.disk_share()).unwrap();
    let enrolled = enrolment::enrol(dir, config, &buffer, &code, None, algorithm).await;
    buffer.close().await;
    enrolled.unwrap().0
}

fn config(world: &World) -> Config {
    let address = format!("http://127.0.0.1:{}", world.registry.config.http.port);
    let mut config = Config::new(Some(address.parse().unwrap()));
    config.devices.push(DeviceConfig {
        id: DeviceId(world.w),
        profile: "steady".into(),
        connection: Connection::Tcp {
            host: "127.0.0.1".into(),
            port: 502,
        },
        unit_id: None,
        counter: None,
        firmware: None,
        nameplate_w: 10_000,
        paused: false,
    });
    config
}

/// Each interval once, in order, and all of it issued; the sum of them.
async fn issued_is_metered(world: &World) -> usize {
    world.registry.caught_up().await;
    let path = format!("/measurement/list?device_id={}&limit=1000", world.w);
    let list = world.auditor.get(&path).await.expect(200);
    let list = list.as_array().unwrap();
    let mut readings: Vec<&Value> = list.iter().collect();
    readings.sort_by_key(|one| one["interval_start_datetime"].as_str().unwrap().to_owned());
    for pair in readings.windows(2) {
        assert_eq!(
            pair[0]["interval_end_datetime"],
            pair[1]["interval_start_datetime"]
        );
    }
    let metered: i64 = readings
        .iter()
        .map(|one| one["interval_usage"].as_i64().unwrap())
        .sum();
    let issued: i64 = quantities(&world.producer.holdings(world.s).await)
        .iter()
        .sum();
    assert_eq!(issued, metered);
    world.registry.audit().await;
    readings.len()
}

/// The key that signed the last envelope that the registry has of the device.
async fn signed_last(world: &World, gateway_id: GatewayId) -> Value {
    world.registry.caught_up().await;
    let path = format!("/gateway/{gateway_id}");
    let gateway = world.producer.get(&path).await.expect(200);
    let last = gateway["devices"][0]["next_sequence"].as_i64().unwrap() - 1;
    let path = format!("/gateway/envelope?device_id={}&sequence={last}", world.w);
    world.producer.get(&path).await.expect(200)["key_id"].clone()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_meter_counts_is_issued_through_changes_of_keys_revocation_and_enrolling_anew() {
    let world = World::start().await;
    let folder = tempfile::tempdir().unwrap();
    let (dir, config, meter) = (folder.path(), config(&world), Steady::new());
    let enrolment = enrol(&world, dir, &config, Algorithm::Es256).await;
    let mut running = Running::start(dir, &config, &meter).await;
    running.until_accepted(3).await;
    running.stop().await;
    assert!(issued_is_metered(&world).await >= 3);

    let changed = enrolment::change_key(dir, &config, &enrolment, Algorithm::EdDsa)
        .await
        .unwrap();
    assert_ne!(changed.key_id, enrolment.key_id);
    let mut running = Running::start(dir, &config, &meter).await;
    running.until_accepted(2).await;
    // Once more, while it runs.
    let key_id = running.control.change_key(Algorithm::Es256).await.unwrap();
    let before = running.snapshot.borrow().uplink.readings_accepted;
    running.until_accepted(before + 3).await;
    assert_eq!(running.snapshot.borrow().key_id, Some(key_id));
    assert_eq!(
        signed_last(&world, enrolment.gateway_id).await,
        json!(key_id)
    );
    let path = format!("/gateway/{}/revoke", enrolment.gateway_id);
    let reason = json!({"reason": "it was stolen"});
    world.producer.post(&path, reason).await.expect(200);
    let stopped = |snapshot: &Snapshot| snapshot.uplink.state == UplinkState::Stopped;
    running
        .until("it is told that it was revoked", stopped)
        .await;
    let error = running.snapshot.borrow().uplink.last_error.clone().unwrap();
    assert!(error.contains("revoked"), "{error}");
    // Meters are read on.
    running
        .until("readings wait", |snapshot| snapshot.queue.readings >= 3)
        .await;
    running.stop().await;

    enrol(&world, dir, &config, Algorithm::Es256).await;
    let mut running = Running::start(dir, &config, &meter).await;
    running.until_accepted(5).await;
    running
        .until("nothing waits", |snapshot| snapshot.queue.readings == 0)
        .await;
    running.stop().await;
    assert!(issued_is_metered(&world).await >= 10);
}
