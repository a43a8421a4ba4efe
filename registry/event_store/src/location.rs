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
    Kurrent {
        /// Where it is, and as whom to speak to it.
        address: crate::kurrentdb::Address,
        /// What one append may hold there.
        limits: crate::Limits,
    },
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
    /// The file that should say it.
    #[error("event_store.url_file {path} can not be read: {cause}")]
    File {
        /// The file.
        path: PathBuf,
        /// Why not.
        cause: String,
    },
    /// A connection string that is not understood.
    #[cfg(feature = "kurrentdb")]
    #[error("{0}")]
    Address(#[from] crate::kurrentdb::BadAddress),
    /// A file of certificates that a connection string names.
    #[cfg(feature = "kurrentdb")]
    #[error("{0}")]
    Certificates(#[from] crate::kurrentdb::BadFile),
}

impl StoreUrl {
    /// The URL of a store.
    pub fn new(url: impl Into<String>) -> Self {
        Self(url.into())
    }

    /// The first line of the file, where one is named; else this.
    ///
    /// # Errors
    /// [`LocationError::File`].
    pub fn or_of_file(&self, file: Option<&Path>) -> Result<Self, LocationError> {
        let Some(path) = file else {
            return Ok(self.clone());
        };
        let text = std::fs::read_to_string(path).map_err(|error| LocationError::File {
            path: path.to_owned(),
            cause: error.to_string(),
        })?;
        Ok(Self::new(text.lines().next().unwrap_or_default().trim()))
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

#[cfg(feature = "kurrentdb")]
fn is_this_machine(host: &str) -> bool {
    let address = host.trim_matches(['[', ']']).parse::<std::net::IpAddr>();
    host == "localhost" || address.is_ok_and(|address| address.is_loopback())
}

fn is_kurrent(engine: &str) -> bool {
    let scheme = engine.strip_suffix("+discover").unwrap_or(engine);
    ["esdb", "kurrentdb", "kurrent", "kdb"].contains(&scheme)
}

#[cfg(feature = "kurrentdb")]
fn server(_engine: &str, url: &str) -> Result<Location, LocationError> {
    Ok(Location::Kurrent {
        address: crate::kurrentdb::Address::parse(url)?,
        limits: crate::kurrentdb::LIMITS,
    })
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
            Self::Kurrent { address, limits } => Ok(Arc::new(crate::KurrentStore::with_limits(
                address.clone(),
                *limits,
            ))),
        }
    }

    /// The same, on a server that takes `server_append_bytes` in one append (its `MaxAppendSize`); a file takes what
    /// it takes.
    #[must_use]
    #[cfg_attr(not(feature = "kurrentdb"), allow(unused_variables))]
    pub fn taking(self, server_append_bytes: usize) -> Self {
        match self {
            Self::Sqlite(path) => Self::Sqlite(path),
            #[cfg(feature = "kurrentdb")]
            Self::Kurrent { address, .. } => Self::Kurrent {
                address,
                limits: crate::kurrentdb::limits(server_append_bytes),
            },
        }
    }

    /// Whether the files of certificates can be used that its connection string names.
    ///
    /// # Errors
    /// [`LocationError`], naming the file.
    pub fn check_files(&self) -> Result<(), LocationError> {
        match self {
            Self::Sqlite(_) => Ok(()),
            #[cfg(feature = "kurrentdb")]
            Self::Kurrent { address, .. } => Ok(address.check_files()?),
        }
    }

    /// Whether what is sent to it can be read or changed on the way: a server elsewhere without TLS, or whose
    /// certificate is not looked at.
    #[must_use]
    pub fn is_insecure(&self) -> bool {
        match self {
            Self::Sqlite(_) => false,
            #[cfg(feature = "kurrentdb")]
            Self::Kurrent { address, .. } => {
                address.is_insecure() && !address.hosts().all(is_this_machine)
            }
        }
    }

    /// What to do where it is [insecure](Self::is_insecure).
    pub const INSECURE: &str = "event_store.url goes to another machine without TLS, or does not look at its \
        certificate: leave out tls=false and tlsVerifyCert=false (tlsCaFile names an authority of your own)";

    /// Its file, if it is one.
    #[must_use]
    pub fn file(&self) -> Option<&Path> {
        match self {
            Self::Sqlite(path) => Some(path),
            #[cfg(feature = "kurrentdb")]
            Self::Kurrent { .. } => None,
        }
    }
}

impl fmt::Display for Location {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Sqlite(path) => write!(f, "{}", path.display()),
            #[cfg(feature = "kurrentdb")]
            Self::Kurrent { address, .. } => write!(f, "the event store at {address}"),
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

    #[test]
    fn the_url_of_a_file_is_used_instead_and_a_file_that_is_not_there_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("url");
        std::fs::write(&file, "sqlite:other.db\n").unwrap();
        let url = StoreUrl::new("sqlite:events.db");
        assert_eq!(url.or_of_file(None).unwrap(), url);
        let found = url.or_of_file(Some(&file)).unwrap();
        assert_eq!(found, StoreUrl::new("sqlite:other.db"));
        let missing = folder.path().join("none");
        let error = url.or_of_file(Some(&missing)).unwrap_err().to_string();
        assert!(
            error.contains("url_file") && error.contains("none"),
            "{error}"
        );
    }

    #[cfg(feature = "kurrentdb")]
    #[test]
    fn a_server_elsewhere_without_tls_or_whose_certificate_is_not_looked_at_is_insecure() {
        for (url, is_insecure) in [
            ("esdb://a:1,b:2", false),
            ("esdb://a:1,b:2?tls=false", true),
            ("esdb://a?tlsVerifyCert=false", true),
            ("esdb://127.0.0.1:1,a:2?tls=false", true),
            ("esdb://127.0.0.1:1,localhost:2?tls=false", false),
            ("esdb://[::1]:1?tls=false", false),
            ("sqlite:events.db", false),
        ] {
            assert_eq!(location(url).unwrap().is_insecure(), is_insecure, "{url}");
        }
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
            assert!(matches!(found, Location::Kurrent { .. }), "{scheme}");
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
