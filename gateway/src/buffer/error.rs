//! What can go wrong with the buffer.

use rusqlite::ErrorCode;
use schemas::id::DeviceId;
use std::sync::Arc;

/// What can go wrong with the buffer. Nothing has changed then.
#[derive(Debug, Clone, thiserror::Error)]
pub enum BufferError {
    /// There is no room. Readings stay in the meter's counter: the next sample that fits covers them.
    #[error("the buffer is full: {used} of {share} bytes are used")]
    Full {
        /// Bytes in use.
        used: u64,
        /// Bytes that may be used.
        share: u64,
    },
    /// The disk is full.
    #[error("the disk is full")]
    DiskFull,
    /// An envelope does not go on where the device's stream is.
    #[error("envelope {sequence} of device {device} does not follow the one before")]
    OutOfStep {
        /// The device.
        device: DeviceId,
        /// The envelope's sequence number.
        sequence: i64,
    },
    /// The registry asks for an envelope that is gone.
    #[error(
        "the registry expects envelope {expected} of device {device}, which this gateway no longer holds"
    )]
    Gone {
        /// The device.
        device: DeviceId,
        /// What it expects.
        expected: i64,
    },
    /// The file was written by another version.
    #[error("the buffer has format {found}, this program reads format {expected}")]
    Format {
        /// Format of the file.
        found: i32,
        /// Format of this program.
        expected: i32,
    },
    /// What is stored can not be read.
    #[error("the buffer holds what can not be read: {0}")]
    Unreadable(String),
    /// SQLite failed.
    #[error("the buffer failed: {0}")]
    Sqlite(#[source] Arc<rusqlite::Error>),
    /// The file could not be made.
    #[error("the buffer's file: {0}")]
    Io(#[source] Arc<std::io::Error>),
    /// It was closed.
    #[error("the buffer is closed")]
    Closed,
}

impl BufferError {
    /// Whether there is no room for more, for now.
    #[must_use]
    pub fn is_full(&self) -> bool {
        matches!(self, Self::Full { .. } | Self::DiskFull)
    }
}

impl From<rusqlite::Error> for BufferError {
    fn from(error: rusqlite::Error) -> Self {
        match error.sqlite_error_code() {
            Some(ErrorCode::DiskFull) => Self::DiskFull,
            _ => Self::Sqlite(Arc::new(error)),
        }
    }
}

impl From<serde_json::Error> for BufferError {
    fn from(error: serde_json::Error) -> Self {
        Self::Unreadable(error.to_string())
    }
}
