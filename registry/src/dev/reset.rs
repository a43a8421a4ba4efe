//! Deleting a development environment.

use std::{
    fs,
    path::{Path, PathBuf},
};

use super::{
    edge,
    environment::{CLUSTERS, CONFIG, SECRETS},
    error::{DevError, while_doing},
    lock,
    postgres::{Owner, place, stop_left_over},
};
use crate::config::Config;

/// A file or folder that a reset deletes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Leftover {
    pub what: &'static str,
    pub path: PathBuf,
}

/// What there is to delete, by name: a data directory may hold other people's files.
///
/// # Errors
/// When the data directory can not be read.
pub fn leftovers(config: &Config) -> Result<Vec<Leftover>, DevError> {
    let data_dir = match fs::canonicalize(&config.data_dir) {
        Ok(data_dir) => data_dir,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(while_doing(config.data_dir.display().to_string())(error)),
    };
    let mut found = Vec::new();
    // A server's events are not ours to delete.
    if let Some(events) = config.event_store_location()?.file() {
        let events = data_dir.join(events.strip_prefix(&config.data_dir).unwrap_or(events));
        // The file, its write-ahead log and what else the store keeps beside it.
        for path in siblings(&events) {
            let what = "events";
            found.push(Leftover { what, path });
        }
    }
    // Without the events they belong to they are of no use.
    if config.event_store_location()?.file().is_some() {
        let keys = config.people_keys()?.path;
        let keys = data_dir.join(keys.strip_prefix(&config.data_dir).unwrap_or(&keys));
        for path in siblings(&keys) {
            let what = "keys of people";
            found.push(Leftover { what, path });
        }
    }
    for name in ["write", "read"] {
        let dir = cluster_dir(&data_dir, name)?;
        for path in siblings(&dir) {
            let what = "database";
            found.push(Leftover { what, path });
        }
    }
    for (what, name) in [
        ("keys and passwords", SECRETS),
        ("configuration", CONFIG),
        ("databases", CLUSTERS),
        ("gateway", edge::FOLDER),
    ] {
        let path = data_dir.join(name);
        if path.exists() {
            found.push(Leftover { what, path });
        }
    }
    // A folder stands for what is in it.
    let folders: Vec<PathBuf> = found.iter().map(|item| item.path.clone()).collect();
    found.retain(|item| {
        let mut others = folders.iter().filter(|folder| **folder != item.path);
        !others.any(|folder| item.path.starts_with(folder))
    });
    Ok(found)
}

/// Deletes what [`leftovers`] names, after stopping databases that a killed run left behind.
///
/// # Errors
/// [`DevError::Running`] while the environment is running; nothing is deleted then.
pub async fn reset(config: &Config) -> Result<(), DevError> {
    let Ok(data_dir) = fs::canonicalize(&config.data_dir) else {
        return Ok(());
    };
    let held = lock::take(&data_dir)?;
    let mut emptied = vec![data_dir.clone()];
    for name in ["write", "read"] {
        let dir = cluster_dir(&data_dir, name)?;
        stop_left_over(name, &dir).await?;
        emptied.extend(dir.parent().map(Path::to_owned));
    }
    for Leftover { path, .. } in leftovers(config)? {
        let removed = if path.is_dir() {
            fs::remove_dir_all(&path)
        } else {
            fs::remove_file(&path)
        };
        removed.map_err(while_doing(format!(
            "{} can not be removed",
            path.display()
        )))?;
    }
    let lock_file = data_dir.join(lock::NAME);
    fs::remove_file(&lock_file).map_err(while_doing(format!(
        "{} can not be removed",
        lock_file.display()
    )))?;
    drop(held);
    // They go only when they are empty: then they were ours alone.
    for dir in emptied {
        if let Err(error) = fs::remove_dir(&dir) {
            tracing::debug!(%error, dir = %dir.display(), "a folder stays");
        }
    }
    Ok(())
}

fn cluster_dir(data_dir: &Path, name: &str) -> Result<PathBuf, DevError> {
    let owner = Owner::of_this_process()?;
    Ok(place(&data_dir.join(CLUSTERS).join(name), &owner)?)
}

/// `path` and its neighbours whose names continue its name: `events.db`, `events.db-wal`.
fn siblings(path: &Path) -> Vec<PathBuf> {
    let (Some(dir), Some(name)) = (path.parent(), path.file_name()) else {
        return Vec::new();
    };
    let name = name.to_string_lossy();
    let mut found: Vec<PathBuf> = fs::read_dir(dir)
        .into_iter()
        .flatten()
        .flatten()
        .filter(|entry| {
            let its = entry.file_name();
            let its = its.to_string_lossy();
            its.strip_prefix(&*name)
                .is_some_and(|rest| rest.is_empty() || rest.starts_with(['-', '.']))
        })
        .map(|entry| entry.path())
        .collect();
    found.sort();
    found
}
