//! Where the events are.

use event_store::StoreUrl;
use serde::{Deserialize, Serialize};
use std::ops::RangeInclusive;
use std::path::PathBuf;
use uuid::Uuid;

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EventStore {
    /// `sqlite:<path>`, where a relative path is taken from `data_dir`, or the connection string of a
    /// KurrentDB server: `esdb://user:password@host:2113`.
    pub url: StoreUrl,
    /// A file whose first line is such a URL; used instead of `url`, so that a password stands in no environment.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub url_file: Option<PathBuf>,
    /// Whether several registries may decide on one file of events at a time, all of which have to say so: what a restart
    /// without interruption takes. Otherwise a second one is refused. On a server several always may.
    pub shared: bool,
    /// What the KurrentDB server takes in one append, in bytes: its `MaxAppendSize`. A decision that comes to more
    /// than three quarters of it is refused. A file takes 32 MiB whatever stands here.
    pub server_append_bytes: usize,
    /// The file with the keys of people; a relative path is taken from `data_dir`. Unless it is named, `people.db`
    /// beside the file of events, or in `data_dir` where the events are on a server. All programs on one log use one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub people_keys: Option<PathBuf>,
    /// The id of a file of keys that is lost for good: the people in it are read as if they were erased.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub people_keys_lost: Option<Uuid>,
}

/// What may stand in `server_append_bytes`: below, an ordinary decision does not fit; events of more than 16 MiB are
/// taken by no server.
const SERVER_APPEND_BYTES: RangeInclusive<usize> = (256 << 10)..=(16 << 20);

impl EventStore {
    pub(super) fn is_server_append_bytes_sound(&self) -> bool {
        SERVER_APPEND_BYTES.contains(&self.server_append_bytes)
    }
}

impl Default for EventStore {
    fn default() -> Self {
        Self {
            url: StoreUrl::new("sqlite:events.db"),
            url_file: None,
            shared: false,
            server_append_bytes: 1 << 20,
            people_keys: None,
            people_keys_lost: None,
        }
    }
}
