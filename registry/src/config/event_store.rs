//! Where the events are.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EventStore {
    /// `sqlite:<path>`; a relative path is taken from `data_dir`.
    pub url: String,
}

impl Default for EventStore {
    fn default() -> Self {
        Self {
            url: "sqlite:events.db".into(),
        }
    }
}

/// An event store that this build can open.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Location {
    /// One file, embedded.
    Sqlite(PathBuf),
}

#[derive(Debug, thiserror::Error)]
#[error("`event_store.url` must be `sqlite:<path>`; its engine `{engine}` is not in this build")]
pub struct LocationError {
    /// What stands before the colon: the rest of a URL may hold credentials.
    pub engine: String,
}

impl EventStore {
    pub(super) fn location(&self, data_dir: &Path) -> Result<Location, LocationError> {
        match self.url.split_once(':') {
            Some(("sqlite", path)) if !path.is_empty() => {
                Ok(Location::Sqlite(super::under(data_dir, Path::new(path))))
            }
            Some((engine, _)) => Err(LocationError {
                engine: engine.to_owned(),
            }),
            None => Err(LocationError {
                engine: String::new(),
            }),
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn location(url: &str) -> Result<Location, LocationError> {
        let url = url.to_owned();
        EventStore { url }.location(Path::new("/var/lib/gcr"))
    }

    #[test]
    fn a_relative_path_is_taken_from_the_data_directory() {
        assert_eq!(
            location("sqlite:events.db").unwrap(),
            Location::Sqlite("/var/lib/gcr/events.db".into())
        );
        assert_eq!(
            location("sqlite:/srv/a b/e.db").unwrap(),
            Location::Sqlite("/srv/a b/e.db".into())
        );
    }

    #[test]
    fn another_engine_is_refused_without_showing_credentials() {
        let error = location("esdb://admin:changeit@host:2113")
            .unwrap_err()
            .to_string();
        assert!(
            error.contains("esdb") && !error.contains("changeit"),
            "{error}"
        );
        assert!(location("sqlite:").is_err());
        assert!(location("events.db").is_err());
    }
}
