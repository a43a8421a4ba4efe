//! How long to wait after failures: doubling, capped, with jitter so that many do not come back at once.

use rand::RngExt;
use std::time::Duration;

/// Waits after failures in a row.
#[derive(Debug, Clone, Copy)]
pub struct Backoff {
    /// After the first.
    pub first: Duration,
    /// At most.
    pub longest: Duration,
}

impl Backoff {
    /// The wait after `failures` failures in a row, before jitter.
    #[must_use]
    pub fn whole(&self, failures: u32) -> Duration {
        let doublings = failures.saturating_sub(1).min(30);
        self.first.saturating_mul(1 << doublings).min(self.longest)
    }

    /// The same, shortened at random by up to a half.
    #[must_use]
    pub fn wait(&self, failures: u32) -> Duration {
        let whole = u64::try_from(self.whole(failures).as_millis()).unwrap_or(u64::MAX);
        Duration::from_millis(rand::rng().random_range(whole / 2..=whole))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BACKOFF: Backoff = Backoff {
        first: Duration::from_secs(1),
        longest: Duration::from_secs(60),
    };

    #[test]
    fn waits_double_up_to_the_longest() {
        let seconds = |failures| BACKOFF.whole(failures).as_secs();
        assert_eq!(
            [1, 2, 3, 6, 7, 8, u32::MAX].map(seconds),
            [1, 2, 4, 32, 60, 60, 60]
        );
    }

    #[test]
    fn jitter_shortens_by_up_to_a_half() {
        let waits: Vec<_> = (0..200).map(|_| BACKOFF.wait(7)).collect();
        let (low, high) = (Duration::from_secs(30), Duration::from_secs(60));
        assert!(waits.iter().all(|wait| (low..=high).contains(wait)));
        assert!(waits.iter().any(|wait| *wait != waits[0]), "they differ");
    }
}
