//! What the HTTP layer needs of the parts behind it.

use crate::sequencer::{ExecuteError, Receipt, Request, Sequencers};
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use ledger::Stream;
use projections::checkpoint_watch::CheckpointWatch;
use schemas::log::Position;
use std::time::Duration;

/// Where commands are decided.
pub trait Decide: Send + Sync {
    /// Decides a command; the receipt, if there is one, is durable.
    fn execute(&self, request: Request) -> BoxFuture<'_, Result<Receipt, ExecuteError>>;
}

impl Decide for Sequencers {
    fn execute(&self, request: Request) -> BoxFuture<'_, Result<Receipt, ExecuteError>> {
        Self::execute(self, request).boxed()
    }
}

/// How far a database has come.
pub trait Progress: Send + Sync {
    /// Position up to which it shows a stream, as far as is known.
    fn position(&self, stream: Stream) -> Position;

    /// Waits until it shows a stream up to `position`; false if it did not within `at_most`.
    fn wait_for(
        &self,
        stream: Stream,
        position: Position,
        at_most: Duration,
    ) -> BoxFuture<'_, bool>;
}

impl Progress for CheckpointWatch {
    fn position(&self, stream: Stream) -> Position {
        self.now(stream)
    }

    fn wait_for(
        &self,
        stream: Stream,
        position: Position,
        at_most: Duration,
    ) -> BoxFuture<'_, bool> {
        Self::wait_for(self, stream, position, at_most)
            .map(|reached| reached.is_ok())
            .boxed()
    }
}
