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
        // Batches are answered in any order.
        let place = tally.first.partition_point(|(known, _)| *known <= row);
        if place < NAMED {
            tally.first.insert(place, (row, reason));
            tally.first.truncate(NAMED);
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

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn the_lowest_rows_are_named_whatever_the_order() {
        let mut all = Refusals::default();
        for row in (1..=15).rev() {
            all.add(row * 2, Reason::NoTime);
        }
        let mut others = Refusals::default();
        (1..=15).for_each(|row| others.add(row * 2 - 1, Reason::NoTime));
        all.merge(others);
        let (_, tally) = all.iter().next().unwrap();
        let rows: Vec<_> = tally.first.iter().map(|(row, _)| *row).collect();
        assert_eq!(rows, [1, 2, 3, 4, 5, 6, 7, 8, 9, 10]);
        assert_eq!((tally.count, all.count()), (30, 30));
    }
}
