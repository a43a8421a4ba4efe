//! Both databases, looked at from outside: how far they have come, and which bundles there are.

use anyhow::{Context, Result, ensure};
use ledger::Stream;
use projections::Target;
use projections::checkpoint_watch::CheckpointWatch;
use projections::postgres::{Databases as Connections, connect};
use schemas::log::Position;
use std::time::{Duration, Instant};

/// Longest wait for a database to catch up.
const PATIENCE: Duration = Duration::from_secs(600);
/// How often it is asked whether a projector stands by.
const LOOK: Duration = Duration::from_millis(20);

pub struct Databases {
    connections: Connections,
    pub write: CheckpointWatch,
    pub read: CheckpointWatch,
}

impl Databases {
    pub fn watch(connections: Connections) -> Self {
        Self {
            write: CheckpointWatch::start(connections.write.clone()),
            read: CheckpointWatch::start(connections.read.clone()),
            connections,
        }
    }

    /// Waits until both show the ledger up to `position`.
    pub async fn caught_up(&self, position: i64) -> Result<()> {
        let position = Position(position);
        let (write, read) = tokio::join!(
            self.write.wait_for(Stream::Ledger, position, PATIENCE),
            self.read.wait_for(Stream::Ledger, position, PATIENCE),
        );
        write.context("WRITE")?;
        read.context("READ")
    }

    pub const fn of(&self, target: Target) -> &CheckpointWatch {
        match target {
            Target::Write => &self.write,
            Target::Read => &self.read,
        }
    }

    /// Waits until a projector waits for the one at work to end.
    pub async fn stands_by(&self, target: Target) -> Result<()> {
        let client = connect(match target {
            Target::Write => &self.connections.write,
            Target::Read => &self.connections.read,
        })
        .await?;
        let deadline = Instant::now() + PATIENCE;
        // It asks for nothing but the lock, and who holds it.
        let sql = "SELECT EXISTS (SELECT FROM pg_stat_activity
                   WHERE application_name = 'projector' AND query ~ 'pg_try_advisory_lock|pg_locks')";
        while !client.query_one(sql, &[]).await?.try_get::<_, bool>(0)? {
            ensure!(
                Instant::now() < deadline,
                "no projector stands by for {target}"
            );
            tokio::time::sleep(LOOK).await;
        }
        Ok(())
    }

    /// Active bundles of these devices, whole as they were issued.
    pub async fn bundles_of(&self, devices: &[i64]) -> Result<Vec<i64>> {
        let client = connect(&self.connections.read).await?;
        let rows = client
            .query(
                "SELECT bundle_id FROM bundle
                 WHERE device_id = ANY($1) AND status = 'Active' AND parent_id IS NULL ORDER BY bundle_id",
                &[&devices],
            )
            .await?;
        rows.iter().map(|row| Ok(row.try_get(0)?)).collect()
    }

    /// Has both vacuum and write out what was changed.
    pub async fn settle(&self) -> Result<()> {
        for connection in [&self.connections.write, &self.connections.read] {
            let client = connect(connection).await?;
            for command in ["VACUUM (ANALYZE)", "CHECKPOINT"] {
                client.batch_execute(command).await.context(command)?;
            }
        }
        Ok(())
    }

    /// Rows of table `bundle` in READ.
    pub async fn bundle_count(&self) -> Result<i64> {
        let client = connect(&self.connections.read).await?;
        let row = client.query_one("SELECT count(*) FROM bundle", &[]).await?;
        Ok(row.try_get(0)?)
    }

    /// Bytes of the WRITE and of the READ database, indexes included.
    pub async fn bytes(&self) -> Result<[i64; 2]> {
        let mut bytes = [0; 2];
        let connections = [&self.connections.write, &self.connections.read];
        for (bytes, connection) in bytes.iter_mut().zip(connections) {
            let client = connect(connection).await?;
            let sql = "SELECT pg_database_size(current_database())";
            *bytes = client.query_one(sql, &[]).await?.try_get(0)?;
        }
        Ok(bytes)
    }

    pub async fn server_version(&self) -> Result<String> {
        let client = connect(&self.connections.read).await?;
        let row = client.query_one("SHOW server_version", &[]).await?;
        Ok(row.try_get(0)?)
    }
}
