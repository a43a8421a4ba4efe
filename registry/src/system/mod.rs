//! The assembled registry: configuration in, a running system out. `dev`, `serve` and the tests all
//! start it here, so that what is tested is what runs.

mod core;
mod error;
mod keys;
mod listen;
mod sequencers;
mod user;

use std::{net::SocketAddr, path::PathBuf, sync::Arc, time::Duration};

use actix_web::dev::ServerHandle;

pub use self::{
    core::{Core, Projectors},
    error::SystemError,
    keys::ReplaceKeyError,
    listen::Listener,
    user::{EraseError, NewUser, RegisterError},
};
use crate::{
    clock::Clock,
    config::Config,
    http::{self, Parts, State},
    lock::{FileLock, Hold, LockError},
};

/// A running registry. Stop it with [`System::shutdown`].
pub struct System {
    address: SocketAddr,
    core: Core,
    server: ServerHandle,
    state: Arc<State>,
    drain: Duration,
    _events: Option<FileLock>,
}

impl System {
    /// Starts a [`Core`] and the HTTP server before it; returns when requests are answered.
    ///
    /// # Errors
    /// [`SystemError`], and nothing is left running.
    pub async fn start(config: &Config, projectors: Projectors) -> Result<Self, SystemError> {
        Self::start_on(Listener::bind(&config.http)?, config, projectors).await
    }

    /// Likewise, on an address that has been taken already.
    ///
    /// # Errors
    /// As [`System::start`].
    pub async fn start_on(
        listener: Listener,
        config: &Config,
        projectors: Projectors,
    ) -> Result<Self, SystemError> {
        Self::start_by(listener, config, projectors, Clock::default()).await
    }

    /// Likewise, by another clock than the system's.
    ///
    /// # Errors
    /// As [`System::start`].
    pub async fn start_by(
        Listener { listener, address }: Listener,
        config: &Config,
        projectors: Projectors,
        clock: Clock,
    ) -> Result<Self, SystemError> {
        let events = events_of(config)?;
        // Before the core: what it counts would go nowhere.
        http::ops::prometheus();
        let mut core = Core::start_by(config, projectors, clock).await?;
        let trail = core.trail(config)?;
        let state = State::new(
            config,
            Parts {
                commands: Arc::new(core.sequencers.clone()),
                read: core.read.clone(),
                read_progress: core.read_checkpoints.clone(),
                write: core.write.clone(),
                store: core.store.clone(),
                trail,
            },
        )?;
        core.recall(&state).await?;
        core.keep_signing_keys(Arc::clone(&state), config.auth.signing_key_days);
        let server =
            http::serve(listener, &config.http, Arc::clone(&state)).map_err(SystemError::Http)?;
        let handle = server.handle();
        core.parts
            .spawn(async move { server.ended().await.map_err(SystemError::Http) });
        core.expire();
        core.recur();
        Ok(Self {
            address,
            core,
            server: handle,
            state,
            drain: Duration::from_secs(config.http.drain_s),
            _events: events,
        })
    }

    /// Where the API listens: the port that was found when the configuration says 0.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// What is behind the API.
    pub fn core(&self) -> &Core {
        &self.core
    }

    /// Waits until a part ends that should not; then the system can not go on.
    pub async fn ended(&mut self) -> SystemError {
        self.core.ended().await
    }

    /// Before [`System::shutdown`]: lets requests go elsewhere for `http.drain_s`.
    ///
    /// # Errors
    /// As [`System::ended`]: then there is nothing to wait for.
    pub async fn drain(&mut self) -> Result<(), SystemError> {
        self.state.stop_soon();
        let drained = tokio::time::timeout(self.drain, self.core.ended()).await;
        drained.map_or(Ok(()), Err)
    }

    /// Stops taking requests, answers those in flight, then stops what is behind the API.
    pub async fn shutdown(self) {
        self.server.stop(true).await;
        self.core.shutdown().await;
    }
}

/// The right to decide on the file of events, if they are in one: alone, unless `event_store.shared` says otherwise. Several
/// would not harm the ledger, but who starts a second one by mistake is told.
fn events_of(config: &Config) -> Result<Option<FileLock>, SystemError> {
    let location = config.event_store_location()?;
    let Some(events) = location.file() else {
        return Ok(None);
    };
    let hold = match config.event_store.shared {
        true => Hold::WithOthers,
        false => Hold::Alone,
    };
    let mut path = events.as_os_str().to_owned();
    path.push("-lock");
    let path = PathBuf::from(path);
    match FileLock::take(&path, hold) {
        Ok(lock) => Ok(Some(lock)),
        Err(LockError::Held { pid }) => Err(SystemError::NotAlone {
            events: events.to_owned(),
            pid,
        }),
        Err(LockError::File(source)) => Err(SystemError::Lock { path, source }),
    }
}
