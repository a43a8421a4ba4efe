//! What keeps a backup from being taken or restored.

use crate::config::{AuthError, Unsafe};
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
    #[error("{object}: {source}")]
    Bucket {
        object: String,
        source: Box<object_store::Error>,
    },
    #[error(transparent)]
    Secret(#[from] AuthError),
    #[error(transparent)]
    Unsafe(#[from] Unsafe),
    #[error(
        "{0}: there is no key for it: set object_store.access_key_id, and object_store.secret_access_key_file or \
         object_store.secret_access_key"
    )]
    NoCredentials(String),
    #[error("there is no backup at {0}")]
    NoBackup(String),
    #[error(
        "{0} belongs to the backup and is not there: it was removed, or another backup was taken meanwhile, which can be \
         restored instead"
    )]
    ObjectGone(String),
    #[error(
        "another backup was taken to {0} meanwhile, and counts; of this one nothing does, and the next removes what it left"
    )]
    Overtaken(String),
    #[error(transparent)]
    OtherLog(Box<OtherLog>),
    #[error(
        "event {position} of stream {stream} is not JSON alone, which backups in object stores are made of"
    )]
    NotJson {
        stream: StreamName,
        position: Position,
    },
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
    #[error(
        "the clocks of those who wrote this differ by {ms} ms at least (event {position} of stream {stream} is dated by \
         that before an earlier one), and within a minute no place was found at which that can not part what belongs \
         together; restore as of another time, or all of it"
    )]
    Skewed {
        stream: StreamName,
        position: Position,
        ms: i64,
    },
    #[error("event {position} of stream {stream} does not say when it was recorded")]
    Undated {
        stream: StreamName,
        position: Position,
    },
}

/// The backup at a place is not of what the registry has.
#[derive(Debug, thiserror::Error)]
#[error(
    "{place} has the backup of another log: its stream {stream} has {end} events, which are not the first {end} of this \
     one. Nothing was changed; back up to another place"
)]
pub struct OtherLog {
    pub place: String,
    pub stream: StreamName,
    pub end: Position,
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
