//! The loop: take what waits, load what it needs while the append before is under way, decide, append,
//! answer.

use super::batch::{self, Answer, Circumstances, Decided};
use super::memory::{MAX_PINNED_ENTRIES, Memory, View};
use super::recover::{self, Stopped, catch_up, usable};
use super::spans::{self, Steps};
use super::turn::{self, Turn};
use super::{ExecuteError, Job, Receipt, SequencerError, Settings};
use event_store::{AppendError, Head, StoreError};
use ledger::{Key, Slot};
use schemas::log::Position;
use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::sync::{mpsc, watch};
use tokio::task::JoinHandle;

/// Most commands decided in one batch.
const MAX_BATCH_COMMANDS: usize = 1_024;
/// How long a start or a recovery that could not reach a database waits before it tries again.
const RETRY: Duration = Duration::from_millis(200);

pub(super) struct Worker {
    settings: Settings,
    queue: mpsc::Receiver<Job>,
    checkpoint: watch::Receiver<Position>,
    turn: Turn,
}

/// What the worker knows of the stream, once it has read it.
struct State {
    memory: Memory,
    head: Head,
}

/// A batch on its way to the disk.
struct InFlight {
    append: JoinHandle<Result<Head, AppendError>>,
    outcome: Option<Result<Head, AppendError>>,
    changed: HashMap<Key, Slot>,
    accepted: Vec<(Job, Receipt)>,
    started: Instant,
    steps: Steps,
}

impl Worker {
    pub fn new(settings: Settings, queue: mpsc::Receiver<Job>) -> Self {
        let checkpoint = settings.source.checkpoint(settings.stream);
        Self {
            turn: Turn::new(settings.is_alone),
            settings,
            queue,
            checkpoint,
        }
    }

    /// Runs until every handle is dropped.
    pub async fn run(mut self) -> Result<(), SequencerError> {
        let Some(mut state) = self.open().await? else {
            return Ok(());
        };
        let mut in_flight: Option<InFlight> = None;
        let mut waiting: Vec<Job> = Vec::new();
        loop {
            let more = self.collect(&mut waiting, in_flight.as_mut()).await;
            if !more && in_flight.is_none() && waiting.is_empty() {
                return Ok(());
            }
            match self.round(&mut state, &mut in_flight, &mut waiting).await {
                Ok(()) => {}
                Err(Stopped::Failed(error)) => return Err(error),
                Err(Stopped::Unavailable(why)) => {
                    // What came meanwhile need not find out by itself.
                    self.take(&mut waiting);
                    self.refuse(waiting.drain(..), &why);
                }
            }
        }
    }

    fn refuse(&self, jobs: impl IntoIterator<Item = Job>, why: &str) {
        let mut refused = 0;
        for job in jobs {
            answer(job, Err(ExecuteError::Unavailable(why.to_owned())));
            refused += 1;
        }
        if refused > 0 {
            tracing::warn!(stream = %self.settings.stream_name, refused, why, "commands refused");
        }
    }

    /// Reads the stream from the WRITE checkpoint on, as soon as both can be read; commands are refused
    /// until then. `None` when every handle was dropped meanwhile.
    async fn open(&mut self) -> Result<Option<State>, SequencerError> {
        loop {
            match self.try_open().await {
                Ok(state) => return Ok(Some(state)),
                Err(Stopped::Failed(error)) => return Err(error),
                Err(Stopped::Unavailable(why)) => {
                    let mut waiting = Vec::new();
                    while let Ok(job) = self.queue.try_recv() {
                        waiting.push(job);
                    }
                    self.refuse(waiting, &why);
                    if self.queue.is_closed() {
                        return Ok(None);
                    }
                    tokio::time::sleep(RETRY).await;
                }
            }
        }
    }

