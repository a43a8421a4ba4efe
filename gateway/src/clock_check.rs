//! Whether the machine's wall clock is set by others.

use crate::engine::ClockCheck;
use schemas::gateway::ClockState;
use std::path::Path;

/// There once systemd-timesyncd has set the clock since boot (systemd-timesyncd.service(8)).
const TIMESYNCD: &str = "/run/systemd/timesync/synchronized";

/// The machine's clock: synchronised once the system's time service has said so. That nothing was said is no sign
/// of the contrary, since there are others.
#[derive(Debug, Clone, Copy)]
pub struct SystemClock;

impl ClockCheck for SystemClock {
    fn state(&self) -> ClockState {
        if Path::new(TIMESYNCD).exists() {
            ClockState::Synchronised
        } else {
            ClockState::Unknown
        }
    }
}
