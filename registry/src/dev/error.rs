//! Why the development environment can not run.

use std::{io, path::PathBuf};

use projections::postgres::PoolError;

use super::postgres::ClusterError;
use crate::{
    config::LocationError,
    system::{RegisterError, SystemError},
};

#[derive(Debug, thiserror::Error)]
pub enum DevError {
    #[error(
        "a development registry is already running on {dir} (process {pid}); stop it with Ctrl-C first"
    )]
    Running { dir: PathBuf, pid: String },
    #[error(
        "`database.{name}.host` is {host}: `dev` runs its own Postgres on 127.0.0.1; `serve` and \
         `projector` use one that runs elsewhere"
    )]
    ForeignDatabase { name: &'static str, host: String },
    #[error(transparent)]
    Cluster(#[from] ClusterError),
    #[error(transparent)]
    Database(#[from] PoolError),
    #[error("the tables of a database: {0}")]
    Tables(#[from] projections::Error),
    #[error(transparent)]
    Location(#[from] LocationError),
    #[error("{what}: {source}")]
    Io { what: String, source: io::Error },
    #[error("the configuration can not be written: {0}")]
    Config(#[from] toml::ser::Error),
    #[error(transparent)]
    System(#[from] SystemError),
    #[error("the demo users: {0}")]
    Users(#[from] RegisterError),
}

/// Names what was being done when the system refused.
pub(super) fn while_doing(what: impl Into<String>) -> impl FnOnce(io::Error) -> DevError {
    let what = what.into();
    move |source| DevError::Io { what, source }
}
