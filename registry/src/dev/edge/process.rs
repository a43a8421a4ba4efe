//! The program `gateway`, run as processes.

use std::{
    fs::{File, OpenOptions},
    net::SocketAddr,
    path::{Path, PathBuf},
    process::Stdio,
    time::Duration,
};

use rustix::process::{Pid, Signal, kill_process};
use tokio::{
    io::{AsyncBufReadExt, AsyncWriteExt, BufReader},
    process::{Child, Command},
    time::timeout,
};

use super::error::{EdgeError, while_doing};
use super::place::{CAPACITY_W, PROFILE, Place};

/// How long a command may take to do its work, or to say that it has begun.
const PATIENCE: Duration = Duration::from_secs(60);
/// How long a gateway may take to stop.
const STOP: Duration = Duration::from_secs(10);
/// What the simulator says before the address it listens on.
const LISTENS: &str = " listens on ";
/// Where the processes write what they have to say.
const LOG: &str = "gateway.log";

/// The program `gateway`.
#[derive(Debug)]
pub(super) struct Program(PathBuf);

/// A process of it, killed when it is dropped.
#[derive(Debug)]
pub(super) struct Process {
    child: Child,
    ended: bool,
}

impl Program {
    /// The one in the folder of this program, if there is one.
    pub fn beside_this_one() -> Option<Self> {
        let this = std::env::current_exe().ok()?;
        let path = this.with_file_name(format!("gateway{}", std::env::consts::EXE_SUFFIX));
        path.is_file().then_some(Self(path))
    }

    fn command(&self, folder: &Path) -> Result<Command, EdgeError> {
        let mut command = Command::new(&self.0);
        command
            // They end when this does, also if it is killed.
            .stdin(Stdio::piped())
            .stderr(log(folder)?)
            .kill_on_drop(true)
            // Ctrl-C is for the environment, which stops them in order.
            .process_group(0);
        Ok(command)
    }

    /// Starts an inverter; gives what it says of itself, and where it is.
    pub async fn simulate(
        &self,
        place: &Place,
        folder: &Path,
    ) -> Result<(Process, String, SocketAddr), EdgeError> {
        let failed = failed("simulate", folder);
        let mut child = self
            .command(folder)?
            .args([
                "simulate",
                "--with-parent",
                "--profile",
                PROFILE,
                "--battery-wh",
                "0",
            ])
            .args(["--inverter-w", &CAPACITY_W.to_string()])
            .args(["--since", &place.sun.since.to_string()])
            .args(["--east-h", &place.sun.east_h.to_string()])
            .stdout(Stdio::piped())
            .spawn()
            .map_err(while_doing(&self.0))?;
        let mut line = String::new();
        if let Some(output) = child.stdout.take() {
            let said = timeout(PATIENCE, BufReader::new(output).read_line(&mut line)).await;
            if !matches!(said, Ok(Ok(_))) {
                return Err(failed("it does not say that it listens".to_owned()));
            }
        }
        let found = line.trim().split_once(LISTENS);
        let parsed = found.and_then(|(about, address)| Some((about, address.parse().ok()?)));
        let Some((about, address)) = parsed else {
            return Err(failed("it does not say where it listens".to_owned()));
        };
        let process = Process {
            child,
            ended: false,
        };
        Ok((process, about.to_owned(), address))
    }

    /// Enrols the gateway in `folder`.
    pub async fn enrol(&self, folder: &Path, registry: &str, code: &str) -> Result<(), EdgeError> {
        let failed = failed("enrol", folder);
        let mut child = self
            .command(folder)?
            // From standard input, where no list of processes shows it.
            .args(["enrol", "--registry", registry, "--code", "-", "--dir"])
            .arg(folder)
            .stdout(log(folder)?)
            .spawn()
            .map_err(while_doing(&self.0))?;
        if let Some(mut input) = child.stdin.take() {
            let written = input.write_all(code.as_bytes()).await;
            written.map_err(|error| failed(error.to_string()))?;
        }
        let enrolled = child.wait();
        match timeout(PATIENCE, enrolled).await {
            Ok(Ok(status)) if status.success() => Ok(()),
            Ok(Ok(status)) => Err(failed(status.to_string())),
            Ok(Err(error)) => Err(failed(error.to_string())),
            Err(_) => Err(failed(format!("not done within {PATIENCE:?}"))),
        }
    }

    /// Runs the gateway in `folder`.
    pub fn run(&self, folder: &Path) -> Result<Process, EdgeError> {
        let child = self
            .command(folder)?
            .args(["run", "--with-parent", "--dir"])
            .arg(folder)
            .stdout(log(folder)?)
            .spawn()
            .map_err(while_doing(&self.0))?;
        Ok(Process {
            child,
            ended: false,
        })
    }
}

impl Process {
    /// Whether it has ended by itself; true once.
    pub fn has_ended(&mut self) -> bool {
        let has_ended = !self.ended && !matches!(self.child.try_wait(), Ok(None));
        self.ended |= has_ended;
        has_ended
    }

    /// Asks it to stop, and makes it when it does not.
    pub async fn stop(mut self) {
        let id = self
            .child
            .id()
            .and_then(|id| Pid::from_raw(id.cast_signed()));
        if let Some(id) = id
            && kill_process(id, Signal::TERM).is_ok()
            && timeout(STOP, self.child.wait()).await.is_ok()
        {
            return;
        }
        if let Err(error) = self.child.kill().await {
            tracing::warn!(%error, "the gateway can not be stopped");
        }
    }
}

fn log(folder: &Path) -> Result<File, EdgeError> {
    let path = folder.join(LOG);
    let mut options = OpenOptions::new();
    let opened = options.append(true).create(true).open(&path);
    opened.map_err(while_doing(&path))
}

fn failed(command: &'static str, folder: &Path) -> impl Fn(String) -> EdgeError {
    let log = folder.join(LOG);
    move |reason| EdgeError::Command {
        command,
        reason,
        log: log.clone(),
    }
}
