//! What people may be shown, and what they were.

use super::crowd::Work;
use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

/// What may become of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shown {
    /// It is done, and more of them are meanwhile.
    AsEver,
    /// It is done, or refused with 503.
    Perhaps503,
    /// Likewise, and it is refused with 503 at least once.
    Sure503,
    /// Likewise, and it is done again before the fault is over.
    Recovers,
    /// Nobody answers, or it is refused with 503, or done.
    Unanswered,
}

/// What became of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Outcome {
    Done,
    Refused503,
    Unanswered,
}

impl Shown {
    /// Whether this may become of it.
    pub const fn allows(self, outcome: Outcome) -> bool {
        match (self, outcome) {
            (_, Outcome::Done) | (Self::Unanswered, _) => true,
            (Self::Perhaps503 | Self::Sure503 | Self::Recovers, Outcome::Refused503) => true,
            (_, Outcome::Refused503 | Outcome::Unanswered) => false,
        }
    }
}

/// How many requests of each kind became what.
#[derive(Debug, Clone, Default)]
pub struct Seen {
    count: BTreeMap<(Work, usize, Outcome), u64>,
    /// How long somebody waited for what became of it.
    longest: Option<(Duration, Work)>,
}

impl Seen {
    pub fn note(&mut self, work: Work, registry: usize, outcome: Outcome, took: Duration) {
        *self.count.entry((work, registry, outcome)).or_default() += 1;
        self.longest = self.longest.max(Some((took, work)));
    }

    pub fn count(&self, work: Work, registry: usize, outcome: Outcome) -> u64 {
        let key = (work, registry, outcome);
        self.count.get(&key).copied().unwrap_or_default()
    }
}

impl fmt::Display for Seen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut all: BTreeMap<Outcome, u64> = BTreeMap::new();
        for ((_, _, outcome), count) in &self.count {
            *all.entry(*outcome).or_default() += count;
        }
        let of = |outcome| all.get(&outcome).copied().unwrap_or_default();
        write!(
            f,
            "{} done, {} refused, {} unanswered",
            of(Outcome::Done),
            of(Outcome::Refused503),
            of(Outcome::Unanswered)
        )?;
        match self.longest {
            Some((took, work)) => write!(f, ", longest {work:?} {:.1} s", took.as_secs_f64()),
            None => Ok(()),
        }
    }
}
