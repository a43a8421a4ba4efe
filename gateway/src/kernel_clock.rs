//! What the kernel knows of the wall clock.

use schemas::gateway::ClockState;

/// Asks the kernel whether something disciplines its clock, as time daemons (chrony, ntpd, systemd-timesyncd) tell
/// it by `adjtimex(2)`. [`ClockState::Unknown`] where it does not say: on other systems than Linux, and in
/// containers that may not ask.
#[must_use]
pub fn state() -> ClockState {
    #[cfg(target_os = "linux")]
    {
        let mut query = rtime_clock::adjtime::Timex::default();
        match rtime_clock::adjtime::adjtimex(&mut query) {
            Ok(state) => of_kernel_state(state),
            Err(_) => ClockState::Unknown,
        }
    }
    #[cfg(not(target_os = "linux"))]
    ClockState::Unknown
}

/// `TIME_ERROR` of `adjtimex(2)`: the clock is not synchronised.
#[cfg(target_os = "linux")]
const TIME_ERROR: i32 = 5;

#[cfg(target_os = "linux")]
const fn of_kernel_state(state: i32) -> ClockState {
    // 0 to 4 are a clock in order, with or without a leap second at hand.
    match state {
        TIME_ERROR => ClockState::Unsynchronised,
        0..TIME_ERROR => ClockState::Synchronised,
        _ => ClockState::Unknown,
    }
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    #[test]
    fn only_a_clock_in_error_is_unsynchronised() {
        assert_eq!(of_kernel_state(0), ClockState::Synchronised);
        assert_eq!(of_kernel_state(4), ClockState::Synchronised);
        assert_eq!(of_kernel_state(5), ClockState::Unsynchronised);
        assert_eq!(of_kernel_state(6), ClockState::Unknown);
        assert_eq!(of_kernel_state(-1), ClockState::Unknown);
    }

    #[test]
    fn the_kernel_can_be_asked_without_rights_and_says_the_same_twice() {
        assert_eq!(state(), state());
    }
}
