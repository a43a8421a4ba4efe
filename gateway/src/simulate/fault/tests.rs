#![allow(clippy::unwrap_used)]
use chrono::{DateTime, TimeDelta, Utc};

use super::*;
use crate::profile::Meaning;

fn start() -> DateTime<Utc> {
    "2026-06-21T00:00:00Z".parse().unwrap()
}

fn after(seconds: i64) -> DateTime<Utc> {
    start() + TimeDelta::seconds(seconds)
}

#[test]
fn a_fault_comes_lasts_and_comes_again() {
    let text = "[[fault]]\nkind = \"zero\"\nat_s = 600\nfor_s = 10\nevery_s = 3600\n";
    let script = Script::parse("faults.toml", text).unwrap();
    let fault = &script.0[0];
    for (seconds, since) in [
        (0, None),
        (599, None),
        (600, Some(600)),
        (609, Some(600)),
        (610, None),
        (4_199, None),
        (4_200, Some(4_200)),
        (4_210, None),
    ] {
        assert_eq!(
            fault.since(start(), after(seconds)),
            since.map(after),
            "{seconds} s"
        );
    }
    assert_eq!(fault.next(start(), after(0)), Some(after(600)));
    assert_eq!(fault.next(start(), after(600)), Some(after(4_200)));
    assert!(fault.meets(Meaning::GenerationTotal) && !fault.meets(Meaning::AcPower));
}

#[test]
fn a_fault_without_an_end_stays() {
    let script = Script::parse("faults.toml", "[[fault]]\nkind = \"silent\"\nat_s = 5\n").unwrap();
    let fault = &script.0[0];
    assert_eq!(fault.since(start(), after(1_000_000)), Some(after(5)));
    assert_eq!(fault.next(start(), after(6)), None);
}

#[test]
fn every_kind_has_a_name() {
    for (name, fields) in [
        ("not_available", "points = [\"ac_power\"]"),
        ("zero", ""),
        ("frozen", "for_s = 60"),
        ("highest", ""),
        ("reset", "at_s = 60"),
        ("wrap", "after_wh = 500"),
        ("meter_swapped", "serial = \"B\""),
        ("firmware", "firmware = \"1098\""),
        ("scale_changed", ""),
        ("asleep", "for_s = 60"),
        ("half_open", ""),
        ("silent", "chance_permille = 1000"),
        ("late", "by_ms = 300"),
        ("duplicate", ""),
        ("short", ""),
        ("dribble", "by_ms = 20"),
        ("disconnect", "chance_permille = 10"),
        ("busy", ""),
    ] {
        let text = format!("[[fault]]\nkind = \"{name}\"\n{fields}\n");
        let script = Script::parse("faults.toml", &text);
        assert_eq!(script.unwrap_or_else(|error| panic!("{error}")).0.len(), 1);
    }
}

#[test]
fn all_that_is_wrong_is_said_at_once() {
    let text = r#"
[[fault]]
kind = "explode"
at_s = 31622401
[[fault]]
kind = "late"
chance_permille = 1001
points = ["sunshine"]
[[fault]]
kind = "wrap"
at_s = 1
for_s = 5
[[fault]]
kind = "zero"
every_s = 60
serial = "X"
[[fault]]
kind = "silent"
colour = "blue"
"#;
    let errors = Script::parse("faults.toml", text).unwrap_err();
    let places: Vec<_> = errors.0.iter().map(|error| error.place.as_str()).collect();
    assert_eq!(
        places,
        [
            "fault 1, kind",
            "fault 1, at_s",
            "fault 2, points",
            "fault 2, chance_permille",
            "fault 2, by_ms",
            "fault 3, for_s",
            "fault 3, after_wh",
            "fault 3, at_s",
            "fault 4, every_s",
            "fault 4, serial",
            "fault 5, its fields",
        ]
    );
    assert!(
        errors
            .to_string()
            .starts_with("faults.toml, fault 1, kind: there is no fault")
    );
}

#[test]
fn a_script_has_as_many_faults_and_bytes_as_the_limits_say() {
    let faults = |count| "[[fault]]\nkind = \"busy\"\n".repeat(count);
    assert_eq!(
        Script::parse("f", &faults(MAX_FAULTS)).unwrap().0.len(),
        MAX_FAULTS
    );
    assert!(Script::parse("f", &faults(MAX_FAULTS + 1)).is_err());
    let filled = |bytes: usize| format!("#{}", "x".repeat(bytes - 1));
    assert!(Script::parse("f", &filled(MAX_FILE_BYTES)).is_ok());
    assert!(Script::parse("f", &filled(MAX_FILE_BYTES + 1)).is_err());
}
