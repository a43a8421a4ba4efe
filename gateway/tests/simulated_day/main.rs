//! Every profile from end to end: a device of it on its own wire, the actor that reads it, the accountant; over an
//! ordinary day and over those on which clocks change.

#![allow(clippy::unwrap_used, missing_docs)]

mod day;
mod row;

use chrono::NaiveDate;
use gateway::profile::Library;
use gateway::simulate::physics::LocalDay;
use std::collections::BTreeSet;

/// Of 23, 24 and 25 hours.
const DAYS: [(i32, u32, u32); 3] = [(2026, 3, 29), (2026, 6, 21), (2026, 10, 25)];

#[test]
fn every_file_of_a_profile_is_in_the_table() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/profiles");
    let files: BTreeSet<String> = std::fs::read_dir(folder)
        .unwrap()
        .map(|file| file.unwrap().path())
        .filter(|path| {
            path.extension()
                .is_some_and(|extension| extension == "toml")
        })
        .map(|path| path.file_stem().unwrap().to_str().unwrap().to_owned())
        .collect();
    let rows: BTreeSet<String> = row::rows()
        .into_iter()
        .map(|row| row.profile.id.clone())
        .collect();
    assert!(!files.is_empty());
    assert_eq!(rows, files);
    // And every variant of one.
    let variants: usize = Library::embedded()
        .unwrap()
        .iter()
        .map(|profile| profile.variants.len())
        .sum();
    let of_variants = row::rows().into_iter().filter(|row| row.variant.is_some());
    assert_eq!(of_variants.count(), variants);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_told_of_a_day_is_what_each_profile_s_counter_counted_to_the_last_wh() {
    let days =
        DAYS.map(|(year, month, day)| LocalDay(NaiveDate::from_ymd_opt(year, month, day).unwrap()));
    assert_eq!(days.map(|day| day.length().num_hours()), [23, 24, 25]);
    let mut lived = Vec::new();
    for row in row::rows() {
        for day in days {
            lived.push(tokio::spawn(day::live(row.clone(), day)));
        }
    }
    assert!(!lived.is_empty());
    for day in lived {
        day.await.unwrap();
    }
}
