//! How long to wait before the next attempt.

use rand::RngExt;
use std::time::Duration;

/// Longest first wait.
const FIRST_MS: u64 = 50;
/// Longest wait: a cluster chooses a new leader within a few seconds, which should not be overslept.
const MOST_MS: u64 = 1_000;

/// Waits that double up to a cap. Each is drawn from the upper half of its range, so that those who lost
/// the same server do not come back all at once.
#[derive(Debug, Default)]
pub(super) struct Backoff {
    failures: u32,
}

impl Backoff {
    pub(super) fn next(&mut self) -> Duration {
        let most = most_ms(self.failures);
        self.failures = self.failures.saturating_add(1);
        Duration::from_millis(rand::rng().random_range(most / 2..=most))
    }

    pub(super) async fn wait(&mut self) {
        tokio::time::sleep(self.next()).await;
    }
}

fn most_ms(failures: u32) -> u64 {
    FIRST_MS.saturating_mul(1 << failures.min(16)).min(MOST_MS)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_double_up_to_a_cap_and_are_never_below_half() {
        assert_eq!((most_ms(0), most_ms(1), most_ms(2)), (50, 100, 200));
        assert_eq!((most_ms(5), most_ms(u32::MAX)), (MOST_MS, MOST_MS));
        let mut backoff = Backoff::default();
        for failures in 0..50 {
            let (wait, most) = (backoff.next().as_millis(), u128::from(most_ms(failures)));
            assert!(
                (most / 2..=most).contains(&wait),
                "{wait} ms after {failures}"
            );
        }
    }
}
