//! The rules' hot paths, made ready to be gone through once: `instructions` counts them, `time` times them.

#[path = "../../tests/world/mod.rs"]
mod world;

use ledger::command::Amount;
use ledger::{Changes, Command, Event, Key, Recorded, Slot, Stream};
use schemas::WattHours;
use schemas::id::AccountId;
use schemas::life_cycle::{ActionType, QuantityMode};
use schemas::log::Position;
use std::any::Any;
use std::collections::HashMap;
use std::hint::black_box;
use world::{World, act, hours, readings};

/// How often a path of one command is gone through.
const COMMANDS: i64 = 500;
/// Readings of the path that submits many at once.
const YEAR: usize = 8_760;

/// A path by name, and what makes it ready.
pub type Path = (&'static str, fn() -> Work);

/// Work that is ready to be done, everything it works on made.
pub struct Work {
    /// Readings, commands or events that it goes through.
    #[allow(dead_code, reason = "only time is told by them")]
    pub elements: u64,
    /// Does it, and gives back what it made and what it was given, so that freeing that is no part of it.
    pub run: Box<dyn FnOnce() -> Box<dyn Any>>,
}

/// Commands are decided and applied; `fold` applies alone.
pub const PATHS: [Path; 7] = [
    ("submit_a_year", submit_a_year),
    ("submit_single_readings", submit_single_readings),
    ("transfer", transfer),
    ("cancel_a_part", cancel_a_part),
    ("encode", encode),
    ("decode", decode),
    ("fold", fold),
];

fn work<T: 'static>(elements: usize, run: impl FnOnce() -> T + 'static) -> Work {
    Work {
        elements: u64::try_from(elements).unwrap(),
        run: Box::new(|| Box::new(run())),
    }
}

/// A device of account 1 with a bundle of 1,000 Wh for each of so many hours.
fn with_bundles(bundles: i64) -> World {
    let mut world = World::with_accounts();
    let amounts = vec![1_000; usize::try_from(bundles).unwrap()];
    world.run(readings(1, hours(0, &amounts))).unwrap();
    world
}

fn submit_a_year() -> Work {
    let mut world = World::with_accounts();
    let year = readings(1, hours(0, &[1_000; YEAR]));
    work(YEAR, || {
        world.run(year).unwrap();
        world
    })
}

fn submit_single_readings() -> Work {
    let commands = (0..COMMANDS).map(|hour| readings(1, hours(hour, &[1_000])));
    each(World::with_accounts(), commands.collect())
}

fn transfer() -> Work {
    let commands = (1..=COMMANDS).map(|bundle| {
        let mut transfer = act(ActionType::Transfer, 1, &[bundle]);
        transfer.target_id = Some(AccountId(2));
        Command::ActOnBundles(transfer)
    });
    each(with_bundles(COMMANDS), commands.collect())
}

fn cancel_a_part() -> Work {
    let commands = (1..=COMMANDS).map(|bundle| {
        let mut cancel = act(ActionType::Cancel, 1, &[bundle]);
        cancel.amount = Amount::Quantity(WattHours(400), QuantityMode::PerBundle);
        cancel.beneficiary = Some("A factory".into());
        Command::ActOnBundles(cancel)
    });
    each(with_bundles(COMMANDS), commands.collect())
}

fn each(mut world: World, commands: Vec<Command>) -> Work {
    work(commands.len(), || {
        for command in commands {
            world.run(command).unwrap();
        }
        world
    })
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

fn encode() -> Work {
    let events = events();
    work(events.len(), || {
        let encoded: Vec<_> = events.iter().map(Event::encode).collect();
        (encoded, events)
    })
}

fn decode() -> Work {
    let stored: Vec<_> = events()
        .iter()
        .map(|event| (event.event_type(), event.version(), event.encode()))
        .collect();
    work(stored.len(), || {
        for (event_type, version, data) in &stored {
            black_box(Event::decode(Stream::Ledger, event_type, *version, data).unwrap());
        }
        stored
    })
}

fn fold() -> Work {
    let events = events();
    work(events.len(), || {
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
        (entries, events)
    })
}
