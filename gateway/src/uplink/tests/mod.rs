#![allow(clippy::unwrap_used)]

mod server;
mod tls;

use super::*;
use crate::buffer::Taken;
use crate::clock::Source;
use crate::config::Config;
use crate::signer::FileKey;
use chrono::{DateTime, Utc};
use schemas::WattHours;
use schemas::gateway::{Algorithm, ClockState, MeterIdentity, ProfileRef, Quality, Reading};
use serde_json::json;
use server::{Act, Server};
use std::ops::Range;
use std::path::Path;

/// How long an answer is waited for where there is one.
const PATIENCE: Duration = Duration::from_secs(20);

/// A clock that stands still until it is put forward.
#[derive(Debug, Clone, Default)]
struct Hand(Arc<Mutex<Duration>>);

impl Source for Hand {
    fn wall(&self) -> DateTime<Utc> {
        DateTime::UNIX_EPOCH + self.monotonic()
    }
    fn monotonic(&self) -> Duration {
        *self.0.lock().unwrap()
    }
    fn wait(&self, span: Duration) -> Duration {
        span
    }
}

struct World {
    dir: tempfile::TempDir,
    server: Server,
    buffer: Buffer,
    hand: Hand,
    uplink: Uplink,
}

fn reading(number: i64) -> Reading {
    let at = |number: i64| DateTime::from_timestamp(1_750_000_200 + number * 300, 0).unwrap();
    Reading {
        interval_start: at(number),
        interval_end: at(number + 1),
        wh: WattHours(7),
        counter_start_wh: Some(WattHours(7 * number)),
        counter_end_wh: Some(WattHours(7 * number + 7)),
        quality: Quality::Measured,
        cause: None,
        clock: ClockState::Synchronised,
    }
}

fn readings(numbers: Range<i64>) -> Vec<Reading> {
    numbers.map(reading).collect()
}

fn config(address: &str) -> Config {
    Config::new(Some(address.parse().unwrap()))
}

impl World {
    async fn new() -> Self {
        Self::within(PATIENCE).await
    }

    /// With a bound on the time for a request.
    async fn within(timeout: Duration) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let key = FileKey::create(&dir.path().join("key.pem"), Algorithm::Es256).unwrap();
        let server = Server::start(key.public_key().clone()).await;
        let buffer = Buffer::open(&dir.path().join("buffer.db"), 64 << 20).unwrap();
        let hand = Hand::default();
        let uplink =
            Self::uplink(dir.path(), &server, &buffer, &hand, Arc::new(key), timeout).await;
        Self {
            dir,
            server,
            buffer,
            hand,
            uplink,
        }
    }

    async fn uplink(
        dir: &Path,
        server: &Server,
        buffer: &Buffer,
        hand: &Hand,
        key: Arc<dyn Signer>,
        timeout: Duration,
    ) -> Uplink {
        let config = config(&format!("http://127.0.0.1:{}/base", server.port));
        let registry = Registry::within(dir, &config, timeout).unwrap();
        let clock = Clock::from_source(hand.clone());
        let uplink = Uplink::new(registry, GatewayId(3), key, buffer.clone(), clock);
        uplink.await.unwrap()
    }

    async fn take(&self, device: i64, numbers: Range<i64>) {
        let taken = Taken {
            device: DeviceId(device),
            meter: MeterIdentity {
                maker: "Eastron".into(),
                model: "SDM630".into(),
                serial: device.to_string(),
                firmware: None,
            },
            profile: ProfileRef {
                id: "eastron_sdm630".into(),
                sha256: "ab".repeat(32),
            },
            readings: readings(numbers),
            accounts: String::new(),
        };
        self.buffer.record(taken).await.unwrap();
    }

    /// Turns until there is nothing to send, however often the registry is not there.
    async fn deliver(&self) {
        for _ in 0..50 {
            match self.uplink.send().await {
                Turn::Idle(None) => return,
                Turn::Idle(Some(wait)) | Turn::Wait(wait) => self.pass(wait),
                Turn::Stopped => panic!("stopped"),
            }
        }
        panic!("it does not get through: {:?}", self.uplink.report());
    }

    fn pass(&self, wait: Duration) {
        *self.hand.0.lock().unwrap() += wait;
    }

    async fn left(&self) -> u64 {
        self.buffer.usage().await.unwrap().readings
    }

    async fn hold(&self, device: i64) -> Option<String> {
        let streams = self.buffer.streams().await.unwrap();
        let stream = streams
            .into_iter()
            .find(|one| one.device == DeviceId(device));
        stream.unwrap().hold.map(|hold| hold.code)
    }
}

#[tokio::test]
async fn an_interval_is_an_envelope_while_the_registry_answers() {
    let world = World::new().await;
    for number in 0..3 {
        world.take(1, number..number + 1).await;
        world.deliver().await;
    }
    assert_eq!(world.server.readings(1), readings(0..3));
    assert_eq!(world.server.envelopes(1), 3);
    assert_eq!(world.left().await, 0);
    let report = world.uplink.report();
    assert_eq!(
        (report.state, report.readings_accepted),
        (UplinkState::Idle, 3)
    );
    assert!(report.bytes_sent > 0 && report.last_error.is_none());
}

