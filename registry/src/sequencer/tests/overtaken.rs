//! Writers of one stream that are in each other's way.

use super::{Registry, foundation, request, start, submit};
use crate::sequencer::{ExecuteError, Sequencer};
use crate::wrapped::{Wrap, Wrapped};
use event_store::{AppendError, EventStore, Head, NewEvent, RecordedEvent, StoreError};
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use schemas::log::{Position, StreamName};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;
use tokio::sync::watch;

/// What takes a moment is done by then on any machine.
const SOON: Duration = Duration::from_secs(120);

/// When somebody else appends an event.
#[derive(PartialEq)]
enum Before {
    Append,
    Read,
    Never,
}

/// A store that is a while away, and which somebody else reaches first.
struct Crowded {
    store: Arc<dyn EventStore>,
    rival: Sequencer,
    before: Before,
    /// Readings of the other one.
    readings: Arc<AtomicI64>,
    /// Appends are refused once it is there.
    outage: Option<watch::Receiver<bool>>,
    appends: Arc<AtomicI64>,
    away: Duration,
}

impl Crowded {
    async fn passes(&self, here: Before) {
        tokio::time::sleep(self.away).await;
        if self.before == here {
            let n = self.readings.fetch_add(1, Ordering::AcqRel);
            let reading = request(submit(2, n, &[1]));
            self.rival.execute(reading).await.unwrap();
        }
    }
}

impl Wrap for Crowded {
    fn store(&self) -> &dyn EventStore {
        self.store.as_ref()
    }

    fn append<'a>(
        &'a self,
        stream: &'a StreamName,
        expected: Position,
        events: Vec<NewEvent>,
    ) -> BoxFuture<'a, Result<Head, AppendError>> {
        async move {
            self.appends.fetch_add(1, Ordering::AcqRel);
            if let Some(mut outage) = self.outage.clone() {
                outage.wait_for(|is_there| *is_there).await.unwrap();
                return Err(AppendError::Unavailable(Arc::new(std::fmt::Error)));
            }
            self.passes(Before::Append).await;
            let appended = self.store.append(stream, expected, events).await;
            tokio::time::sleep(self.away).await;
            appended
        }
        .boxed()
    }

    fn read<'a>(
        &'a self,
        stream: &'a StreamName,
        after: Position,
        limit: usize,
    ) -> BoxFuture<'a, Result<Vec<RecordedEvent>, StoreError>> {
        async move {
            self.passes(Before::Read).await;
            let read = self.store.read(stream, after, limit).await;
            tokio::time::sleep(self.away).await;
            read
        }
        .boxed()
    }
}

async fn founded() -> Registry {
    let registry = Registry::new(1_000);
    for command in foundation() {
        registry.run(command).await.unwrap();
    }
    registry
}

fn behind(registry: &Registry, before: Before) -> Crowded {
    Crowded {
        store: Arc::clone(&registry.store),
        rival: registry.sequencer.clone(),
        before,
        readings: Arc::default(),
        outage: None,
        appends: Arc::default(),
        away: Duration::from_millis(10),
    }
}

fn crowded(registry: &Registry, before: Before) -> Sequencer {
    let store: Arc<dyn EventStore> = Arc::new(Wrapped(behind(registry, before)));
    start(&store, &registry.write, &registry.name, 1_000)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_command_that_others_are_always_faster_than_is_refused_and_leaves_nothing_behind() {
    let registry = founded().await;
    let overtaken = crowded(&registry, Before::Append);
    let answer = overtaken.execute(request(submit(1, 0, &[1_000])));
    let answer = tokio::time::timeout(SOON, answer).await.unwrap();
    assert!(
        matches!(&answer, Err(ExecuteError::Unavailable(why)) if why.contains("always first")),
        "{answer:?}"
    );
    let alone = crowded(&registry, Before::Never);
    let receipt = alone.execute(request(submit(1, 0, &[1_000]))).await;
    assert_eq!(receipt.unwrap().events.len(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn who_reads_up_the_stream_comes_to_an_end_while_others_go_on() {
    let registry = founded().await;
    let tested = crowded(&registry, Before::Read);
    for hour in 0..3 {
        registry.run(submit(1, hour, &[1_000])).await.unwrap();
        // It finds that out by a conflict, and one more event for each look.
        let answer = tested.execute(request(submit(1, hour + 10, &[1_000])));
        tokio::time::timeout(SOON, answer).await.unwrap().unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn of_two_writers_with_more_to_append_all_the_time_both_get_in() {
    const COMMANDS: i64 = 20;
    let registry = founded().await;
    let done = Arc::new([AtomicI64::new(0), AtomicI64::new(0)]);
    let mut working = tokio::task::JoinSet::new();
    for writer in 0..2 {
        let sequencer = crowded(&registry, Before::Never);
        for worker in 0..3 {
            let (sequencer, done) = (sequencer.clone(), Arc::clone(&done));
            let device = i64::try_from(writer).unwrap() + 1;
            working.spawn(async move {
                let mut hour = worker * 3_000;
                while done
                    .iter()
                    .any(|done| done.load(Ordering::Acquire) < COMMANDS)
                {
                    let reading = request(submit(device, hour, &[1]));
                    match sequencer.execute(reading).await {
                        Ok(_) => {
                            done[writer].fetch_add(1, Ordering::AcqRel);
                            hour += 1;
                        }
                        Err(ExecuteError::Unavailable(_)) => {}
                        Err(error) => panic!("{error}"),
                    }
                }
            });
        }
    }
    let all = async { while working.join_next().await.transpose().unwrap().is_some() {} };
    let ended = tokio::time::timeout(SOON, all).await;
    assert!(ended.is_ok(), "done by each: {done:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn who_waits_behind_an_append_that_is_tried_in_vain_is_refused_with_it() {
    let registry = founded().await;
    let (begin, outage) = watch::channel(false);
    let appends: Arc<AtomicI64> = Arc::default();
    let store: Arc<dyn EventStore> = Arc::new(Wrapped(Crowded {
        outage: Some(outage),
        appends: Arc::clone(&appends),
        ..behind(&registry, Before::Never)
    }));
    let tested = start(&store, &registry.write, &registry.name, 1_000);
    let first = tested.clone();
    let first = tokio::spawn(async move { first.execute(request(submit(1, 0, &[1]))).await });
    while appends.load(Ordering::Acquire) == 0 {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    // It is asked before the outage, since they are polled in this order.
    let behind = tested.execute(request(submit(1, 1, &[1])));
    let (behind, _) = tokio::join!(behind, async { begin.send_replace(true) });
    for answer in [first.await.unwrap(), behind] {
        assert!(
            matches!(answer, Err(ExecuteError::Unavailable(_))),
            "{answer:?}"
        );
    }
    assert_eq!(appends.load(Ordering::Acquire), 1);
}
