//! Which engine holds the events, and where.

use crate::{EventStore, SqliteStore, StoreError};
use serde::{Deserialize, Serialize, Serializer};
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// What a configuration says: `sqlite:<path>`, or the connection string of a KurrentDB server, whose password
/// is masked wherever it is printed.
#[derive(Clone, PartialEq, Eq, Deserialize)]
#[serde(transparent)]
pub struct StoreUrl(String);

/// An event store that this build can open.
#[derive(Debug, Clone)]
pub enum Location {
    /// One file, embedded.
    Sqlite(PathBuf),
    /// A server, or a cluster of them.
    #[cfg(feature = "kurrentdb")]
    Kurrent(crate::kurrentdb::Address),
}

/// Why a URL names no event store that can be opened.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LocationError {
    /// Neither a file nor a server.
    #[error(
        "the URL of the event store must be `sqlite:<path>` or the connection string of a KurrentDB \
         server (`esdb://…`, `kurrentdb://…`); `{0}` is neither"
    )]
    Unknown(String),
    /// A server, of which this build knows nothing.
    #[error(
        "the URL of the event store names `{0}`, an engine that is not in this build (cargo feature \
         `kurrentdb`)"
    )]
    NotBuilt(String),
    /// A connection string that is not understood.
    #[cfg(feature = "kurrentdb")]
    #[error("{0}")]
    Address(#[from] crate::kurrentdb::BadAddress),
}

impl StoreUrl {
    /// The URL of a store.
    pub fn new(url: impl Into<String>) -> Self {
        Self(url.into())
    }

    /// The event store meant; a relative path is taken from `folder`.
    ///
    /// # Errors
    /// [`LocationError`], which does not repeat what may be a password.
    pub fn location(&self, folder: &Path) -> Result<Location, LocationError> {
        match self.0.split_once(':') {
            Some(("sqlite", path)) if !path.is_empty() => {
                Ok(Location::Sqlite(folder.join(Path::new(path))))
            }
            Some((engine, _)) if is_kurrent(engine) => server(engine, &self.0),
            Some((engine, _)) => Err(LocationError::Unknown(engine.to_owned())),
            None => Err(LocationError::Unknown(String::new())),
        }
    }

    /// The URL with its password masked.
    fn masked(&self) -> String {
        match self.0.rsplit_once('@') {
            // The name of a file may have one.
            Some((before, _)) if before.starts_with("sqlite:") && !before.contains("://") => {
                self.0.clone()
            }
            Some((before, rest)) => match before.split_once("://") {
                Some((scheme, user)) => {
                    let name = user.split(':').next().unwrap_or_default();
                    format!("{scheme}://{name}:***@{rest}")
                }
                // Written wrongly: where the password begins is not known.
                None => format!("***@{rest}"),
            },
            None => self.0.clone(),
        }
    }
}

fn is_kurrent(engine: &str) -> bool {
    let scheme = engine.strip_suffix("+discover").unwrap_or(engine);
    ["esdb", "kurrentdb", "kurrent", "kdb"].contains(&scheme)
}

#[cfg(feature = "kurrentdb")]
fn server(_engine: &str, url: &str) -> Result<Location, LocationError> {
    Ok(Location::Kurrent(crate::kurrentdb::Address::parse(url)?))
}

#[cfg(not(feature = "kurrentdb"))]
fn server(engine: &str, _url: &str) -> Result<Location, LocationError> {
    Err(LocationError::NotBuilt(engine.to_owned()))
}

impl fmt::Display for StoreUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.masked())
    }
}

impl fmt::Debug for StoreUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.masked(), f)
    }
}

impl Serialize for StoreUrl {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.masked())
    }
}

impl Location {
    /// Opens it to read and append. Takes as long as it takes to read a file from end to end.
    ///
    /// # Errors
    /// [`StoreError`]; of a server, none before it is used.
    pub async fn open(&self) -> Result<Arc<dyn EventStore>, StoreError> {
        self.open_as(SqliteStore::open).await
    }

