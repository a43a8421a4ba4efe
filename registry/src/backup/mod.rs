//! Backups of what can not be made anew: the events, the keys of the people in them, and the key that signs exports.
//! Databases are none of it, they are made from the events.
//!
//! A backup is a folder with `events.db` (and its witness), an event store whatever engine it was taken from, and
//! `manifest.json`, which says where each stream ends in it; and a folder with keys, the same or another:
//! `people-<SHA-256>.db`, and `exchange-key-<SHA-256>` where there is one. Until the manifest, which is written last, names
//! other keys, it is the earlier backup.
//!
//! In an object store it is the same in another form ([`mod@bucket`]).

mod bucket;
mod cut;
mod error;
mod folder;
mod keys;
mod manifest;
mod restore;
mod take;
mod timeline;

pub use bucket::{BucketPlace, Buckets, NotABucket, PIECE_BYTES, restore_from_bucket, send};
pub use cut::Cut;
pub use error::{BackupError, OtherLog};
pub use manifest::{Ending, Manifest};
pub use restore::{Restored, Until, restore};
pub use take::take;

pub(crate) use folder::same;

/// The events in a backup.
const EVENTS: &str = "events.db";
