//! What has to be there before the registry can run: keys, databases, and the lock on it all.

use std::{
    fs,
    net::SocketAddr,
    path::{Path, PathBuf},
};

use projections::{
    Target, migrate_live,
    postgres::{Connection, Secret, ensure_database},
};

use super::{
    error::{DevError, while_doing},
    lock,
    postgres::{Cluster, ClusterConfig},
    secret,
};
use crate::{config::Config, lock::FileLock};

/// The folder of keys and passwords in the data directory.
pub(super) const SECRETS: &str = "secrets";
/// The folder of the clusters.
pub(super) const CLUSTERS: &str = "postgres";
/// The configuration of the environment while it runs, for other commands to use it:
/// `GCR_CONFIG=data/dev.toml projector rebuild`. Names the files of secrets, holds none.
pub(super) const CONFIG: &str = "dev.toml";

/// Two running databases, and the configuration that reaches them. Dropping it stops them at once;
/// [`Environment::stop`] does it in good order.
#[derive(Debug)]
pub struct Environment {
    /// The configuration asked for, with paths absolute and secrets by file.
    pub config: Config,
    pub write: Cluster,
    pub read: Cluster,
    _lock: FileLock,
}

impl Environment {
    /// Makes what is missing and starts both databases, side by side.
    ///
    /// # Errors
    /// [`DevError`]: already running, or as [`Cluster::start`].
    pub async fn start(config: Config) -> Result<Self, DevError> {
        let mut config = config;
        config.data_dir = made(&config.data_dir)?;
        let held = lock::take(&config.data_dir)?;
        own_database("write", &config.database.write)?;
        own_database("read", &config.database.read)?;
        keep_secrets(&mut config)?;
        let (write, read) = tokio::try_join!(
            start("write", &config.data_dir, &config.database.write),
            start("read", &config.data_dir, &config.database.read),
        )?;
        config.database.write.port = write.port();
        config.database.read.port = read.port();
        tokio::try_join!(
            tables(&config.database.write, Target::Write),
            tables(&config.database.read, Target::Read),
        )?;
        Ok(Self {
            config,
            write,
            read,
            _lock: held,
        })
    }

    /// Tells other commands how to reach what runs here, the API at `address`.
    ///
    /// # Errors
    /// When the file can not be written.
    pub(super) fn publish(&mut self, address: SocketAddr) -> Result<(), DevError> {
        self.config.http.port = address.port();
        let file = self.config.data_dir.join(CONFIG);
        secret::write_private(&file, &self.config.to_toml()?).map_err(while_doing(format!(
            "{} can not be written",
            file.display()
        )))
    }

    /// Takes that back: what would be reached there from now on is somebody else's.
    pub(super) fn withdraw(&self) {
        let file = self.config.data_dir.join(CONFIG);
        if let Err(error) = fs::remove_file(&file)
            && error.kind() != std::io::ErrorKind::NotFound
        {
            tracing::warn!(%error, file = %file.display(), "it stays behind");
        }
    }

    /// Starts a database again that has ended by itself.
    ///
    /// # Errors
    /// As [`Cluster::start`].
    pub async fn mend(&mut self) -> Result<(), DevError> {
        for cluster in [&mut self.write, &mut self.read] {
            if cluster.has_ended() {
                tracing::error!(log = %cluster.log_file().display(), "a database ended; starting it again");
                cluster.restart().await?;
            }
        }
        Ok(())
    }

    /// Stops both databases, what is committed written out.
    ///
    /// # Errors
    /// [`super::postgres::ClusterError::DoesNotStop`].
    pub async fn stop(&mut self) -> Result<(), DevError> {
        let (write, read) = tokio::join!(self.write.stop(), self.read.stop());
        Ok(write.and(read)?)
    }
}

/// # Errors
/// [`DevError::Running`] when an environment is running on this configuration's data.
pub(super) fn refuse_second(config: &Config) -> Result<(), DevError> {
    match fs::canonicalize(&config.data_dir) {
        Ok(data_dir) => lock::take(&data_dir).map(drop),
        // Nothing has ever run here.
        Err(_) => Ok(()),
    }
}

async fn start(name: &str, data_dir: &Path, connection: &Connection) -> Result<Cluster, DevError> {
    let password = match &connection.password_file {
        Some(path) => secret::keep(path, &Secret::default())?,
        None => connection.password.clone(),
    };
    let wanted = data_dir.join(CLUSTERS).join(name);
    let config = ClusterConfig {
        user: connection.user.clone(),
        ..ClusterConfig::new(name, wanted, connection.port, password)
    };
    Ok(Cluster::start(config).await?)
}

/// The database with its tables, before anybody asks for them.
async fn tables(connection: &Connection, target: Target) -> Result<(), DevError> {
    ensure_database(connection).await?;
    Ok(migrate_live(connection, target).await?)
}

/// `dir`, created, absolute and without links.
fn made(dir: &Path) -> Result<PathBuf, DevError> {
    fs::create_dir_all(dir)
        .and_then(|()| fs::canonicalize(dir))
        .map_err(while_doing(format!("{} can not be made", dir.display())))
}

fn own_database(name: &'static str, connection: &Connection) -> Result<(), DevError> {
    match connection.host.as_str() {
        "127.0.0.1" | "localhost" => Ok(()),
        host => Err(DevError::ForeignDatabase {
            name,
            host: host.to_owned(),
        }),
    }
}

/// Puts the key of tokens and the passwords into files, and points the configuration at them.
fn keep_secrets(config: &mut Config) -> Result<(), DevError> {
    let folder = made(&config.data_dir.join(SECRETS))?;
    let kept = |name: &str, given: &mut Secret, file: &mut Option<PathBuf>| {
        if given.is_empty() && file.is_some() {
            return Ok(());
        }
        let path = folder.join(name);
        secret::keep(&path, given)?;
        *given = Secret::default();
        *file = Some(path);
        Ok::<_, DevError>(())
    };
    let auth = &mut config.auth;
    kept(
        "master",
        &mut auth.master_secret,
        &mut auth.master_secret_file,
    )?;
    for (name, database) in [
        ("write-password", &mut config.database.write),
        ("read-password", &mut config.database.read),
    ] {
        kept(name, &mut database.password, &mut database.password_file)?;
        // One spelling, so that the password file's lines match.
        database.host = "127.0.0.1".into();
    }
    Ok(())
}
