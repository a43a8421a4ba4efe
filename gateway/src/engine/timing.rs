//! When a device is read next.

use super::device_state::BOUNDARY;
use super::schedule::Priority;
use crate::interval::Length;
use crate::snapshot::DeviceState;
use chrono::{DateTime, Utc};
use std::time::Duration;

/// After the end of an interval by so much, so that the sample is surely not before it.
const PAST: Duration = Duration::from_millis(20);

/// How long after `now` a device that answers is read again: at the end of the interval, and every `every` within
/// it. The wall clock is asked each time, so that setting it moves the next sample by at most `every`.
pub(super) fn next(
    length: Length,
    every: Duration,
    state: DeviceState,
    now: DateTime<Utc>,
) -> (Duration, Priority) {
    let to_end = (length.next_end(now) - now).to_std().unwrap_or_default() + PAST;
    if to_end <= every {
        (to_end, BOUNDARY)
    } else {
        (every, state.priority())
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn after(now: &str) -> (u128, Priority) {
        let every = Duration::from_secs(10);
        let now = now.parse().unwrap();
        let (wait, priority) = next(Length::FiveMinutes, every, DeviceState::Sampling, now);
        (wait.as_millis(), priority)
    }

    #[test]
    fn the_end_of_an_interval_is_not_missed_and_comes_first() {
        let within = DeviceState::Sampling.priority();
        assert_eq!(after("2026-06-21T12:00:00Z"), (10_000, within));
        assert_eq!(after("2026-06-21T12:04:49Z"), (10_000, within));
        assert_eq!(after("2026-06-21T12:04:52Z"), (8_020, BOUNDARY));
        assert_eq!(after("2026-06-21T12:04:59.990Z"), (30, BOUNDARY));
        assert_eq!(after("2026-06-21T12:05:00.001Z"), (10_000, within));
    }
}
