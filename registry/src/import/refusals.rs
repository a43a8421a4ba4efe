//! Refused rows, counted by reason.

use std::collections::BTreeMap;

use super::reason::Reason;

/// Rows that a report names for each reason.
pub const NAMED: usize = 10;

/// Rows that were not imported.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Refusals {
    by_heading: BTreeMap<String, Tally>,
    count: u64,
}

/// Rows refused for one reason.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Tally {
    /// How many.
    pub count: u64,
    /// The first of them with what is wrong.
    pub first: Vec<(u32, Reason)>,
}

impl Refusals {
    /// Rows refused for any reason.
    #[must_use]
    pub const fn count(&self) -> u64 {
        self.count
    }

    pub fn add(&mut self, row: u32, reason: Reason) {
        self.count += 1;
        let tally = self.by_heading.entry(reason.heading()).or_default();
        tally.count += 1;
        if tally.first.len() < NAMED {
            tally.first.push((row, reason));
        }
    }

    /// Adds those of `other`.
    pub fn merge(&mut self, other: Self) {
        self.count += other.count;
        for (heading, tally) in other.by_heading {
            let known = self.by_heading.entry(heading).or_default();
            known.count += tally.count;
            known.first.extend(tally.first);
            known.first.sort_by_key(|(row, _)| *row);
            known.first.truncate(NAMED);
        }
    }

    /// Each reason's heading with its rows.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Tally)> {
        self.by_heading
            .iter()
            .map(|(heading, tally)| (heading.as_str(), tally))
    }
}
