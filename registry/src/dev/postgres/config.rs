//! What a cluster should be.

use std::{env, path::PathBuf};

use projections::postgres::Secret;

use super::tuning::Tuning;

/// Who a cluster belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sharing {
    /// To one [`Cluster`](super::Cluster): a postmaster that somebody killed left behind is stopped
    /// first, and this one is stopped when the `Cluster` is dropped.
    Exclusive,
    /// To all who name the same directory at the same time, in this process and in others: the first
    /// starts it, the others use it as it runs, the last one out stops it.
    Shared,
}

/// What a cluster should be.
#[derive(Debug, Clone)]
pub struct ClusterConfig {
    /// `write` or `read`: for messages, and the part of the setting's name that they point to.
    pub name: String,
    /// Where its files are wanted; see [`super::place`] for where they are.
    pub data_dir: PathBuf,
    /// On 127.0.0.1; 0: any free one.
    pub port: u16,
    /// The superuser.
    pub user: String,
    /// Must not be empty. Holds from the first start on: a cluster keeps the one it was made with.
    pub password: Secret,
    pub tuning: Tuning,
    pub sharing: Sharing,
    /// Whether the files go when the `Cluster` is dropped.
    pub remove_on_drop: bool,
}

impl ClusterConfig {
    /// A durable cluster of its own, superuser `registry`.
    pub fn new(
        name: impl Into<String>,
        data_dir: impl Into<PathBuf>,
        port: u16,
        password: Secret,
    ) -> Self {
        Self {
            name: name.into(),
            data_dir: data_dir.into(),
            port,
            user: "registry".into(),
            password,
            tuning: Tuning::Dev,
            sharing: Sharing::Exclusive,
            remove_on_drop: false,
        }
    }

    /// A cluster in a fresh temporary directory on a free port, gone when it is dropped.
    pub fn temporary(name: impl Into<String>) -> Self {
        let name = name.into();
        let folder = format!("gcr-{name}-{}", uuid::Uuid::new_v4().simple());
        Self {
            tuning: Tuning::Test,
            remove_on_drop: true,
            ..Self::new(name, env::temp_dir().join(folder), 0, Secret::new("test"))
        }
    }

    /// The cluster at `data_dir` on a free port, shared by tests that run in many processes; its files
    /// stay for the next run.
    pub fn shared(name: impl Into<String>, data_dir: impl Into<PathBuf>) -> Self {
        Self {
            tuning: Tuning::Test,
            sharing: Sharing::Shared,
            ..Self::new(name, data_dir, 0, Secret::new("test"))
        }
    }
}
