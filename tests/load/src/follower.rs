//! When a database showed what.

use anyhow::{Context, Result};
use ledger::Stream;
use projections::checkpoint_watch::CheckpointWatch;
use std::time::{Duration, Instant};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

/// When a database was seen to show a position of the ledger, in the order of time.
pub struct Seen(Vec<(i64, Instant)>);

/// Notes when a database moves.
pub struct Follower {
    stop: oneshot::Sender<()>,
    task: JoinHandle<Seen>,
}

impl Follower {
    pub fn of(watch: &CheckpointWatch) -> Self {
        let mut positions = watch.positions(Stream::Ledger);
        let (stop, mut stopped) = oneshot::channel();
        let task = tokio::spawn(async move {
            let mut seen = Vec::new();
            loop {
                let at = positions.borrow_and_update().0;
                seen.push((at, Instant::now()));
                tokio::select! {
                    moved = positions.changed() => if moved.is_err() { return Seen(seen) },
                    _ = &mut stopped => return Seen(seen),
                }
            }
        });
        Self { stop, task }
    }

    pub async fn seen(self) -> Result<Seen> {
        // It ends either way.
        let _ = self.stop.send(());
        Ok(self.task.await?)
    }
}

impl Seen {
    /// From `moment` until `position` was visible; zero if it was before.
    pub fn since(&self, position: i64, moment: Instant) -> Result<Duration> {
        let index = self.0.partition_point(|(at, _)| *at < position);
        let (_, visible) = self.0.get(index).context("a position was never seen")?;
        Ok(visible.saturating_duration_since(moment))
    }
}
