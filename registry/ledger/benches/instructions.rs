//! Counts the instructions of the rules' hot paths under callgrind and compares them with the committed
//! counts: the same binary takes the same number each time, whatever else the machine does.
//!
//! `cargo bench -p ledger --bench instructions` fails where a path takes over 10 % more than committed;
//! with `-- --write` it commits what it counted.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod path;

use path::{PATHS, Work};
use std::any::Any;
use std::collections::BTreeMap;
use std::hint::black_box;
use std::path::Path;
use std::process::ExitCode;

/// More than this many percent above the committed count is a regression.
const TOLERATED_PERCENT: u64 = 10;

/// The one function that is counted; callgrind knows it by this name.
#[inline(never)]
fn counted(work: Work) -> Box<dyn Any> {
    black_box((work.run)())
}

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let wanted = |name: &str| arguments.iter().any(|argument| argument == name);
    if let Some((_, prepare)) = PATHS.iter().find(|(name, _)| wanted(name)) {
        counted(prepare());
        return ExitCode::SUCCESS;
    }
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!(
        "benches/instructions.{}.json",
        std::env::consts::ARCH
    ));
    let found: BTreeMap<_, _> = PATHS.iter().map(|(name, _)| (*name, count(name))).collect();
    if wanted("--write") {
        let text = serde_json::to_string_pretty(&found).unwrap();
        std::fs::write(&file, text + "\n").unwrap();
        return ExitCode::SUCCESS;
    }
    let Ok(text) = std::fs::read_to_string(&file) else {
        println!("nothing to compare with: {} is not there", file.display());
        return ExitCode::SUCCESS;
    };
    let committed: BTreeMap<String, u64> = serde_json::from_str(&text).unwrap();
    compare(&found, &committed)
}

fn compare(found: &BTreeMap<&str, u64>, committed: &BTreeMap<String, u64>) -> ExitCode {
    let mut failed = ExitCode::SUCCESS;
    println!("| path | instructions | committed | |\n|---|--:|--:|---|");
    for (name, count) in found {
        let Some(before) = committed.get(*name) else {
            println!("| {name} | {count} | none | run with --write |");
            failed = ExitCode::FAILURE;
            continue;
        };
        let verdict = if *count * 100 > before * (100 + TOLERATED_PERCENT) {
            failed = ExitCode::FAILURE;
            "**slower**"
        } else {
            "ok"
        };
        println!("| {name} | {count} | {before} | {verdict} |");
    }
    failed
}

/// Instructions of a path, counted in a process of its own.
fn count(name: &str) -> u64 {
    let output = std::process::Command::new("valgrind")
        .args(["--tool=callgrind", "--callgrind-out-file=/dev/null"])
        .args(["--toggle-collect=*instructions*counted*"])
        .arg(std::env::current_exe().unwrap())
        .arg(name)
        .output()
        .expect("valgrind can not be started; make bench.smoke installs it");
    let told = String::from_utf8_lossy(&output.stderr);
    told.lines()
        .find_map(|line| line.split_once("Collected : "))
        .and_then(|(_, count)| count.trim().parse().ok())
        .unwrap_or_else(|| panic!("{name} was not counted: {told}"))
}
