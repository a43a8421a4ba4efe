//! Columns of an import, and the tables they stand in.

use crate::readings::row::Cell;
use csv::{ByteRecord, ReaderBuilder};
use ledger::import::{
    EMISSIONS_SOURCE, ENERGY_SOURCE, EXPIRY, HASH, ISSUANCE_ID, ISSUED_AT, MAX_BUNDLES,
    ORIGIN_BUNDLE, ORIGIN_DEVICE, ORIGIN_REGISTRY, PRODUCTION_END, PRODUCTION_START, QUANTITY,
    RANGE_END, RANGE_START, STATUS,
};
use serde_json::{Map, Value};
use std::collections::HashMap;

/// Every column, in the order of the template, and whether it must be there.
pub const COLUMNS: [(&str, bool); 30] = [
    (ORIGIN_REGISTRY, true),
    (ORIGIN_DEVICE, true),
    (ORIGIN_BUNDLE, true),
    (ISSUANCE_ID, false),
    (HASH, false),
    (STATUS, true),
    (RANGE_START, true),
    (RANGE_END, true),
    (QUANTITY, true),
    (FACE_VALUE, false),
    (ENERGY_CARRIER, false),
    (ENERGY_SOURCE, true),
    (EMISSIONS_FACTOR, false),
    (EMISSIONS_SOURCE, false),
    (PRODUCTION_START, true),
    (PRODUCTION_END, true),
    (ISSUED_AT, true),
    (EXPIRY, true),
    (POST_CONVERSION, false),
    (IS_STORAGE, false),
    (COUNTRY, true),
    (GRID, true),
    (ISSUING_BODY, true),
    (MARKET_ZONE, true),
    (LEGAL_STATUS, false),
    (PURPOSE, false),
    (SUPPORT, false),
    (QUALITY_SCHEME, false),
    (DISSEMINATION, false),
    (CONFIGURATION, false),
];

pub(super) const FACE_VALUE: &str = "face_value";
pub(super) const ENERGY_CARRIER: &str = "energy_carrier";
pub(super) const EMISSIONS_FACTOR: &str = "emissions_factor_production_device";
pub(super) const POST_CONVERSION: &str = "issuance_post_energy_carrier_conversion";
pub(super) const IS_STORAGE: &str = "is_storage";
pub(super) const COUNTRY: &str = "country_of_issuance";
pub(super) const GRID: &str = "connected_grid_identification";
pub(super) const ISSUING_BODY: &str = "issuing_body";
pub(super) const MARKET_ZONE: &str = "issue_market_zone";
pub(super) const LEGAL_STATUS: &str = "legal_status";
pub(super) const PURPOSE: &str = "issuance_purpose";
pub(super) const SUPPORT: &str = "support_received";
pub(super) const QUALITY_SCHEME: &str = "quality_scheme_reference";
pub(super) const DISSEMINATION: &str = "dissemination_level";
pub(super) const CONFIGURATION: &str = "registry_configuration";

/// Header and a row for people to fill in.
pub const TEMPLATE: &str = "\
origin_registry,origin_device_id,origin_bundle_id,issuance_id,hash,certificate_bundle_status,certificate_bundle_id_range_start,certificate_bundle_id_range_end,bundle_quantity,face_value,energy_carrier,energy_source,emissions_factor_production_device,emissions_factor_source,production_starting_interval,production_ending_interval,issuance_datestamp,expiry_datestamp,issuance_post_energy_carrier_conversion,is_storage,country_of_issuance,connected_grid_identification,issuing_body,issue_market_zone,legal_status,issuance_purpose,support_received,quality_scheme_reference,dissemination_level,registry_configuration
fr,31,77,31-2025-06-01 10:00:00,,Active,1,1000,1000,1,electricity,wind,,,2025-06-01T10:00:00Z,2025-06-01T11:00:00Z,2025-06-01T12:00:00Z,2035-06-01T12:00:00Z,false,false,FR,RTE,EEX,FR,,,,,,1
";

const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

