//! What the engine needs of meters.

use crate::config::DeviceConfig;
use crate::meter::Sample;
use futures_util::future::BoxFuture;
use schemas::gateway::{Cause, ClockState, ProfileRef};
use std::sync::Arc;
use std::time::Duration;

/// A device was not read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{reason}")]
pub struct NotRead {
    /// Why, in a sentence.
    pub reason: String,
    /// What was wrong with the counter, where the meter answered.
    pub cause: Option<Cause>,
    /// It was not asked, since it failed just before and is left alone for so long yet.
    pub again_in: Option<Duration>,
}

/// A device that can be read. It connects by itself when it is asked, and bounds the time that takes.
pub trait Meter: Send + Sync {
    /// The profile it is read by.
    fn profile(&self) -> ProfileRef;

    /// Reads it.
    ///
    /// # Errors
    /// [`NotRead`].
    fn sample(&self) -> BoxFuture<'_, Result<Sample, NotRead>>;
}

/// Where devices are found by their configuration.
pub trait Meters: Send + Sync {
    /// The device, without asking anything of it yet.
    ///
    /// # Errors
    /// What is wrong with the configuration, in a sentence.
    fn open(&self, device: &DeviceConfig) -> Result<Arc<dyn Meter>, String>;
}

/// What is known of the wall clock.
pub trait ClockCheck: Send + Sync {
    /// Whether it is set by others, now.
    fn state(&self) -> ClockState;
}

impl ClockCheck for ClockState {
    /// Always the same: for a clock that somebody vouches for.
    fn state(&self) -> ClockState {
        *self
    }
}
