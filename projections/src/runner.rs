//! The projector of one database: follows its streams, survives whatever happens to the database.

use crate::apply::{Notify, apply};
use crate::checkpoint::{Checkpoint, checkpoint};
use crate::chunk::{Chunk, Size};
use crate::feed::{Feed, Source};
use crate::lock::LOOK;
use crate::postgres::Connection;
use crate::rebuild;
use crate::traces::{self, Span};
use crate::{Error, Target, lock, schema};
use chrono::{TimeDelta, Utc};
use deadpool_postgres::ClientWrapper;
use event_store::EventStore;
use futures_util::future::{BoxFuture, select_all};
use futures_util::{FutureExt, TryFutureExt};
use ledger::Stream;
use schemas::log::Position;
use std::future::Future;
use std::sync::Arc;
use std::time::{Duration, SystemTime};
use tokio::sync::watch;
use tokio::time::Instant;

/// Rows of one transaction: enough that a transaction's own cost does not count, few enough that it
/// takes a tenth of a second.
pub const CHUNK_ROWS: u64 = 10_000;

/// Least time from the start of one transaction to the start of the next in WRITE and in READ, unless
/// more waits than a transaction takes. An event that comes alone is applied at once; events that come
/// close behind each other share a transaction, whose own cost is that of many rows. What READ shows is
/// waited for; what WRITE shows is not, because the sequencer holds what WRITE does not have yet.
const PACE: (Duration, Duration) = (Duration::from_millis(25), Duration::from_millis(5));

/// Least time from the start of one transaction to the start of the next, in times that it took, and how long that is at
/// most: a database under load is left in peace three times as long as it is asked, but not when more comes than that
/// leaves time for.
const REST: (u32, Duration) = (4, Duration::from_millis(100));

/// First and longest wait after an error.
const BACK_OFF: (Duration, Duration) = (Duration::from_millis(50), Duration::from_secs(2));

/// How long after a decision its projection is part of its trace.
const TRACED: TimeDelta = TimeDelta::minutes(15);

/// How long an idle database may take to say that it is there, and a transaction until it is done: far longer than
/// either does. Where the other end has vanished without a word, nothing else tells.
const ANSWER: Duration = Duration::from_secs(5);
const TRANSACTION: Duration = Duration::from_secs(300);

/// What a projector is doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Phase {
    /// Trying to reach the database.
    #[default]
    Connecting,
    /// Another projector is at work.
    Standby,
    /// At work.
    Active,
}

/// How far a projector has come.
#[derive(Debug, Clone, Default)]
pub struct Progress {
    /// What it is doing.
    pub phase: Phase,
    /// Checkpoint of the ledger stream.
    pub ledger: Position,
    /// Checkpoint of the identity stream.
    pub identity: Position,
    /// Checkpoint of the audit stream; the start where the database is not made from it.
    pub audit: Position,
    /// Applied since it was started.
    pub applied: Size,
    /// The last error, until something is applied again.
    pub error: Option<String>,
}

impl Progress {
    /// Checkpoint of `stream`.
    #[must_use]
    pub const fn position(&self, stream: Stream) -> Position {
        match stream {
            Stream::Ledger => self.ledger,
            Stream::Identity => self.identity,
            Stream::Audit => self.audit,
        }
    }

    fn set(&mut self, stream: Stream, position: Position) {
        match stream {
            Stream::Ledger => self.ledger = position,
            Stream::Identity => self.identity = position,
            Stream::Audit => self.audit = position,
        }
    }
}

/// The projector of one database.
pub struct Projector {
    target: Target,
    connection: Connection,
    store: Arc<dyn EventStore>,
    domain: String,
    sources: Vec<Source>,
    progress: watch::Sender<Progress>,
}

impl Projector {
    /// A projector of the streams of `domain` in `store` into the live schema of the database at
    /// `connection`. Does nothing yet.
    ///
    /// # Errors
    /// If `domain` can not be part of a stream's name.
    pub fn new(
        target: Target,
        connection: Connection,
        store: Arc<dyn EventStore>,
        domain: &str,
    ) -> Result<Self, Error> {
        Self::with_chunks_of(target, connection, store, domain, CHUNK_ROWS)
    }

