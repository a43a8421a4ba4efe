//! Why a meter gave no sample.

use crate::profile::{Meaning, Unreadable};
use crate::sunspec::SunSpecError;
use crate::transport::{DialError, ReadError};
use schemas::gateway::Cause;
use std::time::Duration;

/// Why a meter gave no sample.
#[derive(Debug, thiserror::Error)]
pub enum MeterError {
    /// No connection.
    #[error(transparent)]
    Dial(#[from] DialError),
    /// No answer, a refusal, or one without sense.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// The device does not describe itself as SunSpec has it.
    #[error(transparent)]
    SunSpec(#[from] SunSpecError),
    /// It failed just now and is tried again later.
    #[error("{reason}; it is tried again in {} ms", .wait.as_millis())]
    BackingOff {
        /// Why it failed.
        reason: String,
        /// How long it is left alone yet.
        wait: Duration,
    },
    /// As many requests as the connection keeps wait already.
    #[error("the connection is busy")]
    Busy,
    /// The connection has been closed.
    #[error("the connection has been closed")]
    Closed,
    /// The device has not the counter that certificates are to come from.
    #[error("the device has no counter {0}")]
    NoCounter(String),
    /// It has, but it says nothing that could be counted.
    #[error("{meaning}: {reason}")]
    Counter {
        /// The counter.
        meaning: Meaning,
        /// What it said.
        reason: Unreadable,
    },
    /// What another kind of source says of itself.
    #[error("{0}")]
    Source(String),
}

impl MeterError {
    /// The cause for doubt, where the meter did answer but with no counter: what
    /// [`crate::interval::Accountant::missed`] is told.
    #[must_use]
    pub const fn cause(&self) -> Option<Cause> {
        let Self::Counter { reason, .. } = self else {
            return None;
        };
        match reason {
            Unreadable::NotRead => None,
            Unreadable::Sentinel(_) | Unreadable::NotANumber(_) | Unreadable::Scale(_) => {
                Some(Cause::Sentinel)
            }
            Unreadable::OutOfRange { .. } | Unreadable::TooLarge => Some(Cause::OutOfRange),
        }
    }
}
