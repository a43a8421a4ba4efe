//! Readings as clients write them, in CSV or JSON, into rows for the ledger. Pure: what can not be read
//! becomes an error that names row and column, and the rows after it are read all the same.

mod csv;
pub(crate) mod row;

pub use csv::{CsvError, TEMPLATE, read_csv};
pub use row::read_texts;

use ledger::command::ReadingRow;
use ledger::refusal::FieldError;

/// What was found in a submission.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Rows {
    /// Rows that could be read.
    pub rows: Vec<ReadingRow>,
    /// Values that could not; their rows are not among the others.
    pub unreadable: Vec<FieldError>,
}

impl Rows {
    fn push(&mut self, read: Result<ReadingRow, Vec<FieldError>>) {
        match read {
            Ok(row) => self.rows.push(row),
            Err(errors) => self.unreadable.extend(errors),
        }
    }
}
