//! The Postgres servers of the tests.

use projections::postgres::{Connection, connect};
use registry::dev::postgres::{Cluster, ClusterConfig};
use rustix::process::{Pid, test_kill_process};
use std::path::{Path, PathBuf};
use tokio_postgres::Client;
use uuid::Uuid;

/// Databases of tests are named so, followed by the id of the process and something unique.
const PREFIX: &str = "gcr_test_";

/// The servers of both databases.
pub struct Clusters {
    pub write: Cluster,
    pub read: Cluster,
    own: bool,
}

impl Clusters {
    /// Whether they are those of one test.
    pub(crate) const fn are_own(&self) -> bool {
        self.own
    }

    /// Lets servers of one test go on that it has paused.
    pub(crate) fn resume(&self) {
        if self.own {
            self.write.resume();
            self.read.resume();
        }
    }

    /// Servers that all tests use, in this process and in others: the first one starts them, the last
    /// one stops them. Their files stay for the next run.
    pub async fn shared() -> Self {
        let folder = folder();
        let shared = |name| Cluster::start(ClusterConfig::shared(name, folder.join(name)));
        let (write, read) = tokio::join!(shared("write"), shared("read"));
        let (write, read) = (write.unwrap(), read.unwrap());
        tokio::join!(clean(&write), clean(&read));
        Self {
            write,
            read,
            own: false,
        }
    }

    /// Servers for one test, which may do to them what it likes.
    pub async fn own() -> Self {
        let folder = std::env::temp_dir();
        Self::own_in(&folder, &folder).await
    }

    /// Likewise, with the files of either in this folder.
    pub async fn own_in(write: &Path, read: &Path) -> Self {
        let own = |name, folder: &Path| {
            let data_dir = folder.join(format!("gcr-{name}-{}", Uuid::new_v4().simple()));
            Cluster::start(ClusterConfig {
                data_dir,
                ..ClusterConfig::temporary(name)
            })
        };
        let (write, read) = tokio::join!(own("write", write), own("read", read));
        Self {
            write: write.unwrap(),
            read: read.unwrap(),
            own: true,
        }
    }
}

/// A database of one registry.
pub struct Database;

impl Database {
    /// How to connect to a fresh, empty database on `cluster`.
    pub async fn create(cluster: &Cluster) -> Connection {
        let unique = Uuid::new_v4().simple();
        let name = format!("{PREFIX}{}_{unique}", std::process::id());
        let connection = Connection {
            pool_size: 8,
            ..cluster.connection(&name)
        };
        let client = maintenance(&connection).await.unwrap();
        let sql = format!(
            "CREATE DATABASE \"{}\" STRATEGY file_copy",
            connection.dbname
        );
        client.batch_execute(&sql).await.unwrap();
        connection
    }

    /// Removes it, whoever is connected; a server that is gone has nothing to remove.
    pub async fn remove(connection: &Connection) {
        if let Ok(client) = maintenance(connection).await {
            remove(&client, &connection.dbname).await;
        }
    }
}

async fn maintenance(connection: &Connection) -> Result<Client, projections::postgres::PoolError> {
    connect(&Connection {
        dbname: "postgres".into(),
        ..connection.clone()
    })
    .await
}

async fn remove(client: &Client, name: &str) {
    let sql = format!("DROP DATABASE IF EXISTS \"{name}\" WITH (FORCE)");
    // Somebody else may be removing it too.
    if let Err(error) = client.batch_execute(&sql).await {
        eprintln!("{name} stays behind: {error}");
    }
}

/// Removes databases of test processes that were killed.
async fn clean(cluster: &Cluster) {
    let client = maintenance(&cluster.connection("postgres")).await.unwrap();
    let sql = "SELECT datname FROM pg_database WHERE datname LIKE $1";
    let rows = client.query(sql, &[&format!("{PREFIX}%")]).await.unwrap();
    for name in rows.iter().map(|row| row.get::<_, String>(0)) {
        let owner = name[PREFIX.len()..]
            .split('_')
            .next()
            .and_then(|pid| pid.parse().ok());
        let alive = owner
            .and_then(Pid::from_raw)
            .is_some_and(|pid| test_kill_process(pid).is_ok());
        if !alive {
            remove(&client, &name).await;
        }
    }
}

/// Where the files of shared servers are: in the folder for temporary files, which may be in memory, under the name
/// of this checkout.
fn folder() -> PathBuf {
    let checkout = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let name = checkout.to_string_lossy().replace('/', "-");
    std::env::temp_dir().join(format!("gcr-test-postgres{name}"))
}
