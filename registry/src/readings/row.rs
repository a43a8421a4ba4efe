//! One row of readings.

use super::Rows;
use chrono::{DateTime, Utc};
use ledger::command::ReadingRow;
use ledger::meter::METER;
use ledger::reading::{END, INDICATOR, START, USAGE};
use ledger::refusal::{FieldError, Place};
use schemas::WattHours;
use schemas::api::decimal::ExactNumber;
use schemas::api::measurement::ReadingTexts;
use schemas::api::problem::code;
use schemas::api::time;

/// Longest piece of a value that an error repeats, in characters.
const MAX_SHOWN_CHARS: usize = 40;

/// A value of a row as it was written.
#[derive(Debug, Clone, Copy)]
pub enum Cell<'a> {
    Absent,
    Text(&'a str),
    /// Bytes that are not UTF-8.
    NotText,
}

impl<'a> From<Option<&'a str>> for Cell<'a> {
    fn from(text: Option<&'a str>) -> Self {
        match text.map(str::trim) {
            None | Some("") => Self::Absent,
            Some(text) => Self::Text(text),
        }
    }
}

/// The values of a row, in the order of the template.
#[derive(Debug, Clone, Copy)]
pub(super) struct Cells<'a> {
    pub start: Cell<'a>,
    pub end: Cell<'a>,
    pub usage: Cell<'a>,
    pub indicator: Cell<'a>,
    /// Where it is not the device's own.
    pub meter: Cell<'a>,
}

/// Reads rows whose values stand under their names already.
#[must_use]
pub fn read_texts(readings: &[ReadingTexts]) -> Rows {
    let mut rows = Rows::default();
    for (number, reading) in (1..).zip(readings) {
        let cells = Cells {
            start: reading.start.as_deref().into(),
            end: reading.end.as_deref().into(),
            usage: reading.usage.as_deref().into(),
            indicator: reading.indicator.as_deref().into(),
            meter: reading.meter.as_deref().into(),
        };
        rows.push(read_row(number, &cells));
    }
    rows
}

/// Reads one row; all of its values that can not be read are reported.
pub(super) fn read_row(row: u32, cells: &Cells<'_>) -> Result<ReadingRow, Vec<FieldError>> {
    let mut errors = Vec::new();
    let mut keep = |error: FieldError| errors.push(error);
    let start = instant(row, START, cells.start).map_err(&mut keep).ok();
    let end = instant(row, END, cells.end).map_err(&mut keep).ok();
    let wh = whole_watt_hours(row, USAGE, cells.usage)
        .map_err(&mut keep)
        .ok();
    let indicator = text(row, INDICATOR, cells.indicator)
        .map_err(&mut keep)
        .ok();
    let meter = match cells.meter {
        Cell::Absent => Some(None),
        given => text(row, METER, given).map_err(&mut keep).ok().map(Some),
    };
    match (start, end, wh, indicator, meter) {
        (Some(start), Some(end), Some(wh), Some(indicator), Some(meter)) => Ok(ReadingRow {
            row,
            start,
            end,
            wh,
            gross_net_indicator: indicator.to_owned(),
            meter_identifier: meter.map(str::to_owned),
        }),
        _ => Err(errors),
    }
}

pub(crate) fn text<'a>(
    row: u32,
    column: &'static str,
    cell: Cell<'a>,
) -> Result<&'a str, FieldError> {
    let (code, rule) = match cell {
        Cell::Text(text) if text.contains('\0') => (
            code::OUT_OF_RANGE,
            format!("{column} must not contain the character U+0000"),
        ),
        Cell::Text(text) => return Ok(text),
        Cell::Absent => (code::MISSING, format!("{column} is required")),
        Cell::NotText => (code::WRONG_TYPE, format!("{column} is not UTF-8 text")),
    };
    Err(error(row, column, code, rule))
}

pub(crate) fn instant(
    row: u32,
    column: &'static str,
    cell: Cell<'_>,
) -> Result<DateTime<Utc>, FieldError> {
    let text = text(row, column, cell)?;
    time::parse(text).ok_or_else(|| {
        let rule = format!(
            "{column} must be a time as in 2024-11-18T10:00:00Z, with any offset or none (UTC); {} is not",
            shown(text)
        );
        error(row, column, code::NOT_A_TIME, rule)
    })
}

/// Energy is counted in whole Wh. `1000.0`, as spreadsheets write it, is whole; `1000.5` is not and
/// nothing rounds it.
pub(crate) fn whole_watt_hours(
    row: u32,
    column: &'static str,
    cell: Cell<'_>,
) -> Result<WattHours, FieldError> {
    let text = text(row, column, cell)?;
    let whole = text.parse::<i64>().ok().or_else(|| {
        let number = ExactNumber::parse(text)?.0;
        number.is_integer().then(|| i64::try_from(number).ok())?
    });
    whole.map(WattHours).ok_or_else(|| {
        let rule = format!(
            "{column} must be a whole number of Wh in 64 bits, without separators; {} is not",
            shown(text)
        );
        error(row, column, code::WRONG_TYPE, rule)
    })
}

pub(crate) fn shown(text: &str) -> String {
    if text.chars().count() <= MAX_SHOWN_CHARS {
        return format!("{text:?}");
    }
    let piece: String = text.chars().take(MAX_SHOWN_CHARS).collect();
    format!("{piece:?}…")
}

pub(crate) fn error(
    row: u32,
    column: &'static str,
    code: &'static str,
    detail: String,
) -> FieldError {
    FieldError {
        place: Place::Cell { row, column },
        code,
        detail,
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn usage(text: &str) -> Result<WattHours, FieldError> {
        whole_watt_hours(1, USAGE, Some(text).into())
    }

    #[test]
    fn energy_is_whole_watt_hours() {
        assert_eq!(usage("1000"), Ok(WattHours(1000)));
        assert_eq!(usage(" 1000.0 "), Ok(WattHours(1000)));
        assert_eq!(usage("-5"), Ok(WattHours(-5)));
        assert_eq!(usage("9223372036854775807"), Ok(WattHours(i64::MAX)));
        for wrong in [
            "5.5",
            "1,000",
            "1 000",
            "12 Wh",
            "9223372036854775808",
            "NaN",
            "0x10",
            "١٢",
        ] {
            assert_eq!(usage(wrong).unwrap_err().code, code::WRONG_TYPE, "{wrong}");
        }
    }

    #[test]
    fn every_bad_value_of_a_row_is_reported() {
        let cells = Cells {
            start: Cell::Text("02/01/2024"),
            end: Cell::Absent,
            usage: Cell::NotText,
            indicator: Cell::Text("NET"),
            meter: Cell::Absent,
        };
        let errors = read_row(7, &cells).unwrap_err();
        let found: Vec<_> = errors
            .iter()
            .map(|error| (&error.place, error.code))
            .collect();
        assert_eq!(
            found,
            [
                (
                    &Place::Cell {
                        row: 7,
                        column: START
                    },
                    code::NOT_A_TIME
                ),
                (
                    &Place::Cell {
                        row: 7,
                        column: END
                    },
                    code::MISSING
                ),
                (
                    &Place::Cell {
                        row: 7,
                        column: USAGE
                    },
                    code::WRONG_TYPE
                ),
            ]
        );
    }

    #[test]
    fn an_error_repeats_only_the_beginning_of_a_long_value() {
        let error = usage(&"9".repeat(1_000)).unwrap_err();
        assert!(error.detail.chars().count() < 150, "{}", error.detail);
    }
}
