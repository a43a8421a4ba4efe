//! The programs of a registry, each in a process of its own as in production: to be killed, stopped, and put to
//! another time.

use crate::process::{DATABASE_PASSWORD, config, orphaned};
use event_store::EventStore;
use projections::Target;
use projections::postgres::{Databases, Secret};
use projections::runner::Projector;
use registry::config::{Config, StoreUrl};
use registry::system::{Projectors, System};
use rustix::process::{Pid, Signal, kill_process};
use schemas::log::StreamName;
use serde::{Deserialize, Serialize};
use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::process::{ExitStatus, Stdio};
use std::sync::Arc;
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, Command};

/// Says what to be; set for the child only.
const VARIABLE: &str = "GCR_TEST_PROGRAM";
/// Where the events are, as `event_store.url`; in a file in its folder unless it is set.
pub const EVENTS: &str = "GCR_TEST_EVENTS";
/// How much the child says on standard error, as `log.level`; nothing unless it is set.
const LOG: &str = "GCR_TEST_LOG";
/// Before the port (0 if it has none), in the line that says that it is at work.
const READY: &str = "at work on port ";
/// Longer than any test: a token that expires would be no finding.
const TOKEN_MINUTES: u32 = 24 * 60;

/// What a process is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Role {
    /// `registry serve`.
    Registry,
    /// `projector run --target write`.
    WriteProjector,
    /// `projector run --target read`.
    ReadProjector,
}

#[derive(Serialize, Deserialize)]
struct Told {
    role: Role,
    host: Ipv4Addr,
    data_dir: PathBuf,
    domain: String,
    database: Databases,
    shared: bool,
}

/// A process; killed when it is dropped.
pub struct Program {
    child: Child,
    address: SocketAddr,
}

impl Program {
    /// Runs the test `entry` of this very program, which must call [`Program::run`], in an environment that has these
    /// variables too; returns when it is at work, the registry on a free port of [`host`].
    pub async fn start(
        role: Role,
        config: &Config,
        entry: &str,
        environment: &[(String, String)],
    ) -> Self {
        let host = host();
        let told = Told {
            role,
            host,
            data_dir: config.data_dir.clone(),
            domain: config.domain.clone(),
            database: config.database.clone(),
            shared: config.event_store.shared,
        };
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", entry, "--include-ignored", "--nocapture"])
            .env(VARIABLE, serde_json::to_string(&told).unwrap())
            .envs(environment.iter().cloned())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let port: u16 = loop {
            let line = lines.next_line().await.unwrap();
            let line =
                line.unwrap_or_else(|| panic!("{role:?} does not start, and says why above"));
            if let Some((_, port)) = line.split_once(READY) {
                break port.parse().unwrap();
            }
        };
        // The test harness of a process that runs for more than a minute says so, and ends if nobody listens.
        tokio::spawn(async move { while let Ok(Some(_)) = lines.next_line().await {} });
        Self {
            child,
            address: (host, port).into(),
        }
    }

    /// Where the registry listens; nobody does once it has ended.
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// Its number; it must not have ended.
    pub fn id(&self) -> u32 {
        self.child.id().expect("it runs")
    }

    /// Kills it as a crash would.
    pub async fn kill9(&mut self) {
        self.child.kill().await.unwrap();
    }

    /// Stops it in the middle of whatever it does.
    pub fn pause(&self) {
        self.signal(Signal::STOP);
    }

    /// Lets it go on.
    pub fn resume(&self) {
        self.signal(Signal::CONT);
    }

    /// How it has ended, if it has.
    pub fn ended(&mut self) -> Option<ExitStatus> {
        self.child.try_wait().unwrap()
    }

    fn signal(&self, signal: Signal) {
        let id = Pid::from_raw(self.id().cast_signed()).unwrap();
        kill_process(id, signal).unwrap();
    }

    /// Is what [`Program::start`] said, until the test ends that has started it; in any other process it does nothing.
    pub async fn run() {
        let Ok(told) = std::env::var(VARIABLE) else {
            return;
        };
        let mut told: Told = serde_json::from_str(&told).unwrap();
        // A secret is never written out.
        for connection in [&mut told.database.write, &mut told.database.read] {
            connection.password = Secret::new(DATABASE_PASSWORD);
        }
        let mut config = config(&told.data_dir, 0, told.database);
        config.http.host = told.host.to_string();
        config.domain = told.domain;
        config.event_store.shared = told.shared;
        config.auth.token_minutes = TOKEN_MINUTES;
        config.http.read_wait_ms = registry::config::Http::default().read_wait_ms;
        if let Ok(url) = std::env::var(EVENTS) {
            config.event_store.url = StoreUrl::new(url);
        }
        if let Ok(level) = std::env::var(LOG) {
            config.log.level = level;
            config.log.start().unwrap();
        }
        match told.role {
            Role::Registry => serve(&config).await,
            Role::WriteProjector => project(Target::Write, &config).await,
            Role::ReadProjector => project(Target::Read, &config).await,
        }
    }
}

/// An address of this machine at which only programs of this process listen. Where all share one, others that look for a
/// free port are given that of a program that is gone, and whoever looks for it meets a stranger.
fn host() -> Ipv4Addr {
    let [_, high, middle, low] = std::process::id().to_be_bytes();
    Ipv4Addr::new(127, 1 + high, middle, low)
}

/// What `registry serve` does.
async fn serve(config: &Config) {
    let mut system = System::start(config, Projectors::Elsewhere).await.unwrap();
    println!("{READY}{}", system.address().port());
    let failed = tokio::select! {
        () = orphaned() => None,
        error = system.ended() => Some(error),
    };
    system.shutdown().await;
    if let Some(error) = failed {
        end(&error);
    }
}

/// What `projector run` does.
async fn project(target: Target, config: &Config) {
    let store = read_only(config).await;
    let connection = match target {
        Target::Write => &config.database.write,
        Target::Read => &config.database.read,
    };
    let projector = Projector::new(target, connection.clone(), store, &config.domain).unwrap();
    println!("{READY}0");
    if let Err(error) = projector.run(orphaned()).await {
        end(&error);
    }
}

/// Ends the process at once: a panic would wait for whoever reads standard input.
fn end(error: &dyn std::error::Error) -> ! {
    eprintln!("it can not go on: {error}");
    std::process::exit(1)
}

async fn read_only(config: &Config) -> Arc<dyn EventStore> {
    let location = config.event_store_location().unwrap();
    let identity = StreamName::identity(&config.domain).unwrap();
    let plain = location.open_read_only().await.unwrap();
    let keys = config.people_keys().unwrap();
    keys.seal(plain, &identity).await.unwrap()
}
