//! A log and two databases, with projectors that can be started and stopped.

use super::history::{DOMAIN, History};
use event_store::{EventStore, SqliteStore};
use ledger::Stream;
use projections::postgres::{Connection, Databases};
use projections::runner::{CHUNK_ROWS, Progress, Projector};
use projections::verify::{AuditReport, audit};
use projections::{Target, checkpoint, schema};
use std::sync::Arc;
use tempfile::TempDir;
use tests::{Clusters, Database, Proxy, eventually};
use tokio::runtime::Handle;
use tokio::sync::watch;
use tokio::task::JoinHandle;

pub struct Rig {
    pub clusters: Clusters,
    pub databases: Databases,
    pub history: History,
    _folder: TempDir,
}

/// A projector at work; it ends when this is dropped.
pub struct Running {
    pub task: JoinHandle<Result<(), projections::Error>>,
    pub progress: watch::Receiver<Progress>,
}

impl Drop for Running {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Rig {
    pub async fn on_shared_servers() -> Self {
        Self::on(Clusters::shared().await).await
    }

    /// On servers of its own, to do to them what the test likes.
    pub async fn on_own_servers() -> Self {
        Self::on(Clusters::own().await).await
    }

    async fn on(clusters: Clusters) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let store = SqliteStore::open(&folder.path().join("events.db")).unwrap();
        let (write, read) = tokio::join!(
            Database::create(&clusters.write),
            Database::create(&clusters.read)
        );
        Self {
            clusters,
            databases: Databases { write, read },
            history: History::new(Arc::new(store)),
            _folder: folder,
        }
    }

    pub fn store(&self) -> Arc<dyn EventStore> {
        Arc::clone(&self.history.store)
    }

    pub fn connection(&self, target: Target) -> &Connection {
        match target {
            Target::Write => &self.databases.write,
            Target::Read => &self.databases.read,
        }
    }

    pub fn start(&self, target: Target) -> Running {
        self.start_with(target, CHUNK_ROWS)
    }

    pub fn start_with(&self, target: Target, rows: u64) -> Running {
        self.start_at(target, self.connection(target).clone(), rows)
    }

    /// Likewise, with a way to the database that can fail.
    pub fn start_through(&self, target: Target, way: &Proxy) -> Running {
        let connection = Connection {
            port: way.port(),
            ..self.connection(target).clone()
        };
        self.start_at(target, connection, CHUNK_ROWS)
    }

    fn start_at(&self, target: Target, connection: Connection, rows: u64) -> Running {
        let projector =
            Projector::with_chunks_of(target, connection, self.store(), DOMAIN, rows).unwrap();
        Running {
            progress: projector.progress(),
            task: tokio::spawn(projector.run(std::future::pending())),
        }
    }

    pub fn start_both(&self) -> [Running; 2] {
        Target::ALL.map(|target| self.start(target))
    }

    /// Waits until the databases stand where the log ends.
    pub async fn caught_up(&self) {
        for target in Target::ALL {
            self.caught_up_in(target).await;
        }
    }

    pub async fn caught_up_in(&self, target: Target) {
        for stream in Stream::OF_STATE {
            let head = self.history.head(stream);
            let what = format!("{target} stands at {} {head}", stream.as_str());
            eventually(&what, || async {
                let client = schema::connect(self.connection(target), schema::LIVE)
                    .await
                    .ok()?;
                let at = checkpoint::checkpoint(&client, stream).await.ok()?;
                (at.position == head).then_some(())
            })
            .await;
        }
    }

    pub async fn report(&self) -> AuditReport {
        audit(&self.databases, &self.store(), DOMAIN).await.unwrap()
    }

    /// Waits until the databases have caught up, and checks every invariant.
    pub async fn audit(&self) {
        self.caught_up().await;
        let report = self.report().await;
        assert!(report.passed(), "{report}");
    }
}

impl Drop for Rig {
    fn drop(&mut self) {
        tokio::task::block_in_place(|| {
            Handle::current().block_on(async {
                tokio::join!(
                    Database::remove(&self.databases.write),
                    Database::remove(&self.databases.read)
                );
            });
        });
    }
}
