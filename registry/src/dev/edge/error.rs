//! Why the edge can not be started.

use std::{io, path::Path, path::PathBuf};

use crate::client::ClientError;

/// Why the edge can not be started. The registry runs without it.
#[derive(Debug, thiserror::Error)]
pub(in crate::dev) enum EdgeError {
    #[error("{what}: {source}")]
    Request {
        what: &'static str,
        source: ClientError,
    },
    #[error("{}: {source}", path.display())]
    Io { path: PathBuf, source: io::Error },
    #[error("{}: {source}", path.display())]
    Place {
        path: PathBuf,
        source: serde_json::Error,
    },
    #[error("`gateway {command}`: {reason}; see {}", log.display())]
    Command {
        command: &'static str,
        reason: String,
        log: PathBuf,
    },
}

/// Names the file that the system refused.
pub(super) fn while_doing(path: &Path) -> impl FnOnce(io::Error) -> EdgeError {
    let path = path.to_owned();
    move |source| EdgeError::Io { path, source }
}
