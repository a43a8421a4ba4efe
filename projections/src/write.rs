//! The WRITE database: the sequencer's own entries, folded by the sequencer's own rules.

use crate::chunk::Chunk;
use crate::{Error, entries};
use deadpool_postgres::ClientWrapper;
use ledger::{Changes, Key, Slot};
use schemas::log::Position;
use std::collections::{HashMap, HashSet};
use std::sync::Arc;

/// Chunks up to here are folded on the spot; handing them to another thread takes longer.
const INLINE_ROWS: u64 = 512;

/// Entries that a chunk changes, as they were before it.
pub(crate) struct Base(HashMap<Key, Slot>);

impl Base {
    /// Loads them, as of the position before the chunk's first.
    pub(crate) async fn load(
        client: &ClientWrapper,
        chunk: &Chunk,
        as_of: Position,
    ) -> Result<Self, Error> {
        let keys = touched(chunk);
        let found = entries::fetch(client, chunk.stream, &keys).await?;
        Ok(Self(entries::slots(keys.into_iter(), found, as_of)))
    }

    /// Applies the chunk, within the caller's transaction.
    pub(crate) async fn apply(
        self,
        client: &ClientWrapper,
        chunk: &Arc<Chunk>,
    ) -> Result<(), Error> {
        let (base, changed) = if chunk.size.rows <= INLINE_ROWS {
            fold(self.0, chunk)?
        } else {
            let chunk = Arc::clone(chunk);
            tokio::task::spawn_blocking(move || fold(self.0, &chunk)).await??
        };
        entries::save(client, chunk.stream, &base, &changed).await
    }
}

/// Keys to load, each once.
fn touched(chunk: &Chunk) -> Vec<Key> {
    let mut seen = HashSet::new();
    chunk
        .events
        .iter()
        .flat_map(|event| ledger::touched(&event.recorded()))
        .filter(|key| seen.insert(*key))
        .collect()
}

type Folded = (HashMap<Key, Slot>, HashMap<Key, Slot>);

fn fold(base: HashMap<Key, Slot>, chunk: &Chunk) -> Result<Folded, Error> {
    let mut changes = Changes::on(&base);
    for event in &chunk.events {
        ledger::apply(&mut changes, &event.recorded())?;
    }
    let changed = changes.into_changed();
    Ok((base, changed))
}
