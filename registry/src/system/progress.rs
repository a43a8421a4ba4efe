//! How far the READ database has come, as the HTTP layer asks for it.

use std::{sync::Arc, time::Duration};

use futures_util::{FutureExt, future::BoxFuture};
use ledger::Stream;
use projections::checkpoint_watch::CheckpointWatch;
use schemas::log::Position;

use crate::http::port::Progress;

/// A watched database.
pub(super) struct Watched(pub Arc<CheckpointWatch>);

impl Progress for Watched {
    fn position(&self, stream: Stream) -> Position {
        self.0.now(stream)
    }

    fn wait_for(
        &self,
        stream: Stream,
        position: Position,
        at_most: Duration,
    ) -> BoxFuture<'_, bool> {
        let reached = self.0.wait_for(stream, position, at_most);
        async move { reached.await.is_ok() }.boxed()
    }
}
