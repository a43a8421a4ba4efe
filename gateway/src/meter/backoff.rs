//! When to try again, on the gateway's monotonic clock.

use super::error::MeterError;
use crate::backoff::Backoff;
use std::time::Duration;

const WAITS: Backoff = Backoff {
    first: Duration::from_secs(1),
    longest: Duration::from_secs(60),
};

/// Failures in a row, why the last of them, and until when it is not to be tried again.
#[derive(Debug, Default)]
pub(super) struct Pause {
    failures: u32,
    until: Duration,
    reason: String,
}

impl Pause {
    /// It went well.
    pub(super) fn succeeded(&mut self) {
        *self = Self::default();
    }

    /// It failed at `now`.
    pub(super) fn failed(&mut self, now: Duration, reason: String) {
        self.reason = reason;
        self.failures = self.failures.saturating_add(1);
        self.until = now + WAITS.wait(self.failures);
    }

    /// Why, and how long, it is not to be tried at `now`.
    pub(super) fn refusal(&self, now: Duration) -> Option<MeterError> {
        let wait = self.until.checked_sub(now)?;
        let reason = self.reason.clone();
        (!wait.is_zero()).then_some(MeterError::BackingOff { reason, wait })
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
        assert!(pause.refusal(now).is_none());
        pause.failed(now, "it hangs up".to_owned());
        let refusal = pause.refusal(now).unwrap();
        assert!(
            refusal.to_string().starts_with("it hangs up; "),
            "{refusal}"
        );
        let MeterError::BackingOff { wait, .. } = refusal else {
            panic!("{refusal}")
        };
        assert!(wait <= WAITS.first);
        assert!(pause.refusal(now + wait).is_none());
        pause.failed(now, String::new());
        pause.succeeded();
        assert!(pause.refusal(now).is_none());
    }
}
