//! Why a cluster can not run; each sentence says what to do.

use std::{io, path::PathBuf};

use projections::postgres::PoolError;

#[derive(Debug, thiserror::Error)]
pub enum ClusterError {
    #[error(
        "Postgres is not installed: no `postgres` and `initdb` in PATH, /usr/lib/postgresql/*/bin \
         or Homebrew's folders. Install it (Debian, Ubuntu: apt-get install postgresql; macOS: \
         brew install postgresql@17)"
    )]
    NotInstalled,
    #[error(
        "{dir} was made by Postgres {made_by}, but only {found} is installed. What is in it is \
         rebuilt from the events: remove that folder, or install Postgres {made_by}"
    )]
    OtherVersion {
        dir: PathBuf,
        made_by: String,
        found: String,
    },
    #[error("Postgres refuses to run as root, and there is neither a user `postgres` nor `nobody`")]
    NoUnprivilegedUser,
    #[error(
        "port {port} is taken by another program; stop it, or choose another port with \
         database.{name}.port (GCR_DATABASE__{}__PORT)", name.to_uppercase()
    )]
    PortTaken { name: String, port: u16 },
    #[error("initdb failed for {dir}:\n{output}")]
    Init { dir: PathBuf, output: String },
    #[error("the {name} database did not start; the end of {log}:\n{tail}")]
    Exited {
        name: String,
        log: PathBuf,
        tail: String,
    },
    #[error("the {name} database does not answer after {waited_s} s (its log: {log}): {source}")]
    NoAnswer {
        name: String,
        waited_s: u64,
        log: PathBuf,
        source: PoolError,
    },
    #[error("the {name} database (process {pid}) does not stop")]
    DoesNotStop { name: String, pid: i32 },
    #[error("{what}: {source}")]
    Io { what: String, source: io::Error },
}

/// Names what was being done when the system refused.
pub(super) fn while_doing(what: impl Into<String>) -> impl FnOnce(io::Error) -> ClusterError {
    let what = what.into();
    move |source| ClusterError::Io { what, source }
}
