//! A gateway as it runs beside a simulated inverter, in a process of its own, to be killed.

use crate::{Actor, Proxy, gateway_code};
use chrono::{DateTime, TimeDelta, Utc};
#[cfg(target_os = "linux")]
use gateway::bluetooth::commission::commission;
use gateway::buffer::{self, Buffer};
use gateway::clock::{Clock, Pace as Time, Paced, Source};
use gateway::clock_file::{ClockFile, Told};
use gateway::config::Config;
use gateway::enrolment;
use gateway::folder::Folder;
use gateway::meters::Connected;
use gateway::profile::Library;
use gateway::program::{Program, Surroundings};
use gateway::simulate::device::{Device, Identity};
use gateway::simulate::fault::Script;
use gateway::simulate::physics::{LocalDay, Plant, Size};
use gateway::simulate::server::{Framing, Simulator};
use rustix::process::{Pid, Signal, kill_process};
use schemas::gateway::{Algorithm, ClockState};
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::Duration;
use tempfile::TempDir;
use tokio::io::AsyncReadExt;
use tokio::net::TcpListener;

/// Says which folder to work in; set for the child only.
const VARIABLE: &str = "GCR_TEST_GATEWAY";
/// Says on which message bus to offer commissioning; set for the child only.
const BUS: &str = "GCR_TEST_GATEWAY_BUS";
/// The file that tells the time, in the gateway's folder.
const CLOCK: &str = "clock.json";
/// A counter in whole Wh, so that nothing is hidden in a remainder.
const PROFILE: &str = "fronius_sf";
/// The seed of the weather.
const SEED: u64 = 5;

/// A day in a house with an inverter, lived through so many times as fast as others.
#[derive(Debug, Clone, Copy)]
pub struct SimulatedDay {
    day: LocalDay,
    time: Time,
}

impl SimulatedDay {
    /// A day some weeks ago that begins now, some hours after midnight.
    pub fn begins(hours: i64, factor: u32) -> Self {
        let day = LocalDay::of(Utc::now() - TimeDelta::days(40));
        let time = Time {
            since: Utc::now(),
            shows: day.start() + TimeDelta::hours(hours),
            factor,
        };
        Self { day, time }
    }

    /// What time it is there.
    pub fn now(&self) -> DateTime<Utc> {
        self.time.at(Utc::now())
    }

    /// Returns when it is so many hours after midnight there.
    pub async fn until(&self, hours: i64) {
        let left = self.day.start() + TimeDelta::hours(hours) - self.now();
        let left = left.to_std().unwrap_or_default() / self.time.factor;
        tokio::time::sleep(left).await;
    }

    /// Wh that the inverter makes in all of the day, to the last one, as its counter says.
    pub fn wh(&self) -> i64 {
        let mut plant = Plant::new(size(), SEED, self.time.shows);
        let before = plant.totals().generation.wh();
        plant.advance_to(self.day.end());
        (plant.totals().generation.wh() - before).cast_signed()
    }

    /// An inverter that lives in it, and not beyond its end.
    pub async fn inverter(&self, script: &str) -> SocketAddr {
        let library = Library::embedded().unwrap();
        let device = Device::new(
            library.get(PROFILE).unwrap().clone(),
            Identity {
                serial: "4711".to_owned(),
                ..Identity::default()
            },
            size(),
            SEED,
            self.time.shows,
            Script::parse("faults.toml", script).unwrap(),
        );
        let simulator = Simulator::new(
            BTreeMap::from([(1, device.unwrap())]),
            Clock::from_source(OneDay {
                day: self.day,
                time: Paced::new(self.time),
            }),
            SEED,
            Duration::ZERO..=Duration::from_millis(2),
            Duration::ZERO,
            0,
        );
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        tokio::spawn(simulator.serve(listener, Framing::Tcp));
        address
    }
}

/// A clock that stands when the day is over: what was made is then what a gateway has to find, however long it
/// takes.
#[derive(Debug)]
struct OneDay {
    day: LocalDay,
    time: Paced,
}

impl Source for OneDay {
    fn wall(&self) -> DateTime<Utc> {
        self.time.wall().min(self.day.end())
    }

    fn monotonic(&self) -> Duration {
        self.time.monotonic()
    }

    fn wait(&self, span: Duration) -> Duration {
        self.time.wait(span)
    }
}

/// No battery and nobody at home: what is made is sold.
fn size() -> Size {
    Size {
        battery: None,
        load_permille: 0,
        ..Size::default()
    }
}

/// A gateway that has enrolled, with a folder of its own.
pub struct Edge {
    folder: TempDir,
    entry: &'static str,
    told: Told,
    child: Option<Child>,
}

