//! Whether the machine's wall clock is set by others.

use crate::engine::ClockCheck;
use schemas::gateway::ClockState;
use std::path::Path;

/// There once systemd-timesyncd has set the clock since boot (systemd-timesyncd.service(8)).
const TIMESYNCD: &str = "/run/systemd/timesync/synchronized";

/// The machine's clock, as time services (chrony, ntpd, systemd-timesyncd) tell the kernel by `adjtimex(2)`.
/// [`ClockState::Unknown`] where the kernel does not say: on other systems than Linux, and in containers that may
/// not ask.
#[derive(Debug, Clone, Copy)]
pub struct SystemClock;

impl ClockCheck for SystemClock {
    fn state(&self) -> ClockState {
        match kernel() {
            // A container may have its host's service, and no right to ask the kernel.
            ClockState::Unknown if Path::new(TIMESYNCD).exists() => ClockState::Synchronised,
            state => state,
        }
    }
}

#[cfg(target_os = "linux")]
fn kernel() -> ClockState {
    let mut query = rtime_clock::adjtime::Timex::default();
    rtime_clock::adjtime::adjtimex(&mut query).map_or(ClockState::Unknown, of_kernel)
}

#[cfg(not(target_os = "linux"))]
const fn kernel() -> ClockState {
    ClockState::Unknown
}

/// `TIME_ERROR` of `adjtimex(2)`: the clock is not synchronised.
#[cfg(target_os = "linux")]
const TIME_ERROR: i32 = 5;

#[cfg(target_os = "linux")]
const fn of_kernel(state: i32) -> ClockState {
    match state {
        TIME_ERROR => ClockState::Unsynchronised,
        // In order, with or without a leap second at hand.
        0..TIME_ERROR => ClockState::Synchronised,
        _ => ClockState::Unknown,
    }
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    #[test]
    fn only_a_clock_in_error_is_unsynchronised() {
        assert_eq!(of_kernel(0), ClockState::Synchronised);
        assert_eq!(of_kernel(4), ClockState::Synchronised);
        assert_eq!(of_kernel(5), ClockState::Unsynchronised);
        assert_eq!(of_kernel(6), ClockState::Unknown);
        assert_eq!(of_kernel(-1), ClockState::Unknown);
    }

    #[test]
    fn a_kernel_that_says_something_is_believed() {
        let (kernel, told) = (kernel(), SystemClock.state());
        assert!(
            kernel == told || kernel == ClockState::Unknown,
            "{kernel:?} {told:?}"
        );
    }
}
