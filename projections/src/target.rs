//! The two databases that are projected to.

use ledger::Stream;
use std::fmt;

/// Which database.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Target {
    /// The state of the ledger: the entries the sequencer decides on.
    Write,
    /// The answers to the questions the API is asked.
    Read,
}

impl Target {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Write, Self::Read];

    /// The streams it is made from, in the order in which history is applied.
    #[must_use]
    pub const fn streams(self) -> &'static [Stream] {
        match self {
            Self::Write => &[Stream::Identity, Stream::Ledger],
            Self::Read => &[Stream::Identity, Stream::Ledger, Stream::Audit],
        }
    }

    /// Version of what is made of the events. To be raised by a release that makes other rows of the same events, or more of
    /// them: the one before would not keep those that a migration makes. The tables are then built anew beside those of the
    /// release before, which goes on projecting to and reading its own until they are swapped. Migrations expand: what the
    /// release before reads is dropped by none but the release after.
    #[must_use]
    pub const fn version(self) -> i32 {
        match self {
            Self::Write | Self::Read => 1,
        }
    }

    /// Name on the command line, in logs and metrics.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Write => "write",
            Self::Read => "read",
        }
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
