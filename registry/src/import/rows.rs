//! Numbers of rows, as a report names them.

use std::fmt;

/// Most ranges that are printed.
const SHOWN: usize = 12;

/// Numbers of rows, counted from 1 without the header, in ascending order.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct RowNumbers {
    /// First and last of each run of neighbours.
    ranges: Vec<(u32, u32)>,
    count: u64,
}

impl RowNumbers {
    /// How many.
    #[must_use]
    pub const fn count(&self) -> u64 {
        self.count
    }

    /// Adds a row after all others.
    pub(super) fn push(&mut self, row: u32) {
        self.count += 1;
        match self.ranges.last_mut() {
            Some((_, last)) if *last + 1 == row => *last = row,
            _ => self.ranges.push((row, row)),
        }
    }
}

impl fmt::Display for RowNumbers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, (first, last)) in self.ranges.iter().take(SHOWN).enumerate() {
            let comma = if index == 0 { "" } else { ", " };
            match first == last {
                true => write!(f, "{comma}{first}")?,
                false => write!(f, "{comma}{first}–{last}")?,
            }
        }
        match self.ranges.len().saturating_sub(SHOWN) {
            0 => Ok(()),
            more => write!(f, " and {more} more places"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn neighbours_are_shown_as_a_range() {
        let mut rows = RowNumbers::default();
        for row in [3, 7, 8, 9, 12] {
            rows.push(row);
        }
        assert_eq!(rows.to_string(), "3, 7–9, 12");
        assert_eq!(rows.count(), 5);
    }

    #[test]
    fn what_is_not_shown_is_counted() {
        let mut rows = RowNumbers::default();
        (0..20).for_each(|index| rows.push(index * 2));
        assert!(rows.to_string().ends_with("22 and 8 more places"), "{rows}");
    }
}
