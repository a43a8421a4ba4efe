//! Rows of allocations of discharges to charges.

use super::record::number;
use super::table::Uploaded;
use crate::readings::row::{Cell, error, instant, shown, text, whole_watt_hours};
use chrono::{DateTime, Utc};
use ledger::command::{AllocationRow, RecordPlace, RowAmount, StatedFactor};
use ledger::refusal::FieldError;
use ledger::storage::allocation::{
    CONSUMED, FACTOR, FACTOR_END, FACTOR_START, PRODUCED, PROPORTION, SCR, SDR,
};
use rust_decimal::Decimal;
use schemas::WattHours;
use schemas::api::decimal::ExactNumber;
use schemas::api::problem::code;
use schemas::id::StorageRecordId;
use std::collections::HashMap;

/// Header and two rows for people to fill in.
pub const ALLOCATION_TEMPLATE: &str = "\
scr_allocation_id,sdr_allocation_id,scr_wh_consumed,sdr_wh_produced,sdr_proportion,efficiency_factor_interval_start,efficiency_factor_interval_end,storage_efficiency_factor
1,2,1000,890,,2024-01-01T00:00:00Z,2024-02-01T00:00:00Z,0.89
3,4,,,0.5,,,
";

/// A row that could be read; where its records stand is not known yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    row: u32,
    /// The charge.
    pub scr: StorageRecordId,
    /// The discharge.
    pub sdr: StorageRecordId,
    amount: RowAmount,
    produced: Option<WattHours>,
    factor: Option<StatedFactor>,
}

impl Row {
    /// The row for the ledger, with its records' starts as far as they are known.
    #[must_use]
    pub fn placed(&self, starts: &HashMap<StorageRecordId, DateTime<Utc>>) -> AllocationRow {
        let place = |record_id| RecordPlace {
            record_id,
            start: starts.get(&record_id).copied(),
        };
        AllocationRow {
            row: self.row,
            scr: place(self.scr),
            sdr: place(self.sdr),
            amount: self.amount,
            produced: self.produced,
            factor: self.factor,
        }
    }
}

/// What was found in a submission of allocations.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Rows {
    /// Rows that could be read.
    pub rows: Vec<Row>,
    /// Values that could not; their rows are not among the others.
    pub unreadable: Vec<FieldError>,
}

impl Uploaded for Rows {
    const REQUIRED: &'static [&'static str] = &[SCR, SDR];
    const OPTIONAL: &'static [&'static str] = &[
        CONSUMED,
        PRODUCED,
        PROPORTION,
        FACTOR_START,
        FACTOR_END,
        FACTOR,
    ];

    fn push(&mut self, row: u32, cells: &[Cell<'_>]) {
        match read(row, cells) {
            Ok(row) => self.rows.push(row),
            Err(errors) => self.unreadable.extend(errors),
        }
    }
}

fn read(row: u32, cells: &[Cell<'_>]) -> Result<Row, Vec<FieldError>> {
    let [scr, sdr, consumed, produced, proportion, start, end, factor] = cells else {
        return Err(Vec::new());
    };
    let mut errors = Vec::new();
    let mut keep = |error: FieldError| errors.push(error);
    let scr = number(row, SCR, *scr).map_err(&mut keep).ok();
    let sdr = number(row, SDR, *sdr).map_err(&mut keep).ok();
    let amount = amount(row, *consumed, *proportion).map_err(&mut keep).ok();
    let produced = optional(*produced, |cell| whole_watt_hours(row, PRODUCED, cell));
    let produced = produced.map_err(&mut keep).ok();
    let factor = stated(row, *start, *end, *factor).map_err(&mut keep).ok();
    match (scr, sdr, amount, produced, factor) {
        (Some(scr), Some(sdr), Some(amount), Some(produced), Some(factor)) => Ok(Row {
            row,
            scr: StorageRecordId(scr),
            sdr: StorageRecordId(sdr),
            amount,
            produced,
            factor,
        }),
        _ => Err(errors),
    }
}

fn optional<T>(
    cell: Cell<'_>,
    read: impl FnOnce(Cell<'_>) -> Result<T, FieldError>,
) -> Result<Option<T>, FieldError> {
    match cell {
        Cell::Absent => Ok(None),
        cell => read(cell).map(Some),
    }
}

fn amount(row: u32, consumed: Cell<'_>, proportion: Cell<'_>) -> Result<RowAmount, FieldError> {
    match (consumed, proportion) {
        (Cell::Absent, Cell::Absent) => Err(error(
            row,
            CONSUMED,
            code::MISSING,
            format!("{CONSUMED} or {PROPORTION} is required"),
        )),
        (Cell::Absent, proportion) => {
            decimal(row, PROPORTION, proportion).map(RowAmount::Proportion)
        }
        (consumed, _) => whole_watt_hours(row, CONSUMED, consumed).map(RowAmount::Consumed),
    }
}

/// An efficiency with its window, where a row states one.
fn stated(
    row: u32,
    start: Cell<'_>,
    end: Cell<'_>,
    factor: Cell<'_>,
) -> Result<Option<StatedFactor>, FieldError> {
    optional(factor, |factor| {
        Ok(StatedFactor {
            from: instant(row, FACTOR_START, start)?,
            to: instant(row, FACTOR_END, end)?,
            factor: decimal(row, FACTOR, factor)?,
        })
    })
}

fn decimal(row: u32, column: &'static str, cell: Cell<'_>) -> Result<Decimal, FieldError> {
    let text = text(row, column, cell)?;
    ExactNumber::parse(text)
        .map(|number| number.0)
        .ok_or_else(|| {
            let rule = format!("{column} must be a decimal number; {} is not", shown(text));
            error(row, column, code::WRONG_TYPE, rule)
        })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use ledger::refusal::Place;

    #[test]
    fn the_template_reads_as_its_own_example() {
        let read = Rows::of_csv(ALLOCATION_TEMPLATE.as_bytes()).unwrap();
        assert_eq!(read.unreadable, []);
        assert_eq!(read.rows[0].amount, RowAmount::Consumed(WattHours(1000)));
        assert_eq!(
            read.rows[1].amount,
            RowAmount::Proportion(Decimal::new(5, 1))
        );
        assert!(read.rows[0].factor.is_some() && read.rows[1].factor.is_none());
    }

    #[test]
    fn a_row_needs_an_amount_and_an_efficiency_its_window() {
        let file = "scr_allocation_id,sdr_allocation_id,storage_efficiency_factor\n1,2,0.9\n";
        let read = Rows::of_csv(file.as_bytes()).unwrap();
        let columns = read.unreadable.iter().map(|error| match error.place {
            Place::Cell { column, .. } => column,
            Place::Pointer(_) | Place::Bundle(_) => "",
        });
        assert_eq!(columns.collect::<Vec<_>>(), [CONSUMED, FACTOR_START]);
    }
}
