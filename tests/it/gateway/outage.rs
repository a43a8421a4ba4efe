//! A gateway and its registry through a day on which everything fails: what was issued is what the
//! inverter has counted, to the last Wh, and each interval once.
//!
//! A day passes in about a minute. `GCR_OUTAGE_DAYS` lives through more of them, one after another, each with
//! other faults.

use chrono::{DateTime, TimeDelta, Utc};
use rand::rngs::SmallRng;
use rand::{RngExt, SeedableRng};
use serde_json::{Value, json};
use std::time::{Duration, Instant};
use tests::{
    Clusters, Edge, Process, Proxy, Registry, SimulatedDay, SmallDisk, Way, World, volume,
};

/// This module's tests that serve and work.
const REGISTRY: &str = "gateway::outage::a_registry_for_the_tests_beside";
const GATEWAY: &str = "gateway::outage::a_gateway_for_the_tests_beside";
/// How many times as fast a day passes.
const FACTOR: u32 = 1_300;
/// The same where most of a second day has to pass: what was read while the clock was a day ahead ends there.
const TWO_DAYS_FACTOR: u32 = 2_600;
/// Hours after midnight: the gateway begins well before sunrise, the day is over well after sunset.
const BEGINS_H: i64 = 1;
const ENDS_H: i64 = 21;
/// How long it may take after the last fault until everything is there.
const PATIENCE: Duration = Duration::from_secs(90);

#[tokio::test(flavor = "multi_thread")]
#[ignore = "it serves in a process that another test starts and kills"]
async fn a_registry_for_the_tests_beside() {
    Process::serve().await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "it works in a process that another test starts and kills"]
async fn a_gateway_for_the_tests_beside() {
    Edge::work().await;
}

/// A registry in a process of its own, a gateway that finds it through a proxy, an inverter.
struct Stage {
    day: SimulatedDay,
    edge: Edge,
    /// Where the gateway's folder is, if it has a disk of its own; after the gateway, which has to be gone first.
    disk: Option<SmallDisk>,
    proxy: Proxy,
    process: Process,
    world: World,
}

impl Stage {
    async fn set(script: &str) -> Self {
        Self::paced(FACTOR, script, None).await
    }

    async fn paced(factor: u32, script: &str, disk: Option<SmallDisk>) -> Self {
        let mut registry = Registry::prepare(Clusters::shared().await).await;
        let process = Process::start(&mut registry.config, REGISTRY);
        let port = registry.config.http.port;
        let world = World::on(registry).await;
        let proxy = Proxy::to(port).await;
        let day = SimulatedDay::begins(BEGINS_H, factor);
        let inverter = day.inverter(script).await;
        let mut edge = Edge::enrol(
            &world.producer,
            world.s,
            world.w,
            &proxy,
            inverter,
            &day,
            disk.as_ref().map(SmallDisk::path),
            GATEWAY,
        )
        .await;
        edge.start();
        Self {
            day,
            edge,
            disk,
            proxy,
            process,
            world,
        }
    }

    /// The readings that the registry has, or why it does not say; a day has fewer than a page.
    async fn readings(&self) -> Result<Vec<Value>, String> {
        let producer = self.world.producer.alone();
        let path = format!("/measurement/list?device_id={}&limit=1000", self.world.w);
        let request = producer.request("GET", &path);
        let answer = producer.try_send(request).await?;
        match answer.status {
            200 => Ok(answer.json().as_array().unwrap().clone()),
            _ => Err(answer.to_string()),
        }
    }

    /// Waits until the readings add up to what the inverter has counted; issues what is doubtful, and checks that
    /// each Wh was issued once, and each interval.
    /// Gives the readings.
    async fn balances(mut self) -> Vec<Value> {
        let expected = self.day.wh();
        let give_up_at = Instant::now() + PATIENCE;
        let readings = loop {
            let readings = self.readings().await;
            let metered = readings
                .as_deref()
                .unwrap_or_default()
                .iter()
                .map(usage)
                .sum::<i64>();
            match readings {
                Ok(readings) if metered == expected => break readings,
                _ if Instant::now() < give_up_at => {}
                _ => panic!("{metered} Wh of {expected} in {readings:#?}"),
            }
            tokio::time::sleep(Duration::from_millis(200)).await;
        };
        self.edge.stop();
        let mut ends: Option<DateTime<Utc>> = None;
        for reading in &readings {
            let [start, end] = ["interval_start_datetime", "interval_end_datetime"]
                .map(|field| reading[field].as_str().unwrap().parse().unwrap());
            assert!(
                ends.is_none_or(|ends| ends <= start),
                "an interval twice: {reading}"
            );
            ends = Some(end);
        }
        let doubtful = readings
            .iter()
            .filter(|reading| reading["quality"] == "doubtful");
        println!(
            "{expected} Wh in {} readings, {} of them doubtful, {} answers lost",
            readings.len(),
            doubtful.count(),
            self.proxy.lost()
        );
        let (first, last) = (&readings[0], &readings[readings.len() - 1]);
        let body = json!({
            "device_id": self.world.w, "include_doubtful": true,
            "from": first["interval_start_datetime"], "to": last["interval_end_datetime"],
        });
        self.world
            .producer
            .post("/measurement/issue_readings", body)
            .await
            .expect(200);
        let issued = volume(&self.world.producer.holdings(self.world.s).await);
        assert_eq!(issued, expected, "Wh issued, as the inverter has counted");
        self.world.registry.audit().await;
        drop(self.process);
        readings
    }
}

