//! From rows of a table to readings: pure.

use std::collections::HashMap;

use chrono::{DateTime, TimeDelta, Utc};
use rust_decimal::Decimal;
use schemas::{WattHours, words};

use super::{
    length::IntervalLength,
    reason::Reason,
    refusals::Refusals,
    rows::RowNumbers,
    time::TimeReader,
    unit::{Unit, rounded},
};

words! {
    /// Whether the time of a row is the start or the end of its interval.
    TimeIs { Start = "start", End = "end" }
}

words! {
    /// What becomes of a row that repeats the instant of an earlier one.
    Duplicates {
        /// Counted where the values are equal, refused where they differ.
        AcceptIdentical = "accept-identical",
        /// Refused.
        Refuse = "refuse",
        /// Counted: the first row stands, whatever later ones say.
        First = "first",
    }
}

words! {
    /// What becomes of rows without a time.
    WithoutTime { Refuse = "refuse", Skip = "skip" }
}

/// How the rows of a table become readings.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mapping {
    pub time: TimeReader,
    pub time_is: TimeIs,
    pub interval: IntervalLength,
    pub unit: Unit,
    /// Values are rounded to a multiple of this, in the column's unit.
    pub round_to: Option<Decimal>,
    pub duplicates: Duplicates,
    pub without_time: WithoutTime,
}

/// One row of a table: its number, counted from 1 without the header, and two of its cells.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Row<'r> {
    pub number: u32,
    pub time: &'r str,
    pub value: &'r str,
}

/// A reading and the row it comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Reading {
    pub row: u32,
    pub start: DateTime<Utc>,
    pub wh: WattHours,
}

/// What a table holds, row by row or counted.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Mapped {
    /// One reading for each instant, in the order of the rows.
    pub readings: Vec<Reading>,
    /// Rows looked at.
    pub rows: u64,
    /// Rows that repeat an earlier one and were counted, not refused.
    pub repeated: RowNumbers,
    /// Rows without a time, refused or skipped.
    pub without_time: RowNumbers,
    /// Rows whose value was rounded.
    pub rounded: u64,
    /// Rows that are no reading.
    pub refused: Refusals,
}

impl Mapped {
    /// Energy of the readings; `None` beyond 64 bit.
    #[must_use]
    pub fn total(&self) -> Option<WattHours> {
        self.readings
            .iter()
            .try_fold(0_i64, |sum, reading| sum.checked_add(reading.wh.0))
            .map(WattHours)
    }
}

/// Turns rows into readings, one after another.
#[derive(Debug)]
pub struct Mapper {
    mapping: Mapping,
    seen: HashMap<DateTime<Utc>, (u32, WattHours)>,
    mapped: Mapped,
}

impl Mapper {
    #[must_use]
    pub fn new(mapping: Mapping) -> Self {
        Self {
            mapping,
            seen: HashMap::new(),
            mapped: Mapped::default(),
        }
    }

    pub fn add(&mut self, row: Row<'_>) {
        self.mapped.rows += 1;
        let read = self.start(row.time).and_then(|start| {
            let wh = self.watt_hours(row.value)?;
            self.place(row.number, start, wh)
        });
        match read {
            Ok(Some(reading)) => self.mapped.readings.push(reading),
            Ok(None) => self.mapped.repeated.push(row.number),
            Err(Reason::NoTime) => {
                self.mapped.without_time.push(row.number);
                if self.mapping.without_time == WithoutTime::Refuse {
                    self.mapped.refused.add(row.number, Reason::NoTime);
                }
            }
            Err(reason) => self.mapped.refused.add(row.number, reason),
        }
    }

    #[must_use]
    pub fn finish(self) -> Mapped {
        self.mapped
    }

    fn start(&self, text: &str) -> Result<DateTime<Utc>, Reason> {
        let time = self.mapping.time.read(text)?;
        match self.mapping.time_is {
            TimeIs::Start => Ok(time),
            TimeIs::End => {
                let length = TimeDelta::seconds(self.mapping.interval.seconds().into());
                time.checked_sub_signed(length)
                    .ok_or_else(|| Reason::BadTime {
                        text: text.to_owned(),
                    })
            }
        }
    }

    fn watt_hours(&mut self, text: &str) -> Result<WattHours, Reason> {
        let text = text.trim();
        if text.is_empty() {
            return Err(Reason::NoValue);
        }
        let written = number(text).ok_or_else(|| Reason::BadValue {
            text: text.to_owned(),
        })?;
        let Mapping { unit, interval, .. } = self.mapping;
        let value = match self.mapping.round_to {
            Some(step) => rounded(written, step).ok_or(Reason::TooLarge {
                value: written,
                unit,
            })?,
            None => written,
        };
        if value != written {
            self.mapped.rounded += 1;
        }
        unit.watt_hours(value, interval.seconds())
    }

    /// The reading, unless an earlier row stands for its instant.
    fn place(
        &mut self,
        row: u32,
        start: DateTime<Utc>,
        wh: WattHours,
    ) -> Result<Option<Reading>, Reason> {
        let Some(&(first_row, first_wh)) = self.seen.get(&start) else {
            self.seen.insert(start, (row, wh));
            return Ok(Some(Reading { row, start, wh }));
        };
        match self.mapping.duplicates {
            Duplicates::First => Ok(None),
            Duplicates::AcceptIdentical if wh == first_wh => Ok(None),
            Duplicates::Refuse if wh == first_wh => Err(Reason::Repeated { start, first_row }),
            Duplicates::AcceptIdentical | Duplicates::Refuse => Err(Reason::Contradiction {
                start,
                wh,
                first_row,
                first_wh,
            }),
        }
    }
}

/// A decimal as it is written, digit by digit.
fn number(text: &str) -> Option<Decimal> {
    if text.contains(['e', 'E']) {
        Decimal::from_scientific(text).ok()
    } else {
        Decimal::from_str_exact(text).ok()
    }
}
