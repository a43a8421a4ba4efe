//! Subscriptions: reads that wait.
//!
//! The client's own subscription turns in a circle for ever, without giving way to other tasks, when a server
//! ends it in good order. Asking again costs one small call in [`POLL_INTERVAL`], an append of this process is
//! seen at once, and going on after a loss is no case of its own.

use super::backoff::Backoff;
use super::chain::Chain;
use super::failure::Failure;
use super::{Inner, read};
use crate::{Head, RecordedEvent, StoreError};
use futures_util::StreamExt;
use futures_util::stream::{self, BoxStream};
use schemas::log::{Position, StreamName};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;

/// How often to look for appends of other processes.
pub const POLL_INTERVAL: Duration = Duration::from_millis(50);

/// Most events of one batch.
pub const BATCH_EVENTS: usize = 4096;

/// Failures in a row after which it is worth a line in the log.
const QUIET_FAILURES: u32 = 3;

struct Subscription {
    inner: Arc<Inner>,
    appends: watch::Receiver<()>,
    stream: StreamName,
    /// Last position handed out.
    after: Position,
    /// Running hash there, once it is known.
    head: Option<Head>,
    ended: bool,
}

impl Subscription {
    async fn next(&mut self) -> Result<Vec<RecordedEvent>, StoreError> {
        let (mut backoff, mut failures) = (Backoff::default(), 0);
        loop {
            // Appends from here on are news: the read may or may not see them.
            self.appends.mark_unchanged();
            let chain = match self.head {
                Some(head) => Chain::after(&self.stream, head),
                None => Chain::behind(&self.stream, self.after),
            };
            match read::once(&self.inner.connection, chain, &self.stream, BATCH_EVENTS).await {
                Ok(batch) => {
                    if failures >= QUIET_FAILURES {
                        tracing::info!(stream = %self.stream, "the subscription goes on");
                    }
                    failures = 0;
                    if let Some(last) = batch.last() {
                        self.after = last.position;
                        self.head = Some(Head {
                            position: last.position,
                            hash: last.hash,
                        });
                        return Ok(batch);
                    }
                    backoff = Backoff::default();
                    tokio::select! {
                        // The sender lives as long as `inner`.
                        _ = self.appends.changed() => {}
                        () = tokio::time::sleep(POLL_INTERVAL) => {}
                    }
                }
                Err(Failure::Damaged(error)) => return Err(error),
                Err(failure) => {
                    failures += 1;
                    if failures == QUIET_FAILURES {
                        let error = StoreError::from(failure);
                        tracing::warn!(
                            stream = %self.stream,
                            after = self.after.0,
                            %error,
                            "a subscription waits for the event store"
                        );
                    }
                    backoff.wait().await;
                }
            }
        }
    }
}

/// See [`crate::EventStore::subscribe`].
pub(super) fn subscribe(
    inner: Arc<Inner>,
    stream: StreamName,
    after: Position,
) -> BoxStream<'static, Result<Vec<RecordedEvent>, StoreError>> {
    let state = Subscription {
        appends: inner.appends.subscribe(),
        inner,
        stream,
        after: after.max(Position::START),
        head: None,
        ended: false,
    };
    stream::unfold(state, |mut state| async move {
        if state.ended {
            return None;
        }
        let batch = state.next().await;
        state.ended = batch.is_err();
        Some((batch, state))
    })
    .boxed()
}
