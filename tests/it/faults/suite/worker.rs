//! What each of the people does, over and over, until it is done.

use super::crowd::{ANSWER, Crowd, Work};
use super::shown::Outcome;
use super::tools::connections;
use reqwest::RequestBuilder;
use serde_json::{Value, json};
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};
use tests::{Actor, Answer, Proxy, World, hours};
use tokio::task::JoinSet;
use uuid::Uuid;

/// What Retry-After asks for, shortened.
const RETRY: Duration = Duration::from_millis(50);
/// Wh that a bundle begins with whose certificates are moved one by one.
const WH: i64 = 1_000_000;
/// Bundles that are split by each action.
const BUNDLES: i64 = 3;

/// What has been acknowledged.
#[derive(Default)]
pub struct Done {
    /// Readings by device, each an hour later than the one before.
    pub readings: [AtomicI64; 2],
    /// Wh moved.
    pub moved: AtomicI64,
    /// Requests refused as they should be, since they were last looked for.
    pub mistakes: Mutex<Vec<Uuid>>,
}

/// What there is to work with.
pub struct Materials {
    /// One for each registry.
    pub devices: [i64; 2],
    /// Likewise.
    bundles: [[i64; BUNDLES as usize]; 2],
    /// A bundle that stays as it is.
    known: i64,
}

impl Materials {
    /// Registers devices and issues bundles.
    pub async fn in_the(world: &World) -> Self {
        let mut devices = [0; 2];
        for (registry, device) in devices.iter_mut().enumerate() {
            let name = json!({"local_device_identifier": format!("of registry {registry}")});
            *device = world.producer.register_device(world.s, name).await;
        }
        let [known] = world.issue([WH]).await;
        let bundles = [world.issue([WH; 3]).await, world.issue([WH; 3]).await];
        Self {
            devices,
            bundles,
            known,
        }
    }
}

/// The Wh of the n-th reading.
const fn quantity(n: i64) -> i64 {
    100 + n % 7
}

/// The Wh of so many readings.
pub fn quantities(count: i64) -> i64 {
    (0..count).map(quantity).sum()
}

/// Lets everybody work: producer and trader at both registries, and an auditor who looks.
pub fn begin(
    world: &World,
    materials: &Materials,
    ways: &[Proxy; 2],
    crowd: &Arc<Crowd>,
    done: &Arc<Done>,
) -> JoinSet<()> {
    let mut working = JoinSet::new();
    for (registry, way) in ways.iter().enumerate() {
        let worker = |actor: &Actor| Worker {
            actor: actor.alone().through(way),
            registry,
            crowd: Arc::clone(crowd),
            done: Arc::clone(done),
        };
        let device = materials.devices[registry];
        let bundles = materials.bundles[registry].to_vec();
        let (s, t) = (world.s, world.t);
        working.spawn(worker(&world.producer).submit(device));
        working.spawn(worker(&world.trader).split_and_move(s, t, bundles));
        working.spawn(
            worker(&world.auditor).look(Work::Look, format!("/certificate/{}", materials.known)),
        );
        if registry == 0 {
            working.spawn(worker(&world.trader).mistake(s, t));
        } else {
            let path = format!("/measurement/list?device_id={device}&limit=1");
            working.spawn(worker(&world.producer).look(Work::Follow, path));
        }
    }
    working
}

/// Somebody, at one registry.
struct Worker {
    actor: Actor,
    registry: usize,
    crowd: Arc<Crowd>,
    done: Arc<Done>,
}