fn usage(reading: &Value) -> i64 {
    reading["interval_usage"].as_i64().unwrap()
}

fn random() -> SmallRng {
    let seed = Utc::now().timestamp_millis().cast_unsigned();
    println!("seed {seed}");
    SmallRng::seed_from_u64(seed)
}

fn some(random: &mut SmallRng, milliseconds: std::ops::Range<u64>) -> Duration {
    Duration::from_millis(random.random_range(milliseconds))
}

#[tokio::test(flavor = "multi_thread")]
async fn registry_network_and_gateway_fail_all_day_and_each_wh_is_issued_once() {
    let days = std::env::var("GCR_OUTAGE_DAYS").map_or(1, |days| days.parse().unwrap());
    for _ in 0..days {
        a_day_of_failures().await;
    }
}

async fn a_day_of_failures() {
    let mut stage = Stage::set("").await;
    stage.proxy.lose(250);
    let mut random = random();
    let mut faults = 0;
    let day = stage.day;
    let over = day.until(ENDS_H);
    tokio::pin!(over);
    loop {
        tokio::select! {
            () = &mut over => break,
            () = tokio::time::sleep(some(&mut random, 500..2_500)) => {}
        }
        faults += 1;
        match random.random_range(0..5) {
            0 => {
                stage.process.kill9();
                tokio::time::sleep(some(&mut random, 0..3_000)).await;
                stage.process = Process::start(&mut stage.world.registry.config, REGISTRY);
            }
            1 => {
                stage.proxy.set(Way::Cut);
                tokio::time::sleep(some(&mut random, 0..3_000)).await;
                stage.proxy.set(Way::Open);
            }
            2 => {
                stage.proxy.set(Way::Silent);
                tokio::time::sleep(some(&mut random, 0..3_000)).await;
                stage.proxy.set(Way::Open);
            }
            _ => {
                stage.edge.kill9();
                tokio::time::sleep(some(&mut random, 0..500)).await;
                stage.edge.start();
            }
        }
    }
    println!("{faults} faults");
    stage.proxy.lose(0);
    stage.balances().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_clock_is_set_by_minutes_and_by_a_day_and_each_wh_is_issued_once() {
    let mut stage = Stage::paced(TWO_DAYS_FACTOR, "", None).await;
    for (hour, off) in [
        (8, TimeDelta::minutes(10)),
        (10, TimeDelta::zero()),
        (12, TimeDelta::minutes(-10)),
        (14, TimeDelta::zero()),
        (15, TimeDelta::days(1)),
        (16, TimeDelta::zero()),
        (17, TimeDelta::days(-1)),
        (18, TimeDelta::zero()),
    ] {
        stage.day.until(hour).await;
        stage.edge.set_clock_off(off);
    }
    stage.day.until(ENDS_H).await;
    stage.balances().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_inverter_on_a_bad_line_that_sleeps_and_glitches_is_metered_to_the_last_wh() {
    let script = r#"
[[fault]]
kind = "disconnect"
chance_permille = 20
[[fault]]
kind = "duplicate"
chance_permille = 20
[[fault]]
kind = "short"
chance_permille = 20
[[fault]]
kind = "busy"
chance_permille = 20
[[fault]]
kind = "asleep"
at_s = 39600
for_s = 3600
[[fault]]
kind = "not_available"
at_s = 46800
for_s = 1200
[[fault]]
kind = "zero"
at_s = 50400
for_s = 120
[[fault]]
kind = "half_open"
at_s = 54000
for_s = 1200
"#;
    let stage = Stage::set(script).await;
    stage.day.until(ENDS_H).await;
    stage.balances().await;
}

#[cfg(target_os = "linux")]
#[tokio::test(flavor = "multi_thread")]
async fn a_full_disk_stops_nothing_but_the_taking_and_each_wh_is_issued_once() {
    let Some(disk) = SmallDisk::mount(16) else {
        eprintln!("not run: nothing that could be filled");
        return;
    };
    let stage = Stage::paced(FACTOR, "", Some(disk)).await;
    let disk = stage.disk.as_ref().unwrap();
    stage.day.until(9).await;
    disk.fill();
    // The log on the disk has some room within itself yet.
    let mut taken = stage.readings().await.unwrap();
    let mut quiet_hours = 0;
    for hour in 10..17 {
        stage.day.until(hour).await;
        let now = stage.readings().await.unwrap();
        quiet_hours = if now.len() == taken.len() {
            quiet_hours + 1
        } else {
            0
        };
        taken = now;
        if quiet_hours == 2 {
            break;
        }
    }
    assert_eq!(quiet_hours, 2, "hours in which nothing is taken");
    assert!(disk.is_full(), "there is no room for a page");
    let last = taken.last().unwrap()["interval_end_datetime"].clone();
    disk.free();
    stage.day.until(ENDS_H).await;
    // It is the same gateway all the time: had it ended, there would be nobody to stop.
    let readings = stage.balances().await;
    // What was taken before the disk was full may have arrived after that.
    let is_covered = readings.iter().any(|reading| {
        reading["interval_start_datetime"].as_str() >= last.as_str()
            && reading["quality"] == "interpolated"
    });
    assert!(is_covered, "{readings:?}");
}
