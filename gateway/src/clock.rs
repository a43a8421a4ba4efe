//! What time it is for a gateway: one source for everything that reads a clock or waits, so that a day
//! can be lived through in a minute, and the wall clock put back, where that is what is tested.

use chrono::{DateTime, TimeDelta, Utc};
use std::{fmt::Debug, sync::Arc, time::Duration};

/// Where time comes from.
pub trait Source: Debug + Send + Sync {
    /// The wall clock, which somebody may set at any moment.
    fn wall(&self) -> DateTime<Utc>;

    /// Time since some moment in this process's life; never goes back, whatever the wall clock does.
    fn monotonic(&self) -> Duration;

    /// How long this machine has to wait until `span` of this clock has passed.
    fn wait(&self, span: Duration) -> Duration;
}

/// A clock; clones read the same source.
#[derive(Debug, Clone)]
pub struct Clock(Arc<dyn Source>);

impl Clock {
    /// A clock that reads `source`.
    pub fn from_source(source: impl Source + 'static) -> Self {
        Self(Arc::new(source))
    }

    /// The wall clock.
    #[must_use]
    pub fn wall(&self) -> DateTime<Utc> {
        self.0.wall()
    }

    /// Time since some moment in this process's life; never goes back.
    #[must_use]
    pub fn monotonic(&self) -> Duration {
        self.0.monotonic()
    }

    /// How much time of this clock passes while `span` of the machine's does.
    #[must_use]
    pub fn of_machine(&self, span: Duration) -> Duration {
        const SECOND: Duration = Duration::from_secs(1);
        let pace = SECOND.as_nanos() / self.0.wait(SECOND).as_nanos().max(1);
        span.saturating_mul(u32::try_from(pace).unwrap_or(u32::MAX))
    }

    /// Waits until `span` of this clock has passed.
    pub async fn sleep(&self, span: Duration) {
        tokio::time::sleep(self.0.wait(span)).await;
    }

    /// Waits until [`Clock::monotonic`] shows `due`; not at all if that has passed.
    pub async fn sleep_until(&self, due: Duration) {
        self.sleep(due.saturating_sub(self.monotonic())).await;
    }
}

impl Default for Clock {
    /// The machine's clock.
    fn default() -> Self {
        Self::from_source(Machine::default())
    }
}

/// The machine's clock.
#[derive(Debug)]
pub struct Machine {
    start: tokio::time::Instant,
}

impl Default for Machine {
    fn default() -> Self {
        Self {
            start: tokio::time::Instant::now(),
        }
    }
}

impl Source for Machine {
    fn wall(&self) -> DateTime<Utc> {
        Utc::now()
    }

    fn monotonic(&self) -> Duration {
        self.start.elapsed()
    }

    fn wait(&self, span: Duration) -> Duration {
        span
    }
}

/// Time that passes so many times as fast as the machine's, the same in every process that is given the
/// same one.
#[derive(Debug, Clone, Copy, serde::Serialize, serde::Deserialize)]
pub struct Pace {
    /// A moment of the machine's clock.
    pub since: DateTime<Utc>,
    /// What this clock shows at that moment.
    pub shows: DateTime<Utc>,
    /// How many seconds of this clock pass in one of the machine's; at least 1.
    pub factor: u32,
}

impl Pace {
    /// What this clock shows when the machine's shows `at`.
    #[must_use]
    pub fn at(&self, at: DateTime<Utc>) -> DateTime<Utc> {
        let factor = i32::try_from(self.factor.max(1)).unwrap_or(i32::MAX);
        self.shows
            + (at - self.since)
                .checked_mul(factor)
                .unwrap_or(TimeDelta::MAX)
    }
}

/// A clock at a [`Pace`].
#[derive(Debug)]
pub struct Paced {
    pace: Pace,
    machine: Machine,
}

impl Paced {
    /// A clock at `pace`.
    #[must_use]
    pub fn new(pace: Pace) -> Self {
        Self {
            pace,
            machine: Machine::default(),
        }
    }
}

impl Source for Paced {
    fn wall(&self) -> DateTime<Utc> {
        self.pace.at(self.machine.wall())
    }

    fn monotonic(&self) -> Duration {
        self.machine
            .monotonic()
            .saturating_mul(self.pace.factor.max(1))
    }

    fn wait(&self, span: Duration) -> Duration {
        span / self.pace.factor.max(1)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_pace_shows_the_same_in_every_process() {
        let since: DateTime<Utc> = "2026-01-01T00:00:00Z".parse().unwrap();
        let pace = Pace {
            since,
            shows: "2025-06-21T03:00:00Z".parse().unwrap(),
            factor: 1_440,
        };
        let shown = pace.at(since + TimeDelta::seconds(60));
        assert_eq!(shown, pace.shows + TimeDelta::days(1));
        assert_eq!(
            pace.at(since - TimeDelta::seconds(1)),
            pace.shows - TimeDelta::minutes(24)
        );
    }

    #[tokio::test(start_paused = true)]
    async fn a_paced_clock_waits_as_long_as_its_pace_says() {
        let pace = Pace {
            since: Utc::now(),
            shows: Utc::now(),
            factor: 60,
        };
        let clock = Clock::from_source(Paced::new(pace));
        assert_eq!(
            clock.of_machine(Duration::from_secs(2)),
            Duration::from_secs(120)
        );
        let began = tokio::time::Instant::now();
        clock.sleep_until(Duration::from_secs(3_600)).await;
        assert_eq!(began.elapsed().as_secs(), 60);
        clock.sleep_until(Duration::from_secs(1)).await;
        assert_eq!(
            began.elapsed().as_secs(),
            60,
            "what is past is not waited for"
        );
    }
}