    /// Waits for something to do and takes all commands that wait. False when no more will come.
    async fn collect(&mut self, waiting: &mut Vec<Job>, in_flight: Option<&mut InFlight>) -> bool {
        if waiting.is_empty() {
            let first = match in_flight {
                None => self.queue.recv().await,
                Some(flying) => tokio::select! {
                    biased;
                    job = self.queue.recv() => job,
                    _ = flying.settle() => return true,
                },
            };
            match first {
                Some(job) => waiting.push(job),
                None => return false,
            }
        }
        self.take(waiting);
        true
    }

    /// Takes what waits already, as much as is decided at once.
    fn take(&mut self, waiting: &mut Vec<Job>) {
        while waiting.len() < MAX_BATCH_COMMANDS {
            match self.queue.try_recv() {
                Ok(job) => waiting.push(job),
                Err(_) => break,
            }
        }
    }

    /// One batch: load for it while the one before is being appended, land that one, decide, append.
    async fn round(
        &mut self,
        state: &mut State,
        in_flight: &mut Option<InFlight>,
        waiting: &mut Vec<Job>,
    ) -> Result<(), Stopped> {
        let mut loaded = HashMap::new();
        let ahead = in_flight.as_ref().map(|flying| &flying.changed);
        let mut seen = self.load(state, ahead, waiting, &mut loaded).await;
        if let Some(flying) = in_flight.take()
            && self.land(state, flying, waiting).await?
        {
            // What others did meanwhile may be missing in it, and in memory too where the WRITE database has it.
            loaded.clear();
        }
        if !waiting.is_empty() && self.turn.comes().await {
            self.take(waiting);
        }
        state.memory.advance(*self.checkpoint.borrow_and_update());
        if state.memory.pinned() > MAX_PINNED_ENTRIES {
            let pinned = state.memory.pinned();
            return Err(Stopped::Unavailable(format!(
                "the WRITE database is {pinned} entries behind"
            )));
        }
        // What became known since may need more: a serial that moved, a conflict that was read up.
        loop {
            if seen > state.head.position {
                self.catch_up(state, seen).await?;
                loaded.clear();
                if seen > state.head.position {
                    return Err(Stopped::Unavailable(format!(
                        "the WRITE database stands at position {seen}, the ledger ends at {}",
                        state.head.position
                    )));
                }
            }
            let before = loaded.len();
            seen = seen.max(self.load(state, None, waiting, &mut loaded).await);
            if loaded.len() == before && seen <= state.head.position {
                break;
            }
        }
        if waiting.is_empty() {
            return Ok(());
        }
        let jobs = std::mem::take(waiting);
        self.decide_and_append(state, in_flight, waiting, jobs, loaded)
            .await
    }

    async fn try_open(&mut self) -> Result<State, Stopped> {
        let stream = self.settings.stream;
        let found = self.settings.source.open(stream).await?;
        let checkpoint = Head {
            position: found.checkpoint,
            hash: found.hash,
        };
        let (store, name) = (self.settings.store.as_ref(), &self.settings.stream_name);
        store
            .check(name, checkpoint)
            .await
            .map_err(recover::read_failed)?;
        recover::read_time(store, name, checkpoint.position, &self.settings.time).await?;
        let end = store.head(name).await.map_err(recover::read_failed)?;
        let mut state = State {
            memory: Memory::new(self.settings.cache_entries, checkpoint.position),
            head: checkpoint,
        };
        self.catch_up(&mut state, end.position).await?;
        tracing::info!(
            stream = %self.settings.stream_name,
            checkpoint = checkpoint.position.0,
            head = state.head.position.0,
            "the sequencer is ready"
        );
        Ok(state)
    }

    async fn catch_up(&self, state: &mut State, end: Position) -> Result<(), Stopped> {
        catch_up(
            self.settings.store.as_ref(),
            self.settings.source.as_ref(),
            (self.settings.stream, &self.settings.stream_name),
            &self.settings.time,
            &mut state.memory,
            (&mut state.head, end),
        )
        .await
    }

