//! The year that the demo's readings cover.

use chrono::{DateTime, TimeDelta, Utc};
use schemas::interval::Day;

/// Days of readings.
pub const DAYS: u16 = 365;

/// 365 full UTC days.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Window {
    start: DateTime<Utc>,
}

impl Window {
    /// The last 365 full days before the day of `now`.
    #[must_use]
    pub fn before(now: DateTime<Utc>) -> Self {
        Self::from(Day::of(now).start() - TimeDelta::days(DAYS.into()))
    }

    /// The 365 days from `start` on.
    #[must_use]
    pub const fn from(start: DateTime<Utc>) -> Self {
        Self { start }
    }

    #[must_use]
    pub const fn start(self) -> DateTime<Utc> {
        self.start
    }

    /// Starts of all intervals of `length_s` seconds, in order.
    pub fn intervals(self, length_s: u32) -> impl Iterator<Item = DateTime<Utc>> {
        let count = i64::from(DAYS) * 86_400 / i64::from(length_s);
        (0..count).map(move |index| self.start + TimeDelta::seconds(index * i64::from(length_s)))
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use schemas::interval::rfc3339;

    use super::*;

    #[test]
    fn the_window_ends_with_yesterday() {
        let now = "2026-11-21T11:30:00Z".parse().unwrap();
        let hours: Vec<_> = Window::before(now).intervals(3_600).collect();
        assert_eq!(hours.len(), 8_760);
        assert_eq!(rfc3339(hours[0]), "2025-11-21T00:00:00Z");
        assert_eq!(rfc3339(hours[8_759]), "2026-11-20T23:00:00Z");
    }
}
