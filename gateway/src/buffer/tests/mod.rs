#![allow(clippy::unwrap_used)]
//! What all of them need: readings, envelopes as the uplink makes them, a folder.

mod anew;
mod chain;
mod file;
mod random;
mod room;

use super::*;
use chrono::TimeDelta;
use schemas::WattHours;
use schemas::gateway::jws::{SIGNATURE_BYTES, Signed, Unsigned, hash};
use schemas::gateway::limit::MAX_READINGS;
use schemas::gateway::{
    ClockState, MeterIdentity, MeterReadings, ProfileRef, PublicKey, Quality, Reading,
};
use schemas::id::GatewayId;

const SHARE: u64 = 64 << 20;

pub(super) fn at(minutes: i64) -> DateTime<Utc> {
    DateTime::from_timestamp(1_750_000_200 + minutes * 60, 0).unwrap()
}

pub(super) fn reading(number: i64) -> Reading {
    Reading {
        interval_start: at(5 * number),
        interval_end: at(5 * number + 5),
        wh: WattHours(7),
        counter_start_wh: Some(WattHours(1_000_000 + 7 * number)),
        counter_end_wh: Some(WattHours(1_000_007 + 7 * number)),
        quality: Quality::Measured,
        cause: None,
        clock: ClockState::Synchronised,
    }
}

pub(super) fn taken(device: i64, readings: std::ops::Range<i64>) -> Taken {
    Taken {
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
        accounts: format!("after {}", readings.end),
        readings: readings.map(reading).collect(),
    }
}

fn key() -> PublicKey {
    PublicKey::ed25519(&[9; 32])
}

/// Envelopes as the uplink makes them, but with a signature of zeros.
pub(super) fn envelopes(runs: Vec<Unsealed>, most: usize) -> Vec<Sealed> {
    let mut made: Vec<Sealed> = Vec::new();
    for run in runs {
        let mut first_reading = run.first_reading;
        for readings in run.readings.chunks(most) {
            let before = made.last().filter(|before| before.device == run.device);
            let (sequence, previous) = match before {
                Some(before) => (before.sequence + 1, Some(hash(&before.compact))),
                None => (run.next_sequence, run.previous.clone()),
            };
            let payload = MeterReadings {
                context: MeterReadings::CONTEXT.into(),
                gateway_id: GatewayId(3),
                device_id: run.device,
                meter: run.meter.clone(),
                profile: run.profile.clone(),
                sequence,
                previous: previous.clone(),
                created_at: at(0),
                readings: readings.to_vec(),
            };
            payload.check().unwrap();
            let unsigned = Unsigned::new(key().algorithm(), key().key_id(), &payload);
            let count = i64::try_from(readings.len()).unwrap();
            made.push(Sealed {
                device: run.device,
                sequence,
                previous,
                key: key().key_id(),
                compact: unsigned.signed(&[0; SIGNATURE_BYTES]),
                first_reading,
                readings: count,
                ends_at: readings[0].interval_end,
            });
            first_reading += count;
        }
    }
    made
}

pub(super) async fn seal_all(buffer: &Buffer, most: usize) {
    let runs = buffer
        .unsealed(None, Vec::new(), usize::MAX >> 1)
        .await
        .unwrap();
    buffer.seal(envelopes(runs, most)).await.unwrap();
}

/// The payloads that go out, in order.
pub(super) async fn payloads(buffer: &Buffer) -> Vec<MeterReadings> {
    let outgoing = buffer
        .outgoing(Vec::new(), usize::MAX, usize::MAX)
        .await
        .unwrap();
    let parse = |one: &Outgoing| {
        schemas::gateway::jws::parse::<MeterReadings>(&one.compact, 1 << 20)
            .unwrap()
            .payload
    };
    outgoing.iter().map(parse).collect()
}

struct Folder {
    dir: tempfile::TempDir,
}

impl Folder {
    fn new() -> Self {
        Self {
            dir: tempfile::tempdir().unwrap(),
        }
    }

    fn open(&self, share: u64) -> Buffer {
        Buffer::open(&self.dir.path().join(FILE_NAME), share).unwrap()
    }
}
