//! Two processes on one log, restarted one after the other while requests go on.

use super::{another, first};
use crate::double::Double;
use reqwest::{Client, StatusCode};
use serde_json::{Value, json};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicUsize, Ordering};
use std::time::Duration;
use tests::{World, eventually, volume};

const CLIENTS: usize = 6;
/// Wh of the bundle of each client.
const WH: i64 = 1_000_000;
/// How often each process is restarted.
const RESTARTS: usize = 2;
/// Far longer than it takes to notice that a process is about to stop.
const DRAIN_S: u64 = 4;
const LOOK: Duration = Duration::from_millis(50);

/// What spreads requests over the processes that say they are ready, as a balancer does.
struct Balancer {
    client: Client,
    urls: [String; 2],
    is_ready: [AtomicBool; 2],
    next: AtomicUsize,
}

impl Balancer {
    fn new(urls: [String; 2]) -> Self {
        Self {
            client: Client::new(),
            urls,
            is_ready: [AtomicBool::new(true), AtomicBool::new(true)],
            next: AtomicUsize::new(0),
        }
    }

    async fn look(&self) -> ! {
        loop {
            for (url, is_ready) in self.urls.iter().zip(&self.is_ready) {
                let asked = self.client.get(format!("{url}/readyz")).send().await;
                let ready = asked.is_ok_and(|answer| answer.status() == StatusCode::OK);
                is_ready.store(ready, Ordering::Release);
            }
            tokio::time::sleep(LOOK).await;
        }
    }

    /// The process that the next request goes to.
    async fn url(&self) -> &str {
        eventually("a process is ready", || async {
            let first = self.next.fetch_add(1, Ordering::AcqRel);
            let mut places = (first..first + self.urls.len()).map(|place| place % self.urls.len());
            let place = places.find(|place| self.is_ready[*place].load(Ordering::Acquire))?;
            Some(self.urls[place].as_str())
        })
        .await
    }
}

/// Clients that move a Wh of their bundle and look at their account, again and again.
struct Load<'w> {
    balancer: &'w Balancer,
    token: &'w str,
    source: i64,
    target: i64,
    moved: AtomicI64,
    failed: Mutex<Vec<String>>,
    stop: AtomicBool,
}

impl Load<'_> {
    async fn client(&self, mut bundle: i64) {
        while !self.stop.load(Ordering::Acquire) {
            let body = json!({"source_id": self.source, "target_id": self.target, "certificate_quantity": 1,
                              "granular_certificate_bundle_ids": [bundle]});
            match self
                .asked("POST", "/certificate/transfer", Some(&body), 202)
                .await
            {
                Some(answer) => {
                    bundle = answer["bundles"][0]["remainder"]["bundle_id"]
                        .as_i64()
                        .unwrap()
                }
                None => return,
            }
            self.moved.fetch_add(1, Ordering::AcqRel);
            let account = format!("/account/{}", self.source);
            self.asked("GET", &account, None, 200).await;
        }
    }

    /// The answer, if it has this status; else it is kept as a failure.
    async fn asked(
        &self,
        method: &str,
        path: &str,
        body: Option<&Value>,
        status: u16,
    ) -> Option<Value> {
        let url = format!("{}{path}", self.balancer.url().await);
        let request = self.balancer.client.request(method.parse().unwrap(), url);
        let request = request.bearer_auth(self.token);
        let sent = match body {
            Some(body) => request.json(body).send().await,
            None => request.send().await,
        };
        let why = match sent {
            Ok(answer) if answer.status() == status => match answer.json().await {
                Ok(answer) => return Some(answer),
                Err(error) => format!("{error:?}"),
            },
            Ok(answer) => format!("{}: {:?}", answer.status(), answer.text().await),
            Err(error) => format!("{error:?}"),
        };
        self.failed
            .lock()
            .unwrap()
            .push(format!("{method} {path}: {why}"));
        None
    }

    async fn goes_on(&self) {
        let goal = self.moved.load(Ordering::Acquire) + 100;
        eventually("certificates are moved", || async {
            let is_there = self.moved.load(Ordering::Acquire) >= goal;
            (is_there || !self.failed.lock().unwrap().is_empty()).then_some(())
        })
        .await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn no_request_fails_while_two_processes_are_restarted_one_after_the_other() {
    let double = Double::start().await;
    let mut registry = first(&double).await;
    registry.config.http.drain_s = DRAIN_S;
    registry.up().await;
    let mut world = World::on(registry).await;
    let bundles = world.issue([WH; CLIENTS]).await;
    let mut config = world.registry.config.clone();
    config.http.port = 0;
    let mut other = another(&config).await;
    config.http.port = other.address().port();

    let balancer = Balancer::new([world.registry.url(), config.http.url()]);
    let trader = world.trader.clone();
    let load = Load {
        balancer: &balancer,
        token: trader.token(),
        source: world.s,
        target: world.t,
        moved: AtomicI64::new(0),
        failed: Mutex::default(),
        stop: AtomicBool::new(false),
    };
    let restarts = async {
        for _ in 0..RESTARTS {
            load.goes_on().await;
            world.registry.down().await;
            load.goes_on().await;
            world.registry.up().await;
            load.goes_on().await;
            other.drain().await.unwrap();
            other.shutdown().await;
            load.goes_on().await;
            other = another(&config).await;
        }
        load.goes_on().await;
        load.stop.store(true, Ordering::Release);
        other
    };
    let clients = futures_util::future::join_all(bundles.iter().map(|bundle| load.client(*bundle)));
    let work = async { tokio::join!(restarts, clients) };
    let (other, _) = tokio::select! {
        done = work => done,
        never = balancer.look() => never,
    };
    let (failed, moved) = (load.failed.into_inner().unwrap(), load.moved.into_inner());
    assert_eq!(failed, Vec::<String>::new());
    world.registry.audit().await;
    assert_eq!(volume(&world.trader.holdings(world.t).await), moved);
    other.shutdown().await;
}
