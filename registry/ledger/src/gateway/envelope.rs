//! Rules of envelopes: each once, in order, by who may.

use super::accepted_key;
use super::command::AcceptEnvelope;
use crate::command::{ReadingRow, SubmitReadings};
use crate::context::Context;
use crate::decide::Decision;
use crate::device;
use crate::entry::{Gateway, GatewayStream};
use crate::event::Event;
use crate::issuance::needed_metadata;
use crate::key::{Key, key_digest};
use crate::reading::{needed_for, submit_from};
use crate::refusal::{Code, FieldError, Place, Refusal};
use crate::state::{Entries, get};
use chrono::TimeDelta;
use schemas::event::LedgerEvent;
use schemas::event::gateway::{EnvelopeAccepted, EnvelopeOutcome, FromGateway, RefusedReading};
use schemas::gateway::limit::MAX_CLOCK_AHEAD_S;
use schemas::gateway::{MeterReadings, Quality, Reading};
use schemas::interval::rfc3339;
use schemas::log::Position;

/// What became of an envelope.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Accepted {
    /// Where it stands, if it was accepted before; else it stands where the decision is recorded.
    pub earlier: Option<Position>,
    /// What became of its readings.
    pub outcome: EnvelopeOutcome,
}

pub(crate) fn needed(entries: &impl Entries, accept: &AcceptEnvelope, keys: &mut Vec<Key>) {
    let payload = &accept.payload;
    let device_id = payload.device_id;
    keys.push(Key::Gateway(payload.gateway_id));
    keys.push(Key::GatewayKey(key_digest(accept.key_id)));
    keys.push(Key::GatewayStream(device_id));
    // Only of an envelope that was there before is it known what became of it.
    if let Ok(Some(stream)) = get::gateway_stream(entries, device_id)
        && payload.sequence < stream.next_sequence
    {
        keys.push(Key::Envelope(device_id, payload.sequence));
        return;
    }
    let starts = payload
        .readings
        .iter()
        .map(|reading| reading.interval_start);
    needed_for(entries, device_id, starts, keys);
    needed_metadata(entries, keys);
}

/// Accepts the next envelope of a device. One that was accepted before is answered as then. Readings
/// that break a rule do not keep the others, or the envelopes behind, from being accepted: they are named
/// in the outcome and count nowhere.
pub(crate) fn accept(
    entries: &impl Entries,
    accept: &AcceptEnvelope,
    context: &Context,
) -> Result<Decision, Refusal> {
    let payload = &accept.payload;
    payload
        .check()
        .map_err(|unfit| Refusal::new(Code::EnvelopeMalformed, unfit.to_string()))?;
    let (gateway, _) = accepted_key(entries, payload.gateway_id, accept.key_id, context)?;
    let first = GatewayStream::default();
    let stream = get::gateway_stream(entries, payload.device_id)?.unwrap_or(&first);
    if payload.sequence < stream.next_sequence {
        return repeated(entries, accept, stream);
    }
    check_device(entries, gateway, stream, payload)?;
    if payload.sequence > stream.next_sequence {
        return Err(Refusal::new(
            Code::SequenceGap,
            format!(
                "the next envelope of device {} is number {}; this is number {}",
                payload.device_id, stream.next_sequence, payload.sequence
            ),
        )
        .expecting(stream.next_sequence));
    }
    if payload.previous != stream.hash {
        return Err(Refusal::new(
            Code::EnvelopeChainBroken,
            format!(
                "envelope {} of device {} must name {} as the one before",
                payload.sequence,
                payload.device_id,
                stream.hash.as_deref().unwrap_or("none")
            ),
        )
        .expecting(stream.next_sequence));
    }
    check_clock(payload, context)?;
    record(entries, accept, context)
}

/// The answer to an envelope whose number was accepted before.
fn repeated(
    entries: &impl Entries,
    accept: &AcceptEnvelope,
    stream: &GatewayStream,
) -> Result<Decision, Refusal> {
    let payload = &accept.payload;
    let known = get::envelope(entries, payload.device_id, payload.sequence)?
        .filter(|known| known.hash == accept.hash)
        .ok_or_else(|| {
            Refusal::new(
                Code::EnvelopeReplayed,
                format!(
                    "another envelope of device {} was accepted under number {}",
                    payload.device_id, payload.sequence
                ),
            )
            .expecting(stream.next_sequence)
        })?;
    Ok(Decision {
        envelope: Some(Accepted {
            earlier: Some(known.position),
            outcome: known.outcome.clone(),
        }),
        ..Decision::default()
    })
}

