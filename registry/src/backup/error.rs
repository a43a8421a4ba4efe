//! What keeps a backup from being taken or restored.

use event_store::copy::CopyError;
use event_store::person::PeopleError;
use event_store::{LocationError, StoreError};
use schemas::log::{BadStreamName, Position, StreamName};
use std::io;
use std::path::PathBuf;

/// No backup was taken, or none restored.
#[derive(Debug, thiserror::Error)]
pub enum BackupError {
    #[error(transparent)]
    Location(#[from] LocationError),
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    Copy(Box<CopyError>),
    #[error(transparent)]
    People(#[from] PeopleError),
    #[error(transparent)]
    Domain(#[from] BadStreamName),
    #[error("{path}: {source}")]
    File { path: PathBuf, source: io::Error },
    #[error("{path} does not parse: {reason}")]
    Manifest { path: PathBuf, reason: String },
    #[error("the event store holds no events of domain {0}")]
    Empty(String),
    #[error(
        "the streams did not stand still for a moment within {0} s, so no positions belong together; try again when \
         there is less to do"
    )]
    Restless(u64),
    #[error("the backup is of domain {theirs}, the configuration says {ours} (`domain`)")]
    OtherDomain { theirs: String, ours: String },
    #[error("{0} is where the registry itself has its files: back up to a folder of its own")]
    Itself(PathBuf),
    #[error("another backup is being taken into {0}")]
    InUse(PathBuf),
    #[error(
        "{path}, the key that signs exports, is not there, and the backup has it in {kept}; if there shall be none any \
         more, remove it there yourself"
    )]
    ExchangeGone { path: PathBuf, kept: PathBuf },
    #[error("{0} has changed since the backup was taken, or belongs to another one")]
    Changed(PathBuf),
    #[error("{0} is there already: restore to where nothing is, or move it away")]
    InTheWay(PathBuf),
    #[error("stream {stream} ends at position {end} in the backup; {asked} is behind it")]
    NotReached {
        stream: StreamName,
        end: Position,
        asked: Position,
    },
    #[error("event {position} of stream {stream} does not say when it was recorded")]
    Undated {
        stream: StreamName,
        position: Position,
    },
}

impl From<CopyError> for BackupError {
    fn from(error: CopyError) -> Self {
        Self::Copy(Box::new(error))
    }
}

impl BackupError {
    pub(super) fn file(path: impl Into<PathBuf>) -> impl FnOnce(io::Error) -> Self {
        let path = path.into();
        move |source| Self::File { path, source }
    }
}