impl Edge {
    /// Enrols a gateway for one device, which it finds at `inverter`, by way of `proxy`, in a folder within `disk` if
    /// that matters. It runs the test `entry` of this very program, which must call [`Edge::work`].
    #[allow(clippy::too_many_arguments, reason = "it stands between everybody")]
    pub async fn enrol(
        member: &Actor,
        account: i64,
        device: i64,
        proxy: &Proxy,
        inverter: SocketAddr,
        day: &SimulatedDay,
        disk: Option<&Path>,
        entry: &'static str,
    ) -> Self {
        let code = gateway_code(member, account, &[device]).await;
        let text = format!(
            "registry = \"{}\"\n\n[[device]]\nid = {device}\nprofile = \"{PROFILE}\"\nnameplate_w = 1000000\n\
             connection = {{ kind = \"tcp\", host = \"127.0.0.1\", port = {} }}\n",
            proxy.url(),
            inverter.port(),
        );
        let edge = Self::unpacked(&text, day, disk, entry);
        let config = Config::load(edge.folder()).unwrap();
        let buffer = Buffer::open(&edge.folder().join(buffer::FILE_NAME), config.disk_share());
        let buffer = buffer.unwrap();
        enrolment::enrol(
            edge.folder(),
            &config,
            &buffer,
            &code,
            None,
            Algorithm::Es256,
        )
        .await
        .unwrap();
        buffer.close().await;
        edge
    }

    /// A gateway that nobody has enrolled yet; `more` is the rest of its configuration.
    pub fn unpacked(
        more: &str,
        day: &SimulatedDay,
        disk: Option<&Path>,
        entry: &'static str,
    ) -> Self {
        let elsewhere = std::env::temp_dir();
        let folder = tempfile::Builder::new()
            .prefix("gcr-edge-")
            .tempdir_in(disk.unwrap_or(&elsewhere))
            .unwrap();
        let text = format!(
            "interval = \"PT15M\"\nsample_every_s = 60\napi.listen = \"127.0.0.1:0\"\n{more}"
        );
        std::fs::write(folder.path().join(gateway::config::FILE_NAME), text).unwrap();
        let edge = Self {
            folder,
            entry,
            told: Told {
                pace: day.time,
                step_ms: 0,
                state: ClockState::Synchronised,
            },
            child: None,
        };
        edge.tell();
        edge
    }

    fn tell(&self) {
        let text = serde_json::to_vec(&self.told).unwrap();
        let path = self.folder.path().join(CLOCK);
        let unfinished = path.with_extension("unfinished");
        std::fs::write(&unfinished, text).unwrap();
        std::fs::rename(unfinished, path).unwrap();
    }

    /// Sets its wall clock off by so much, from now on.
    pub fn set_clock_off(&mut self, by: TimeDelta) {
        self.told.step_ms = by.num_milliseconds();
        self.tell();
    }

    /// Lets it work.
    pub fn start(&mut self) {
        let mut command = self.command();
        self.child = Some(command.spawn().unwrap());
    }

    /// The same, and has it offer commissioning to who is on a message bus.
    pub fn start_on(&mut self, bus: &str) {
        let mut command = self.command();
        command.env(BUS, bus).env("DBUS_SYSTEM_BUS_ADDRESS", bus);
        self.child = Some(command.spawn().unwrap());
    }

    fn command(&self) -> Command {
        let mut command = Command::new(std::env::current_exe().unwrap());
        command
            .args(["--exact", self.entry, "--include-ignored", "--nocapture"])
            .env(VARIABLE, self.folder.path())
            .stdin(Stdio::piped())
            .stdout(Stdio::null());
        command
    }

    /// Kills it as a power failure would.
    pub fn kill9(&mut self) {
        let mut child = self.child.take().expect("it runs");
        assert!(
            matches!(child.try_wait(), Ok(None)),
            "the gateway has ended by itself"
        );
        child.kill().unwrap();
        child.wait().unwrap();
    }

    /// Asks it to stop, and waits until it has.
    pub fn stop(&mut self) {
        let mut child = self.child.take().expect("it runs");
        let id = Pid::from_raw(child.id().cast_signed()).unwrap();
        kill_process(id, Signal::TERM).unwrap();
        assert!(child.wait().unwrap().success(), "it stops in good order");
    }

    /// Its folder.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Works in a process that [`Edge::start`] has made, until that one ends or it is asked to stop; in any
    /// other process it does nothing.
    pub async fn work() {
        let Some(dir) = std::env::var_os(VARIABLE).map(PathBuf::from) else {
            return;
        };
        let mut terminate =
            tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate()).unwrap();
        let folder = Folder::hold(&dir).unwrap();
        let config = Config::load(&dir).unwrap();
        let file = ClockFile::open(&dir.join(CLOCK)).unwrap();
        let clock = Clock::from_source(file.clone());
        let surroundings = Surroundings {
            clock: clock.clone(),
            clock_check: Arc::new(file),
            meters: Arc::new(Connected::new(Library::embedded().unwrap(), clock)),
        };
        #[cfg(target_os = "linux")]
        let bluetooth = config.bluetooth.clone();
        let program = Program::open(folder, config, surroundings).await.unwrap();
        #[cfg(target_os = "linux")]
        if std::env::var_os(BUS).is_some() {
            let control = program.control();
            tokio::spawn(async move { commission(&dir, &bluetooth, control).await });
        }
        let orphaned = async {
            let mut end = Vec::new();
            tokio::io::stdin().read_to_end(&mut end).await
        };
        program
            .run(async {
                tokio::select! {
                    _ = terminate.recv() => {}
                    _ = orphaned => {}
                }
            })
            .await;
    }
}

impl Drop for Edge {
    fn drop(&mut self) {
        if let Some(mut child) = self.child.take() {
            // It may have ended already.
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}
