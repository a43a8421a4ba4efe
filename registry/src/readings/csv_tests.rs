#![allow(clippy::unwrap_used)]
use super::*;
use chrono::{DateTime, TimeDelta, Utc};
use ledger::command::ReadingRow;
use ledger::refusal::Place;
use proptest::prelude::*;
use schemas::WattHours;
use schemas::interval::rfc3339;

const HEADER: &str =
    "interval_start_datetime,interval_end_datetime,interval_usage,gross_net_indicator";

fn at(text: &str) -> DateTime<Utc> {
    text.parse().unwrap()
}

fn with_header(rows: &str) -> Rows {
    read_csv(format!("{HEADER}\n{rows}").as_bytes()).unwrap()
}

fn places(rows: &Rows) -> Vec<(u32, &'static str, &'static str)> {
    rows.unreadable
        .iter()
        .map(|error| match error.place {
            Place::Cell { row, column } => (row, column, error.code),
            Place::Pointer(_) | Place::Bundle(_) => panic!("a file has rows only"),
        })
        .collect()
}

#[test]
fn the_template_reads_as_its_own_example() {
    let read = read_csv(TEMPLATE.as_bytes()).unwrap();
    assert!(read.unreadable.is_empty());
    assert_eq!(
        read.rows[1],
        ReadingRow {
            row: 2,
            start: at("2024-01-01T01:00:00Z"),
            end: at("2024-01-01T02:00:00Z"),
            wh: WattHours(1200),
            gross_net_indicator: "NET".to_owned(),
            meter_identifier: None,
        }
    );
    assert!(TEMPLATE.starts_with(HEADER));
}

#[test]
fn columns_stand_in_any_order_among_others() {
    let file = "note,gross_net_indicator,device_id, Interval_Usage ,interval_end_datetime,interval_start_datetime\r\n\
                \"a, b\nc\",\"NET\",99,10,2024-01-01T01:00:00Z,2024-01-01T00:00:00Z\r\n";
    let read = read_csv(file.as_bytes()).unwrap();
    assert_eq!(read.rows.len(), 1, "{read:?}");
    assert_eq!(read.rows[0].wh, WattHours(10));
}

#[test]
fn a_column_of_meters_may_be_there_and_may_be_blank() {
    let file = format!(
        "{HEADER},meter_identifier\n\
         2024-01-01,2024-01-01T01:00:00Z,1,NET, M-2 \n\
         2024-01-01,2024-01-01T01:00:00Z,2,NET,\n\
         2024-01-01T01:00:00Z,2024-01-01T02:00:00Z,3,NET\n"
    );
    let read = read_csv(file.as_bytes()).unwrap();
    let meters: Vec<_> = read
        .rows
        .iter()
        .map(|row| row.meter_identifier.as_deref())
        .collect();
    assert_eq!(meters, [Some("M-2"), None, None]);
    assert_eq!(
        read_csv(format!("{HEADER},meter_identifier,Meter_Identifier\n").as_bytes()),
        Err(CsvError::RepeatedColumn(METER))
    );
}

#[test]
fn a_byte_order_mark_is_no_part_of_the_first_column() {
    let file = format!("\u{feff}{TEMPLATE}");
    assert_eq!(read_csv(file.as_bytes()).unwrap().rows.len(), 2);
}

#[test]
fn offsets_are_honoured_and_naive_times_are_utc() {
    let read = with_header(
        "2024-01-01T05:00:00+05:00,2024-01-01 01:00:00,1,NET\n2024-01-01,2024-01-01T01:00:00Z,1,NET",
    );
    for row in &read.rows {
        assert_eq!(row.start, at("2024-01-01T00:00:00Z"));
        assert_eq!(row.end, at("2024-01-01T01:00:00Z"));
    }
    assert_eq!(read.rows.len(), 2);
}

#[test]
fn bad_rows_do_not_hide_the_rows_after_them() {
    let read = with_header(
        "soon,2024-01-01T01:00:00Z,1,NET\n\
         2024-01-01T01:00:00Z,2024-01-01T02:00:00Z,2,NET\n\
         2024-01-01T02:00:00Z,2024-01-01T03:00:00Z,5.5,\n\
         2024-01-01T03:00:00Z\n\
         ,,,\n\
         2024-01-01T04:00:00Z,2024-01-01T05:00:00Z,3,GROSS",
    );
    assert_eq!(
        places(&read),
        [
            (1, START, "not_a_time"),
            (3, USAGE, "wrong_type"),
            (3, INDICATOR, "missing"),
            (4, END, "missing"),
            (4, USAGE, "missing"),
            (4, INDICATOR, "missing"),
        ]
    );
    let numbers: Vec<_> = read.rows.iter().map(|row| row.row).collect();
    assert_eq!(numbers, [2, 6]);
}

#[test]
fn bytes_that_are_not_utf_8_are_named_by_row_and_column() {
    let mut file = format!("{HEADER}\n2024-01-01,2024-01-01T01:00:00Z,1,").into_bytes();
    file.extend(b"N\xffT\n");
    assert_eq!(
        places(&read_csv(&file).unwrap()),
        [(1, INDICATOR, "wrong_type")]
    );
    let utf_16: Vec<u8> = TEMPLATE.encode_utf16().flat_map(u16::to_le_bytes).collect();
    let mut with_mark = b"\xff\xfe".to_vec();
    with_mark.extend(utf_16);
    assert_eq!(read_csv(&with_mark), Err(CsvError::HeaderNotText));
}

