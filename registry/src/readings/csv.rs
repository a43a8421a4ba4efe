//! Readings as CSV.

use super::Rows;
use super::row::{Cell, Cells, read_row};
use csv::{ByteRecord, ReaderBuilder};
use ledger::meter::METER;
use ledger::reading::{END, INDICATOR, MAX_ROWS, START, USAGE};

/// Header and two rows for people to fill in.
pub const TEMPLATE: &str = "\
interval_start_datetime,interval_end_datetime,interval_usage,gross_net_indicator
2024-01-01T00:00:00Z,2024-01-01T01:00:00Z,1000,NET
2024-01-01T01:00:00Z,2024-01-01T02:00:00Z,1200,NET
";

const COLUMNS: [&str; 4] = [START, END, USAGE, INDICATOR];
const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

/// Why a file has no rows to look at.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CsvError {
    /// There is no header.
    #[error("the file is empty; its first line must name the columns {}", COLUMNS.join(", "))]
    Empty,
    /// The header is not text.
    #[error("the first line of the file is not UTF-8 text")]
    HeaderNotText,
    /// Columns are not there.
    #[error(
        "the first line of the file must name the columns {}, separated by commas; missing: {}",
        COLUMNS.join(", "),
        .0.join(", ")
    )]
    MissingColumns(Vec<&'static str>),
    /// A column is there more than once.
    #[error("the file has the column {0} more than once")]
    RepeatedColumn(&'static str),
    /// There is a header and nothing else.
    #[error("the file has no rows")]
    NoRows,
    /// There are more rows than a submission may have.
    #[error("a submission has at most {MAX_ROWS} rows; the file has more")]
    TooManyRows,
    /// The bytes are not CSV.
    #[error("the file is not CSV: {0}")]
    Malformed(String),
}

/// Where the columns stand; that of the meter need not be there.
struct Layout([usize; COLUMNS.len()], Option<usize>);

impl Layout {
    fn of(header: &ByteRecord) -> Result<Self, CsvError> {
        let mut found = [None; COLUMNS.len()];
        let mut meter = None;
        for (position, name) in header.iter().enumerate() {
            let name = std::str::from_utf8(name).map_err(|_| CsvError::HeaderNotText)?;
            let wanted = COLUMNS
                .iter()
                .position(|column| column.eq_ignore_ascii_case(name.trim()));
            if let Some(wanted) = wanted
                && found[wanted].replace(position).is_some()
            {
                return Err(CsvError::RepeatedColumn(COLUMNS[wanted]));
            }
            if METER.eq_ignore_ascii_case(name.trim()) && meter.replace(position).is_some() {
                return Err(CsvError::RepeatedColumn(METER));
            }
        }
        match found {
            [Some(start), Some(end), Some(usage), Some(indicator)] => {
                Ok(Self([start, end, usage, indicator], meter))
            }
            _ => Err(CsvError::MissingColumns(
                COLUMNS
                    .into_iter()
                    .zip(found)
                    .filter_map(|(column, position)| position.is_none().then_some(column))
                    .collect(),
            )),
        }
    }

    fn cells<'r>(&self, record: &'r ByteRecord) -> Cells<'r> {
        let [start, end, usage, indicator] = self.0.map(|position| cell(record.get(position)));
        Cells {
            start,
            end,
            usage,
            indicator,
            meter: self.1.map_or(Cell::Absent, |at| cell(record.get(at))),
        }
    }
}

fn cell(bytes: Option<&[u8]>) -> Cell<'_> {
    match bytes.map(std::str::from_utf8) {
        Some(Err(_)) => Cell::NotText,
        Some(Ok(text)) => Some(text).into(),
        None => Cell::Absent,
    }
}

/// Reads a file of readings: UTF-8 with or without byte order mark, any line ends, quoted or not,
/// columns in any order, others ignored. Rows are counted from 1 without the header and blank lines;
/// rows of nothing but commas count and are passed over.
///
/// # Errors
/// [`CsvError`] where there are no rows to look at; bad rows are in [`Rows::unreadable`].
pub fn read_csv(file: &[u8]) -> Result<Rows, CsvError> {
    let mut reader = ReaderBuilder::new()
        .has_headers(false)
        .flexible(true)
        .from_reader(file.strip_prefix(BYTE_ORDER_MARK).unwrap_or(file));
    let mut record = ByteRecord::new();
    let malformed = |error: csv::Error| CsvError::Malformed(error.to_string());
    if !reader.read_byte_record(&mut record).map_err(malformed)? {
        return Err(CsvError::Empty);
    }
    let layout = Layout::of(&record)?;
    let mut rows = Rows::default();
    let mut number = 0;
    while reader.read_byte_record(&mut record).map_err(malformed)? {
        number += 1;
        if number as usize > MAX_ROWS {
            return Err(CsvError::TooManyRows);
        }
        if record.iter().any(|cell| !cell.trim_ascii().is_empty()) {
            rows.push(read_row(number, &layout.cells(&record)));
        }
    }
    if rows == Rows::default() {
        return Err(CsvError::NoRows);
    }
    Ok(rows)
}

#[cfg(test)]
#[path = "csv_tests.rs"]
mod tests;