impl Worker {
    /// Submits one reading after another, each under its own key.
    async fn submit(self, device: i64) {
        let readings = &self.done.readings[self.registry];
        while let Some(begun) = self.crowd.may_begin().await {
            let n = readings.load(Ordering::Acquire);
            let reading: Vec<_> = hours(n, [quantity(n)])
                .iter()
                .map(tests::Reading::json)
                .collect();
            let body = json!({"device_id": device, "readings": reading});
            let actor = self
                .actor
                .with("idempotency-key", format!("reading-{device}-{n}"));
            let ask = || {
                actor
                    .request("POST", "/measurement/submit_readings")
                    .json(&body)
            };
            self.until(Work::Submit, 200, ask).await;
            readings.store(n + 1, Ordering::Release);
            drop(begun);
            tokio::time::sleep(Work::Submit.pace()).await;
        }
    }

    /// Moves 1 Wh of each of its bundles again and again.
    async fn split_and_move(self, source: i64, target: i64, mut bundles: Vec<i64>) {
        let mut n = 0;
        while let Some(begun) = self.crowd.may_begin().await {
            let body = json!({
                "source_id": source, "target_id": target, "certificate_quantity": 1,
                "granular_certificate_bundle_ids": bundles,
            });
            let key = format!("move-{}-{n}", self.registry);
            let actor = self.actor.with("idempotency-key", key);
            let ask = || actor.request("POST", "/certificate/transfer").json(&body);
            let action = self.until(Work::Move, 202, ask).await.json();
            let parts = action["bundles"].as_array().unwrap().iter();
            let remainder = |part: &Value| part["remainder"]["bundle_id"].as_i64().unwrap();
            bundles = parts.map(remainder).collect();
            self.done.moved.fetch_add(BUNDLES, Ordering::AcqRel);
            n += 1;
            drop(begun);
            tokio::time::sleep(Work::Move.pace()).await;
        }
    }

    /// Asks for what has to be refused, each time under another request id.
    async fn mistake(self, source: i64, target: i64) {
        let body = json!({
            "source_id": source, "target_id": target, "granular_certificate_bundle_ids": [i64::MAX / 2],
        });
        while let Some(begun) = self.crowd.may_begin().await {
            let request_id = Mutex::new(Uuid::nil());
            let ask = || {
                let id = Uuid::now_v7();
                *request_id.lock().unwrap() = id;
                let actor = self.actor.with("x-request-id", id);
                actor.request("POST", "/certificate/transfer").json(&body)
            };
            self.until(Work::Mistake, 404, ask).await;
            self.done
                .mistakes
                .lock()
                .unwrap()
                .push(request_id.into_inner().unwrap());
            drop(begun);
            tokio::time::sleep(Work::Mistake.pace()).await;
        }
    }

    /// Reads the same again and again.
    async fn look(self, work: Work, path: String) {
        while let Some(begun) = self.crowd.may_begin().await {
            self.until(work, 200, || self.actor.request("GET", &path))
                .await;
            drop(begun);
            tokio::time::sleep(work.pace()).await;
        }
    }

    /// Asks until the answer has this status.
    async fn until(&self, work: Work, status: u16, ask: impl Fn() -> RequestBuilder) -> Answer {
        loop {
            let asked = Instant::now();
            let answer = tokio::time::timeout(ANSWER, self.actor.try_send(ask())).await;
            let answer = answer.unwrap_or_else(|_| {
                panic!(
                    "{work:?} at registry {} is not answered within {ANSWER:?}; connections:\n{}",
                    self.registry,
                    connections()
                )
            });
            let (outcome, said) = match &answer {
                Ok(answer) if answer.status == status => (Outcome::Done, String::new()),
                Ok(answer) => {
                    assert_eq!(answer.status, 503, "{answer}");
                    assert!(!answer.header("retry-after").is_empty(), "{answer}");
                    (Outcome::Refused503, answer.to_string())
                }
                Err(unanswered) => (Outcome::Unanswered, unanswered.clone()),
            };
            let became = (outcome, said.as_str());
            self.crowd
                .note(work, self.registry, became, asked.elapsed());
            match (outcome, answer) {
                (Outcome::Done, Ok(answer)) => return answer,
                _ => tokio::time::sleep(RETRY).await,
            }
        }
    }
}
