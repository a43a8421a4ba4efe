//! What has to be known to connect to one database, and to both.

use std::{
    fs,
    net::IpAddr,
    path::PathBuf,
    time::{Duration, Instant},
};

use serde::{Deserialize, Serialize};
use tokio_postgres::config::SslMode;
use tokio_postgres::error::SqlState;

use super::{Connector, PoolError, Secret, Tls, connect, tls};

/// Port of the WRITE database (state of the ledger) unless configured otherwise; the port the FEA
/// registry publishes it on.
pub const WRITE_PORT: u16 = 5436;
/// Port of the READ database (answers to questions), likewise.
pub const READ_PORT: u16 = 5438;

/// Between two attempts to reach a server that is being started.
const PAUSE: Duration = Duration::from_millis(500);

/// One Postgres database.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Connection {
    /// Name or address of the server.
    pub host: String,
    /// Its port.
    pub port: u16,
    /// Who connects; owns the tables.
    pub user: String,
    /// Empty: taken from `password_file` if that is set, else none is sent.
    pub password: Secret,
    /// A file whose first line is the password.
    pub password_file: Option<PathBuf>,
    /// Name of the database.
    pub dbname: String,
    /// Whether the connection is encrypted: `disable` or `require`, which also looks at the server's certificate.
    pub tls: Tls,
    /// A PEM file of the authorities whose certificates are taken; needed where TLS is required. The system's are in
    /// one as well (`/etc/ssl/certs/ca-certificates.crt`).
    pub tls_ca_file: Option<PathBuf>,
    /// Connections that one process holds at most.
    pub pool_size: usize,
}

/// The two databases of a registry.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Databases {
    pub write: Connection,
    pub read: Connection,
}

impl Connection {
    /// User and database `registry` on `127.0.0.1:port`, no password, 16 connections.
    pub fn local(port: u16) -> Self {
        Self {
            host: "127.0.0.1".into(),
            port,
            user: "registry".into(),
            password: Secret::default(),
            password_file: None,
            dbname: "registry".into(),
            tls: Tls::default(),
            tls_ca_file: None,
            pool_size: 16,
        }
    }

    /// The settings of `tokio_postgres`, the password resolved.
    ///
    /// # Errors
    /// [`PoolError::PasswordFile`] when `password_file` is needed and can not be read.
    pub fn client_config(&self) -> Result<tokio_postgres::Config, PoolError> {
        let mut config = tokio_postgres::Config::new();
        config
            .host(&self.host)
            .port(self.port)
            .user(&self.user)
            .dbname(&self.dbname)
            .application_name("registry")
            // A schema that is not there yet is no error: its tables just are not found.
            .options(format!("-c search_path={}", crate::schema::LIVE))
            .connect_timeout(Duration::from_secs(5))
            .ssl_mode(match self.tls {
                Tls::Disable => SslMode::Disable,
                Tls::Require => SslMode::Require,
            })
            .keepalives_idle(Duration::from_secs(30));
        if !self.password.is_empty() {
            config.password(self.password.expose());
        } else if let Some(path) = &self.password_file {
            let text = fs::read_to_string(path).map_err(|source| PoolError::PasswordFile {
                path: path.clone(),
                source,
            })?;
            config.password(text.lines().next().unwrap_or_default());
        }
        Ok(config)
    }

    /// Whether it says whom to trust, where it has to.
    #[must_use]
    pub fn is_ca_named(&self) -> bool {
        self.tls == Tls::Disable || self.tls_ca_file.is_some()
    }

    /// What makes connections to it as `tls` says.
    ///
    /// # Errors
    /// [`PoolError::NoAuthorities`] or [`PoolError::Authorities`] when `tls_ca_file` is needed and can not be used.
    pub fn connector(&self) -> Result<Connector, PoolError> {
        let authorities = match (self.tls, &self.tls_ca_file) {
            (Tls::Disable, _) => None,
            (Tls::Require, Some(path)) => Some(path.as_path()),
            (Tls::Require, None) => {
                return Err(PoolError::NoAuthorities {
                    place: self.place(),
                });
            }
        };
        tls::connector(authorities).map_err(|cause| PoolError::Authorities {
            path: self.tls_ca_file.clone().unwrap_or_default(),
            cause,
        })
    }

