//! What an import did, in words and numbers.

use std::{
    fmt::{self, Write as _},
    time::Duration,
};

use super::{mapping::Mapped, refusals::Refusals, rows::RowNumbers, submission::Sent};
use crate::client::ClientError;

/// What an import did. `Display` is what the person at the terminal reads.
#[derive(Debug)]
pub struct Report {
    rows: u64,
    readings: u64,
    mapped_wh: Option<i64>,
    repeated: RowNumbers,
    without_time: RowNumbers,
    rounded: u64,
    refused: Refusals,
    sent: Option<Sent>,
    took: Duration,
}

impl Report {
    /// What mapping found; nothing was sent yet.
    #[must_use]
    pub fn of(mapped: Mapped, took: Duration) -> Self {
        Self {
            rows: mapped.rows,
            readings: mapped.readings.len() as u64,
            mapped_wh: mapped.total().map(|wh| wh.0),
            repeated: mapped.repeated,
            without_time: mapped.without_time,
            rounded: mapped.rounded,
            refused: mapped.refused,
            sent: None,
            took,
        }
    }

    /// The same with what became of the readings.
    #[must_use]
    pub fn and_sent(mut self, mut sent: Sent, took: Duration) -> Self {
        self.refused.merge(std::mem::take(&mut sent.refused));
        self.sent = Some(sent);
        self.took = took;
        self
    }

    /// Rows that are no reading in the registry, for any reason but a repetition or a row without a
    /// time that was to be skipped.
    #[must_use]
    pub const fn refused(&self) -> u64 {
        self.refused.count()
    }

    /// Why sending stopped early, if it did.
    pub fn take_failure(&mut self) -> Option<ClientError> {
        self.sent.as_mut()?.failure.take()
    }

    /// Whether readings were sent.
    #[must_use]
    pub const fn was_sent(&self) -> bool {
        self.sent.is_some()
    }

    /// Readings that were good but not stored.
    #[must_use]
    pub fn left(&self) -> u64 {
        self.sent.as_ref().map_or(0, |sent| sent.left)
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut line = |count: u64, what: &str| writeln!(f, "{:>18} {what}", grouped(count));
        line(self.rows, "rows read")?;
        let rows = |numbers: &RowNumbers| match numbers.count() {
            0 => String::new(),
            _ => format!(" (rows {numbers})"),
        };
        let repeated = rows(&self.repeated);
        line(
            self.repeated.count(),
            &format!("of them repeat another{repeated}"),
        )?;
        let without_time = rows(&self.without_time);
        line(
            self.without_time.count(),
            &format!("of them without a time{without_time}"),
        )?;
        if self.rounded > 0 {
            line(self.rounded, "of them with a value that was rounded")?;
        }
        line(self.refused.count(), "of them refused")?;
        match &self.sent {
            None => {
                line(self.readings, "readings, not sent")?;
                if let Some(wh) = self.mapped_wh {
                    line(wh.unsigned_abs(), "Wh in them")?;
                }
            }
            Some(sent) => {
                line(sent.accepted, "readings accepted")?;
                line(sent.known, "readings that the registry had already")?;
                line(sent.total.0.unsigned_abs(), "Wh in both")?;
                if sent.left > 0 {
                    line(sent.left, "readings not stored")?;
                }
            }
        }
        f.write_str(&self.reasons())?;
        let done = self
            .sent
            .as_ref()
            .map_or(0, |sent| sent.accepted + sent.known);
        let millis = u64::try_from(self.took.as_millis()).unwrap_or(u64::MAX);
        write!(f, "{:>14}.{:03} s", grouped(millis / 1_000), millis % 1_000)?;
        match done {
            0 => writeln!(f),
            _ => writeln!(f, ", {} readings/s", grouped(done * 1_000 / millis.max(1))),
        }
    }
}

impl Report {
    fn reasons(&self) -> String {
        let mut text = String::new();
        for (heading, tally) in self.refused.iter() {
            // Writing to a string can not fail.
            let _ = writeln!(text, "\n  {} rows {heading}", grouped(tally.count));
            for (row, reason) in &tally.first {
                let _ = writeln!(text, "    row {row}: {reason}");
            }
            match tally.count - tally.first.len() as u64 {
                0 => {}
                more => {
                    let _ = writeln!(text, "    and {} more", grouped(more));
                }
            }
        }
        if !text.is_empty() {
            text.push('\n');
        }
        text
    }
}

/// `1234567` as `1,234,567`.
#[must_use]
pub fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (index, digit) in digits.char_indices() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digits_are_grouped_in_threes() {
        for (number, text) in [
            (0, "0"),
            (999, "999"),
            (1_000, "1,000"),
            (39_227_938_500_000, "39,227,938,500,000"),
        ] {
            assert_eq!(grouped(number), text);
        }
    }
}
