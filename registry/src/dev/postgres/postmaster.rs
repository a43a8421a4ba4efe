//! The server process of a cluster: ours or found, alive or not, and how it is ended.

use std::{
    path::Path,
    process::Child,
    time::{Duration, Instant},
};

use rustix::process::{Pid, Signal};
use tokio::time::sleep;

use super::{error::ClusterError, pid_file, process};

/// How often a starting or stopping server is looked at.
pub(super) const POLL: Duration = Duration::from_millis(10);
/// How long a fast shutdown may take (it writes out its buffers) before it is made immediate.
const STOP: Duration = Duration::from_secs(60);

#[derive(Debug)]
pub(super) enum Postmaster {
    Ours(Child),
    /// Started by another process; only [`Sharing::Shared`](super::Sharing::Shared).
    Adopted(Pid),
}

impl Postmaster {
    pub(super) fn pid(&self) -> Option<Pid> {
        match self {
            Self::Ours(child) => process::pid(i32::try_from(child.id()).ok()?),
            Self::Adopted(pid) => Some(*pid),
        }
    }

    pub(super) fn has_ended(&mut self) -> bool {
        match self {
            Self::Ours(child) => !matches!(child.try_wait(), Ok(None)),
            Self::Adopted(pid) => !process::is_alive(*pid),
        }
    }
}

/// Stops the postmaster that runs over `data_dir` (as [`super::place`] gave it), if there is one, whoever
/// started it.
///
/// # Errors
/// [`ClusterError::DoesNotStop`].
pub async fn stop_left_over(name: &str, data_dir: &Path) -> Result<(), ClusterError> {
    if let Some(running) = pid_file::running(data_dir) {
        signal_family(running.pid, Signal::CONT);
        stop(name, running.pid, || !process::is_alive(running.pid)).await?;
    }
    Ok(())
}

/// Fast shutdown, then immediate, then the kill.
pub(super) async fn stop(
    name: &str,
    pid: Pid,
    mut has_ended: impl FnMut() -> bool,
) -> Result<(), ClusterError> {
    for (signal, patience) in [
        (Signal::INT, STOP),
        (Signal::QUIT, STOP / 4),
        (Signal::KILL, STOP / 4),
    ] {
        process::send(pid, signal);
        let deadline = Instant::now() + patience;
        while Instant::now() < deadline {
            if has_ended() {
                return Ok(());
            }
            sleep(POLL).await;
        }
    }
    Err(ClusterError::DoesNotStop {
        name: name.to_owned(),
        pid: pid.as_raw_nonzero().get(),
    })
}

/// Signals the children of `pid`, then itself.
pub(super) fn signal_family(pid: Pid, signal: Signal) {
    for child in process::children(pid) {
        process::send(child, signal);
    }
    process::send(pid, signal);
}
