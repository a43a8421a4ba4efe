#![doc = include_str!("README.md")]

mod batch;
mod memory;
mod recover;
mod request;
mod source;
mod spans;
#[cfg(test)]
mod tests;
mod time;
mod turn;
mod worker;
mod write_database;

pub use memory::DEFAULT_CACHE_ENTRIES;
pub use request::{ExecuteError, Receipt, Request};
pub use source::{Loaded, SourceError, StateSource};
pub use time::Time;
pub use write_database::WriteDatabase;

use event_store::{EventStore, StoreError};
use ledger::{Policy, Stream};
use projections::traces::{self, SpanId};
use schemas::log::StreamName;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::{Instant, SystemTime};
use tokio::sync::{mpsc, oneshot, watch};

/// Commands that may wait for the sequencer; one more is answered 503.
pub const QUEUE_COMMANDS: usize = 4_096;

/// What a sequencer needs to start.
pub struct Settings {
    /// The stream whose commands it decides.
    pub stream: Stream,
    /// Name of that stream in the event store.
    pub stream_name: StreamName,
    /// Where events go.
    pub store: Arc<dyn EventStore>,
    /// Where entries that are not in memory come from.
    pub source: Arc<dyn StateSource>,
    /// The issuing body's settings.
    pub policy: Policy,
    /// Entries kept in memory beyond those the WRITE database does not have yet.
    pub cache_entries: usize,
    /// Says the time, once per batch; all sequencers of a process share it.
    pub time: Time,
    /// Whether nobody else is expected to append to the stream: others are left time otherwise.
    pub is_alone: bool,
}

/// Why a sequencer can not start, or stopped.
#[derive(Debug, Clone, thiserror::Error)]
pub enum SequencerError {
    /// The event store failed in a way that only a new process can find out about.
    #[error("the event store failed; the process must start again")]
    Store(#[source] event_store::AppendError),
    /// The event store can not be read or lacks what the WRITE database has seen.
    #[error("the ledger can not be read")]
    Read(#[source] StoreError),
    /// An event of the ledger can not be understood.
    #[error("event {0} of the ledger can not be read: {1}")]
    Decode(schemas::log::Position, String),
    /// A defect. What was said of it is on standard error.
    #[error("its thread panicked; the process must start again")]
    Panicked,
    /// A rule looked at something that was not loaded.
    #[error(transparent)]
    NotLoaded(#[from] ledger::NotLoaded),
}

/// Handle to one sequencer; clones share it.
#[derive(Clone)]
pub struct Sequencer {
    jobs: mpsc::Sender<Job>,
    stopped: watch::Receiver<Option<Arc<SequencerError>>>,
}

struct Job {
    request: Request,
    asked_at: SystemTime,
    /// The same, by a clock that nobody sets.
    asked: Instant,
    /// The span of the HTTP request, in whose trace it is told of.
    span: Option<SpanId>,
    /// Whether it is decided on all that others had appended when it came.
    is_current: bool,
    answer: oneshot::Sender<Result<Receipt, ExecuteError>>,
}

impl Sequencer {
    /// Starts the sequencer on a thread of its own, inside the current Tokio runtime. It ends when the
    /// last handle is dropped, or on an error it can not recover from.
    #[must_use]
    pub fn start(settings: Settings) -> Self {
        let (jobs, queue) = mpsc::channel(QUEUE_COMMANDS);
        let (stop, stopped) = watch::channel(None);
        let runtime = tokio::runtime::Handle::current();
        let name = format!("sequencer-{}", settings.stream.as_str());
        let worker = worker::Worker::new(settings, queue);
        let body = move || {
            let _entered = runtime.enter();
            // Nothing of the worker is looked at again.
            let run = AssertUnwindSafe(|| runtime.block_on(worker.run()));
            let ended = catch_unwind(run).unwrap_or(Err(SequencerError::Panicked));
            if let Err(error) = ended {
                tracing::error!(
                    error = &error as &dyn std::error::Error,
                    "the sequencer stopped"
                );
                stop.send_replace(Some(Arc::new(error)));
            }
        };
        std::thread::Builder::new()
            .name(name)
            .spawn(body)
            .expect("the operating system starts a thread at start-up");
        Self { jobs, stopped }
    }

    /// Decides a command. The receipt, if there is one, is durable.
    pub async fn execute(&self, request: Request) -> Result<Receipt, ExecuteError> {
        let (answer, receipt) = oneshot::channel();
        self.jobs
            .try_send(Job {
                request,
                asked_at: SystemTime::now(),
                asked: Instant::now(),
                span: traces::request(),
                is_current: false,
                answer,
            })
            .map_err(|error| match error {
                mpsc::error::TrySendError::Full(_) => ExecuteError::Busy,
                mpsc::error::TrySendError::Closed(_) => stopped(),
            })?;
        metrics::gauge!("sequencer_queue_depth")
            .set(u32::try_from(QUEUE_COMMANDS - self.jobs.capacity()).unwrap_or(u32::MAX));
        receipt.await.unwrap_or_else(|_| Err(stopped()))
    }

    /// Waits until the sequencer has stopped by an error; never returns while it runs.
    pub async fn failed(&self) -> Arc<SequencerError> {
        let mut stopped = self.stopped.clone();
        loop {
            if let Some(error) = stopped.borrow_and_update().clone() {
                return error;
            }
            if stopped.changed().await.is_err() {
                std::future::pending::<()>().await;
            }
        }
    }
}

fn stopped() -> ExecuteError {
    ExecuteError::Unavailable("the sequencer has stopped".to_owned())
}

/// The sequencers of both streams.
#[derive(Clone)]
pub struct Sequencers {
    /// Decides life-cycle actions and readings.
    pub ledger: Sequencer,
    /// Decides about people.
    pub identity: Sequencer,
}

impl Sequencers {
    /// Decides a command in the stream it belongs to.
    pub async fn execute(&self, request: Request) -> Result<Receipt, ExecuteError> {
        match request.command.stream() {
            Stream::Identity => self.identity.execute(request).await,
            // No command is about the audit trail.
            Stream::Ledger | Stream::Audit => self.ledger.execute(request).await,
        }
    }
}
