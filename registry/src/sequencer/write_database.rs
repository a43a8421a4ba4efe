//! The WRITE database as the source of entries.

use super::{Loaded, SourceError, StateSource};
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use ledger::{Key, Stream};
use projections::checkpoint_watch::CheckpointWatch;
use projections::entries;
use projections::postgres::Pool;
use schemas::log::Position;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;
use tokio::time::timeout;

/// How long a look-up may take before the commands that wait for it are refused: far longer than that
/// of the largest action should, and short enough where a database hangs with its connections open.
const PATIENCE: Duration = Duration::from_secs(5);

/// Reads entries through a pool; learns of the checkpoint's moves from its watch.
pub struct WriteDatabase {
    pool: Pool,
    checkpoints: Arc<CheckpointWatch>,
}

impl WriteDatabase {
    /// The WRITE database behind `pool`.
    #[must_use]
    pub fn new(pool: Pool, checkpoints: Arc<CheckpointWatch>) -> Self {
        Self { pool, checkpoints }
    }
}

impl StateSource for WriteDatabase {
    fn load<'a>(
        &'a self,
        stream: Stream,
        keys: &'a [Key],
    ) -> BoxFuture<'a, Result<Loaded, SourceError>> {
        let failed = |error: &dyn std::fmt::Display| SourceError(error.to_string());
        async move {
            let client = self.pool.get().await.map_err(|error| failed(&error))?;
            let found = timeout(PATIENCE, entries::load(&client, stream, keys)).await;
            let found = found.map_err(|_| {
                let seconds = PATIENCE.as_secs();
                format!("the WRITE database has not answered within {seconds} s")
            });
            match found.and_then(|found| found.map_err(|error| error.to_string())) {
                Ok(found) => Ok(Loaded {
                    slots: found.slots,
                    checkpoint: found.checkpoint.position,
                    hash: found.checkpoint.hash,
                }),
                Err(error) => {
                    // It may be in the middle of a transaction.
                    drop(deadpool_postgres::Object::take(client));
                    Err(SourceError(error))
                }
            }
        }
        .boxed()
    }

    fn checkpoint(&self, stream: Stream) -> watch::Receiver<Position> {
        self.checkpoints.positions(stream)
    }
}
