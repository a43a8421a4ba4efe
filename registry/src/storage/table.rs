//! Tables of few columns, from CSV or JSON.

use crate::readings::row::Cell;
use csv::{ByteRecord, ReaderBuilder};
use ledger::storage::MAX_ROWS;
use schemas::api::storage::RowTexts;

const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

/// Why a file has no rows to look at.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TableError {
    /// There is no header.
    #[error("the file is empty; its first line must name the columns")]
    Empty,
    /// The header is not text.
    #[error("the first line of the file is not UTF-8 text")]
    HeaderNotText,
    /// Columns are not there.
    #[error("the first line of the file must name the columns, separated by commas; missing: {}", .0.join(", "))]
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

/// Rows of one kind, read from an upload.
pub trait Uploaded: Default + Send + 'static {
    /// Columns that must be there.
    const REQUIRED: &'static [&'static str];
    /// Columns that may be there.
    const OPTIONAL: &'static [&'static str];

    /// Reads one row; `cells` are in the order of the columns, required ones first.
    fn push(&mut self, number: u32, cells: &[Cell<'_>]);

    /// Reads a file: UTF-8 with or without byte order mark, any line ends, quoted or not, columns in any
    /// order, others ignored. Rows are counted from 1 without the header and blank lines.
    ///
    /// # Errors
    /// [`TableError`] where there are no rows to look at.
    fn of_csv(file: &[u8]) -> Result<Self, TableError> {
        let mut reader = ReaderBuilder::new()
            .has_headers(false)
            .flexible(true)
            .from_reader(file.strip_prefix(BYTE_ORDER_MARK).unwrap_or(file));
        let mut record = ByteRecord::new();
        let malformed = |error: csv::Error| TableError::Malformed(error.to_string());
        if !reader.read_byte_record(&mut record).map_err(malformed)? {
            return Err(TableError::Empty);
        }
        let layout = layout::<Self>(&record)?;
        let mut rows = Self::default();
        let (mut number, mut is_empty) = (0, true);
        while reader.read_byte_record(&mut record).map_err(malformed)? {
            number += 1;
            if number as usize > MAX_ROWS {
                return Err(TableError::TooManyRows);
            }
            if record.iter().any(|cell| !cell.trim_ascii().is_empty()) {
                is_empty = false;
                let cells: Vec<_> = layout
                    .iter()
                    .map(|position| cell(position.and_then(|position| record.get(position))))
                    .collect();
                rows.push(number, &cells);
            }
        }
        if is_empty {
            return Err(TableError::NoRows);
        }
        Ok(rows)
    }

    /// Reads rows whose values stand under their names already.
    fn of_texts(texts: &[RowTexts]) -> Self {
        let mut rows = Self::default();
        for (number, text) in (1..).zip(texts) {
            let cells: Vec<_> = columns::<Self>()
                .map(|column| text.0.get(column).map(String::as_str).into())
                .collect();
            rows.push(number, &cells);
        }
        rows
    }
}

fn columns<T: Uploaded>() -> impl Iterator<Item = &'static str> {
    T::REQUIRED.iter().chain(T::OPTIONAL).copied()
}

/// Where each column stands.
fn layout<T: Uploaded>(header: &ByteRecord) -> Result<Vec<Option<usize>>, TableError> {
    let mut found = vec![None; T::REQUIRED.len() + T::OPTIONAL.len()];
    for (position, name) in header.iter().enumerate() {
        let name = std::str::from_utf8(name).map_err(|_| TableError::HeaderNotText)?;
        let wanted = columns::<T>()
            .enumerate()
            .find(|(_, column)| column.eq_ignore_ascii_case(name.trim()));
        if let Some((wanted, column)) = wanted
            && found[wanted].replace(position).is_some()
        {
            return Err(TableError::RepeatedColumn(column));
        }
    }
    let missing: Vec<_> = T::REQUIRED
        .iter()
        .zip(&found)
        .filter_map(|(column, position)| position.is_none().then_some(*column))
        .collect();
    if missing.is_empty() {
        Ok(found)
    } else {
        Err(TableError::MissingColumns(missing))
    }
}

fn cell(bytes: Option<&[u8]>) -> Cell<'_> {
    match bytes.map(std::str::from_utf8) {
        Some(Err(_)) => Cell::NotText,
        Some(Ok(text)) => Some(text).into(),
        None => Cell::Absent,
    }
}
