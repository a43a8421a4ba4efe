//! Counts the instructions of the rules' hot paths under callgrind and compares them with the committed
//! counts: the same binary takes the same number each time, whatever else the machine does.
//!
//! `cargo bench -p ledger --bench instructions` fails where a path takes over 10 % more than committed;
//! with `-- --write` it commits what it counted.
#![allow(clippy::unwrap_used, clippy::expect_used)]

#[path = "../tests/world/mod.rs"]
mod world;

use ledger::command::Amount;
use ledger::{Changes, Command, Event, Key, Recorded, Slot, Stream};
use schemas::WattHours;
use schemas::id::AccountId;
use schemas::life_cycle::{ActionType, QuantityMode};
use schemas::log::Position;
use std::collections::{BTreeMap, HashMap};
use std::hint::black_box;
use std::path::Path;
use std::process::ExitCode;
use world::{World, act, hours, readings};

/// More than this many percent above the committed count is a regression.
const TOLERATED_PERCENT: u64 = 10;

/// How often a path of one command is gone through.
const COMMANDS: i64 = 500;

/// A path by name; what it is given is made before counting begins.
type Row = (&'static str, fn());

const ROWS: [Row; 7] = [
    ("submit_a_year", submit_a_year),
    ("submit_single_readings", submit_single_readings),
    ("transfer", transfer),
    ("cancel_a_part", cancel_a_part),
    ("encode", encode),
    ("decode", decode),
    ("fold", fold),
];

/// The one function that is counted; callgrind knows it by this name.
#[inline(never)]
fn counted<T>(work: impl FnOnce() -> T) {
    black_box(work());
}

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let wanted = |name: &str| arguments.iter().any(|argument| argument == name);
    if let Some((_, row)) = ROWS.iter().find(|(name, _)| wanted(name)) {
        row();
        return ExitCode::SUCCESS;
    }
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!(
        "benches/instructions.{}.json",
        std::env::consts::ARCH
    ));
    let found: BTreeMap<_, _> = ROWS.iter().map(|(name, _)| (*name, count(name))).collect();
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

/// Instructions of a row, counted in a process of its own.
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

/// A device of account 1 with a bundle of 1,000 Wh for each of so many hours.
fn with_bundles(bundles: i64) -> World {
    let mut world = World::with_accounts();
    let amounts = vec![1_000; usize::try_from(bundles).unwrap()];
    world.run(readings(1, hours(0, &amounts))).unwrap();
    world
}

fn submit_a_year() {
    let mut world = World::with_accounts();
    let year = readings(1, hours(0, &[1_000; 8_760]));
    counted(|| world.run(year).unwrap());
}

fn submit_single_readings() {
    let mut world = World::with_accounts();
    let commands: Vec<_> = (0..COMMANDS)
        .map(|hour| readings(1, hours(hour, &[1_000])))
        .collect();
    counted(|| run_each(&mut world, commands));
}

fn transfer() {
    let mut world = with_bundles(COMMANDS);
    let commands = (1..=COMMANDS).map(|bundle| {
        let mut transfer = act(ActionType::Transfer, 1, &[bundle]);
        transfer.target_id = Some(AccountId(2));
        Command::ActOnBundles(transfer)
    });
    let commands: Vec<_> = commands.collect();
    counted(|| run_each(&mut world, commands));
}

fn cancel_a_part() {
    let mut world = with_bundles(COMMANDS);
    let commands = (1..=COMMANDS).map(|bundle| {
        let mut cancel = act(ActionType::Cancel, 1, &[bundle]);
        cancel.amount = Amount::Quantity(WattHours(400), QuantityMode::PerBundle);
        cancel.beneficiary = Some("A factory".into());
        Command::ActOnBundles(cancel)
    });
    let commands: Vec<_> = commands.collect();
    counted(|| run_each(&mut world, commands));
}

fn run_each(world: &mut World, commands: Vec<Command>) {
    for command in commands {
        world.run(command).unwrap();
    }
}

/// Events of every path above.
fn events() -> Vec<Event> {
    let mut world = with_bundles(COMMANDS);
    for bundle in 1..=COMMANDS {
        let mut transfer = act(ActionType::Transfer, 1, &[bundle]);
        transfer.target_id = Some(AccountId(2));
        transfer.amount = Amount::Quantity(WattHours(400), QuantityMode::PerBundle);
        world.run(Command::ActOnBundles(transfer)).unwrap();
    }
    world.events
}

fn encode() {
    let events = events();
    counted(|| events.iter().map(Event::encode).collect::<Vec<_>>());
}

fn decode() {
    let events = events();
    let stored: Vec<_> = events
        .iter()
        .map(|event| (event.event_type(), event.version(), event.encode()))
        .collect();
    counted(|| {
        for (event_type, version, data) in &stored {
            black_box(Event::decode(Stream::Ledger, event_type, *version, data).unwrap());
        }
    });
}

fn fold() {
    let events = events();
    counted(|| {
        let mut entries: HashMap<Key, Slot> = HashMap::new();
        for (event, position) in events.iter().zip(1..) {
            let recorded = Recorded {
                position: Position(position),
                idempotency: None,
                event,
            };
            for key in ledger::touched(&recorded) {
                entries.entry(key).or_insert(Slot {
                    entry: None,
                    as_of: Position::START,
                });
            }
            let mut changes = Changes::on(&entries);
            ledger::apply(&mut changes, &recorded).unwrap();
            let changed = changes.into_changed();
            entries.extend(changed);
        }
        entries
    });
}
