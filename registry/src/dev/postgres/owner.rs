//! As whom Postgres runs: it refuses root.

use std::{
    env,
    os::unix::{fs::chown, process::CommandExt},
    path::Path,
    process::{Command, Stdio},
};

use super::error::{ClusterError, while_doing};

/// The unprivileged user that owns a cluster's files and processes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Owner {
    /// User and group to change to; `None`: this process is unprivileged and stays who it is.
    ids: Option<(u32, u32)>,
}

impl Owner {
    /// This process's user, or, for root, `postgres`, else `nobody`.
    ///
    /// # Errors
    /// [`ClusterError::NoUnprivilegedUser`].
    pub fn of_this_process() -> Result<Self, ClusterError> {
        if !rustix::process::geteuid().is_root() {
            return Ok(Self { ids: None });
        }
        ["postgres", "nobody"]
            .into_iter()
            .find_map(ids_of)
            .map(|ids| Self { ids: Some(ids) })
            .ok_or(ClusterError::NoUnprivilegedUser)
    }

    /// A command that runs as this user, in `dir`, free of Postgres settings of the caller's
    /// environment, in a process group of its own: Ctrl-C on the terminal is for us, and we stop
    /// Postgres last.
    pub(super) fn command(&self, program: &Path, dir: &Path) -> Command {
        let mut command = Command::new(program);
        for (name, _) in env::vars_os() {
            if name.to_string_lossy().starts_with("PG") {
                command.env_remove(name);
            }
        }
        // Messages in English for the log's readers; and on macOS a postmaster without LC_ALL
        // stops with "postmaster became multithreaded during startup".
        command.env("LC_ALL", "C");
        command
            .current_dir(dir)
            .stdin(Stdio::null())
            .process_group(0);
        if let Some((uid, gid)) = self.ids {
            command.gid(gid).uid(uid);
        }
        command
    }

    /// Whether this user can enter `dir`: asked of the system as that user, so that modes of all
    /// parents, groups and access lists count.
    pub(super) fn can_enter(&self, dir: &Path) -> bool {
        self.command(Path::new("/bin/sh"), dir)
            .args(["-c", ":"])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .status()
            .is_ok_and(|status| status.success())
    }

    /// Gives `path` to this user.
    pub(super) fn give(&self, path: &Path) -> Result<(), ClusterError> {
        match self.ids {
            Some((uid, gid)) => chown(path, Some(uid), Some(gid)).map_err(while_doing(format!(
                "{} can not be given away",
                path.display()
            ))),
            None => Ok(()),
        }
    }
}

fn ids_of(user: &str) -> Option<(u32, u32)> {
    let ask = |flag| {
        let answer = Command::new("id").args([flag, user]).output().ok()?;
        String::from_utf8(answer.stdout).ok()?.trim().parse().ok()
    };
    Some((ask("-u")?, ask("-g")?))
}
