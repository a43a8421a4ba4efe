//! Locks on files beside a cluster: who is starting it, who uses it. The system gives them back when
//! their process ends, however it ends.

use std::{
    fs::File,
    path::{Path, PathBuf},
};

use super::error::{ClusterError, while_doing};

/// Held while a cluster is being started.
pub(super) const START: &str = "lock";
/// Held, shared, by everyone who uses a shared cluster.
pub(super) const USERS: &str = "users";

/// How a lock is held.
#[derive(Debug, Clone, Copy)]
pub(super) enum Hold {
    Alone,
    WithOthers,
}

/// Waits for the lock `extension` of `data_dir`. It is beside the directory, because initdb wants
/// that empty.
pub(super) async fn take(
    data_dir: &Path,
    extension: &str,
    hold: Hold,
) -> Result<File, ClusterError> {
    let path = path(data_dir, extension);
    let what = format!("{} can not be locked", path.display());
    let wait = move || {
        let file = File::create(&path)?;
        match hold {
            Hold::Alone => file.lock()?,
            Hold::WithOthers => file.lock_shared()?,
        }
        Ok(file)
    };
    tokio::task::spawn_blocking(wait)
        .await
        .unwrap_or_else(|stopped| Err(stopped.into()))
        .map_err(while_doing(what))
}

pub(super) fn path(data_dir: &Path, extension: &str) -> PathBuf {
    data_dir.with_extension(extension)
}