#[tokio::test]
async fn after_an_outage_many_readings_share_a_signature() {
    let world = World::new().await;
    world.server.will((0..5).map(|_| Act::Cut));
    for number in 0..5 {
        world.take(1, number..number + 1).await;
        world.take(2, number..number + 1).await;
        let Turn::Wait(wait) = world.uplink.send().await else {
            panic!("there is no registry");
        };
        world.pass(wait);
    }
    assert_eq!(world.uplink.report().state, UplinkState::Waiting);
    world.deliver().await;
    for device in [1, 2] {
        assert_eq!(world.server.readings(device), readings(0..5));
        assert_eq!(
            world.server.envelopes(device),
            2,
            "the first, and one for all the others"
        );
    }
}

#[tokio::test]
async fn each_reading_arrives_once_whatever_becomes_of_requests_and_answers() {
    let world = World::within(Duration::from_millis(400)).await;
    world.server.will([
        Act::LoseAnswer,
        Act::Status(503, "retry-after: 3\r\n"),
        Act::Hang,
        Act::Status(500, ""),
        Act::Nonsense,
        Act::Cut,
        Act::Status(429, ""),
        Act::LoseAnswer,
        Act::LoseAnswer,
    ]);
    world.take(1, 0..1).await;
    world.take(2, 0..700).await;
    assert!(matches!(world.uplink.send().await, Turn::Wait(_)));
    world.take(1, 1..4).await;
    world.deliver().await;
    world.take(1, 4..6).await;
    world.deliver().await;
    assert_eq!(world.server.readings(1), readings(0..6));
    assert_eq!(world.server.readings(2), readings(0..700));
    assert_eq!(world.left().await, 0);
    assert!(world.server.requests() > 9);
}

#[tokio::test]
async fn the_registry_says_when_it_is_asked_again() {
    let world = World::new().await;
    world.take(1, 0..1).await;
    world.server.will([
        Act::Status(503, "retry-after: 42\r\n"),
        Act::Status(503, "retry-after: 0\r\n"),
        Act::Status(429, "retry-after: 99999\r\n"),
    ]);
    for expected in [42, 1, 3_600] {
        assert_eq!(
            world.uplink.send().await,
            Turn::Wait(Duration::from_secs(expected))
        );
    }
    let report = world.uplink.report();
    assert_eq!(
        report.last_error.unwrap(),
        "the registry answers 429 Too Many Requests: this is not_now"
    );
    assert_eq!(
        report.next_attempt_at.unwrap(),
        DateTime::UNIX_EPOCH + TimeDelta::hours(1)
    );
}

#[tokio::test]
async fn waits_grow_while_there_is_no_answer_and_are_short_again_after_one() {
    let world = World::new().await;
    world.take(1, 0..1).await;
    world.server.will((0..12).map(|_| Act::Cut));
    let mut last = Duration::ZERO;
    for _ in 0..12 {
        let Turn::Wait(wait) = world.uplink.send().await else {
            panic!("there is no registry");
        };
        assert!(wait <= BACKOFF.longest);
        last = wait;
    }
    assert!(last >= BACKOFF.longest / 2);
    world.deliver().await;
    world.take(1, 1..2).await;
    world.server.will([Act::Cut]);
    let turn = world.uplink.send().await;
    assert!(
        matches!(turn, Turn::Wait(wait) if wait <= BACKOFF.first),
        "{turn:?}"
    );
}

#[tokio::test]
async fn a_batch_that_is_too_large_is_sent_in_parts() {
    let world = World::new().await;
    for device in 1..=8 {
        world.take(device, 0..100).await;
    }
    world.server.will((0..20).map(|_| Act::TooLarge(80_000)));
    world.deliver().await;
    for device in 1..=8 {
        assert_eq!(world.server.readings(device), readings(0..100));
    }
    assert!(world.server.requests() > 4);
}

#[tokio::test]
async fn a_registry_restored_from_a_backup_is_given_again_what_it_has_lost() {
    let world = World::new().await;
    for number in 0..4 {
        world.take(1, number..number + 1).await;
        world.deliver().await;
    }
    world.server.will([Act::Forget(1, 3)]);
    world.take(1, 4..5).await;
    world.deliver().await;
    assert_eq!(world.server.readings(1), readings(0..5));
    assert_eq!(world.hold(1).await, None);
}