    /// Opens it to read; of a server the same.
    ///
    /// # Errors
    /// As [`Location::open`].
    pub async fn open_read_only(&self) -> Result<Arc<dyn EventStore>, StoreError> {
        self.open_as(SqliteStore::open_read_only).await
    }

    async fn open_as(
        &self,
        open: fn(&Path) -> Result<SqliteStore, StoreError>,
    ) -> Result<Arc<dyn EventStore>, StoreError> {
        match self {
            Self::Sqlite(path) => {
                let path = path.clone();
                let opened = tokio::task::spawn_blocking(move || open(&path)).await;
                let store =
                    opened.map_err(|stopped| StoreError::Unavailable(Arc::new(stopped)))??;
                Ok(Arc::new(store))
            }
            #[cfg(feature = "kurrentdb")]
            Self::Kurrent(address) => Ok(Arc::new(crate::KurrentStore::new(address.clone()))),
        }
    }

    /// Its file, if it is one.
    #[must_use]
    pub fn file(&self) -> Option<&Path> {
        match self {
            Self::Sqlite(path) => Some(path),
            #[cfg(feature = "kurrentdb")]
            Self::Kurrent(_) => None,
        }
    }
}

impl fmt::Display for Location {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Sqlite(path) => write!(f, "{}", path.display()),
            #[cfg(feature = "kurrentdb")]
            Self::Kurrent(address) => write!(f, "the event store at {address}"),
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn location(url: &str) -> Result<Location, LocationError> {
        StoreUrl::new(url).location(Path::new("/var/lib/gcr"))
    }

    #[test]
    fn a_relative_path_is_taken_from_the_folder() {
        let file = |url: &str| location(url).unwrap().file().map(Path::to_owned);
        assert_eq!(
            file("sqlite:events.db"),
            Some("/var/lib/gcr/events.db".into())
        );
        assert_eq!(file("sqlite:/srv/a b/e.db"), Some("/srv/a b/e.db".into()));
    }

    #[test]
    fn what_names_no_engine_is_refused_without_showing_credentials() {
        for url in ["sqlite:", "events.db", "mysql://me:changeit@host/db"] {
            let error = location(url).unwrap_err();
            assert!(matches!(error, LocationError::Unknown(_)), "{url}: {error}");
            assert!(!error.to_string().contains("changeit"), "{error}");
        }
    }

    #[test]
    fn a_password_is_masked_however_it_is_printed() {
        let url = StoreUrl::new("esdb://admin:ch@nge:it@one:2113,two:2113?tls=false");
        assert_eq!(
            url.to_string(),
            "esdb://admin:***@one:2113,two:2113?tls=false"
        );
        assert!(!format!("{url:?}").contains("nge"));
        // Also where the URL is none, which is said with it.
        for wrong in [
            "esdb:admin:changeit@host",
            "esdb:/admin:changeit@host",
            "admin:changeit@host",
        ] {
            let url = StoreUrl::new(wrong);
            assert!(!format!("{url} {url:?}").contains("changeit"), "{url}");
        }
        let plain = StoreUrl::new("sqlite:a@b.db");
        assert_eq!(plain.to_string(), "sqlite:a@b.db");
    }

    #[cfg(feature = "kurrentdb")]
    #[test]
    fn a_connection_string_names_a_server() {
        for scheme in [
            "esdb",
            "kurrentdb",
            "kdb",
            "esdb+discover",
            "kurrentdb+discover",
        ] {
            let found = location(&format!("{scheme}://admin:changeit@host:2113")).unwrap();
            assert!(matches!(found, Location::Kurrent(_)), "{scheme}");
            assert!(!format!("{found} {found:?}").contains("changeit"));
        }
        let error = location("esdb://admin:changeit@host:x").unwrap_err();
        assert!(!error.to_string().contains("changeit"), "{error}");
    }

    #[cfg(not(feature = "kurrentdb"))]
    #[test]
    fn a_server_is_refused_by_a_build_without_its_adapter() {
        let error = location("esdb://admin:changeit@host:2113").unwrap_err();
        assert_eq!(error, LocationError::NotBuilt("esdb".into()));
    }
}