/// Checks that the gateway meters the device, and for the account that has it.
fn check_device(
    entries: &impl Entries,
    gateway: &Gateway,
    stream: &GatewayStream,
    payload: &MeterReadings,
) -> Result<(), Refusal> {
    let device = device::metered(entries, payload.device_id)?;
    if stream.gateway_id != Some(payload.gateway_id) || device.account_id != gateway.account_id {
        return Err(Refusal::new(
            Code::NotTheGatewaysDevice,
            format!(
                "gateway {} does not meter device {}",
                payload.gateway_id, payload.device_id
            ),
        ));
    }
    Ok(())
}

/// A gateway whose clock is ahead keeps its envelope until its time has come: accepting it would refuse
/// its readings for good.
fn check_clock(payload: &MeterReadings, context: &Context) -> Result<(), Refusal> {
    let latest = context.now + TimeDelta::seconds(MAX_CLOCK_AHEAD_S);
    if payload.created_at > latest {
        return Err(Refusal::new(
            Code::ClockInFuture,
            format!(
                "the envelope was made at {}, more than {MAX_CLOCK_AHEAD_S} s after {}",
                rfc3339(payload.created_at),
                rfc3339(context.now)
            ),
        ));
    }
    let last = payload.readings.iter().map(|one| one.interval_end).max();
    match last {
        Some(last) if last > context.now => Err(Refusal::new(
            Code::ClockInFuture,
            format!(
                "a reading ends at {}, after {}",
                rfc3339(last),
                rfc3339(context.now)
            ),
        )),
        _ => Ok(()),
    }
}

fn record(
    entries: &impl Entries,
    accept: &AcceptEnvelope,
    context: &Context,
) -> Result<Decision, Refusal> {
    let payload = &accept.payload;
    let submit = SubmitReadings {
        device_id: payload.device_id,
        rows: (1..).zip(&payload.readings).map(row).collect(),
        unreadable: Vec::new(),
        partial: true,
        issue: true,
    };
    let reading_of = |row: u32| payload.readings.get(row as usize - 1);
    let source = |row: u32| {
        let reading = reading_of(row)?;
        Some(FromGateway {
            gateway_id: payload.gateway_id,
            sequence: payload.sequence,
            quality: reading.quality,
            cause: reading.cause,
        })
    };
    let mut decision = submit_from(entries, &submit, &source, true, context)?;
    let mut outcome = outcome_of(&decision.events);
    if let Some(submission) = &decision.submission {
        outcome.repeated = i64::try_from(submission.repeated).unwrap_or(i64::MAX);
        outcome.refused = submission.refused.iter().filter_map(refused).collect();
    }
    let accepted = EnvelopeAccepted {
        gateway_id: payload.gateway_id,
        device_id: payload.device_id,
        sequence: payload.sequence,
        key_id: accept.key_id,
        hash: accept.hash.clone(),
        envelope: accept.compact.clone(),
        outcome: outcome.clone(),
    };
    decision.events.push(LedgerEvent::from(accepted).into());
    decision.envelope = Some(Accepted {
        earlier: None,
        outcome,
    });
    Ok(decision)
}

fn row((row, reading): (u32, &Reading)) -> ReadingRow {
    ReadingRow {
        row,
        start: reading.interval_start,
        end: reading.interval_end,
        wh: reading.wh,
        gross_net_indicator: INDICATOR.to_owned(),
        meter_identifier: None,
    }
}

/// What the device's own counter counted is what it delivered.
const INDICATOR: &str = "NET";

fn outcome_of(events: &[Event]) -> EnvelopeOutcome {
    let mut outcome = EnvelopeOutcome::default();
    let count = |count: usize| i64::try_from(count).unwrap_or(i64::MAX);
    for event in events {
        match event {
            Event::Ledger(LedgerEvent::ReadingsAccepted(readings)) => {
                let accepted = count(readings.readings().count());
                outcome.accepted += accepted;
                if readings
                    .gateway
                    .is_some_and(|from| from.quality == Quality::Doubtful)
                {
                    outcome.doubtful += accepted;
                }
            }
            Event::Ledger(LedgerEvent::BundlesIssued(issued)) => {
                outcome.bundles += count(issued.bundles().count());
                outcome.issued += issued.total();
            }
            _ => {}
        }
    }
    outcome
}

fn refused(error: &FieldError) -> Option<RefusedReading> {
    match error.place {
        Place::Cell { row, .. } => Some(RefusedReading {
            index: row.saturating_sub(1),
            code: error.code.to_owned(),
        }),
        Place::Pointer(_) | Place::Bundle(_) => None,
    }
}
