//! A registry in a process of its own, to be killed.

use crate::Pace;
use projections::postgres::{Databases, Secret};
use registry::clock::Clock;
use registry::config::{Config, Exchange, Http, PasswordCost};
use registry::system::{Listener, Projectors, System};
use serde::{Deserialize, Serialize};
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use tokio::io::AsyncReadExt;

/// Says what to serve; set for the child only.
const VARIABLE: &str = "GCR_TEST_SERVE";
/// Before the port, in the line that says that requests are answered.
const READY: &str = "listening on port ";
/// Password of the clusters that tests make.
pub(crate) const DATABASE_PASSWORD: &str = "test";

/// How long a read waits for what was written before it. The default is for people; a test would fail by it where
/// nothing is wrong but that the machine is busy.
const READ_WAIT_MS: u64 = 30_000;

/// The configuration of every registry here.
pub(crate) fn config(data_dir: &Path, port: u16, database: Databases) -> Config {
    let mut config = Config {
        data_dir: data_dir.to_owned(),
        http: Http {
            port,
            workers: 2,
            read_wait_ms: READ_WAIT_MS,
            ..Http::default()
        },
        database,
        ..Config::default()
    };
    // What proves nothing is much of what tests send.
    for rate in [&mut config.limits.sign_in, &mut config.limits.unproven] {
        (rate.per_minute, rate.burst) = (60_000, 10_000);
    }
    config.auth.master_secret = Secret::new("the key of a registry that only tests use");
    // What the hashes of the people here cost.
    config.auth.password_cost = PasswordCost {
        memory_kib: 8,
        passes: 1,
        lanes: 1,
    };
    // As the scenarios of the contract have it.
    config.auth.separation_of_duties = false;
    config
}

#[derive(Serialize, Deserialize)]
struct Served {
    data_dir: PathBuf,
    port: u16,
    domain: String,
    database: Databases,
    exchange: Exchange,
    pace: Option<Pace>,
}

/// A registry in a process of its own; killed when it is dropped.
pub struct Process {
    child: Child,
}

impl Process {
    /// Runs the test `entry` of this very program, which must call [`Process::serve`]; returns when
    /// requests are answered. A free port is found the first time and kept.
    pub fn start(config: &mut Config, entry: &str) -> Self {
        Self::start_at(config, entry, None)
    }

    /// Likewise, with time passing at this pace.
    pub fn start_at(config: &mut Config, entry: &str, pace: Option<Pace>) -> Self {
        let served = Served {
            data_dir: config.data_dir.clone(),
            port: config.http.port,
            domain: config.domain.clone(),
            database: config.database.clone(),
            exchange: config.exchange.clone(),
            pace,
        };
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", entry, "--include-ignored", "--nocapture"])
            .env(VARIABLE, serde_json::to_string(&served).unwrap())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let port = lines.find_map(|line| {
            let line = line.unwrap();
            Some(line.split_once(READY)?.1.parse().unwrap())
        });
        config.http.port = port.expect("the registry starts, or says why not");
        // The test harness of a process that runs for more than a minute says so, and ends if nobody listens.
        std::thread::spawn(move || lines.for_each(drop));
        Self { child }
    }

    /// Kills it as a crash would.
    pub fn kill9(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// Serves in a process that [`Process::start`] has made, until that one ends; in any other process
    /// it does nothing.
    pub async fn serve() {
        let Ok(served) = std::env::var(VARIABLE) else {
            return;
        };
        let mut served: Served = serde_json::from_str(&served).unwrap();
        // A secret is never written out.
        for connection in [&mut served.database.write, &mut served.database.read] {
            connection.password = Secret::new(DATABASE_PASSWORD);
        }
        let config = Config {
            domain: served.domain,
            exchange: served.exchange,
            ..config(&served.data_dir, served.port, served.database)
        };
        let clock = served.pace.map_or_else(Clock::default, Pace::clock);
        let listener = Listener::bind(&config.http).unwrap();
        let system = System::start_by(listener, &config, Projectors::Here, clock);
        let system = system.await.unwrap();
        println!("{READY}{}", system.address().port());
        orphaned().await;
        system.shutdown().await;
    }
}

/// Returns when the process that has started this one lets go of it, or ends.
pub(crate) async fn orphaned() {
    let mut end = Vec::new();
    tokio::io::stdin().read_to_end(&mut end).await.unwrap();
}

impl Drop for Process {
    fn drop(&mut self) {
        if matches!(self.child.try_wait(), Ok(None)) {
            self.kill9();
        }
    }
}