    /// Loads what the waiting commands need, until nothing is missing. Where nothing can be loaded, the
    /// commands that need it are refused and the others go on. Returns the highest checkpoint seen.
    async fn load(
        &self,
        state: &State,
        ahead: Option<&HashMap<Key, Slot>>,
        waiting: &mut Vec<Job>,
        loaded: &mut HashMap<Key, Slot>,
    ) -> Position {
        let mut seen = Position::START;
        loop {
            let view = View {
                ahead,
                memory: &state.memory,
                loaded,
            };
            let missing: HashSet<Key> = waiting
                .iter()
                .flat_map(|job| batch::missing(&view, job))
                .collect();
            if missing.is_empty() {
                return seen;
            }
            let keys: Vec<_> = missing.into_iter().collect();
            metrics::counter!("sequencer_entries_loaded_total").increment(keys.len() as u64);
            let found = match self.settings.source.load(self.settings.stream, &keys).await {
                Ok(found) => usable(&state.memory, found.checkpoint).map(|()| found),
                Err(error) => Err(error.into()),
            };
            match found {
                Ok(found) => {
                    seen = seen.max(found.checkpoint);
                    loaded.extend(found.slots);
                }
                Err(Stopped::Unavailable(why)) => {
                    let view = View {
                        ahead,
                        memory: &state.memory,
                        loaded,
                    };
                    let refused: Vec<_> = waiting
                        .extract_if(.., |job| !batch::missing(&view, job).is_empty())
                        .collect();
                    self.refuse(refused, &why);
                    return seen;
                }
                Err(Stopped::Failed(_)) => return seen,
            }
        }
    }

    /// Waits for the append and answers its commands; where the store is away, also those that wait. A batch that another
    /// writer got in the way of waits again, first in line, though not for ever; then what others wrote is read up, and the
    /// answer is true.
    async fn land(
        &mut self,
        state: &mut State,
        flying: InFlight,
        waiting: &mut Vec<Job>,
    ) -> Result<bool, Stopped> {
        let mut flying = flying;
        let outcome = flying.settle().await;
        let InFlight {
            changed,
            accepted,
            started,
            steps,
            ..
        } = flying;
        metrics::histogram!("sequencer_append_seconds").record(started.elapsed());
        match outcome {
            Ok(head) => {
                self.turn.won(started.elapsed());
                state.head = head;
                state.memory.pin(changed);
                steps.record(&accepted);
                for (job, receipt) in accepted {
                    answer(job, Ok(receipt));
                }
                Ok(false)
            }
            // Acknowledged events are gone: nobody else's are there to be read, and no retry brings them back.
            Err(AppendError::Conflict { actual, .. }) if actual < state.head.position => {
                let lost = "the event store ends before what it acknowledged";
                for (job, _) in accepted {
                    answer(job, Err(ExecuteError::Unavailable(lost.to_owned())));
                }
                let behind = StoreError::BehindCheckpoint {
                    stream: self.settings.stream_name.clone(),
                    head: actual,
                    checkpoint: state.head.position,
                };
                Err(SequencerError::Read(behind).into())
            }
            Err(AppendError::Conflict { actual, .. }) => {
                metrics::counter!("sequencer_conflicts_total").increment(1);
                self.turn.lost();
                waiting.splice(0..0, accepted.into_iter().map(|(job, _)| job));
                self.refuse(turn::overtaken(waiting), "other writers were always first");
                self.catch_up(state, actual).await.map(|()| true)
            }
            Err(error @ (AppendError::Fatal(_) | AppendError::ReadOnly)) => {
                for (job, _) in accepted {
                    answer(
                        job,
                        Err(ExecuteError::Unavailable(
                            "the event store failed".to_owned(),
                        )),
                    );
                }
                Err(SequencerError::Store(error).into())
            }
            Err(error) => {
                tracing::error!(
                    error = &error as &dyn std::error::Error,
                    "an append was not done"
                );
                let why = error.to_string();
                for (job, _) in accepted {
                    answer(job, Err(ExecuteError::Unavailable(why.clone())));
                }
                if matches!(error, AppendError::Unavailable(_)) {
                    // It has been tried for long enough, and who waited meanwhile need not wait as long again.
                    self.take(waiting);
                    self.refuse(waiting.drain(..), &why);
                }
                Ok(false)
            }
        }
    }

