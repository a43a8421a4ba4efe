//! Why the registry does not start, or why it can not go on.

use std::{io, path::PathBuf, sync::Arc};

use event_store::StoreError;
use projections::{Target, postgres::PoolError};

use crate::{config::LocationError, http::StateError, sequencer::SequencerError};

#[derive(Debug, thiserror::Error)]
pub enum SystemError {
    #[error("{host}:{port} can not be listened on: {source} (http.host, http.port)")]
    Listen {
        host: String,
        port: u16,
        source: io::Error,
    },
    #[error(transparent)]
    Location(#[from] LocationError),
    #[error(
        "another registry (process {pid}) decides on {}: stop it, or have both say `event_store.shared`",
        .events.display()
    )]
    NotAlone { events: PathBuf, pid: String },
    #[error("{} can not be locked: {source} (event_store.url)", .path.display())]
    Lock { path: PathBuf, source: io::Error },
    #[error("the event store: {0}")]
    Store(#[from] StoreError),
    #[error(transparent)]
    Database(#[from] PoolError),
    #[error(transparent)]
    State(#[from] StateError),
    #[error("the {target} projector: {source}")]
    Projector {
        target: Target,
        source: projections::Error,
    },
    #[error("the sequencer: {0}")]
    Sequencer(Arc<SequencerError>),
    #[error("the HTTP server: {0}")]
    Http(io::Error),
    #[error("{part} ended: {cause}")]
    Ended { part: &'static str, cause: String },
}
