//! Leaving others a turn. Who has just appended knows where the stream ends, and who was refused has to read it first:
//! with more to append all the time, the one would always come before the other.

use super::Job;
use rand::RngExt;
use std::time::Duration;
use tokio::time::Instant;

/// How long others are expected after one of them came first.
const REMEMBERED: Duration = Duration::from_secs(60);
/// Appends, and time, after which others are given a chance of whom nothing is known: they may never have got in.
const ALONE: (u32, Duration) = (64, Duration::from_secs(1));
/// Longest append that a wait goes by: one may have been tried again and again.
const LONGEST: Duration = Duration::from_millis(500);
/// How long a command is decided again because other writers came first, before who asks is told.
const OVERTAKEN: Duration = Duration::from_secs(10);

/// When this writer may append again.
pub(super) struct Turn {
    /// Whether others are not to be expected.
    is_alone: bool,
    /// When another one came first.
    lost: Option<Instant>,
    not_before: Option<Instant>,
    /// Appends since others had a chance, and when that was.
    alone: (u32, Instant),
}

impl Turn {
    /// Of a writer that is alone, unless one comes first all the same, or of one that is not.
    pub fn new(is_alone: bool) -> Self {
        Self {
            is_alone,
            lost: None,
            not_before: None,
            alone: (0, Instant::now()),
        }
    }

    /// Another writer came first: now it is up to this one.
    pub fn lost(&mut self) {
        let now = Instant::now();
        self.lost = Some(now);
        self.not_before = None;
        self.alone = (0, now);
    }

    /// An append that took so long is done. From what another one reads to its append it takes as long.
    pub fn won(&mut self, took: Duration) {
        let took = took.min(LONGEST);
        let now = Instant::now();
        self.alone.0 = self.alone.0.saturating_add(1);
        let wait = if self.lost.is_some_and(|at| now - at < REMEMBERED) {
            // They get in during about every second one.
            rand::rng().random_range(Duration::ZERO..=2 * took)
        } else if !self.is_alone && self.alone.0 >= ALONE.0 && now - self.alone.1 >= ALONE.1 {
            self.alone = (0, now);
            4 * took
        } else {
            return;
        };
        self.not_before = Some(now + wait);
    }

    /// Waits for it; false if there was nothing to wait for.
    pub async fn comes(&mut self) -> bool {
        let Some(not_before) = self.not_before.take() else {
            return false;
        };
        tokio::time::sleep_until(not_before).await;
        true
    }
}

/// Takes out whose turn does not come in time.
pub(super) fn overtaken(waiting: &mut Vec<Job>) -> Vec<Job> {
    let is_late = |job: &mut Job| job.asked.elapsed() > OVERTAKEN;
    waiting.extract_if(.., is_late).collect()
}
