//! The assembled registry: configuration in, a running system out. `dev`, `serve` and the tests all
//! start it here, so that what is tested is what runs.

mod core;
mod error;
mod listen;
mod sequencers;
mod user;

use std::net::SocketAddr;

pub use self::{
    core::{Core, Projectors},
    error::SystemError,
    user::{NewUser, RegisterError},
};
use crate::config::Config;

/// A running registry. Stop it with [`System::shutdown`].
pub struct System {
    address: SocketAddr,
    core: Core,
}

impl System {
    /// Starts a [`Core`] and the HTTP server before it; returns when requests are answered.
    ///
    /// # Errors
    /// [`SystemError`], and nothing is left running.
    pub async fn start(config: &Config, projectors: Projectors) -> Result<Self, SystemError> {
        let (listener, address) = listen::listen(&config.http)?;
        let core = Core::start(config, projectors).await?;
        drop(listener);
        Ok(Self { address, core })
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

    /// Stops taking requests, answers those in flight, then stops what is behind the API.
    pub async fn shutdown(self) {
        self.core.shutdown().await;
    }
}
