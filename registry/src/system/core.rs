//! Everything behind the API: event store, databases, projectors, sequencers.

use std::{sync::Arc, time::Duration};

use event_store::{EventStore, StoreError};
use projections::{
    Target,
    checkpoint_watch::CheckpointWatch,
    postgres::{Connection, Pool, pool},
    runner::Projector,
};
use schemas::log::StreamName;
use tokio::{sync::watch, task::JoinSet};

use super::{error::SystemError, sequencers};
use crate::{
    audit::Trail,
    clock::Clock,
    config::Config,
    expiry,
    http::{State, StateError},
    identity::{self, Passwords},
    recurring::Scheduler,
    sequencer::Sequencers,
};

/// How long a start waits for the event store before it goes on without.
const RECALLED_AT_ONCE: Duration = Duration::from_secs(2);
/// How long is waited before it is asked again, at first and at most.
const RECALL_AFTER: Duration = Duration::from_millis(100);
const MOST_RECALL_AFTER: Duration = Duration::from_secs(2);

/// Where the projectors run that carry events into the databases.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Projectors {
    /// In this process.
    Here,
    /// In processes of their own (`projector run`).
    Elsewhere,
}

/// A registry without its API. Stop it with [`Core::shutdown`].
pub struct Core {
    pub(super) store: Arc<dyn EventStore>,
    pub(super) write: Pool,
    pub(super) read: Pool,
    pub(super) write_checkpoints: Arc<CheckpointWatch>,
    pub(super) read_checkpoints: Arc<CheckpointWatch>,
    pub(super) sequencers: Sequencers,
    pub(super) passwords: Passwords,
    pub(super) ledger_stream: StreamName,
    pub(super) identity_stream: StreamName,
    clock: Clock,
    pub(super) stop: watch::Sender<bool>,
    /// Tasks that end only when they are told to, or because something can not go on.
    pub(super) parts: JoinSet<Result<(), SystemError>>,
}

impl Core {
    /// Opens the event store, starts the projectors (when they run here) and the sequencers. A
    /// database that is away does not keep it from starting: what needs it is refused until it is
    /// back.
    ///
    /// # Errors
    /// [`SystemError`], and nothing is left running.
    pub async fn start(config: &Config, projectors: Projectors) -> Result<Self, SystemError> {
        Self::start_by(config, projectors, Clock::default()).await
    }

    /// Likewise, by another clock than the system's.
    ///
    /// # Errors
    /// As [`Core::start`].
    pub async fn start_by(
        config: &Config,
        projectors: Projectors,
        clock: Clock,
    ) -> Result<Self, SystemError> {
        let ledger_stream = StreamName::ledger(&config.domain).map_err(StateError::Domain)?;
        let identity_stream = StreamName::identity(&config.domain).map_err(StateError::Domain)?;
        let plain = config.event_store_location()?.open().await?;
        let store = config.people_keys()?.seal(plain, &identity_stream).await?;
        let (write, read) = (pool(&config.database.write)?, pool(&config.database.read)?);
        let write_checkpoints = Arc::new(CheckpointWatch::start(config.database.write.clone()));
        let read_checkpoints = Arc::new(CheckpointWatch::start(config.database.read.clone()));
        let sequencers = sequencers::start(config, &store, &write, &write_checkpoints, &clock)?;
        let mut core = Self {
            store,
            write,
            read,
            write_checkpoints,
            read_checkpoints,
            sequencers,
            passwords: Passwords::new(&config.auth.password_cost).map_err(StateError::Password)?,
            ledger_stream,
            identity_stream,
            clock,
            stop: watch::Sender::new(false),
            parts: JoinSet::new(),
        };
        if projectors == Projectors::Here {
            core.project(Target::Write, &config.database.write, &config.domain)?;
            core.project(Target::Read, &config.database.read, &config.domain)?;
        }
        core.watch_sequencers();
        Ok(core)
    }

    /// How far a database has come.
    pub fn checkpoints(&self, target: Target) -> &CheckpointWatch {
        match target {
            Target::Write => &self.write_checkpoints,
            Target::Read => &self.read_checkpoints,
        }
    }

    pub fn sequencers(&self) -> &Sequencers {
        &self.sequencers
    }

    /// Waits until a part ends that should not; then the registry can not go on.
    pub async fn ended(&mut self) -> SystemError {
        let cause = match self.parts.join_next().await {
            Some(Ok(Err(error))) => return error,
            Some(Ok(Ok(()))) => "nobody asked it to".to_owned(),
            Some(Err(stopped)) => stopped.to_string(),
            None => std::future::pending().await,
        };
        SystemError::Ended {
            part: "a part of the registry",
            cause,
        }
    }

    /// Finishes the batch, stops the projectors, closes the event store.
    pub async fn shutdown(mut self) {
        self.stop.send_replace(true);
        while let Some(ended) = self.parts.join_next().await {
            match ended {
                Ok(Ok(())) => {}
                Ok(Err(error)) => tracing::error!(%error, "a part did not stop cleanly"),
                Err(error) => tracing::error!(%error, "a part did not stop cleanly"),
            }
        }
        // The last handles: the sequencers' threads finish what they have, and end.
        drop(self.sequencers);
        self.write.close();
        self.read.close();
        self.store.close().await;
    }