    /// What to do where it is [in the clear](Self::is_plain).
    pub const PLAIN: &str = "a database is on another machine and its connection is not encrypted: set \
        database.write.tls and database.read.tls to \"require\", and tls_ca_file";

    /// Whether others could read or change on the way what goes to it and comes from it: it is on another machine, and
    /// the connection is not encrypted.
    #[must_use]
    pub fn is_plain(&self) -> bool {
        let is_here = self.host == "localhost"
            || self.host.starts_with('/')
            || self
                .host
                .parse::<IpAddr>()
                .is_ok_and(|address| address.is_loopback());
        self.tls == Tls::Disable && !is_here
    }

    /// `host:port/dbname as user`: for people and logs, without the password.
    pub fn place(&self) -> String {
        format!(
            "{}:{}/{} as {}",
            self.host, self.port, self.dbname, self.user
        )
    }
}

impl Default for Databases {
    fn default() -> Self {
        Self {
            write: Connection::local(WRITE_PORT),
            read: Connection::local(READ_PORT),
        }
    }
}

/// Creates the database that `connection` names if the server does not have it yet; asks the server
/// through its maintenance database `postgres`. Needs the right to create databases.
///
/// # Errors
/// [`PoolError`] when the server can not be reached or refuses.
pub async fn ensure_database(connection: &Connection) -> Result<(), PoolError> {
    let maintenance = Connection {
        dbname: "postgres".into(),
        ..connection.clone()
    };
    let client = connect(&maintenance).await?;
    let refused = |source| PoolError::Connect {
        place: maintenance.place(),
        source,
    };
    let known = client
        .query_opt(
            "SELECT FROM pg_database WHERE datname = $1",
            &[&connection.dbname],
        )
        .await
        .map_err(refused)?;
    if known.is_some() {
        return Ok(());
    }
    let name = connection.dbname.replace('"', "\"\"");
    match client
        .batch_execute(&format!("CREATE DATABASE \"{name}\""))
        .await
    {
        // Somebody else created it between the question and the command.
        Err(error) if created_meanwhile(&error) => Ok(()),
        other => other.map_err(refused),
    }
}

/// Likewise, once the server is there: one that is being started is waited for, for at most `patience`. `tell` hears once
/// what is waited for.
///
/// # Errors
/// As [`ensure_database`]; at once, if the server is there and refuses.
pub async fn ensure_database_within(
    patience: Duration,
    connection: &Connection,
    tell: impl FnOnce(&PoolError),
) -> Result<(), PoolError> {
    let give_up_at = Instant::now() + patience;
    let mut tell = Some(tell);
    loop {
        match ensure_database(connection).await {
            Err(error) if error.is_absence() && Instant::now() < give_up_at => {
                if let Some(tell) = tell.take() {
                    tell(&error);
                }
            }
            ended => return ended,
        }
        tokio::time::sleep(PAUSE).await;
    }
}

fn created_meanwhile(error: &tokio_postgres::Error) -> bool {
    matches!(
        error.code(),
        Some(&SqlState::DUPLICATE_DATABASE | &SqlState::UNIQUE_VIOLATION)
    )
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_password_file_is_used_when_no_password_is_given() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("password");
        fs::write(&path, "from the file\n").unwrap();
        let mut connection = Connection {
            password_file: Some(path),
            ..Connection::local(1)
        };
        let read = |connection: &Connection| {
            let config = connection.client_config().unwrap();
            String::from_utf8(config.get_password().unwrap().to_vec()).unwrap()
        };
        assert_eq!(read(&connection), "from the file");
        connection.password = Secret::new("given");
        assert_eq!(read(&connection), "given");
    }

    #[test]
    fn a_missing_password_file_is_named() {
        let connection = Connection {
            password_file: Some("/no/such/file".into()),
            ..Connection::local(1)
        };
        let error = connection.client_config().unwrap_err().to_string();
        assert!(error.contains("/no/such/file"), "{error}");
    }
}
