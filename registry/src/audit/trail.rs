//! The way into the trail.

use super::writer::{Message, Writer};
use event_store::EventStore;
use schemas::event::audit::{ApiKeyUse, Attempt, Client};
use schemas::log::StreamName;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{mpsc, oneshot};

/// Entries that may wait to be written.
const QUEUE: usize = 4_096;
/// How long an answer waits for its entry: an event store that hangs must not hold up refusals.
const PATIENCE: Duration = Duration::from_secs(2);

/// Where entries go; clones share it.
#[derive(Clone)]
pub struct Trail(mpsc::Sender<Message>);

impl Trail {
    /// A trail into `stream`, and what writes it: to be run until it ends, which it does when all handles
    /// are gone or soon after `stopping`, with everything written.
    pub fn new(
        store: Arc<dyn EventStore>,
        stream: StreamName,
        stopping: impl Future<Output = ()> + Send,
    ) -> (Self, impl Future<Output = ()> + Send) {
        let (sender, queue) = mpsc::channel(QUEUE);
        let writer = Writer::new(store, stream, queue);
        (Self(sender), writer.run(stopping))
    }

    /// Records attempts; returns when they are durable, or can not be made so in time.
    pub(super) async fn record(&self, attempts: Vec<Attempt>) {
        let count = attempts.len() as u64;
        let recorded = async {
            let mut waiting = Vec::with_capacity(attempts.len());
            for attempt in attempts {
                let (durable, recorded) = oneshot::channel();
                let message = Message::Attempt(Box::new(attempt), Some(durable));
                match self.0.send(message).await {
                    Ok(()) => waiting.push(recorded),
                    Err(_) => lost(1),
                }
            }
            for recorded in waiting {
                // An error means that it was lost, which the writer has told.
                let _ = recorded.await;
            }
        };
        if tokio::time::timeout(PATIENCE, recorded).await.is_err() {
            metrics::counter!("audit_attempts_unconfirmed_total").increment(count);
            tracing::warn!(
                count,
                "refusals are answered before the audit trail has them"
            );
        }
    }

    /// Records an attempt that nobody waits for any more.
    pub(super) fn leave(&self, attempt: Attempt) {
        if self
            .0
            .try_send(Message::Attempt(Box::new(attempt), None))
            .is_err()
        {
            lost(1);
        }
    }

    /// Records where commands came from.
    pub(super) fn came_from(&self, client: Client) {
        let commands = client.command_ids.len() as u64;
        if self.0.try_send(Message::Client(client)).is_err() {
            unknown(commands);
        }
    }

    /// Records that an API key was used; where too much waits it is not, since others will be.
    pub(crate) fn used(&self, one: ApiKeyUse) {
        // An error means just that.
        let _ = self.0.try_send(Message::Use(one));
    }
}

/// Tells of attempts that are not in the trail.
pub(super) fn lost(count: u64) {
    metrics::counter!("audit_attempts_lost_total").increment(count);
}

/// Tells of commands of which nobody will know where they came from.
pub(super) fn unknown(commands: u64) {
    metrics::counter!("audit_clients_lost_total").increment(commands);
}
