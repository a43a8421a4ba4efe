//! `postmaster.pid`: who runs over a data directory, if it is still true.

use std::{fs, path::Path};

use rustix::process::Pid;

use super::{
    error::{ClusterError, while_doing},
    process,
};

/// A postmaster that is running over a data directory.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Running {
    pub pid: Pid,
    pub port: u16,
}

/// The live postmaster of `data_dir`, if there is one. A process that merely has its number (ids
/// are reused, and soon after a reboot) is told from it by its command line.
pub(super) fn running(data_dir: &Path) -> Option<Running> {
    let text = fs::read_to_string(data_dir.join("postmaster.pid")).ok()?;
    let mut lines = text.lines();
    let pid = process::pid(lines.next()?.trim().parse().ok()?)?;
    // Lines: process, data directory, start time, port.
    let port = lines
        .nth(2)
        .and_then(|line| line.trim().parse().ok())
        .unwrap_or(0);
    let is_ours = process::is_alive(pid)
        && process::command_line(pid)
            .is_some_and(|line| line.contains(&*data_dir.to_string_lossy()));
    is_ours.then_some(Running { pid, port })
}

/// Removes a `postmaster.pid` that nobody stands behind. Postgres does this itself unless another
/// process has got the number, and then it refuses to start.
pub(super) fn remove_stale(data_dir: &Path) -> Result<(), ClusterError> {
    let file = data_dir.join("postmaster.pid");
    if running(data_dir).is_some() || !file.exists() {
        return Ok(());
    }
    fs::remove_file(&file).map_err(while_doing(format!(
        "{} can not be removed",
        file.display()
    )))
}
