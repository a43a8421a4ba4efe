//! Somebody who goes on whatever happens.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::time::{Duration, Instant};
use tests::{Actor, World, eventually, hours};
use tokio::task::JoinHandle;

/// Longest that a request may remain without any answer.
const ANSWER: Duration = Duration::from_secs(60);
/// The first hour of the load, far from those of the test itself.
const FROM: i64 = 1_000;

/// Submits one reading after another, each under its own idempotency key, repeating those that are
/// refused for now.
pub struct Load {
    stop: Arc<AtomicBool>,
    acknowledged: Arc<AtomicI64>,
    refused: Arc<AtomicI64>,
    task: JoinHandle<()>,
}

/// What became of it.
#[derive(Debug, Clone, Copy)]
pub struct Outcome {
    /// Readings that were acknowledged: hours from [`FROM`] on, without a gap.
    pub acknowledged: i64,
    /// Requests refused with 503.
    pub refused: i64,
}

impl Load {
    pub fn start(world: &World) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let (acknowledged, refused) = (Arc::new(AtomicI64::new(0)), Arc::new(AtomicI64::new(0)));
        let run = run(
            world.producer.clone(),
            world.w,
            stop.clone(),
            acknowledged.clone(),
            refused.clone(),
        );
        Self {
            stop,
            acknowledged,
            refused,
            task: tokio::spawn(run),
        }
    }

    /// Waits until `count` more readings are acknowledged.
    pub async fn goes_on(&self, count: i64) {
        let goal = self.acknowledged.load(Ordering::Acquire) + count;
        eventually("readings are acknowledged", || async {
            self.is_running();
            (self.acknowledged.load(Ordering::Acquire) >= goal).then_some(())
        })
        .await;
    }

    /// Waits until something more is acknowledged or refused: it is answered either way.
    pub async fn is_answered(&self) {
        let answers =
            || self.acknowledged.load(Ordering::Acquire) + self.refused.load(Ordering::Acquire);
        let before = answers();
        eventually("a command is answered", || async {
            self.is_running();
            (answers() > before).then_some(())
        })
        .await;
    }

    fn is_running(&self) {
        assert!(!self.task.is_finished(), "the load has failed; see above");
    }

    pub async fn stop(self) -> Outcome {
        self.stop.store(true, Ordering::Release);
        self.task.await.unwrap();
        Outcome {
            acknowledged: self.acknowledged.load(Ordering::Acquire),
            refused: self.refused.load(Ordering::Acquire),
        }
    }
}

async fn run(
    producer: Actor,
    device: i64,
    stop: Arc<AtomicBool>,
    acknowledged: Arc<AtomicI64>,
    refused: Arc<AtomicI64>,
) {
    let mut n = 0;
    while !stop.load(Ordering::Acquire) {
        let actor = producer.with("idempotency-key", format!("reading-{n}"));
        let began = Instant::now();
        let reading = hours(FROM + n, [quantity(n)]);
        let answer = tokio::time::timeout(ANSWER, actor.submit_json(device, &reading));
        let answer = answer
            .await
            .unwrap_or_else(|_| panic!("reading {n} has no answer after {ANSWER:?}"));
        match answer.status {
            200 => {
                n += 1;
                acknowledged.store(n, Ordering::Release);
            }
            503 => {
                assert!(!answer.header("retry-after").is_empty(), "{answer}");
                refused.fetch_add(1, Ordering::AcqRel);
                // What Retry-After asks for, shortened.
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
            _ => panic!("after {:?}: {answer}", began.elapsed()),
        }
    }
}

const fn quantity(n: i64) -> i64 {
    100 + n % 7
}

impl Outcome {
    /// Checks that each acknowledged reading was issued exactly once, and the invariants.
    pub async fn verify(self, world: &World) {
        assert!(
            self.acknowledged > 0,
            "nothing was acknowledged, {} refused",
            self.refused
        );
        world.registry.audit().await;
        let held = world.producer.holdings(world.s).await;
        let names: Vec<_> = held
            .iter()
            .map(|bundle| bundle["issuance_id"].as_str().unwrap().to_owned())
            .collect();
        for n in 0..self.acknowledged {
            let name = world.issuance_id(FROM + n);
            let found: Vec<_> = held
                .iter()
                .zip(&names)
                .filter(|(_, found)| **found == name)
                .collect();
            assert_eq!(found.len(), 1, "acknowledged reading {n} ({name})");
            assert_eq!(found[0].0["bundle_quantity"], quantity(n));
        }
        let all = hours(FROM, (0..self.acknowledged).map(quantity));
        let again = world.producer.submit(world.w, &all).await.expect(200);
        assert_eq!(again["accepted"], 0, "all of them are known");
    }
}
