//! Where the events are.

use event_store::StoreUrl;
use serde::{Deserialize, Serialize};

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EventStore {
    /// `sqlite:<path>`, where a relative path is taken from `data_dir`, or the connection string of a
    /// KurrentDB server: `esdb://user:password@host:2113`.
    pub url: StoreUrl,
}

impl Default for EventStore {
    fn default() -> Self {
        Self {
            url: StoreUrl::new("sqlite:events.db"),
        }
    }
}
