#![allow(clippy::unwrap_used)]
use proptest::prelude::*;
use schemas::interval::rfc3339;

use super::{
    mapping::{Duplicates, Mapped, Mapper, Mapping, Row, TimeIs, WithoutTime},
    reason::Reason,
    time::{Local, TimeFormat, TimeReader},
    unit::Unit,
};

fn mapping() -> Mapping {
    Mapping {
        time: TimeReader {
            format: TimeFormat::Auto,
            local: Local::Offset("+00:00".parse().unwrap()),
        },
        time_is: TimeIs::Start,
        interval: "30m".parse().unwrap(),
        unit: Unit::WattHour,
        round_to: None,
        duplicates: Duplicates::AcceptIdentical,
        without_time: WithoutTime::Refuse,
    }
}

fn map(mapping: Mapping, rows: &[(&str, &str)]) -> Mapped {
    let mut mapper = Mapper::new(mapping);
    for (number, (time, value)) in (1..).zip(rows) {
        mapper.add(Row {
            number,
            time,
            value,
        });
    }
    mapper.finish()
}

fn reasons(mapped: &Mapped) -> Vec<(u32, String)> {
    let mut named: Vec<_> = mapped
        .refused
        .iter()
        .flat_map(|(_, tally)| &tally.first)
        .map(|(row, reason)| (*row, reason.to_string()))
        .collect();
    named.sort();
    named
}

const TEN: &str = "2024-01-01 10:00:00";

#[test]
fn the_time_may_be_the_end_of_the_interval() {
    let end = Mapping {
        time_is: TimeIs::End,
        ..mapping()
    };
    let mapped = map(end, &[(TEN, "5")]);
    assert_eq!(rfc3339(mapped.readings[0].start), "2024-01-01T09:30:00Z");
}

#[test]
fn a_row_that_repeats_an_instant_with_the_same_value_is_counted() {
    let mapped = map(mapping(), &[(TEN, "5"), (TEN, "5.0")]);
    assert_eq!(
        (
            mapped.readings.len(),
            mapped.repeated.count(),
            mapped.refused.count()
        ),
        (1, 1, 0)
    );
}

#[test]
fn a_row_that_repeats_an_instant_with_another_value_is_refused_and_both_are_named() {
    let mapped = map(mapping(), &[(TEN, "5"), (TEN, "6")]);
    assert_eq!(
        reasons(&mapped),
        [(
            2,
            "2024-01-01T10:00:00Z says 6 Wh, but row 1 said 5 Wh".to_owned()
        )]
    );
}

#[test]
fn repeated_rows_are_refused_or_passed_over_where_asked() {
    let with = |duplicates| {
        let mapped = map(
            Mapping {
                duplicates,
                ..mapping()
            },
            &[(TEN, "5"), (TEN, "5"), (TEN, "6")],
        );
        (
            mapped.repeated.count(),
            mapped.refused.count(),
            mapped.total().unwrap().0,
        )
    };
    assert_eq!(with(Duplicates::Refuse), (0, 2, 5));
    assert_eq!(with(Duplicates::First), (2, 0, 5));
}

#[test]
fn rows_without_a_time_are_numbered_whether_refused_or_skipped() {
    for (policy, refused) in [(WithoutTime::Refuse, 2), (WithoutTime::Skip, 0)] {
        let mapped = map(
            Mapping {
                without_time: policy,
                ..mapping()
            },
            &[(TEN, "5"), ("", "6"), (" ", "7")],
        );
        assert_eq!(mapped.without_time.to_string(), "2–3");
        assert_eq!(mapped.refused.count(), refused);
    }
}

#[test]
fn every_bad_row_is_reported_with_its_reason() {
    let mapped = map(
        mapping(),
        &[
            (TEN, ""),
            (TEN, "five"),
            (TEN, "-1"),
            (TEN, "0.5"),
            ("noon", "1"),
            (TEN, "1e400"),
            (TEN, "9223372036854775808"),
            (TEN, "1e3"),
        ],
    );
    assert_eq!(mapped.refused.count(), 7);
    assert_eq!(mapped.total().unwrap().0, 1_000);
    let (row, reason) = &reasons(&mapped)[3];
    assert_eq!(
        (*row, reason.as_str()),
        (4, "0.5 Wh over the interval is not a whole number of Wh")
    );
}

#[test]
fn reasons_with_the_same_heading_are_counted_together_and_the_first_are_named() {
    let rows: Vec<_> = (0..25).map(|_| (TEN, "x")).collect();
    let mapped = map(mapping(), &rows);
    let (heading, tally) = mapped.refused.iter().next().unwrap();
    assert_eq!(heading, "with a value that is not a number");
    assert_eq!(
        (tally.count, tally.first.len()),
        (25, super::refusals::NAMED)
    );
    assert!(matches!(tally.first[0], (1, Reason::BadValue { .. })));
}

proptest! {
    #[test]
    fn every_row_is_a_reading_a_repetition_without_time_or_refused(
        rows in prop::collection::vec((prop::option::of(0_u32..20), -2_i64..6), 0..60),
        skip in any::<bool>(),
    ) {
        let cells: Vec<_> = rows
            .iter()
            .map(|(slot, wh)| {
                let time = slot.map_or(String::new(), |slot| format!("2024-01-01 {slot:02}:30:00"));
                (time, wh.to_string())
            })
            .collect();
        let borrowed: Vec<_> = cells.iter().map(|(time, wh)| (time.as_str(), wh.as_str())).collect();
        let without_time = if skip { WithoutTime::Skip } else { WithoutTime::Refuse };
        let mapped = map(Mapping { without_time, ..mapping() }, &borrowed);
        let skipped = if skip { mapped.without_time.count() } else { 0 };
        let accounted = mapped.readings.len() as u64 + mapped.repeated.count() + mapped.refused.count() + skipped;
        prop_assert_eq!(accounted, rows.len() as u64);
        // The first row of each instant that is not refused stands, once.
        let mut expected = std::collections::BTreeMap::new();
        for (slot, wh) in rows {
            if let (Some(slot), 0..) = (slot, wh) {
                expected.entry(slot).or_insert(wh);
            }
        }
        prop_assert_eq!(mapped.readings.len(), expected.len());
        prop_assert_eq!(mapped.total().unwrap().0, expected.values().sum::<i64>());
    }
}