/// Why a file has no rows to look at.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TableError {
    /// There are no rows.
    #[error("the file has no rows")]
    NoRows,
    /// There are more rows than an import may have.
    #[error("an import has at most {MAX_BUNDLES} bundles; the file has more")]
    TooManyRows,
    /// Columns are not there.
    #[error("the first line of the file must name the columns, separated by commas; missing: {}", .0.join(", "))]
    MissingColumns(Vec<&'static str>),
    /// A column is there more than once.
    #[error("the file has the column {0} more than once")]
    RepeatedColumn(&'static str),
    /// It is neither CSV nor JSON.
    #[error("the file is not {0}: {1}")]
    Malformed(&'static str, String),
}

/// The values of a row by their columns.
pub(super) struct Cells<'a>(HashMap<&'static str, Cell<'a>>);

impl<'a> Cells<'a> {
    pub(super) fn get(&self, column: &str) -> Cell<'a> {
        self.0.get(column).copied().unwrap_or(Cell::Absent)
    }
}

/// Reads CSV: UTF-8 with or without byte order mark, columns in any order, others ignored.
pub(super) fn csv(file: &[u8], mut each: impl FnMut(u32, &Cells<'_>)) -> Result<(), TableError> {
    let malformed = |error: csv::Error| TableError::Malformed("CSV", error.to_string());
    let mut reader = ReaderBuilder::new()
        .has_headers(false)
        .flexible(true)
        .from_reader(file.strip_prefix(BYTE_ORDER_MARK).unwrap_or(file));
    let mut record = ByteRecord::new();
    if !reader.read_byte_record(&mut record).map_err(malformed)? {
        return Err(TableError::NoRows);
    }
    let layout = layout(&record)?;
    let (mut number, mut is_empty) = (0_u32, true);
    while reader.read_byte_record(&mut record).map_err(malformed)? {
        number += 1;
        if number as usize > MAX_BUNDLES {
            return Err(TableError::TooManyRows);
        }
        if record.iter().all(|cell| cell.trim_ascii().is_empty()) {
            continue;
        }
        is_empty = false;
        let cells = layout.iter().map(|(column, position)| {
            let cell = match record.get(*position).map(std::str::from_utf8) {
                Some(Err(_)) => Cell::NotText,
                Some(Ok(text)) => Some(text).into(),
                None => Cell::Absent,
            };
            (*column, cell)
        });
        each(number, &Cells(cells.collect()));
    }
    if is_empty {
        return Err(TableError::NoRows);
    }
    Ok(())
}

fn layout(header: &ByteRecord) -> Result<Vec<(&'static str, usize)>, TableError> {
    let mut found: Vec<(&'static str, usize)> = Vec::new();
    for (position, name) in header.iter().enumerate() {
        let name = std::str::from_utf8(name).map_err(|_| {
            TableError::Malformed("CSV", "its first line is not UTF-8 text".to_owned())
        })?;
        let wanted = COLUMNS
            .iter()
            .find(|(column, _)| column.eq_ignore_ascii_case(name.trim()));
        if let Some((column, _)) = wanted {
            if found.iter().any(|(known, _)| known == column) {
                return Err(TableError::RepeatedColumn(column));
            }
            found.push((column, position));
        }
    }
    let missing: Vec<_> = COLUMNS
        .iter()
        .filter(|(column, required)| *required && !found.iter().any(|(known, _)| known == column))
        .map(|(column, _)| *column)
        .collect();
    if missing.is_empty() {
        Ok(found)
    } else {
        Err(TableError::MissingColumns(missing))
    }
}

/// Reads a JSON list of objects whose members are the columns.
pub(super) fn json(file: &[u8], mut each: impl FnMut(u32, &Cells<'_>)) -> Result<(), TableError> {
    let rows: Vec<Map<String, Value>> = serde_json::from_slice(file)
        .map_err(|error| TableError::Malformed("a JSON list of objects", error.to_string()))?;
    if rows.is_empty() {
        return Err(TableError::NoRows);
    }
    if rows.len() > MAX_BUNDLES {
        return Err(TableError::TooManyRows);
    }
    for (number, row) in (1..).zip(&rows) {
        let texts: Vec<(&'static str, Option<String>)> = COLUMNS
            .iter()
            .filter_map(|(column, _)| Some((*column, shown(row.get(*column)?))))
            .collect();
        let cells = texts
            .iter()
            .map(|(column, text)| (*column, text.as_deref().into()));
        each(number, &Cells(cells.collect()));
    }
    Ok(())
}

/// A JSON value as a table would have it.
fn shown(value: &Value) -> Option<String> {
    match value {
        Value::Null => None,
        Value::String(text) => Some(text.clone()),
        other => Some(other.to_string()),
    }
}

/// The template as a JSON list.
#[must_use]
pub fn template_json() -> Value {
    let mut lines = TEMPLATE.lines().map(|line| line.split(','));
    let header: Vec<_> = lines.next().into_iter().flatten().collect();
    let rows = lines.map(|cells| {
        let members = header.iter().zip(cells).map(|(name, cell)| {
            let cell = match cell {
                "" => Value::Null,
                cell => Value::String(cell.to_owned()),
            };
            ((*name).to_owned(), cell)
        });
        Value::Object(members.collect())
    });
    rows.collect()
}