    async fn decide_and_append(
        &mut self,
        state: &mut State,
        in_flight: &mut Option<InFlight>,
        waiting: &mut Vec<Job>,
        jobs: Vec<Job>,
        loaded: HashMap<Key, Slot>,
    ) -> Result<(), Stopped> {
        metrics::histogram!("sequencer_batch_commands").record(jobs.len() as f64);
        let steps = Steps::begin(&jobs);
        let at = Circumstances {
            head: state.head.position,
            now: self.settings.time.now(),
            policy: self.settings.policy,
            store: self.settings.store.as_ref(),
        };
        let view = View {
            ahead: None,
            memory: &state.memory,
            loaded: &loaded,
        };
        let decided = batch::decide(&view, jobs, &at).map_err(SequencerError::from)?;
        if decided.is_unproven() {
            let (store, name) = (&self.settings.store, &self.settings.stream_name);
            let head = store.head(name).await.map_err(recover::read_failed);
            if !head.as_ref().is_ok_and(|head| head.position == at.head) {
                let current = |job| Job {
                    is_current: head.is_ok(),
                    ..job
                };
                waiting.extend(decided.into_jobs().map(current));
                return self.catch_up(state, head?.position).await;
            }
        }
        let Decided {
            events,
            changed,
            accepted,
            answered,
            left,
        } = decided;
        state.memory.remember(loaded);
        for (job, reply) in answered {
            match reply {
                Answer::Now(result) => answer(job, *result),
                Answer::Earlier(first, last) => self.repeat(job, first, last),
            }
        }
        *waiting = left;
        if events.is_empty() {
            for (job, receipt) in accepted {
                answer(job, Ok(receipt));
            }
            return Ok(());
        }
        let (store, name) = (
            Arc::clone(&self.settings.store),
            self.settings.stream_name.clone(),
        );
        let expected = state.head.position;
        let steps = steps.decided(events.len());
        let append = tokio::spawn(async move { store.append(&name, expected, events).await });
        *in_flight = Some(InFlight {
            append,
            outcome: None,
            changed,
            accepted,
            started: Instant::now(),
            steps,
        });
        Ok(())
    }

    /// Answers with the receipt of an earlier command, read back from its events.
    fn repeat(&self, job: Job, first: Position, last: Position) {
        let (store, name) = (
            Arc::clone(&self.settings.store),
            self.settings.stream_name.clone(),
        );
        let stream = self.settings.stream;
        tokio::spawn(async move {
            let receipt = recover::receipt(store.as_ref(), (stream, &name), (first, last)).await;
            answer(job, receipt.map_err(ExecuteError::Unavailable));
        });
    }
}

impl InFlight {
    /// Waits until the append has its outcome. May be dropped and called again.
    async fn settle(&mut self) -> Result<Head, AppendError> {
        if let Some(outcome) = &self.outcome {
            return outcome.clone();
        }
        let outcome = (&mut self.append)
            .await
            .unwrap_or_else(|error| Err(AppendError::Fatal(Arc::new(error))));
        self.outcome.insert(outcome).clone()
    }
}

fn answer(job: Job, result: Result<Receipt, ExecuteError>) {
    let command = job.request.command.name();
    let outcome = match &result {
        Ok(_) => "accepted",
        Err(ExecuteError::Refused(refusal)) => {
            metrics::counter!("command_refusals_total", "code" => refusal.code.as_str())
                .increment(1);
            "refused"
        }
        Err(_) => "unavailable",
    };
    metrics::counter!("commands_total", "command" => command, "outcome" => outcome).increment(1);
    spans::record(&job, &result, outcome);
    // Whoever asked may have gone away; what was decided stands.
    let _ = job.answer.send(result);
}