    /// Likewise, with transactions of about `rows` rows.
    ///
    /// # Errors
    /// As [`Projector::new`].
    pub fn with_chunks_of(
        target: Target,
        connection: Connection,
        store: Arc<dyn EventStore>,
        domain: &str,
        rows: u64,
    ) -> Result<Self, Error> {
        Ok(Self {
            target,
            connection,
            store,
            domain: domain.to_owned(),
            sources: target
                .streams()
                .iter()
                .map(|stream| Source::new(*stream, domain, target, rows))
                .collect::<Result<_, _>>()?,
            progress: watch::Sender::default(),
        })
    }

    /// Follows what it does.
    #[must_use]
    pub fn progress(&self) -> watch::Receiver<Progress> {
        self.progress.subscribe()
    }

    /// Projects until `shutdown` completes. Only one projector of a database is active, others stand by.
    /// A database that is away is waited for.
    ///
    /// # Errors
    /// What waiting does not mend: an event that can not be read, a log that does not hold the history
    /// of the database (a restored log, or another registry's).
    pub async fn run(self, shutdown: impl Future<Output = ()> + Send) -> Result<(), Error> {
        tokio::select! {
            ended = self.run_on() => ended,
            () = shutdown => Ok(()),
        }
    }

    async fn run_on(&self) -> Result<(), Error> {
        let target = self.target;
        let mut wait = BACK_OFF.0;
        loop {
            let before = self.progress.borrow().applied;
            let error = match self.session().await {
                Err(error) if error.is_transient() => error,
                ended => return ended,
            };
            let moved = self.progress.borrow().applied != before;
            wait = if moved { BACK_OFF.0 } else { wait };
            let sentence = error.to_string();
            if self.progress.borrow().error.as_ref() != Some(&sentence) {
                tracing::warn!(%target, error = sentence, "projection interrupted; trying again");
            }
            self.progress.send_modify(|progress| {
                progress.phase = Phase::Connecting;
                progress.error = Some(sentence);
            });
            tokio::time::sleep(wait.mul_f64(rand::random_range(0.5..1.0))).await;
            wait = (wait * 2).min(BACK_OFF.1);
        }
    }

    /// From connecting to the first error.
    async fn session(&self) -> Result<(), Error> {
        let mut client = schema::connect(&self.connection, schema::LIVE).await?;
        if self.target == Target::Read {
            // What a crash of the database takes back is applied again: nobody decides on this one.
            client.batch_execute("SET synchronous_commit = off").await?;
        }
        lock::be_noticed(&client).await?;
        self.replace_older(&client).await?;
        self.become_active(&client).await?;
        schema::refuse_later(&client, self.target).await?;
        schema::migrate(&mut client, self.target, schema::LIVE).await?;
        self.progress
            .send_modify(|progress| progress.phase = Phase::Active);
        loop {
            match self.follow(&client).await {
                // Somebody else moved the checkpoint, or this is another schema now: look where it is.
                Err(Error::Moved) => {
                    tracing::info!(target = %self.target, "the checkpoint moved");
                    lock::keep(&client, self.replace_older(&client)).await?;
                }
                ended => return ended,
            }
        }
    }

    /// Has the tables built anew beside those that an earlier release made and may go on projecting to; when they are
    /// swapped, that release's projector has nothing more to do. Of several that would, one does.
    ///
    /// # Errors
    /// [`Error::Replaced`] if a later release has done so.
    async fn replace_older(&self, client: &ClientWrapper) -> Result<(), Error> {
        let target = self.target;
        while schema::version(client, schema::LIVE)
            .await?
            .is_some_and(|version| version < target.version())
        {
            for source in &self.sources {
                let at = checkpoint(client, source.stream).await?;
                self.store.check(&source.name, at).await?;
            }
            let replaced =
                rebuild::replace_older(target, &self.connection, &self.store, &self.domain);
            match replaced.await {
                Err(Error::Rebuilding) => tokio::time::sleep(LOOK).await,
                done => done?,
            }
        }
        schema::refuse_later(client, target).await
    }

