//! CSV files of interval values.

use std::{fs::File, io, path::Path};

use csv::ByteRecord;

use super::mapping::{Mapped, Mapper, Mapping, Row};

/// The two columns that matter, by their headers. The header of a column may be empty.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Columns {
    pub time: String,
    pub value: String,
}

/// Why a table can not be read.
#[derive(Debug, thiserror::Error)]
pub enum TableError {
    #[error("{path} can not be read")]
    Open { path: String, source: io::Error },
    #[error("the table is not CSV")]
    Csv(#[from] csv::Error),
    #[error("there is no column {wanted:?}; there are {}", listed(.found))]
    NoColumn { wanted: String, found: Vec<String> },
    #[error("{count} columns are named {wanted:?}; which one is meant?")]
    ManyColumns { wanted: String, count: usize },
    #[error("the table has more rows than can be numbered")]
    TooLong,
}

fn listed(names: &[String]) -> String {
    let quoted: Vec<_> = names.iter().map(|name| format!("{name:?}")).collect();
    quoted.join(", ")
}

/// Reads a CSV file with a header and maps each row.
///
/// # Errors
/// [`TableError`]; a row that is short or not UTF-8 is no error but a refused row.
pub fn read_file(path: &Path, columns: &Columns, mapping: Mapping) -> Result<Mapped, TableError> {
    let file = File::open(path).map_err(|source| TableError::Open {
        path: path.display().to_string(),
        source,
    })?;
    read(file, columns, mapping)
}

/// As [`read_file`], from anywhere.
///
/// # Errors
/// As [`read_file`].
pub fn read(
    input: impl io::Read,
    columns: &Columns,
    mapping: Mapping,
) -> Result<Mapped, TableError> {
    let mut table = csv::ReaderBuilder::new().flexible(true).from_reader(input);
    let headers: Vec<_> = table.byte_headers()?.iter().map(header).collect();
    let time = position(&headers, &columns.time)?;
    let value = position(&headers, &columns.value)?;
    let mut mapper = Mapper::new(mapping);
    let mut record = ByteRecord::new();
    let mut number = 0_u32;
    while table.read_byte_record(&mut record)? {
        number = number.checked_add(1).ok_or(TableError::TooLong)?;
        mapper.add(Row {
            number,
            time: &cell(&record, time),
            value: &cell(&record, value),
        });
    }
    Ok(mapper.finish())
}

/// A header without the byte order mark that spreadsheets write.
fn header(bytes: &[u8]) -> String {
    let text = String::from_utf8_lossy(bytes);
    text.trim_start_matches('\u{feff}').trim().to_owned()
}

fn position(headers: &[String], wanted: &str) -> Result<usize, TableError> {
    let mut found = (0..headers.len()).filter(|&index| headers[index] == wanted.trim());
    let first = found.next().ok_or_else(|| TableError::NoColumn {
        wanted: wanted.to_owned(),
        found: headers.to_vec(),
    })?;
    match found.count() {
        0 => Ok(first),
        more => Err(TableError::ManyColumns {
            wanted: wanted.to_owned(),
            count: more + 1,
        }),
    }
}

/// A cell's text; a cell that is not there is empty.
fn cell(record: &ByteRecord, index: usize) -> std::borrow::Cow<'_, str> {
    String::from_utf8_lossy(record.get(index).unwrap_or_default())
}
