//! Gateways: codes, enrolment, keys, devices, and the rules of their envelopes one by one.
#![allow(clippy::unwrap_used)]

mod enrolment;
mod envelope;
mod reading;
#[path = "../world/mod.rs"]
mod world;

use chrono::{DateTime, TimeDelta, Utc};
use ledger::command::{
    AcceptEnvelope, ChangeGatewayDevices, ChangeGatewayKey, EnrolGateway, IssueGatewayCode,
    RevokeGateway, UpdateDevice,
};
use ledger::gateway::Accepted;
use ledger::key::code_digest;
use ledger::{Code, Command, Decision, Event, Refusal};
use schemas::WattHours;
use schemas::event::LedgerEvent;
use schemas::gateway::jws::Signed;
use schemas::gateway::limit::{
    KEY_OVERLAP_DAYS, MAX_CLOCK_AHEAD_S, MAX_CODE_VALID_S, MAX_READINGS,
};
use schemas::gateway::{
    Cause, ClockState, KeyId, MeterIdentity, MeterReadings, ProfileRef, PublicKey, Quality, Reading,
};
use schemas::id::{AccountId, DeviceId, GatewayId, MAX_CERTIFICATE_ID};
use schemas::life_cycle::Settle;
use world::{World, at, code, hour, hours, readings, request};

fn key(number: u8) -> PublicKey {
    PublicKey::ed25519(&[number; 32])
}

fn key_id(number: u8) -> KeyId {
    key(number).key_id()
}

fn issue_code(text: &str, devices: &[i64]) -> IssueGatewayCode {
    IssueGatewayCode {
        account_id: AccountId(1),
        device_ids: devices.iter().copied().map(DeviceId).collect(),
        code: code_digest(text),
        valid_for_s: 3_600,
    }
}

fn enrol(text: &str, number: u8) -> Command {
    Command::EnrolGateway(Box::new(EnrolGateway {
        code: code_digest(text),
        name: Some(" shed ".into()),
        public_key: key(number),
    }))
}

/// Device 1 is metered by gateway 1, which signs with key 1.
fn enrolled() -> World {
    let mut world = World::with_accounts();
    world
        .run(Command::IssueGatewayCode(issue_code("ONE", &[1])))
        .unwrap();
    world.run(enrol("ONE", 1)).unwrap();
    world
}

fn reading(first: i64, wh: i64) -> Reading {
    let interval = hour(first);
    Reading {
        interval_start: interval.start(),
        interval_end: interval.end(),
        wh: WattHours(wh),
        counter_start_wh: Some(WattHours(1_000)),
        counter_end_wh: Some(WattHours(1_000 + wh)),
        quality: Quality::Measured,
        cause: None,
        clock: ClockState::Synchronised,
    }
}

fn doubtful(first: i64, wh: i64, cause: Cause) -> Reading {
    Reading {
        quality: Quality::Doubtful,
        cause: Some(cause),
        ..reading(first, wh)
    }
}

fn envelope(
    sequence: i64,
    previous: Option<&AcceptEnvelope>,
    list: Vec<Reading>,
) -> AcceptEnvelope {
    let payload = MeterReadings {
        context: MeterReadings::CONTEXT.into(),
        gateway_id: GatewayId(1),
        device_id: DeviceId(1),
        meter: MeterIdentity {
            maker: "M".into(),
            model: "O".into(),
            serial: "S".into(),
            firmware: None,
        },
        profile: ProfileRef {
            id: "p".into(),
            sha256: "0".repeat(64),
        },
        sequence,
        previous: previous.map(|envelope| envelope.hash.clone()),
        created_at: at("2025-06-01T12:00:00Z"),
        readings: list,
    };
    signed(payload)
}

/// A stand-in for the signature: what the rules see of one is the hash of all of it.
fn signed(payload: MeterReadings) -> AcceptEnvelope {
    let compact = serde_json::to_string(&payload).unwrap();
    AcceptEnvelope {
        key_id: key_id(1),
        hash: schemas::gateway::jws::hash(&compact),
        compact,
        payload,
    }
}

fn submit(world: &mut World, envelope: &AcceptEnvelope) -> Result<Accepted, Refusal> {
    world
        .run(Command::AcceptEnvelope(Box::new(envelope.clone())))
        .map(|decision| decision.envelope.unwrap())
}

fn refusal(world: &mut World, envelope: &AcceptEnvelope) -> (Code, Option<i64>) {
    let events = world.events.len();
    let refusal = submit(world, envelope).unwrap_err();
    assert_eq!(world.events.len(), events);
    (refusal.code, refusal.expected_sequence)
}

fn issued(decision: &Decision) -> i64 {
    let events = decision.events.iter().map(|event| match event {
        Event::Ledger(LedgerEvent::BundlesIssued(issued)) => issued.total().0,
        _ => 0,
    });
    events.sum()
}