#[test]
fn a_file_without_rows_or_columns_is_refused_as_a_whole() {
    assert_eq!(read_csv(b""), Err(CsvError::Empty));
    assert_eq!(read_csv(b"\n\n"), Err(CsvError::Empty));
    assert_eq!(read_csv(HEADER.as_bytes()), Err(CsvError::NoRows));
    assert_eq!(
        read_csv(format!("{HEADER}\n,,,\n").as_bytes()),
        Err(CsvError::NoRows)
    );
    assert_eq!(
        read_csv(b"interval_start_datetime;interval_usage\n1;2"),
        Err(CsvError::MissingColumns(COLUMNS.to_vec()))
    );
    assert_eq!(
        read_csv(format!("{HEADER},interval_usage\n").as_bytes()),
        Err(CsvError::RepeatedColumn(USAGE))
    );
}

#[test]
fn the_row_limit_is_the_ledgers() {
    let row = "2024-01-01T00:00:00Z,2024-01-01T01:00:00Z,1,NET\n";
    let at_limit = format!("{HEADER}\n{}", row.repeat(MAX_ROWS));
    assert_eq!(read_csv(at_limit.as_bytes()).unwrap().rows.len(), MAX_ROWS);
    assert_eq!(
        read_csv(format!("{at_limit}{row}").as_bytes()),
        Err(CsvError::TooManyRows)
    );
}

fn cell_text() -> impl Strategy<Value = String> {
    prop_oneof![
        Just(String::new()),
        Just("2024-01-01T00:00:00Z".to_owned()),
        Just("12".to_owned()),
        ".{0,12}",
    ]
}

proptest! {
    #[test]
    fn no_bytes_make_the_reader_panic(file in proptest::collection::vec(any::<u8>(), 0..400)) {
        let _ = read_csv(&file);
        let mut rows = HEADER.as_bytes().to_vec();
        rows.push(b'\n');
        rows.extend(file);
        let _ = read_csv(&rows);
    }

    #[test]
    fn what_a_csv_writer_writes_is_read_back(
        readings in proptest::collection::vec((0_i64..100_000, 1_i64..3_600, any::<i64>(), "[A-Z]{1,20}"), 1..40),
        order in Just([0, 1, 2, 3, 4]).prop_shuffle(),
        windows_line_ends in any::<bool>(),
        always_quoted in any::<bool>(),
    ) {
        let instant = |seconds| DateTime::from_timestamp(1_700_000_000, 0).unwrap() + TimeDelta::seconds(seconds);
        let expected: Vec<ReadingRow> = (1..)
            .zip(&readings)
            .map(|(row, (start, length, wh, indicator))| ReadingRow {
                row,
                start: instant(*start),
                end: instant(start + length),
                wh: WattHours(*wh),
                gross_net_indicator: indicator.clone(),
                meter_identifier: None,
            })
            .collect();
        let mut writer = csv::WriterBuilder::new()
            .terminator(if windows_line_ends { csv::Terminator::CRLF } else { csv::Terminator::Any(b'\n') })
            .quote_style(if always_quoted { csv::QuoteStyle::Always } else { csv::QuoteStyle::Necessary })
            .from_writer(Vec::new());
        let names = [START, END, USAGE, INDICATOR, "remark"];
        writer.write_record(order.map(|column| names[column])).unwrap();
        for row in &expected {
            let values = [
                rfc3339(row.start),
                rfc3339(row.end),
                row.wh.0.to_string(),
                row.gross_net_indicator.clone(),
                "with, comma and \"quote\"\nand line".to_owned(),
            ];
            writer.write_record(order.map(|column| values[column].clone())).unwrap();
        }
        let read = read_csv(&writer.into_inner().unwrap()).unwrap();
        prop_assert_eq!(read.unreadable, []);
        prop_assert_eq!(read.rows, expected);
    }

    #[test]
    fn every_row_is_read_or_reported(
        cells in proptest::collection::vec([cell_text(), cell_text(), cell_text(), cell_text()], 1..30),
    ) {
        let mut writer = csv::WriterBuilder::new().from_writer(Vec::new());
        writer.write_record(COLUMNS).unwrap();
        for row in &cells {
            writer.write_record(row).unwrap();
        }
        let file = writer.into_inner().unwrap();
        let blank = |row: &[String; 4]| row.iter().all(|cell| cell.trim_ascii().is_empty());
        let expected: std::collections::BTreeSet<u32> =
            (1..).zip(&cells).filter(|(_, row)| !blank(row)).map(|(number, _)| number).collect();
        match read_csv(&file) {
            Ok(read) => {
                let reported = read.unreadable.iter().map(|error| match error.place {
                    Place::Cell { row, .. } => row,
                    Place::Pointer(_) | Place::Bundle(_) => 0,
                });
                let seen: std::collections::BTreeSet<u32> =
                    read.rows.iter().map(|row| row.row).chain(reported).collect();
                prop_assert_eq!(seen, expected);
            }
            Err(error) => {
                prop_assert_eq!(error, CsvError::NoRows);
                prop_assert!(expected.is_empty());
            }
        }
    }
}
