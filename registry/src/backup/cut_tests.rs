#![allow(clippy::unwrap_used)]
//! Cuts through a store to which others append between any two looks at it.

use super::Cut;
use crate::backup::BackupError;
use event_store::{AppendError, EventStore, Head, Limits, NewEvent, RecordedEvent, StoreError};
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use futures_util::stream::BoxStream;
use ledger::Stream;
use proptest::prelude::*;
use schemas::log::{Position, RunningHash, StreamName};
use std::sync::Mutex;
use std::time::Duration;

const DOMAIN: &str = "gb";
/// How long a look takes.
const LATENCY: Duration = Duration::from_millis(5);

/// How many events ledger, people and audit have.
type Counts = [i64; 3];

/// Each event follows from all that was there before it.
#[derive(Default)]
struct History {
    counts: Counts,
    /// For each stream what was there before each of its events.
    before: [Vec<Counts>; 3],
    looks: usize,
}

impl History {
    fn append(&mut self, stream: Stream) {
        let index = index(stream);
        self.before[index].push(self.counts);
        self.counts[index] += 1;
    }

    /// Whether of all that is in a cut it has also what that follows from. From the audit stream nothing does.
    fn is_closed(&self, cut: Counts) -> bool {
        (0..3).all(|stream| {
            let within = &self.before[stream][..usize::try_from(cut[stream]).unwrap()];
            let last = within.last().copied().unwrap_or_default();
            (0..2).all(|other| last[other] <= cut[other])
        })
    }
}

/// What others append before each look at a store.
struct Busy<F> {
    history: Mutex<History>,
    others: F,
}

impl<F: Fn(usize) -> Vec<Stream>> Busy<F> {
    fn new(others: F) -> Self {
        Self {
            history: Mutex::default(),
            others,
        }
    }
}

fn index(stream: Stream) -> usize {
    Stream::ALL.iter().position(|one| *one == stream).unwrap()
}

fn index_of(name: &StreamName) -> usize {
    let is = |stream: &Stream| stream.name(DOMAIN).unwrap() == *name;
    index(Stream::ALL.into_iter().find(is).unwrap())
}

fn counts(cut: &Cut) -> Counts {
    let mut counts = Counts::default();
    for (name, head) in &cut.0 {
        counts[index_of(name)] = head.position.0;
    }
    counts
}

impl<F: Fn(usize) -> Vec<Stream> + Send + Sync + 'static> EventStore for Busy<F> {
    fn head<'a>(&'a self, stream: &'a StreamName) -> BoxFuture<'a, Result<Head, StoreError>> {
        async move {
            tokio::time::sleep(LATENCY).await;
            let mut history = self.history.lock().unwrap();
            for other in (self.others)(history.looks) {
                history.append(other);
            }
            history.looks += 1;
            let count = history.counts[index_of(stream)];
            let mut hash = RunningHash::START;
            hash.0[..8].copy_from_slice(&count.to_be_bytes());
            Ok(Head {
                position: Position(count),
                hash,
            })
        }
        .boxed()
    }

    fn append<'a>(
        &'a self,
        _: &'a StreamName,
        _: Position,
        _: Vec<NewEvent>,
    ) -> BoxFuture<'a, Result<Head, AppendError>> {
        unreachable!("a cut changes nothing")
    }

    fn read<'a>(
        &'a self,
        _: &'a StreamName,
        _: Position,
        _: usize,
    ) -> BoxFuture<'a, Result<Vec<RecordedEvent>, StoreError>> {
        unreachable!("only heads are looked at")
    }

    fn subscribe(
        &self,
        _: &StreamName,
        _: Position,
    ) -> BoxStream<'static, Result<Vec<RecordedEvent>, StoreError>> {
        unreachable!("only heads are looked at")
    }

    fn limits(&self) -> Limits {
        event_store::sqlite::LIMITS
    }
}

/// Either of the two streams that follow from each other is never still, nor is that of what is tried.
#[tokio::test(start_paused = true)]
async fn a_registry_that_is_never_still_is_cut_while_one_of_two_streams_is() {
    for busy in [Stream::Ledger, Stream::Identity] {
        let store = Busy::new(move |_| vec![busy, Stream::Audit]);
        let cut = Cut::now(&store, DOMAIN).await.unwrap();
        let history = store.history.lock().unwrap();
        assert!(history.is_closed(counts(&cut)), "{cut:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn without_a_look_between_which_one_of_them_stands_still_there_is_no_cut() {
    let store = Busy::new(|_| vec![Stream::Ledger, Stream::Identity]);
    let cut = Cut::now(&store, DOMAIN).await;
    assert!(matches!(cut, Err(BackupError::Restless(_))), "{cut:?}");
    let empty = Cut::now(&Busy::new(|_| Vec::new()), DOMAIN).await;
    assert!(matches!(empty, Err(BackupError::Empty(_))), "{empty:?}");
}

proptest! {
    #[test]
    fn what_is_in_a_cut_never_comes_without_what_it_follows_from(
        others in prop::collection::vec(
            prop::collection::vec(prop::sample::select(Stream::ALL.to_vec()), 0..4), 1..12),
        still in prop::sample::select(vec![Stream::Ledger, Stream::Identity]),
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_time()
            .start_paused(true)
            .build()
            .unwrap();
        // Others append as they like, then all but one stream go on for ever.
        let store = Busy::new(move |look| others.get(look).cloned().unwrap_or_else(|| {
            Stream::ALL.into_iter().filter(|one| *one != still).collect()
        }));
        store.history.lock().unwrap().append(Stream::Identity);
        let cut = runtime.block_on(Cut::now(&store, DOMAIN)).unwrap();
        let history = store.history.lock().unwrap();
        prop_assert!(history.is_closed(counts(&cut)), "{:?}", cut);
    }
}
