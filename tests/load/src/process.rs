//! The registry that is measured: `registry dev` in a folder of its own.

use crate::cpu::Used;
use crate::http::Connection;
use crate::options::Options;
use crate::world::{ADMIN, sign_in};
use anyhow::{Context, Result, ensure};
use projections::settings::Sources;
use registry::config::Config;
use rustix::process::{Pid, Signal, kill_process};
use std::fs::{self, File};
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

/// Longest wait for it to answer, and to stop.
const PATIENCE: Duration = Duration::from_secs(120);
/// How often it is looked at meanwhile.
const LOOK: Duration = Duration::from_millis(2);
/// How often its memory is.
const LOOK_AT_MEMORY: Duration = Duration::from_millis(100);

pub struct Registry {
    registry: PathBuf,
    projector: PathBuf,
    data: PathBuf,
    keep: bool,
    settings: Vec<String>,
    pub address: SocketAddr,
    process: Child,
}

impl Registry {
    /// Starts it on no data; returns when it answers.
    pub async fn start(options: &Options) -> Result<Self> {
        let folder = fs::canonicalize(&options.folder)?;
        let own = format!("data-{}", std::process::id());
        // An earlier one of this process may have been kept.
        let data = (0..)
            .map(|number| folder.join(format!("{own}-{number}")))
            .find(|data| !data.exists())
            .context("no name is free")?;
        fs::create_dir_all(&data)?;
        // Postgres does not run as root: its user has to be able to enter.
        fs::set_permissions(&data, fs::Permissions::from_mode(0o755))?;
        let ports = free_ports()?;
        let settings = vec![
            format!("data_dir={}", data.display()),
            format!("http.port={}", ports[0]),
            format!("database.write.port={}", ports[1]),
            format!("database.read.port={}", ports[2]),
            "log.level=warn".into(),
            // Longer than all rounds.
            "auth.token_minutes=1440".into(),
        ];
        let registry = options.program("registry")?;
        let process = spawn(&registry, &data, &settings)?;
        let mut started = Self {
            registry,
            projector: options.program("projector")?,
            data,
            keep: options.keep,
            settings,
            address: SocketAddr::from((Ipv4Addr::LOCALHOST, ports[0])),
            process,
        };
        // The demo users come last.
        started.answers(&sign_in(ADMIN.0, ADMIN.1)).await?;
        Ok(started)
    }

    /// Waits until it answers this request with success.
    pub async fn answers(&mut self, request: &[u8]) -> Result<()> {
        let deadline = Instant::now() + PATIENCE;
        loop {
            if let Some(status) = self.process.try_wait()? {
                anyhow::bail!("the registry ended with {status}; {}", self.last_words());
            }
            if let Ok(mut connection) = Connection::open(self.address).await
                && let Ok(reply) = connection.send(request).await
                && reply.status < 300
            {
                return Ok(());
            }
            ensure!(
                Instant::now() < deadline,
                "the registry does not answer within {PATIENCE:?}; {}",
                self.last_words()
            );
            tokio::time::sleep(LOOK).await;
        }
    }

    fn last_words(&self) -> String {
        let log = fs::read_to_string(self.data.join("registry.log")).unwrap_or_default();
        let lines: Vec<_> = log.lines().rev().take(5).collect();
        lines.into_iter().rev().collect::<Vec<_>>().join("\n")
    }

    /// The configuration it runs with, as it wrote it for other programs.
    pub fn config(&self) -> Result<Config> {
        let sources = Sources {
            file: Some(&self.config_file()),
            ..Sources::default()
        };
        Ok(Config::load(&sources)?)
    }

    fn config_file(&self) -> PathBuf {
        self.data.join("dev.toml")
    }

    pub fn event_file(&self) -> Result<PathBuf> {
        let location = self.config()?.event_store_location()?;
        let file = location.file().context("the events are in no file")?;
        Ok(file.to_owned())
    }

    /// Kilobytes (1,000 B) of memory that the process holds now, without Postgres.
    pub fn memory_kb(&self) -> Result<u64> {
        memory_kb(self.process.id(), "VmRSS:")
    }

    /// Processor time used so far, by whom.
    pub fn processor_time(&self) -> Used {
        Used::now(self.process.id())
    }

