//! Backups of what can not be made anew: the events, the keys of the people in them, and the key that signs exports.
//! Databases are none of it, they are made from the events.
//!
//! A backup is a folder with `events.db` (and its witness), an event store whatever engine it was taken from, and
//! `manifest.json`, which is written last and says where each stream ends in it; and a folder with keys, the same or
//! another: `people.db`, and `exchange-key` where there is one.

mod cut;
mod error;
mod manifest;
mod restore;
mod take;

pub use cut::Cut;
pub use error::BackupError;
pub use manifest::{Ending, Manifest};
pub use restore::{Restored, Until, restore};
pub use take::take;

use ledger::Stream;

/// The streams, in the order in which they are copied.
const STREAMS: [Stream; 3] = [Stream::Identity, Stream::Audit, Stream::Ledger];
/// The events in a backup.
const EVENTS: &str = "events.db";
/// The keys of people in a backup.
const PEOPLE: &str = "people.db";
/// The key that signs exports in a backup.
const EXCHANGE: &str = "exchange-key";
