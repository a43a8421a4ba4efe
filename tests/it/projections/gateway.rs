//! Gateways in random histories.

use super::history::History;
use super::random::Random;
use super::world;
use chrono::TimeDelta;
use ledger::command::{
    AcceptEnvelope, ChangeGatewayDevices, ChangeGatewayKey, EnrolGateway, IssueGatewayCode,
    RevokeGateway,
};
use ledger::entry::GatewayStream;
use ledger::key::code_digest;
use ledger::{Command, Entry, Key};
use schemas::WattHours;
use schemas::gateway::jws::{self, Signed};
use schemas::gateway::{
    Cause, ClockState, KeyId, MeterIdentity, MeterReadings, ProfileRef, PublicKey, Quality, Reading,
};
use schemas::id::{AccountId, DeviceId, GatewayId};

fn key(number: i64) -> PublicKey {
    PublicKey::ed25519(&[u8::try_from(number % 256).unwrap(); 32])
}

/// A code for a device; the gateway that enrols with it; or a change of one that has.
pub fn command(history: &History, random: &mut Random) -> Command {
    let device = 1 + random.below(4);
    let codes = history
        .state
        .keys()
        .filter(|key| matches!(key, Key::GatewayCode(_)));
    let next = i64::try_from(codes.count()).unwrap();
    let gateway_id = GatewayId(1 + random.below(next.max(1)));
    match random.below(10) {
        0..4 => Command::IssueGatewayCode(IssueGatewayCode {
            account_id: account_of(history, device),
            device_ids: vec![DeviceId(device)],
            code: code_digest(&format!("code {next}")),
            valid_for_s: 3_600,
        }),
        4..7 => Command::EnrolGateway(Box::new(EnrolGateway {
            code: code_digest(&format!("code {}", next - 1)),
            name: random.one_in(2).then(|| format!("shed {next}")),
            public_key: key(next),
        })),
        7 => Command::ChangeGatewayDevices(ChangeGatewayDevices {
            gateway_id,
            add: vec![DeviceId(device)],
            remove: Vec::new(),
        }),
        8 => Command::ChangeGatewayKey(Box::new(ChangeGatewayKey {
            gateway_id,
            current: key_of(history, gateway_id).unwrap_or(key(0).key_id()),
            public_key: key(100 + next),
        })),
        _ => Command::RevokeGateway(RevokeGateway {
            gateway_id,
            key_id: key_of(history, gateway_id).filter(|_| random.one_in(2)),
            reason: "lost".to_owned(),
        }),
    }
}

fn account_of(history: &History, device: i64) -> AccountId {
    match history
        .state
        .get(&Key::Device(DeviceId(device)))
        .map(|slot| &slot.entry)
    {
        Some(Some(Entry::Device(device))) => device.account_id,
        _ => AccountId(1),
    }
}

/// A key of the gateway that is accepted.
fn key_of(history: &History, gateway_id: GatewayId) -> Option<KeyId> {
    let mut keys: Vec<_> = history
        .state
        .values()
        .filter_map(|slot| match &slot.entry {
            Some(Entry::GatewayKey(key)) if key.gateway_id == gateway_id && !key.is_revoked => {
                Some((key.accepted_until.is_some(), key.key_id))
            }
            _ => None,
        })
        .collect();
    keys.sort_unstable();
    keys.first().map(|(_, id)| *id)
}

/// The next envelope of a device that a gateway meters, if there is one, or one that was sent before.
pub fn envelope(history: &History, random: &mut Random) -> Option<Command> {
    let mut streams: Vec<(DeviceId, GatewayStream)> = history
        .state
        .iter()
        .filter_map(|(key, slot)| match (key, &slot.entry) {
            (Key::GatewayStream(id), Some(Entry::GatewayStream(stream))) => {
                Some((*id, stream.clone()))
            }
            _ => None,
        })
        .collect();
    streams.sort_unstable_by_key(|(id, _)| *id);
    let (device_id, stream) = random.pick(&streams)?.clone();
    let gateway_id = stream.gateway_id?;
    let sequence = stream.next_sequence - i64::from(random.one_in(8));
    let start = world::first_day() + TimeDelta::hours(random.below(24 * 60));
    let readings = (0..=random.below(6)).map(|n| reading(start + TimeDelta::hours(n), random));
    let payload = MeterReadings {
        context: MeterReadings::CONTEXT.to_owned(),
        gateway_id,
        device_id,
        meter: MeterIdentity {
            maker: "M".to_owned(),
            model: "O".to_owned(),
            serial: "S \"1\"".to_owned(),
            firmware: None,
        },
        profile: ProfileRef {
            id: "p".to_owned(),
            sha256: "0".repeat(64),
        },
        sequence,
        previous: stream.hash.filter(|_| sequence > 1),
        created_at: start,
        readings: readings.collect(),
    };
    let compact = serde_json::to_string(&payload).unwrap();
    Some(Command::AcceptEnvelope(Box::new(AcceptEnvelope {
        key_id: key_of(history, gateway_id)?,
        hash: jws::hash(&compact),
        compact,
        payload,
    })))
}

fn reading(start: chrono::DateTime<chrono::Utc>, random: &mut Random) -> Reading {
    let wh = random.below(4) * random.below(2_000);
    let (quality, cause) = match random.below(6) {
        0 => (Quality::Doubtful, Some(Cause::Frozen)),
        1 => (Quality::Interpolated, Some(Cause::Gap)),
        _ => (Quality::Measured, None),
    };
    Reading {
        interval_start: start,
        interval_end: start + TimeDelta::hours(1),
        wh: WattHours(wh),
        counter_start_wh: Some(WattHours(0)),
        counter_end_wh: Some(WattHours(wh)),
        quality,
        cause,
        clock: ClockState::Synchronised,
    }
}
