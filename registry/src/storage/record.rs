//! Rows of what storage charged and discharged.

use super::table::Uploaded;
use crate::readings::row::{Cell, error, instant, shown, text, whole_watt_hours};
use ledger::command::FlowRow;
use ledger::refusal::FieldError;
use ledger::storage::record::{END, ENERGY, START, VALIDATOR};
use schemas::api::problem::code;

/// Header and two rows for people to fill in.
pub const RECORD_TEMPLATE: &str = "\
flow_start_datetime,flow_end_datetime,flow_energy,validator_id
2024-01-01T00:00:00Z,2024-01-01T01:00:00Z,-1000,
2024-01-01T01:00:00Z,2024-01-01T02:00:00Z,850,
";

/// What was found in a submission of records.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Rows {
    /// Rows that could be read.
    pub rows: Vec<FlowRow>,
    /// Values that could not; their rows are not among the others.
    pub unreadable: Vec<FieldError>,
}

impl Uploaded for Rows {
    const REQUIRED: &'static [&'static str] = &[START, END, ENERGY];
    const OPTIONAL: &'static [&'static str] = &[VALIDATOR];

    fn push(&mut self, row: u32, cells: &[Cell<'_>]) {
        let before = self.unreadable.len();
        let mut keep = |error: FieldError| self.unreadable.push(error);
        let start = instant(row, START, cells[0]).map_err(&mut keep).ok();
        let end = instant(row, END, cells[1]).map_err(&mut keep).ok();
        let wh = whole_watt_hours(row, ENERGY, cells[2])
            .map_err(&mut keep)
            .ok();
        let validator_id = match cells[3] {
            Cell::Absent => None,
            cell => number(row, VALIDATOR, cell).map_err(&mut keep).ok(),
        };
        if let (Some(start), Some(end), Some(wh)) = (start, end, wh)
            && self.unreadable.len() == before
        {
            self.rows.push(FlowRow {
                row,
                start,
                end,
                wh,
                validator_id,
            });
        }
    }
}

/// A whole number of 64 bits.
pub(super) fn number(row: u32, column: &'static str, cell: Cell<'_>) -> Result<i64, FieldError> {
    let text = text(row, column, cell)?;
    text.parse().map_err(|_| {
        let rule = format!(
            "{column} must be a whole number of 64 bits; {} is not",
            shown(text)
        );
        error(row, column, code::WRONG_TYPE, rule)
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::super::TableError;
    use super::*;
    use schemas::WattHours;

    #[test]
    fn the_template_reads_as_its_own_example() {
        let read = Rows::of_csv(RECORD_TEMPLATE.as_bytes()).unwrap();
        assert!(read.unreadable.is_empty());
        let flows: Vec<_> = read.rows.iter().map(|row| row.wh).collect();
        assert_eq!(flows, [WattHours(-1000), WattHours(850)]);
    }

    #[test]
    fn bad_values_are_named_and_a_validator_may_be_left_out() {
        let file = "flow_energy,flow_start_datetime,flow_end_datetime\n5.5,soon,2024-01-01T01:00:00Z\n\
                    7,2024-01-01T01:00:00Z,2024-01-01T02:00:00Z\n";
        let read = Rows::of_csv(file.as_bytes()).unwrap();
        assert_eq!((read.rows.len(), read.unreadable.len()), (1, 2));
        assert_eq!(read.rows[0].row, 2);
        assert_eq!(
            Rows::of_csv(b"flow_energy\n1\n"),
            Err(TableError::MissingColumns(vec![START, END]))
        );
        assert_eq!(Rows::of_csv(b""), Err(TableError::Empty));
    }
}
