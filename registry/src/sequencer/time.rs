//! What time it is for decisions.

use crate::clock::Clock;
use chrono::{DateTime, SubsecRound, TimeDelta, Utc};
use std::sync::{Arc, Mutex, PoisonError};

/// How far decisions of others may be ahead of the clock here for ours to be dated after them. A clock that is
/// further off is wrong, and is not followed: one such event would set the time for good.
const MOST_AHEAD: TimeDelta = TimeDelta::minutes(1);

/// The time that the sequencers of a process share, so that none dates a decision before one that it may follow from.
#[derive(Clone)]
pub struct Time {
    clock: Clock,
    latest: Arc<Mutex<DateTime<Utc>>>,
}

impl Time {
    /// The time by this clock.
    #[must_use]
    pub fn new(clock: Clock) -> Self {
        let latest = Arc::new(Mutex::new(DateTime::<Utc>::MIN_UTC));
        Self { clock, latest }
    }

    /// Whole microseconds, as the databases keep them, and never before an earlier decision.
    pub(super) fn now(&self) -> DateTime<Utc> {
        self.at_least(self.clock.now().trunc_subsecs(6))
    }

    /// Takes note of when others recorded what later decisions come behind.
    pub(super) fn recorded(&self, at: DateTime<Utc>) {
        if at - self.clock.now() <= MOST_AHEAD {
            self.at_least(at);
        } else {
            tracing::warn!(recorded_at = %at, "an event was recorded by a clock that is ahead of the one here");
        }
    }

    fn at_least(&self, at: DateTime<Utc>) -> DateTime<Utc> {
        let mut latest = self.latest.lock().unwrap_or_else(PoisonError::into_inner);
        *latest = (*latest).max(at);
        *latest
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn at(time: &str) -> DateTime<Utc> {
        format!("2025-06-01T{time}Z").parse().unwrap()
    }

    #[test]
    fn decisions_are_dated_after_those_of_others_unless_their_clock_is_wrong() {
        let time = Time::new(Clock::from(|| at("12:00:00")));
        let shared = time.clone();
        assert_eq!(time.now(), at("12:00:00"));
        time.recorded(at("11:59:00"));
        assert_eq!(time.now(), at("12:00:00"));
        time.recorded(at("12:00:59.5"));
        assert_eq!(shared.now(), at("12:00:59.5"));
        time.recorded(at("12:01:00.5"));
        assert_eq!(time.now(), at("12:00:59.5"));
    }
}
