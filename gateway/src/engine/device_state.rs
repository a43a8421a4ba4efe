//! What becomes of a device, as a table.

use super::schedule::Priority;
use crate::snapshot::DeviceState;

/// What can happen to a device.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Occurrence {
    /// Its turn has come for the first time.
    Started,
    /// It was read, and what was read is durable.
    Sampled,
    /// It was not read.
    Failed,
    /// The wait after a failure is over.
    WaitedOut,
    /// There is a reason not to ask it.
    Suspended,
    /// The reason is gone.
    Resumed,
}

use DeviceState as S;
use Occurrence as O;

impl DeviceState {
    /// The state after `occurrence`; `None` where that can not happen in this state.
    #[must_use]
    pub const fn after(self, occurrence: Occurrence) -> Option<Self> {
        Some(match (self, occurrence) {
            (S::Configured, O::Started) | (S::BackingOff, O::WaitedOut) => S::Connecting,
            (S::Connecting | S::Sampling, O::Sampled) => S::Sampling,
            (S::Connecting | S::Sampling, O::Failed) => S::BackingOff,
            (_, O::Suspended) => S::Suspended,
            (S::Suspended, O::Resumed) => S::Configured,
            _ => return None,
        })
    }

    /// How urgent the next job of a device in this state is: those that answer come before those that
    /// may not, so that a dead device costs a live one nothing.
    #[must_use]
    pub const fn priority(self) -> Priority {
        Priority(match self {
            S::Sampling => 1,
            S::Configured | S::Connecting => 2,
            S::BackingOff => 4,
            S::Suspended => 5,
        })
    }
}

/// The end of an interval, for a device that answers: before everything else.
pub const BOUNDARY: Priority = Priority(0);
/// Sending what was taken.
pub const SEND: Priority = Priority(3);
/// What keeps house.
pub const TEND: Priority = Priority(6);

#[cfg(test)]
mod tests {
    use super::*;

    const OCCURRENCES: [Occurrence; 6] = [
        O::Started,
        O::Sampled,
        O::Failed,
        O::WaitedOut,
        O::Suspended,
        O::Resumed,
    ];

    #[test]
    fn the_table_is_this_one() {
        let dash = None;
        let table = [
            // Started, Sampled, Failed, WaitedOut, Suspended, Resumed
            (
                S::Configured,
                [
                    Some(S::Connecting),
                    dash,
                    dash,
                    dash,
                    Some(S::Suspended),
                    dash,
                ],
            ),
            (
                S::Connecting,
                [
                    dash,
                    Some(S::Sampling),
                    Some(S::BackingOff),
                    dash,
                    Some(S::Suspended),
                    dash,
                ],
            ),
            (
                S::Sampling,
                [
                    dash,
                    Some(S::Sampling),
                    Some(S::BackingOff),
                    dash,
                    Some(S::Suspended),
                    dash,
                ],
            ),
            (
                S::BackingOff,
                [
                    dash,
                    dash,
                    dash,
                    Some(S::Connecting),
                    Some(S::Suspended),
                    dash,
                ],
            ),
            (
                S::Suspended,
                [
                    dash,
                    dash,
                    dash,
                    dash,
                    Some(S::Suspended),
                    Some(S::Configured),
                ],
            ),
        ];
        assert_eq!(table.map(|(state, _)| state), S::ALL);
        for (state, row) in table {
            assert_eq!(
                OCCURRENCES.map(|occurrence| state.after(occurrence)),
                row,
                "{state:?}"
            );
        }
    }

    #[test]
    fn every_state_leads_to_sampling() {
        for start in S::ALL {
            let mut reached = vec![start];
            let mut next = 0;
            while let Some(&state) = reached.get(next) {
                next += 1;
                for after in OCCURRENCES.iter().filter_map(|one| state.after(*one)) {
                    if !reached.contains(&after) {
                        reached.push(after);
                    }
                }
            }
            assert!(reached.contains(&S::Sampling), "no way out of {start:?}");
        }
    }

    #[test]
    fn a_device_that_answers_goes_before_one_that_does_not() {
        assert!(BOUNDARY < S::Sampling.priority());
        assert!(S::Sampling.priority() < S::Connecting.priority());
        assert!(S::Connecting.priority() < SEND);
        assert!(SEND < S::BackingOff.priority());
        assert!(S::BackingOff.priority() < TEND);
    }
}