    /// Starts the projector of one database.
    fn project(
        &mut self,
        target: Target,
        connection: &Connection,
        domain: &str,
    ) -> Result<(), SystemError> {
        let failed = move |source| SystemError::Projector { target, source };
        let projector = Projector::new(target, connection.clone(), self.store.clone(), domain)
            .map_err(failed)?;
        let mut stopping = self.stop.subscribe();
        self.parts.spawn(async move {
            let stopping = async move {
                // An error means that the registry is gone.
                let _ = stopping.wait_for(|stop| *stop).await;
            };
            projector.run(stopping).await.map_err(failed)
        });
        Ok(())
    }

    /// Starts looking for bundles to expire.
    pub(super) fn expire(&mut self) {
        let looking = expiry::run(self.write.clone(), self.sequencers.clone());
        self.until_stopped(looking);
    }

    /// Starts looking after the keys that sign access tokens.
    pub(super) fn keep_signing_keys(&mut self, state: Arc<State>, days: u32) {
        let looking = identity::keep_signing_keys(state, days, self.clock.clone());
        self.until_stopped(looking);
    }

    /// What runs recurring rules.
    pub fn scheduler(&self) -> Scheduler {
        Scheduler {
            write: self.write.clone(),
            write_checkpoints: self.write_checkpoints.clone(),
            store: self.store.clone(),
            stream: self.ledger_stream.clone(),
            sequencers: self.sequencers.clone(),
            clock: self.clock.clone(),
        }
    }

    /// Starts running recurring rules.
    pub(super) fn recur(&mut self) {
        let looking = self.scheduler().run();
        self.until_stopped(looking);
    }

    /// Lets a part run until the registry stops.
    fn until_stopped(&mut self, part: impl Future<Output = ()> + Send + 'static) {
        let mut stopping = self.stop.subscribe();
        self.parts.spawn(async move {
            tokio::select! {
                () = part => {}
                _ = stopping.wait_for(|stop| *stop) => {}
            }
            Ok(())
        });
    }

    /// Has the state find out where the streams end. A server that is away does not keep the registry from starting: it
    /// is asked on and on, and meanwhile nobody is told what they may do.
    ///
    /// # Errors
    /// [`SystemError::Store`] if waiting does not help.
    pub(super) async fn recall(&mut self, state: &Arc<State>) -> Result<(), SystemError> {
        let recalled = tokio::time::timeout(RECALLED_AT_ONCE, state.recall()).await;
        match recalled {
            Ok(Ok(())) => return Ok(()),
            Ok(Err(error)) if !error.may_pass() => {
                return Err(error.into());
            }
            Ok(Err(error)) => tracing::warn!(%error, "the event store is waited for"),
            Err(_) => tracing::warn!("the event store does not answer, and is waited for"),
        }
        state.recall_first();
        let (state, mut stopping) = (state.clone(), self.stop.subscribe());
        self.parts.spawn(async move {
            tokio::select! {
                error = recall_later(&state) => Err(error.into()),
                _ = stopping.wait_for(|stop| *stop) => Ok(()),
            }
        });
        Ok(())
    }

    /// Starts what writes the audit trail.
    pub(super) fn trail(&mut self, config: &Config) -> Result<Trail, SystemError> {
        let stream = StreamName::audit(&config.domain).map_err(StateError::Domain)?;
        let mut stopping = self.stop.subscribe();
        let stopping = async move {
            // An error means that the registry is gone.
            let _ = stopping.wait_for(|stop| *stop).await;
        };
        let (trail, writer) = Trail::new(self.store.clone(), stream, stopping);
        self.parts.spawn(async move {
            writer.await;
            Ok(())
        });
        Ok(trail)
    }

    fn watch_sequencers(&mut self) {
        for sequencer in [&self.sequencers.ledger, &self.sequencers.identity] {
            let (sequencer, mut stopping) = (sequencer.clone(), self.stop.subscribe());
            self.parts.spawn(async move {
                tokio::select! {
                    error = sequencer.failed() => Err(SystemError::Sequencer(error)),
                    _ = stopping.wait_for(|stop| *stop) => Ok(()),
                }
            });
        }
    }
}

/// Asks until there is an answer, and then never ends, unless waiting does not help.
async fn recall_later(state: &State) -> StoreError {
    let mut wait = RECALL_AFTER;
    loop {
        tokio::time::sleep(wait).await;
        match state.recall().await {
            Ok(()) => break,
            Err(error) if !error.may_pass() => return error,
            Err(error) => tracing::debug!(%error, "the event store is still waited for"),
        }
        wait = (2 * wait).min(MOST_RECALL_AFTER);
    }
    tracing::info!("the event store is there");
    std::future::pending().await
}
