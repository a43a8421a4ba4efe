#![allow(clippy::unwrap_used)]
use std::path::PathBuf;

use schemas::interval::rfc3339;

use super::{
    mapping::{Duplicates, Mapped, Mapping, TimeIs, WithoutTime},
    table::{Columns, TableError, read, read_file},
    time::{Local, TimeFormat, TimeReader},
    unit::Unit,
};

fn columns(time: &str, value: &str) -> Columns {
    Columns {
        time: time.to_owned(),
        value: value.to_owned(),
    }
}

fn half_hours(unit: Unit, local: Local) -> Mapping {
    Mapping {
        time: TimeReader {
            format: TimeFormat::Auto,
            local,
        },
        time_is: TimeIs::Start,
        interval: "30m".parse().unwrap(),
        unit,
        round_to: None,
        duplicates: Duplicates::AcceptIdentical,
        without_time: WithoutTime::Skip,
    }
}

/// The folder of real data, if it is here: `GCR_TEST_DATA`, else beside the workspace.
fn data() -> Option<PathBuf> {
    let folder = std::env::var_os("GCR_TEST_DATA").map_or_else(
        || PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../shared/data")),
        PathBuf::from,
    );
    if !folder.is_dir() {
        eprintln!("skipped: {} is not there", folder.display());
        return None;
    }
    Some(folder)
}

#[test]
fn a_column_without_a_header_is_named_by_the_empty_text() {
    let table = "\u{feff},GG\n2011-07-01 00:00:00,4\n";
    let utc = Local::Offset("+00:00".parse().unwrap());
    let mapped = read(
        table.as_bytes(),
        &columns("", "GG"),
        half_hours(Unit::WattHour, utc),
    )
    .unwrap();
    assert_eq!(rfc3339(mapped.readings[0].start), "2011-07-01T00:00:00Z");
}

#[test]
fn an_unknown_or_ambiguous_column_is_an_error_that_names_what_there_is() {
    let mapping = || half_hours(Unit::Watt, Local::Unknown);
    let missing = read("a,b\n".as_bytes(), &columns("a", "c"), mapping()).unwrap_err();
    assert_eq!(
        missing.to_string(),
        r#"there is no column "c"; there are "a", "b""#
    );
    let twice = read("a,b,b\n".as_bytes(), &columns("a", "b"), mapping()).unwrap_err();
    assert!(
        matches!(twice, TableError::ManyColumns { count: 2, .. }),
        "{twice}"
    );
}

#[test]
fn a_short_row_is_one_refused_row_among_others() {
    let table = "t,v\n2024-01-01T00:00:00Z,4\n2024-01-01T00:30:00Z\n2024-01-01T01:00:00Z,4\n";
    let mapped = read(
        table.as_bytes(),
        &columns("t", "v"),
        half_hours(Unit::Watt, Local::Unknown),
    )
    .unwrap();
    assert_eq!((mapped.readings.len(), mapped.refused.count()), (2, 1));
}

#[test]
fn the_british_wind_fleet_of_2018_is_read_to_the_last_watt_hour() {
    let Some(folder) = data() else { return };
    let file = folder.join("gb-generation-by-fuel-2018.csv");
    let london = Local::Zone(chrono_tz::Europe::London);
    for (fuel, wh) in [
        ("wind", Some(39_227_938_500_000)),
        ("nuclear", None),
        ("npshyd", None),
        ("biomass", None),
    ] {
        let mapped = read_file(
            &file,
            &columns("local_datetime", fuel),
            half_hours(Unit::Megawatt, london),
        )
        .unwrap();
        assert_eq!(mapped.rows, 17_648);
        assert_eq!(mapped.readings.len(), 17_473, "{fuel}");
        assert_eq!(mapped.repeated.count(), 128, "{fuel}");
        assert_eq!(mapped.without_time.count(), 47, "{fuel}");
        assert_eq!(mapped.without_time.to_string(), "17602–17648");
        assert_eq!(mapped.refused.count(), 0, "{fuel}");
        let total = mapped.total().unwrap().0;
        assert!(wh.is_none_or(|wh| wh == total), "{fuel}: {total}");
    }
}

#[test]
fn a_home_in_sydney_is_read_to_the_last_watt_hour() {
    let Some(folder) = data() else { return };
    let home = |column: &str, round_to: Option<&str>| -> Mapped {
        let mapping = Mapping {
            round_to: round_to.map(|step| step.parse().unwrap()),
            ..half_hours(Unit::Kilowatt, Local::Offset("+10:00".parse().unwrap()))
        };
        let file = folder.join("ausgrid-solar-home-2011-2012.csv");
        read_file(&file, &columns("", column), mapping).unwrap()
    };
    let generated = home("GG", Some("0.001"));
    assert_eq!(generated.refused.count(), 0);
    assert_eq!(generated.total().unwrap().0, 1_296_404);
    let zero = generated
        .readings
        .iter()
        .filter(|reading| reading.wh.0 == 0)
        .count();
    assert_eq!((generated.readings.len() - zero, zero), (8_380, 9_188));
    assert_eq!(rfc3339(generated.readings[0].start), "2011-06-30T14:00:00Z");
    assert_eq!(home("GC", Some("0.001")).total().unwrap().0, 5_938_369);
    let unrounded = home("GC", None);
    assert!(unrounded.refused.count() > 0, "binary noise is no whole Wh");
}