    async fn become_active(&self, client: &ClientWrapper) -> Result<(), Error> {
        let mut watch = lock::Watch::default();
        while !lock::take(client, schema::LIVE).await? {
            self.progress
                .send_modify(|progress| progress.phase = Phase::Standby);
            watch.look(client, schema::LIVE).await?;
            tokio::time::sleep(LOOK).await;
        }
        Ok(())
    }

    async fn follow(&self, client: &ClientWrapper) -> Result<(), Error> {
        let mut following = Vec::with_capacity(self.sources.len());
        for source in &self.sources {
            let started = lock::keep(client, self.start(client, source));
            following.push(started.await?);
        }
        let pace = match self.target {
            Target::Write => PACE.0,
            Target::Read => PACE.1,
        };
        loop {
            let mut waiting = Vec::with_capacity(following.len());
            for one in &mut following {
                waiting.push(one.next());
            }
            let Ok((chunk, index, _)) = tokio::time::timeout(LOOK, select_all(waiting)).await
            else {
                // An idle database that was restored from a backup lags without a new event.
                in_time(ANSWER, client.check_connection().map_err(Error::from)).await?;
                continue;
            };
            let chunk = chunk?;
            let began = Instant::now();
            let is_full = chunk.size.rows >= following[index].rows;
            self.apply(client, chunk, &mut following[index].at).await?;
            // The first that has something is served: none keeps the others waiting.
            following[index..].rotate_left(1);
            if !is_full {
                let rest = pace.max((began.elapsed() * REST.0).min(REST.1));
                let rested = tokio::time::sleep_until(began + rest).map(Ok);
                lock::keep(client, rested).await?;
            }
        }
    }

    async fn start(&self, client: &ClientWrapper, source: &Source) -> Result<Following, Error> {
        let at = checkpoint(client, source.stream).await?;
        self.store.check(&source.name, at).await?;
        self.progress
            .send_modify(|progress| progress.set(source.stream, at.position));
        let feed = Feed::live(&self.store, source.clone(), at);
        let rows = source.rows;
        Ok(Following { feed, at, rows })
    }

    async fn apply(
        &self,
        client: &ClientWrapper,
        chunk: Chunk,
        at: &mut Checkpoint,
    ) -> Result<(), Error> {
        let chunk = Arc::new(chunk);
        let began = SystemTime::now();
        let applied = apply(client, self.target, &chunk, *at, Notify::Yes);
        for violation in in_time(TRANSACTION, applied).await? {
            tracing::error!(violation, "the log breaks a rule of the ledger");
        }
        *at = chunk.head;
        trace(self.target, &chunk, began);
        self.progress.send_modify(|progress| {
            progress.set(chunk.stream, at.position);
            progress.applied += chunk.size;
            progress.error = None;
        });
        Ok(())
    }
}

/// Records what became of each command in the database; not of those of long ago, when that is filled from the log.
fn trace(target: Target, chunk: &Chunk, began: SystemTime) {
    if !traces::are_on() {
        return;
    }
    let name = match target {
        Target::Write => "project to WRITE",
        Target::Read => "project to READ",
    };
    let ended = SystemTime::now();
    let recent = Utc::now() - TRACED;
    let events = i64::try_from(chunk.events.len()).unwrap_or(i64::MAX);
    // The first event of a command says what it was asked by.
    let first = chunk
        .events
        .iter()
        .filter(|event| event.envelope.origin.is_some() && event.envelope.recorded_at > recent);
    for event in first {
        Span::of_projection(name, &event.envelope)
            .with("gcr.stream", chunk.stream.as_str())
            .with("gcr.position", event.position.0)
            .with("gcr.batch.events", events)
            .record(began, ended);
    }
}

async fn in_time<T>(
    at_most: Duration,
    answer: impl Future<Output = Result<T, Error>>,
) -> Result<T, Error> {
    let answer = tokio::time::timeout(at_most, answer).await;
    answer.unwrap_or(Err(Error::Late))
}

/// A stream and how far the database has come in it.
struct Following {
    feed: Feed,
    at: Checkpoint,
    /// Rows of a full chunk.
    rows: u64,
}

impl Following {
    fn next(&mut self) -> BoxFuture<'_, Result<Chunk, Error>> {
        self.feed.next().boxed()
    }
}
