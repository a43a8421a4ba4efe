//! Reading up what the stream holds while the WRITE database moves on.

use super::write_double::WriteDouble;
use super::{Registry, act, fixed_clock, foundation, request, submit};
use crate::clock::Clock;
use crate::sequencer::memory::Memory;
use crate::sequencer::recover::{catch_up, usable};
use crate::sequencer::{Loaded, Sequencer, Settings, SourceError, StateSource, Time};
use crate::wrapped::{Wrap, Wrapped};
use chrono::{DateTime, TimeDelta, Utc};
use event_store::{AppendError, EventStore, Head, NewEvent, RecordedEvent};
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use ledger::command::Amount;
use ledger::{Entries, Key, Policy, Stream};
use schemas::envelope::Envelope;
use schemas::id::{AccountId, BundleId};
use schemas::life_cycle::ActionType;
use schemas::log::{Position, RunningHash, StreamName};
use std::collections::HashSet;
use std::sync::Arc;
use tokio::sync::watch;

#[tokio::test(flavor = "multi_thread")]
async fn a_write_database_that_went_on_while_events_were_read_up_must_not_go_back_behind_them() {
    let registry = Registry::new(1_000);
    for command in foundation() {
        registry.run(command).await.unwrap();
    }
    // It stood at the start when the reading began, and has all of it when it is asked for entries.
    let mut memory = Memory::new(1, Position::START);
    let mut head = Head {
        position: Position::START,
        hash: RunningHash::START,
    };
    registry.write.project(usize::MAX >> 1).await;
    let (store, write) = (registry.store.as_ref(), registry.write.as_ref());
    let stream = (Stream::Ledger, &registry.name);
    let time = Time::new(Clock::from(fixed_clock));
    let end = store.head(&registry.name).await.unwrap().position;
    let to = (&mut head, end);
    let read_up = catch_up(store, write, stream, &time, &mut memory, to).await;
    assert!(read_up.is_ok());
    // Nobody keeps the account in memory any more, so only a database that has it may be asked.
    assert!(memory.slot(&Key::Account(AccountId(2))).is_none());
    assert!(usable(&memory, head.position).is_ok());
    assert!(usable(&memory, Position(head.position.0 - 1)).is_err());
}

/// A store whose appends wait until they are let through.
struct Gate {
    store: Arc<dyn EventStore>,
    open: watch::Receiver<bool>,
}

impl Wrap for Gate {
    fn store(&self) -> &dyn EventStore {
        self.store.as_ref()
    }

    fn append<'a>(
        &'a self,
        stream: &'a StreamName,
        expected: Position,
        events: Vec<NewEvent>,
    ) -> BoxFuture<'a, Result<Head, AppendError>> {
        let mut open = self.open.clone();
        async move {
            open.wait_for(|is_open| *is_open).await.unwrap();
            self.store.append(stream, expected, events).await
        }
        .boxed()
    }
}

/// A WRITE database that tells what it was asked for.
struct Watched {
    write: Arc<WriteDouble>,
    asked: watch::Sender<HashSet<Key>>,
}

impl StateSource for Watched {
    fn load<'a>(
        &'a self,
        stream: Stream,
        keys: &'a [Key],
    ) -> BoxFuture<'a, Result<Loaded, SourceError>> {
        async move {
            let loaded = self.write.load(stream, keys).await;
            self.asked.send_modify(|asked| asked.extend(keys));
            loaded
        }
        .boxed()
    }

    fn checkpoint(&self, stream: Stream) -> watch::Receiver<Position> {
        self.write.checkpoint(stream)
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_looked_up_before_another_writer_came_first_is_looked_up_again() {
    let other = Registry::new(1_000);
    for command in foundation() {
        other.run(command).await.unwrap();
    }
    other.run(submit(1, 0, &[1_000, 1_000])).await.unwrap();
    other.write.project(usize::MAX >> 1).await;
    let (open, waits) = watch::channel(false);
    let (asked, mut was_asked) = watch::channel(HashSet::new());
    let tested = Sequencer::start(Settings {
        stream: Stream::Ledger,
        stream_name: other.name.clone(),
        store: Arc::new(Wrapped(Gate {
            store: Arc::clone(&other.store),
            open: waits,
        })),
        source: Arc::new(Watched {
            write: Arc::clone(&other.write),
            asked,
        }),
        policy: Policy::default(),
        cache_entries: 1_000,
        time: Time::new(Clock::from(fixed_clock)),
        is_alone: false,
    });
    let transfer = |bundle| {
        let whole = Amount::Whole;
        let transfer = request(act(ActionType::Transfer, 1, vec![bundle], whole));
        let tested = tested.clone();
        tokio::spawn(async move { tested.execute(transfer).await })
    };
    // While the first is being appended, the second one's bundle is looked up, and the other writer transfers it.
    let first = transfer(1);
    let looked_up =
        |bundle| move |asked: &HashSet<Key>| asked.contains(&Key::Bundle(BundleId(bundle)));
    was_asked.wait_for(looked_up(1)).await.unwrap();
    let second = transfer(2);
    was_asked.wait_for(looked_up(2)).await.unwrap();
    let gone = act(ActionType::Transfer, 1, vec![2], Amount::Whole);
    other.run(gone).await.unwrap();
    other.write.project(usize::MAX >> 1).await;
    open.send_replace(true);
    assert!(first.await.unwrap().is_ok());
    let refused = second.await.unwrap().unwrap_err().to_string();
    assert!(refused.contains("bundle_not_found"), "{refused}");
}

/// Another writer, by another clock.
fn beside(registry: &Registry, clock: Clock) -> Sequencer {
    Sequencer::start(Settings {
        stream: Stream::Ledger,
        stream_name: registry.name.clone(),
        store: Arc::clone(&registry.store),
        source: Arc::clone(&registry.write) as _,
        policy: Policy::default(),
        cache_entries: 1_000,
        time: Time::new(clock),
        is_alone: false,
    })
}

fn recorded_at(event: &RecordedEvent) -> DateTime<Utc> {
    let envelope: Envelope = serde_json::from_slice(&event.metadata).unwrap();
    envelope.recorded_at
}

#[tokio::test(flavor = "multi_thread")]
async fn decisions_of_writers_whose_clocks_differ_are_dated_in_their_order() {
    let registry = Registry::new(1_000);
    let fast = || fixed_clock() + TimeDelta::seconds(20);
    let fast = beside(&registry, Clock::from(fast));
    for (number, command) in foundation().into_iter().enumerate() {
        let decided = if number % 2 == 0 {
            fast.execute(request(command)).await
        } else {
            registry.run(command).await
        };
        decided.unwrap();
    }
    // One that starts on what they wrote goes on from there as well.
    registry.write.project(usize::MAX >> 1).await;
    let late = beside(&registry, Clock::from(fixed_clock));
    late.execute(request(submit(1, 0, &[1_000]))).await.unwrap();
    let events = registry.store.read(&registry.name, Position::START, 100);
    let dates: Vec<_> = events.await.unwrap().iter().map(recorded_at).collect();
    assert!(dates.is_sorted(), "{dates:?}");
    assert_eq!(dates[0], *dates.last().unwrap());
}
