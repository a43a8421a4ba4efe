//! The WRITE database as the source of entries.

use super::{Loaded, SourceError, StateSource};
use deadpool_postgres::Object;
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use ledger::{Key, Stream};
use projections::Target;
use projections::checkpoint_watch::CheckpointWatch;
use projections::entries;
use projections::postgres::Pool;
use projections::schema::{LIVE, tables};
use schemas::log::Position;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;
use tokio::time::{sleep, timeout};

/// How long a look-up may take before the commands that wait for it are refused: far longer than that
/// of the largest action should, and short enough where a database hangs with its connections open.
const PATIENCE: Duration = Duration::from_secs(5);
/// How often it is looked whether the tables are migrated.
const LOOK: Duration = Duration::from_millis(50);

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

    async fn client(&self) -> Result<Object, SourceError> {
        self.pool.get().await.map_err(failed)
    }
}

/// Returns once no migration of this release is missing, and the rows are of its version: where a projector starts as
/// well, in a moment.
async fn migrated(client: &Object) -> Result<(), projections::Error> {
    let target = Target::Write;
    while !tables(client, target, LIVE).await?.suffice(target) {
        sleep(LOOK).await;
    }
    Ok(())
}

fn failed(error: impl std::fmt::Display) -> SourceError {
    SourceError(error.to_string())
}

fn late() -> String {
    let seconds = PATIENCE.as_secs();
    format!("the WRITE database has not answered within {seconds} s")
}

impl StateSource for WriteDatabase {
    /// An entry from before a migration may lack what a rule looks at, and stays in memory once it is read.
    fn open(&self, stream: Stream) -> BoxFuture<'_, Result<Loaded, SourceError>> {
        async move {
            let client = self.client().await?;
            match timeout(PATIENCE, migrated(&client)).await {
                Ok(looked) => looked.map_err(failed)?,
                Err(_) => {
                    // It may be in the middle of a question.
                    drop(Object::take(client));
                    let why = "migrations of this release have not been run in the WRITE database, or its projector \
                               has not built it anew yet";
                    return Err(SourceError(why.to_owned()));
                }
            }
            drop(client);
            self.load(stream, &[]).await
        }
        .boxed()
    }

    fn load<'a>(
        &'a self,
        stream: Stream,
        keys: &'a [Key],
    ) -> BoxFuture<'a, Result<Loaded, SourceError>> {
        async move {
            let client = self.client().await?;
            let found = timeout(PATIENCE, entries::load(&client, stream, keys)).await;
            let found = found.map_err(|_| late());
            match found.and_then(|found| found.map_err(|error| error.to_string())) {
                Ok(found) => Ok(Loaded {
                    slots: found.slots,
                    checkpoint: found.checkpoint.position,
                    hash: found.checkpoint.hash,
                }),
                Err(error) => {
                    // It may be in the middle of a transaction.
                    drop(Object::take(client));
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
