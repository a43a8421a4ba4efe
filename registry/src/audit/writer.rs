//! One task that puts what waits into one append.

use super::batch::{Batch, Gathered};
use super::flood::{Floods, Kind};
use super::trail::{lost, unknown};
use event_store::{AppendError, EventStore, NewEvent, StoreError};
use schemas::event::audit::{ApiKeyUse, Attempt, Client};
use schemas::log::{Position, StreamName};
use std::pin::pin;
use std::sync::Arc;
use tokio::sync::{mpsc, oneshot};
use tokio::time::Instant;

/// Messages put into one append.
const BATCH: usize = 1_024;
/// Gathered at most: then they are written at once.
const MOST_GATHERED: usize = 10_000;
/// How often an append is tried that other processes got in the way of.
const TRIES: u32 = 20;

/// What is to be recorded.
pub(super) enum Message {
    /// An attempt, and who waits until it is.
    Attempt(Box<Attempt>, Option<oneshot::Sender<()>>),
    /// Where commands came from.
    Client(Client),
    /// That an API key was used.
    Use(ApiKeyUse),
}

pub(super) struct Writer {
    store: Arc<dyn EventStore>,
    stream: StreamName,
    queue: mpsc::Receiver<Message>,
    /// Where the stream ends, as far as is known.
    head: Option<Position>,
    floods: Floods,
    gathered: Gathered,
    is_away: bool,
}

impl Writer {
    pub(super) fn new(
        store: Arc<dyn EventStore>,
        stream: StreamName,
        queue: mpsc::Receiver<Message>,
    ) -> Self {
        Self {
            store,
            stream,
            queue,
            head: None,
            floods: Floods::default(),
            gathered: Gathered::default(),
            is_away: false,
        }
    }

    pub(super) async fn run(mut self, stopping: impl Future<Output = ()> + Send) {
        let mut stopping = pin!(stopping);
        let mut is_stopping = false;
        loop {
            let mut batch = Batch::default();
            let due = self.gathered.due;
            let ripe = async {
                match due {
                    Some(due) => tokio::time::sleep_until(due).await,
                    None => std::future::pending().await,
                }
            };
            let mut is_over = false;
            tokio::select! {
                message = self.queue.recv() => match message {
                    Some(message) => self.take(message, &mut batch),
                    None => is_over = true,
                },
                () = ripe => {}
                () = &mut stopping, if !is_stopping => {
                    is_stopping = true;
                    self.queue.close();
                }
            }
            for _ in 0..BATCH {
                let Ok(message) = self.queue.try_recv() else {
                    break;
                };
                self.take(message, &mut batch);
            }
            let is_ripe = due.is_some_and(|due| due <= Instant::now());
            if is_ripe || is_over || self.gathered.count >= MOST_GATHERED {
                std::mem::take(&mut self.gathered).into_batch(&mut batch);
            }
            self.write(batch).await;
            if is_over {
                return;
            }
        }
    }

    fn take(&mut self, message: Message, batch: &mut Batch) {
        match message {
            Message::Client(client) => self.gathered.client(client),
            Message::Use(one) => self.gathered.used(one),
            Message::Attempt(attempt, waiting) => {
                let kind = Kind::of(&attempt);
                if self.floods.is_flood(&kind, Instant::now()) {
                    self.gathered.attempt(kind, *attempt, waiting);
                } else {
                    batch.attempts.push(*attempt);
                    batch.waiting.extend(waiting);
                }
            }
        }
    }

    async fn write(&mut self, batch: Batch) {
        let (attempts, commands) = (batch.attempts(), batch.commands());
        let events = batch.events(self.store.as_ref());
        if events.is_empty() {
            return;
        }
        match self.append(events).await {
            Ok(()) => {
                metrics::counter!("audit_attempts_total").increment(attempts);
                if std::mem::take(&mut self.is_away) {
                    tracing::info!("the audit trail can be written again");
                }
                for waiting in batch.waiting {
                    // Whoever waited may have gone away.
                    let _ = waiting.send(());
                }
            }
            Err(error) => {
                lost(attempts);
                unknown(commands);
                self.head = None;
                if !std::mem::replace(&mut self.is_away, true) {
                    tracing::error!(%error, attempts, "the audit trail can not be written");
                }
            }
        }
    }

    /// Appends behind whatever is there, in as many appends as it takes: the order of entries decides nothing.
    async fn append(&mut self, events: Vec<NewEvent>) -> Result<(), Lost> {
        let size = |event: &NewEvent| self.store.size(event);
        for part in self.store.limits().cut(events, size) {
            self.append_part(part).await?;
        }
        Ok(())
    }

    async fn append_part(&mut self, events: Vec<NewEvent>) -> Result<(), Lost> {
        let mut expected = match self.head {
            Some(head) => head,
            None => self.store.head(&self.stream).await?.position,
        };
        for _ in 0..TRIES {
            match self
                .store
                .append(&self.stream, expected, events.clone())
                .await
            {
                Ok(head) => {
                    self.head = Some(head.position);
                    return Ok(());
                }
                Err(AppendError::Conflict { actual, .. }) => expected = actual,
                Err(error) => return Err(error.into()),
            }
        }
        Err(Lost::Crowded)
    }
}

/// Why entries are not in the trail.
#[derive(Debug, thiserror::Error)]
enum Lost {
    #[error(transparent)]
    Append(#[from] AppendError),
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error("other processes were always faster")]
    Crowded,
}

#[cfg(test)]
#[path = "writer_tests.rs"]
mod tests;
