//! When to try again, on the gateway's monotonic clock.

use crate::backoff::Backoff;
use std::time::Duration;

const WAITS: Backoff = Backoff {
    first: Duration::from_secs(1),
    longest: Duration::from_secs(60),
};

/// Failures in a row, and until when it is not to be tried again.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Pause {
    failures: u32,
    until: Duration,
}

impl Pause {
    /// It went well.
    pub(super) fn succeeded(&mut self) {
        *self = Self::default();
    }

    /// It failed at `now`.
    pub(super) fn failed(&mut self, now: Duration) {
        self.failures = self.failures.saturating_add(1);
        self.until = now + WAITS.wait(self.failures);
    }

    /// How long it is not to be tried, at `now`.
    pub(super) fn remaining(&self, now: Duration) -> Option<Duration> {
        let remaining = self.until.checked_sub(now)?;
        (!remaining.is_zero()).then_some(remaining)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn what_failed_is_left_alone_until_its_pause_is_over() {
        let now = Duration::from_secs(100);
        let mut pause = Pause::default();
        assert_eq!(pause.remaining(now), None);
        pause.failed(now);
        let remaining = pause.remaining(now).unwrap();
        assert!(remaining <= WAITS.first);
        assert_eq!(pause.remaining(now + remaining), None);
        pause.failed(now);
        pause.succeeded();
        assert_eq!(pause.remaining(now), None);
    }
}
