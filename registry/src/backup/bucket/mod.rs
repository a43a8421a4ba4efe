//! Backups in an object store: the streams in pieces, the keys, and `manifest.json`, which says what belongs to the backup.
//!
//! Each backup gives what it sends names of its own (`<UUID>/…`), so nothing is ever written over, and takes over from the
//! one before what is full and still there. The manifest is put last, and only if it is still the one that was seen at
//! the beginning. Behind it, what was there at the beginning and is not named is removed. So of two backups at once the
//! later manifest is refused, and neither removes what belongs to the other.

mod catalogue;
mod client;
mod fetch;
mod place;
mod segment;
mod send;

pub use fetch::restore_from_bucket;
pub use place::{BucketPlace, NotABucket};
pub use send::send;

use super::BackupError;
use crate::config::Config;
use client::Bucket;

/// Bytes of events from which on a piece of a stream is full, and a later backup does not send it again. It is held in
/// memory, compressed, until it is sent.
pub const PIECE_BYTES: u64 = 32 << 20;

/// Where the events of a backup are, and where its keys.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Buckets {
    pub events: BucketPlace,
    /// The same, or one that is for this backup alone.
    pub keys: BucketPlace,
}

impl Buckets {
    /// First the place of the events, then that of the keys.
    fn open(&self, config: &Config) -> Result<(Bucket, Bucket), BackupError> {
        Ok((
            Bucket::open(config, &self.events)?,
            Bucket::open(config, &self.keys)?,
        ))
    }

    fn are_one(&self) -> bool {
        self.events == self.keys
    }
}
