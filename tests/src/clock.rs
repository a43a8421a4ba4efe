//! Time, for what a registry does by itself.

use chrono::{DateTime, TimeDelta, Utc};
use registry::clock::Clock;
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

/// A clock that a test puts forward; clones share it. It goes on where it stood when the registry that
/// reads it is started again.
#[derive(Debug, Clone, Default)]
pub struct TestClock {
    ahead_us: Arc<AtomicI64>,
}

impl TestClock {
    /// What time it is.
    pub fn now(&self) -> DateTime<Utc> {
        Utc::now() + TimeDelta::microseconds(self.ahead_us.load(Ordering::Acquire))
    }

    /// Puts it forward.
    pub fn advance(&self, by: TimeDelta) {
        let by = by.num_microseconds().unwrap();
        self.ahead_us.fetch_add(by, Ordering::AcqRel);
    }

    pub(crate) fn clock(&self) -> Clock {
        let clock = self.clone();
        Clock::from(move || clock.now())
    }
}

/// Time that passes so many times as fast, the same in every process: for those that are killed.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub struct Pace {
    pub since: DateTime<Utc>,
    pub factor: i32,
}

impl Pace {
    pub(crate) fn clock(self) -> Clock {
        Clock::from(move || self.since + (Utc::now() - self.since) * self.factor)
    }
}
