//! How far a database has come, known at once: its projector tells when a checkpoint moves.

use crate::checkpoint::{self, CHANNEL, Checkpoint, notified};
use crate::postgres::Connection;
use crate::{Error, schema};
use futures_util::StreamExt;
use futures_util::stream::poll_fn;
use ledger::Stream;
use schemas::log::Position;
use std::time::Duration;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio_postgres::AsyncMessage;

/// How often the checkpoint is read anyway, and a lost connection is tried again.
pub const POLL: Duration = Duration::from_millis(250);

/// How long it may take to say so: where the other end has vanished without a word, nothing else tells.
const PATIENCE: Duration = Duration::from_secs(5);

/// The database did not get there in time.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the database stands at {} position {at}, not yet at {wanted}", stream.as_str())]
pub struct TimedOut {
    /// The stream.
    pub stream: Stream,
    /// Position that was waited for.
    pub wanted: Position,
    /// Position the database stood at when time was up.
    pub at: Position,
}

/// Watches one database for as long as it lives.
pub struct CheckpointWatch {
    positions: [watch::Receiver<Position>; 3],
    connected: watch::Receiver<bool>,
    task: JoinHandle<()>,
}

impl Drop for CheckpointWatch {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// What the task knows.
#[derive(Default)]
struct Known {
    positions: [watch::Sender<Position>; 3],
    connected: watch::Sender<bool>,
}

impl Known {
    fn position(&self, stream: Stream) -> &watch::Sender<Position> {
        &self.positions[stream as usize]
    }

    fn is_connected(&self, connected: bool) {
        self.connected
            .send_if_modified(|known| std::mem::replace(known, connected) != connected);
    }
}

impl CheckpointWatch {
    /// Starts to watch the live schema at `connection`; a database that is away is waited for.
    #[must_use]
    pub fn start(connection: Connection) -> Self {
        let known = Known::default();
        let positions = Stream::ALL.map(|stream| known.position(stream).subscribe());
        let connected = known.connected.subscribe();
        let task = tokio::spawn(async move {
            loop {
                if let Err(error) = follow(&connection, &known).await {
                    tracing::debug!(%error, "the checkpoint can not be watched; trying again");
                }
                known.is_connected(false);
                tokio::time::sleep(POLL).await;
            }
        });
        Self {
            positions,
            connected,
            task,
        }
    }

    /// Where the database stands; the start until it has answered for the first time. Goes back if
    /// the database was restored from a backup.
    #[must_use]
    pub fn now(&self, stream: Stream) -> Position {
        *self.positions[stream as usize].borrow()
    }

    /// Follows it.
    #[must_use]
    pub fn positions(&self, stream: Stream) -> watch::Receiver<Position> {
        self.positions[stream as usize].clone()
    }

    /// Whether the database answered when it was last asked.
    #[must_use]
    pub fn is_connected(&self) -> bool {
        *self.connected.borrow()
    }

    /// Waits until the database has applied `stream` up to `position`, at most for `timeout`.
    ///
    /// # Errors
    /// [`TimedOut`].
    pub async fn wait_for(
        &self,
        stream: Stream,
        position: Position,
        timeout: Duration,
    ) -> Result<(), TimedOut> {
        let mut positions = self.positions(stream);
        let reached = positions.wait_for(|at| *at >= position);
        match tokio::time::timeout(timeout, reached).await {
            Ok(Ok(_)) => Ok(()),
            // The sender lives as long as the task, which lives as long as self.
            Ok(Err(_)) | Err(_) => Err(TimedOut {
                stream,
                wanted: position,
                at: self.now(stream),
            }),
        }
    }
}

/// From connecting to the first error.
async fn follow(connection: &Connection, known: &Known) -> Result<(), Error> {
    let (client, mut driver) = connection
        .client_config()?
        .application_name("checkpoint watch")
        .options(format!("-c search_path={}", schema::LIVE))
        .connect(connection.connector()?)
        .await?;
    let driver = async move {
        let mut messages = poll_fn(move |context| driver.poll_message(context));
        while let Some(message) = messages.next().await {
            if let AsyncMessage::Notification(notification) = message?
                && let Some((stream, position)) = notified(notification.payload())
                // The first look tells what was told before it.
                && *known.connected.borrow()
            {
                // One from before the last look tells nothing new.
                known.position(stream).send_if_modified(|at| {
                    let news = *at < position;
                    *at = position.max(*at);
                    news
                });
            }
        }
        Ok(())
    };
    let listen = async {
        client.batch_execute(&format!("LISTEN {CHANNEL}")).await?;
        loop {
            in_time(read(&client, known)).await?;
            tokio::time::sleep(POLL).await;
        }
    };
    tokio::select! {
        lost = driver => lost,
        failed = listen => failed,
    }
}

async fn in_time(answer: impl Future<Output = Result<(), Error>>) -> Result<(), Error> {
    let answer = tokio::time::timeout(PATIENCE, answer).await;
    answer.unwrap_or(Err(Error::Late))
}

async fn read(client: &tokio_postgres::Client, known: &Known) -> Result<(), Error> {
    let rows = client
        .query("SELECT position, hash, stream FROM checkpoint", &[])
        .await?;
    // Before the positions: who waits for one finds the database answering.
    known.is_connected(true);
    for row in &rows {
        let Checkpoint { position, .. } = checkpoint::from_row(row)?;
        let name: &str = row.try_get(2)?;
        for stream in Stream::ALL
            .into_iter()
            .filter(|known| known.as_str() == name)
        {
            known
                .position(stream)
                .send_if_modified(|at| std::mem::replace(at, position) != position);
        }
    }
    Ok(())
}
