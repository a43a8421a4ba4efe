//! The whole process is killed, in the middle of splits and of actions on several bundles.

use serde_json::{Value, json};
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::time::Duration;
use tests::{Actor, Clusters, Process, Registry, World, eventually, volume};

/// This module's test that serves.
pub(crate) const ENTRY: &str = "faults::process::a_registry_for_the_test_beside";
const WORKERS: usize = 4;
/// Bundles that each worker splits in every one of its actions.
const BUNDLES: usize = 3;
/// Wh of each.
const WH: i64 = 100_000;
const KILLS: usize = 3;

#[tokio::test(flavor = "multi_thread")]
#[ignore = "it serves in a process that another test starts and kills"]
async fn a_registry_for_the_test_beside() {
    Process::serve().await;
}

/// Moves 1 Wh of each of its bundles again and again, repeating under the same key what was not
/// answered.
struct Worker<'w> {
    trader: &'w Actor,
    source: i64,
    target: i64,
    number: usize,
    bundles: Vec<i64>,
    moved: &'w AtomicI64,
    stop: &'w AtomicBool,
}

impl Worker<'_> {
    async fn run(mut self) {
        let mut actions = 0;
        while !self.stop.load(Ordering::Acquire) {
            let key = format!("worker {} action {actions}", self.number).replace(' ', "-");
            let action = self.move_one_each(&key).await;
            let remainder = |part: &Value| part["remainder"]["bundle_id"].as_i64().unwrap();
            self.bundles = action["bundles"]
                .as_array()
                .unwrap()
                .iter()
                .map(remainder)
                .collect();
            self.moved
                .fetch_add(i64::try_from(BUNDLES).unwrap(), Ordering::AcqRel);
            actions += 1;
        }
    }

    async fn move_one_each(&self, key: &str) -> Value {
        let body = json!({
            "source_id": self.source, "target_id": self.target, "certificate_quantity": 1,
            "granular_certificate_bundle_ids": self.bundles,
        });
        let actor = self.trader.with("idempotency-key", key);
        loop {
            let request = actor.request("POST", "/certificate/transfer").json(&body);
            match actor.try_send(request).await {
                Ok(answer) if answer.status == 503 => {}
                Ok(answer) => return answer.expect(202),
                // Killed: whether it was done, only the key can tell.
                Err(_) => {}
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_process_killed_in_the_middle_of_splits_has_done_each_action_wholly_or_not_at_all() {
    let mut registry = Registry::prepare(Clusters::shared().await).await;
    let mut process = Process::start(&mut registry.config, ENTRY);
    let mut world = World::on(registry).await;
    let bundles = world.issue([WH; WORKERS * BUNDLES]).await;
    let (moved, stop) = (AtomicI64::new(0), AtomicBool::new(false));
    let trader = world.trader.alone();
    let workers = bundles
        .chunks(BUNDLES)
        .enumerate()
        .map(|(number, bundles)| {
            let worker = Worker {
                trader: &trader,
                source: world.s,
                target: world.t,
                number,
                bundles: bundles.to_vec(),
                moved: &moved,
                stop: &stop,
            };
            worker.run()
        });
    let config = &mut world.registry.config;
    let kills = async {
        for _ in 0..KILLS {
            goes_on(&moved).await;
            process.kill9();
            process = Process::start(config, ENTRY);
        }
        goes_on(&moved).await;
        stop.store(true, Ordering::Release);
    };
    tokio::join!(kills, futures_util::future::join_all(workers));

    let moved = moved.into_inner();
    world.registry.audit().await;
    let stayed = volume(&world.trader.holdings(world.s).await);
    assert_eq!(
        volume(&world.trader.holdings(world.t).await),
        moved,
        "each action once"
    );
    assert_eq!(
        stayed + moved,
        WH * i64::try_from(WORKERS * BUNDLES).unwrap()
    );
    drop(process);
}

async fn goes_on(moved: &AtomicI64) {
    let goal = moved.load(Ordering::Acquire) + 60;
    eventually("certificates are moved", || async {
        (moved.load(Ordering::Acquire) >= goal).then_some(())
    })
    .await;
}