    /// Stops it in good order.
    pub async fn down(&mut self) -> Result<()> {
        if self.process.try_wait()?.is_none() {
            kill_process(Pid::from_child(&self.process), Signal::TERM)?;
        }
        let deadline = Instant::now() + PATIENCE;
        while self.process.try_wait()?.is_none() {
            ensure!(Instant::now() < deadline, "the registry does not stop");
            tokio::time::sleep(LOOK).await;
        }
        Ok(())
    }

    /// Starts it again on what it has.
    pub fn up(&mut self) -> Result<()> {
        self.process = spawn(&self.registry, &self.data, &self.settings)?;
        Ok(())
    }

    /// Runs `projector rebuild --target read` while the registry runs; gives the most memory that it held, in
    /// kilobytes.
    pub async fn rebuild_read(&self) -> Result<(ExitStatus, u64)> {
        let log = File::create(self.data.join("rebuild.log"))?;
        let mut command = tokio::process::Command::new(&self.projector);
        command
            .args(["rebuild", "--target", "read"])
            .env("GCR_CONFIG", self.config_file())
            .stdin(Stdio::null())
            .stdout(log.try_clone()?)
            .stderr(log);
        let mut projector = command.spawn()?;
        let process = projector.id().context("it ended before it was looked at")?;
        let mut most_kb = 0;
        loop {
            tokio::select! {
                status = projector.wait() => return Ok((status?, most_kb)),
                () = tokio::time::sleep(LOOK_AT_MEMORY) => {
                    // It may have ended meanwhile.
                    most_kb = memory_kb(process, "VmHWM:").unwrap_or(most_kb);
                }
            }
        }
    }

    /// Stops it and deletes its data.
    fn remove(&mut self) -> Result<()> {
        if self.process.try_wait()?.is_none() {
            kill_process(Pid::from_child(&self.process), Signal::TERM)?;
            self.process.wait()?;
        }
        if self.keep {
            eprintln!("The data is in {}.", self.data.display());
            return Ok(());
        }
        let status = Command::new(&self.registry)
            .args(["dev", "--reset", "--yes", "--set"])
            .arg(&self.settings[0])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .status()?;
        ensure!(
            status.success(),
            "`registry dev --reset` ended with {status}"
        );
        Ok(fs::remove_dir_all(&self.data)?)
    }
}

impl Drop for Registry {
    /// A row that failed leaves nothing behind either.
    fn drop(&mut self) {
        if let Err(error) = self.remove() {
            eprintln!("{} is left behind: {error:#}", self.data.display());
        }
    }
}

fn spawn(program: &Path, data: &Path, settings: &[String]) -> Result<Child> {
    let log = File::options()
        .create(true)
        .append(true)
        .open(data.join("registry.log"))?;
    let mut command = Command::new(program);
    for setting in settings {
        command.arg("--set").arg(setting);
    }
    command
        .arg("dev")
        .stdin(Stdio::null())
        .stdout(log.try_clone()?)
        .stderr(log);
    command.spawn().with_context(|| {
        format!(
            "{} does not start; build it with `cargo build --release --bins`",
            program.display()
        )
    })
}

/// Kilobytes (1,000 B) of memory that a process holds (`VmRSS:`) or held at most (`VmHWM:`).
fn memory_kb(process: u32, field: &str) -> Result<u64> {
    let status = fs::read_to_string(format!("/proc/{process}/status"))
        .context("memory is read from /proc, which only Linux has")?;
    let kib: u64 = status
        .lines()
        .find_map(|line| line.strip_prefix(field))
        .and_then(|rest| rest.split_whitespace().next()?.parse().ok())
        .with_context(|| format!("no {field}"))?;
    Ok(kib * 1_024 / 1_000)
}

/// Three ports that were free a moment ago.
fn free_ports() -> Result<[u16; 3]> {
    let mut ports = [0; 3];
    let listeners = ports.map(|_: u16| TcpListener::bind((Ipv4Addr::LOCALHOST, 0)));
    for (port, listener) in ports.iter_mut().zip(&listeners) {
        let address = listener.as_ref().map(TcpListener::local_addr);
        *port = address.map_err(|error| anyhow::anyhow!("{error}"))??.port();
    }
    Ok(ports)
}
