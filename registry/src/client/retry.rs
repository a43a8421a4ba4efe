//! Trying again: capped, jittered, and never sooner than the registry asks.

use std::time::Duration;

use reqwest::header::{HeaderMap, RETRY_AFTER};

use super::error::ClientError;

/// Longest wait that is honoured; a registry that asks for more is given up on sooner.
const LONGEST: Duration = Duration::from_secs(30);

/// How often and how patiently to try again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Retry {
    attempts: u32,
    first: Duration,
    cap: Duration,
}

impl Retry {
    /// For a person who waits: about a second.
    pub const BRIEF: Self = Self {
        attempts: 4,
        first: Duration::from_millis(100),
        cap: Duration::from_millis(500),
    };
    /// For work under way: rides out a restart of the registry, about a minute.
    pub const PATIENT: Self = Self {
        attempts: 16,
        first: Duration::from_millis(100),
        cap: Duration::from_secs(5),
    };

    /// The span from which the wait after the `attempt`-th failure is drawn.
    fn span(self, attempt: u32, asked: Option<Duration>) -> (Duration, Duration) {
        let doubled = self.first.saturating_mul(1 << attempt.min(16));
        let backoff = doubled.min(self.cap);
        match asked {
            // Spread upwards: not all who were turned away come back at the same instant.
            Some(asked) => (asked.min(LONGEST), asked.min(LONGEST) + backoff / 2),
            None => (backoff / 2, backoff),
        }
    }
}

/// What the registry asks for, in whole seconds (RFC 9110, section 10.2.3); a date is not expected.
pub(super) fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let seconds = headers
        .get(RETRY_AFTER)?
        .to_str()
        .ok()?
        .trim()
        .parse()
        .ok()?;
    Some(Duration::from_secs(seconds))
}

/// Runs `request` until it succeeds, fails for good, or the attempts are used up.
pub(super) async fn run<T, F: Future<Output = Result<T, ClientError>>>(
    retry: Retry,
    request: impl Fn() -> F,
) -> Result<T, ClientError> {
    let mut attempt = 0;
    loop {
        let failed = match request().await {
            Ok(answer) => return Ok(answer),
            Err(failed) => failed,
        };
        attempt += 1;
        if attempt >= retry.attempts || !failed.is_passing() {
            return Err(failed);
        }
        let (least, most) = retry.span(attempt - 1, failed.retry_after());
        let wait = rand::random_range(least..=most);
        tracing::debug!(attempt, wait_ms = wait.as_millis(), "trying again");
        tokio::time::sleep(wait).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn ms(ms: u64) -> Duration {
        Duration::from_millis(ms)
    }

    #[test]
    fn waits_double_up_to_the_cap() {
        let spans: Vec<_> = (0..8)
            .map(|attempt| Retry::PATIENT.span(attempt, None).1)
            .collect();
        assert_eq!(
            spans,
            [100, 200, 400, 800, 1_600, 3_200, 5_000, 5_000].map(ms)
        );
        assert_eq!(Retry::PATIENT.span(u32::MAX, None), (ms(2_500), ms(5_000)));
    }

    #[test]
    fn no_wait_is_shorter_than_what_the_registry_asks_for() {
        let asked = Some(Duration::from_secs(2));
        assert_eq!(Retry::PATIENT.span(0, asked), (ms(2_000), ms(2_050)));
        let absurd = Some(Duration::from_secs(86_400));
        assert_eq!(Retry::PATIENT.span(0, absurd).0, LONGEST);
    }
}