#[tokio::test]
async fn what_the_gateway_no_longer_has_holds_the_device_and_says_so() {
    let world = World::new().await;
    world.take(1, 0..1).await;
    world.deliver().await;
    world
        .buffer
        .prune(DateTime::UNIX_EPOCH + TimeDelta::days(365))
        .await
        .unwrap();
    world.server.will([Act::Forget(1, 1)]);
    world.take(1, 1..2).await;
    assert!(matches!(world.uplink.send().await, Turn::Idle(Some(_))));
    assert_eq!(world.hold(1).await.as_deref(), Some("sequence_gap"));
    let streams = world.buffer.streams().await.unwrap();
    let detail = &streams[0].hold.as_ref().unwrap().detail;
    assert!(detail.contains("no longer holds"), "{detail}");
}

#[tokio::test]
async fn a_refused_envelope_holds_its_device_alone_and_goes_when_the_reason_is_gone() {
    let world = World::new().await;
    world.take(1, 0..2).await;
    world.take(2, 0..1).await;
    world
        .server
        .will([Act::Refuse("not_the_gateways_device", json!({}))]);
    let turn = world.uplink.send().await;
    assert_eq!(turn, Turn::Idle(Some(HOLD)));
    assert_eq!(
        world.hold(1).await.as_deref(),
        Some("not_the_gateways_device")
    );
    assert_eq!(world.server.readings(2), readings(0..1));
    // Meanwhile readings are taken, and others go on.
    world.take(1, 2..4).await;
    world.take(2, 1..2).await;
    assert_eq!(world.uplink.send().await, Turn::Idle(Some(HOLD)));
    assert_eq!(world.server.readings(2), readings(0..2));
    assert_eq!(world.server.readings(1), []);
    world.pass(HOLD);
    world.deliver().await;
    assert_eq!(world.server.readings(1), readings(0..4));
    assert_eq!(world.hold(1).await, None);
    assert_eq!(world.uplink.report().envelopes_refused, 1);
}

#[tokio::test]
async fn a_clock_in_the_future_is_tried_again_when_the_registry_says() {
    let world = World::new().await;
    world.take(1, 0..1).await;
    world
        .server
        .will([Act::Refuse("clock_in_future", json!({"retry_after_s": 90}))]);
    assert_eq!(
        world.uplink.send().await,
        Turn::Idle(Some(Duration::from_secs(90)))
    );
    world.pass(Duration::from_secs(90));
    world.deliver().await;
    assert_eq!(world.server.readings(1), readings(0..1));
}

#[tokio::test]
async fn a_gap_that_is_filled_to_no_avail_does_not_go_round_for_ever() {
    let world = World::new().await;
    world.take(1, 0..1).await;
    world.deliver().await;
    world.take(1, 1..2).await;
    let gap = || Act::Refuse("sequence_gap", json!({"expected_sequence": 1}));
    world.server.will([gap(), gap(), gap(), gap(), gap()]);
    assert!(matches!(world.uplink.send().await, Turn::Idle(Some(_))));
    assert!(world.server.requests() < 6);
    assert_eq!(world.hold(1).await.as_deref(), Some("sequence_gap"));
}

#[tokio::test]
async fn a_revoked_key_stops_sending_and_nothing_is_lost() {
    let world = World::new().await;
    world.take(1, 0..1).await;
    world
        .server
        .will([Act::Refuse("gateway_key_revoked", json!({}))]);
    assert_eq!(world.uplink.send().await, Turn::Stopped);
    world.take(1, 1..2).await;
    assert_eq!(world.uplink.send().await, Turn::Stopped);
    assert_eq!(world.server.requests(), 1, "and the registry is left alone");
    assert_eq!(world.left().await, 2);
    let report = world.uplink.report();
    assert_eq!(report.state, UplinkState::Stopped);
    assert!(report.last_error.unwrap().contains("gateway_key_revoked"));
}

#[tokio::test]
async fn what_an_older_key_has_signed_is_signed_anew_when_that_is_no_longer_taken() {
    let world = World::new().await;
    world.take(1, 0..3).await;
    let older = FileKey::create(&world.dir.path().join("older.pem"), Algorithm::EdDsa).unwrap();
    let runs = world.buffer.unsealed(None, Vec::new(), 2).await.unwrap();
    let sealed = seal(&older, GatewayId(3), Utc::now(), runs).unwrap();
    world.buffer.seal(sealed).await.unwrap();
    world.deliver().await;
    assert_eq!(world.server.readings(1), readings(0..3));
    assert_eq!(world.server.envelopes(1), 1, "the waiting one went along");
}

#[tokio::test]
async fn a_hold_of_before_the_restart_is_tried_at_once_and_lifted() {
    let world = World::new().await;
    world.take(1, 0..1).await;
    world
        .server
        .will([Act::Refuse("device_not_found", json!({}))]);
    world.uplink.send().await;
    let key = FileKey::open(&world.dir.path().join("key.pem")).unwrap();
    let (server, buffer, hand) = (&world.server, &world.buffer, &world.hand);
    let key = Arc::new(key);
    let again = World::uplink(world.dir.path(), server, buffer, hand, key, PATIENCE).await;
    assert_eq!(again.send().await, Turn::Idle(None));
    assert_eq!(world.hold(1).await, None);
    assert_eq!(world.server.readings(1), readings(0..1));
}
