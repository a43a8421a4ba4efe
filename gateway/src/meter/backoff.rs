//! When to try again.

use rand::RngExt as _;
use std::time::Duration;

/// Pause after the first failure.
pub const FIRST: Duration = Duration::from_secs(1);
/// Longest pause.
pub const LONGEST: Duration = Duration::from_secs(60);

/// Pauses that double with each failure up to [`LONGEST`], each shortened by up to a half by chance, so that
/// many gateways do not try in step.
#[derive(Debug, Clone, Copy, Default)]
pub struct Backoff {
    failures: u32,
    /// On the gateway's monotonic clock.
    until: Duration,
}

impl Backoff {
    /// It went well.
    pub fn succeeded(&mut self) {
        *self = Self::default();
    }

    /// It failed at `now`.
    pub fn failed(&mut self, now: Duration) {
        let longest = longest_after(self.failures);
        self.failures = self.failures.saturating_add(1);
        let millis = u64::try_from(longest.as_millis()).unwrap_or(u64::MAX);
        let pause = rand::rng().random_range(millis / 2..=millis);
        self.until = now + Duration::from_millis(pause);
    }

    /// How long it is not to be tried, at `now`.
    #[must_use]
    pub fn remaining(&self, now: Duration) -> Option<Duration> {
        let remaining = self.until.checked_sub(now)?;
        (!remaining.is_zero()).then_some(remaining)
    }
}

fn longest_after(failures: u32) -> Duration {
    let factor = 2_u32.checked_pow(failures).unwrap_or(u32::MAX);
    FIRST.saturating_mul(factor).min(LONGEST)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn pauses_double_to_the_longest_and_are_at_least_half_of_it() {
        let mut backoff = Backoff::default();
        assert_eq!(backoff.remaining(Duration::ZERO), None);
        for longest in [1, 2, 4, 8, 16, 32, 60, 60, 60] {
            backoff.failed(Duration::from_secs(100));
            let pause = backoff.remaining(Duration::from_secs(100)).unwrap();
            assert!(pause <= Duration::from_secs(longest), "{pause:?}");
            assert!(pause >= Duration::from_millis(longest * 500), "{pause:?}");
        }
        assert_eq!(backoff.remaining(Duration::from_secs(160)), None);
        backoff.succeeded();
        assert_eq!(backoff.remaining(Duration::ZERO), None);
    }

    #[test]
    fn failures_beyond_counting_still_pause_for_the_longest() {
        assert_eq!(longest_after(u32::MAX), LONGEST);
    }
}
