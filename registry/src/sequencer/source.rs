//! Where entries that are not in memory come from.

use futures_util::future::BoxFuture;
use ledger::{Key, Slot, Stream};
use schemas::log::{Position, RunningHash};
use std::collections::HashMap;
use tokio::sync::watch;

/// Entries as of one checkpoint.
#[derive(Debug)]
pub struct Loaded {
    /// Every key asked for, present or known to be absent.
    pub slots: HashMap<Key, Slot>,
    /// Position the entries are as of.
    pub checkpoint: Position,
    /// Running hash of the stream there.
    pub hash: RunningHash,
}

/// The WRITE database can not be read at the moment.
#[derive(Debug, Clone, thiserror::Error)]
#[error("the WRITE database can not be read: {0}")]
pub struct SourceError(pub String);

/// The state of the ledger as of a checkpoint: the WRITE database.
pub trait StateSource: Send + Sync + 'static {
    /// Where the state stands, once its entries are such as this program reads; nothing is loaded before.
    fn open(&self, stream: Stream) -> BoxFuture<'_, Result<Loaded, SourceError>> {
        self.load(stream, &[])
    }

    /// Loads all keys in one snapshot.
    fn load<'a>(
        &'a self,
        stream: Stream,
        keys: &'a [Key],
    ) -> BoxFuture<'a, Result<Loaded, SourceError>>;

    /// The checkpoint as it moves; may be late.
    fn checkpoint(&self, stream: Stream) -> watch::Receiver<Position>;
}
