//! Where the events are.

use event_store::StoreUrl;
use serde::{Deserialize, Serialize};
use std::path::PathBuf;
use uuid::Uuid;

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EventStore {
    /// `sqlite:<path>`, where a relative path is taken from `data_dir`, or the connection string of a
    /// KurrentDB server: `esdb://user:password@host:2113`.
    pub url: StoreUrl,
    /// The file with the keys of people; a relative path is taken from `data_dir`. Unless it is named, `people.db`
    /// beside the file of events, or in `data_dir` where the events are on a server. All programs on one log use one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub people_keys: Option<PathBuf>,
    /// The id of a file of keys that is lost for good: the people in it are read as if they were erased.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub people_keys_lost: Option<Uuid>,
}

impl Default for EventStore {
    fn default() -> Self {
        Self {
            url: StoreUrl::new("sqlite:events.db"),
            people_keys: None,
            people_keys_lost: None,
        }
    }
}
