//! Fetches and decodes a stream ahead of the projector.

use crate::checkpoint::Checkpoint;
use crate::chunk::Chunk;
use crate::{Error, Target};
use event_store::{EventStore, RecordedEvent, StoreError};
use futures_util::stream::{self, BoxStream};
use futures_util::{StreamExt, TryStreamExt};
use ledger::Stream;
use schemas::log::{Position, StreamName};
use std::sync::Arc;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

/// Batches up to here are decoded on the spot; handing them to another thread takes longer.
const INLINE_BYTES: usize = 32 << 10;

/// Events read from history at once.
const BATCH_EVENTS: usize = 4096;

/// What a feed reads and how it cuts it.
#[derive(Debug, Clone)]
pub(crate) struct Source {
    pub stream: Stream,
    pub name: StreamName,
    /// Rows of a chunk.
    pub rows: u64,
    /// Whether bundle hashes are wanted.
    pub hashes: bool,
}

impl Source {
    pub(crate) fn new(
        stream: Stream,
        domain: &str,
        target: Target,
        rows: u64,
    ) -> Result<Self, Error> {
        Ok(Self {
            stream,
            name: stream.name(domain)?,
            rows,
            hashes: target == Target::Read,
        })
    }

    pub(crate) async fn decode(&self, batch: Vec<RecordedEvent>) -> Result<Vec<Chunk>, Error> {
        let source = self.clone();
        let cut = move |batch| {
            Chunk::cut(
                source.stream,
                &source.name,
                batch,
                source.rows,
                source.hashes,
            )
        };
        if batch.iter().map(RecordedEvent::size).sum::<usize>() <= INLINE_BYTES {
            cut(batch)
        } else {
            tokio::task::spawn_blocking(move || cut(batch)).await?
        }
    }
}

/// Chunks of one stream, in order, history first and then as events come.
pub(crate) struct Feed {
    chunks: mpsc::Receiver<Result<Chunk, Error>>,
    pending: Option<Chunk>,
    rows: u64,
    task: JoinHandle<()>,
}

impl Drop for Feed {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Feed {
    /// All events behind `after`: history, then new ones as they come.
    pub(crate) fn live(store: &Arc<dyn EventStore>, source: Source, after: Checkpoint) -> Self {
        let batches = store.subscribe(&source.name, after.position);
        Self::start(batches.map_err(Error::from).boxed(), source, after)
    }

    /// The events behind `after`, up to and including `until`.
    pub(crate) fn history(
        store: &Arc<dyn EventStore>,
        source: Source,
        after: Checkpoint,
        until: Position,
    ) -> Self {
        let (store, name) = (Arc::clone(store), source.name.clone());
        let batches = stream::try_unfold(after.position, move |at| {
            let (store, name) = (Arc::clone(&store), name.clone());
            async move {
                let left = usize::try_from(until.0 - at.0).unwrap_or_default();
                let batch = store.read(&name, at, left.min(BATCH_EVENTS)).await?;
                let last = batch.last().map(|event| event.position);
                Ok(last.map(|last| (batch, last)))
            }
        });
        Self::start(batches.boxed(), source, after)
    }

    fn start(
        mut batches: BoxStream<'static, Result<Vec<RecordedEvent>, Error>>,
        source: Source,
        after: Checkpoint,
    ) -> Self {
        let rows = source.rows;
        // One chunk waits while one is written; more would only hold memory.
        let (sender, chunks) = mpsc::channel(1);
        let task = tokio::spawn(async move {
            let mut last = after;
            // What comes while a chunk waits is read at once, when that is taken.
            while sender.reserve().await.is_ok()
                && let Some(batch) = batches.next().await
            {
                let decoded = match batch {
                    Ok(batch) => follow(&source, &mut last, batch).await,
                    Err(error) => Err(error),
                };
                let (chunks, failed) = match decoded {
                    Ok(chunks) => (chunks, None),
                    Err(error) => (Vec::new(), Some(error)),
                };
                for chunk in chunks {
                    if sender.send(Ok(chunk)).await.is_err() {
                        return;
                    }
                }
                if let Some(error) = failed {
                    // An error means that nobody waits for it any more.
                    let _ = sender.send(Err(error)).await;
                    return;
                }
            }
        });
        Self {
            chunks,
            pending: None,
            rows,
            task,
        }
    }

    /// The next chunk: what is waiting, up to the size of a chunk. Cancel safe.
    pub(crate) async fn next(&mut self) -> Result<Chunk, Error> {
        if self.pending.is_none() {
            self.pending = Some(self.receive().await?);
        }
        while let Some(chunk) = &mut self.pending
            && chunk.size.rows < self.rows
            && let Ok(more) = self.chunks.try_recv()
        {
            match more {
                Ok(more) => chunk.extend(more),
                Err(error) => return Err(error),
            }
        }
        self.pending
            .take()
            .ok_or_else(|| Error::Inconsistent("a feed lost a chunk".into()))
    }

    async fn receive(&mut self) -> Result<Chunk, Error> {
        self.chunks.recv().await.unwrap_or_else(|| {
            let ended: Box<dyn std::error::Error + Send + Sync> = "the events ended".into();
            Err(StoreError::Unavailable(ended.into()).into())
        })
    }
}

async fn follow(
    source: &Source,
    last: &mut Checkpoint,
    batch: Vec<RecordedEvent>,
) -> Result<Vec<Chunk>, Error> {
    for event in &batch {
        if event.position != last.position.plus(1) {
            return Err(Error::Inconsistent(format!(
                "stream {} goes on at position {} after {}",
                source.name, event.position, last.position
            )));
        }
        *last = Checkpoint {
            position: event.position,
            hash: event.hash,
        };
    }
    source.decode(batch).await
}
