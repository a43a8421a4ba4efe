//! A clock that a file tells, for tests and demonstrations with real processes: a day in a minute, a clock that is
//! set while the gateway runs, a clock that nobody sets.

use crate::clock::{Machine, Pace, Source};
use crate::engine::ClockCheck;
use chrono::{DateTime, TimeDelta, Utc};
use schemas::gateway::ClockState;
use serde::{Deserialize, Serialize};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// What the file holds, as JSON.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Told {
    /// How time passes. Read once: a process keeps its pace.
    pub pace: Pace,
    /// By how many milliseconds the wall clock is set off; read whenever the wall clock is.
    #[serde(default)]
    pub step_ms: i64,
    /// What is known of the wall clock; likewise.
    #[serde(default = "synchronised")]
    pub state: ClockState,
}

fn synchronised() -> ClockState {
    ClockState::Synchronised
}

/// The file says nothing that can be used.
#[derive(Debug, thiserror::Error)]
#[error("{}: {reason}", path.display())]
pub struct NotTold {
    path: PathBuf,
    reason: String,
}

#[derive(Debug)]
struct Shared {
    path: PathBuf,
    pace: Pace,
    machine: Machine,
    /// What the file said last: stands while it is being replaced.
    last: Mutex<Told>,
}

/// A clock that a file tells.
#[derive(Debug, Clone)]
pub struct ClockFile(Arc<Shared>);

fn read(path: &Path) -> Result<Told, NotTold> {
    let not_told = |reason: String| NotTold {
        path: path.to_owned(),
        reason,
    };
    let text = std::fs::read_to_string(path).map_err(|error| not_told(error.to_string()))?;
    serde_json::from_str(&text).map_err(|error| not_told(error.to_string()))
}

impl ClockFile {
    /// The clock that the file at `path` tells.
    ///
    /// # Errors
    /// When it tells none.
    pub fn open(path: &Path) -> Result<Self, NotTold> {
        let told = read(path)?;
        Ok(Self(Arc::new(Shared {
            path: path.to_owned(),
            pace: told.pace,
            machine: Machine::default(),
            last: Mutex::new(told),
        })))
    }

    fn told(&self) -> Told {
        let mut last = self.0.last.lock().unwrap_or_else(PoisonError::into_inner);
        if let Ok(told) = read(&self.0.path) {
            *last = told;
        }
        *last
    }

    fn factor(&self) -> u32 {
        self.0.pace.factor.max(1)
    }
}

impl Source for ClockFile {
    fn wall(&self) -> DateTime<Utc> {
        let step = TimeDelta::milliseconds(self.told().step_ms);
        self.0.pace.at(self.0.machine.wall()) + step
    }

    fn monotonic(&self) -> Duration {
        self.0.machine.monotonic().saturating_mul(self.factor())
    }

    fn wait(&self, span: Duration) -> Duration {
        span / self.factor()
    }
}

impl ClockCheck for ClockFile {
    fn state(&self) -> ClockState {
        self.told().state
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::clock::Clock;

    #[test]
    fn a_clock_is_set_by_its_file_while_it_runs_and_its_monotonic_time_goes_on() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("clock.json");
        let since = Utc::now();
        let mut told = Told {
            pace: Pace {
                since,
                shows: "2026-06-21T03:00:00Z".parse().unwrap(),
                factor: 60,
            },
            step_ms: 0,
            state: ClockState::Synchronised,
        };
        let tell = |told: &Told| std::fs::write(&path, serde_json::to_vec(told).unwrap()).unwrap();
        tell(&told);
        let file = ClockFile::open(&path).unwrap();
        let clock = Clock::from_source(file.clone());
        let (wall, monotonic) = (clock.wall(), clock.monotonic());
        assert!(wall >= told.pace.shows && wall < told.pace.shows + TimeDelta::minutes(30));
        told.step_ms = -86_400_000;
        told.state = ClockState::Unsynchronised;
        tell(&told);
        assert!(clock.wall() < wall - TimeDelta::hours(23));
        assert!(clock.monotonic() >= monotonic);
        assert_eq!(file.state(), ClockState::Unsynchronised);
        std::fs::write(&path, "{").unwrap();
        assert_eq!(
            file.state(),
            ClockState::Unsynchronised,
            "what was told last stands"
        );
        assert!(
            ClockFile::open(&path)
                .unwrap_err()
                .to_string()
                .contains("clock.json")
        );
    }
}
