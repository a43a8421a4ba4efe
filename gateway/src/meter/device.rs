//! A device on a Modbus connection: what it is, and how one look at it goes.

use super::power::power_w;
use super::{Counter, MeterError, Sample};
use crate::clock::Clock;
use crate::profile::{
    Block, Facts, Kind, Limits, Meaning, Profile, Protocol, Register, Registers, Selection,
    Unreadable,
};
use crate::sunspec;
use crate::transport::{ReadError, Session};
use chrono::{DateTime, TimeDelta, Utc};
use schemas::gateway::MeterIdentity;
use schemas::gateway::limit::MAX_TEXT_CHARS;
use sha2::{Digest, Sha256};
use std::sync::Arc;
use std::time::Duration;

/// How long what a device said of itself is believed; then it is asked again, since a serial server stays
/// connected while a meter behind it is exchanged.
pub const IDENTITY_VALID: Duration = Duration::from_secs(300);

/// What is asked, as configured.
#[derive(Debug, Clone)]
pub struct Device {
    /// How its registers are read.
    pub profile: Arc<Profile>,
    /// Its unit id; the profile's if absent.
    pub unit_id: Option<u8>,
    /// The counter that certificates come from; the profile's if absent.
    pub counter: Option<Meaning>,
    /// What is known of the device and no register of it tells; goes before what registers tell.
    pub facts: Facts,
}

impl Device {
    /// A device of `profile`, as that says.
    #[must_use]
    pub fn of(profile: Arc<Profile>) -> Self {
        Self {
            profile,
            unit_id: None,
            counter: None,
            facts: Facts::default(),
        }
    }

    pub(super) fn unit(&self) -> u8 {
        self.unit_id.unwrap_or(self.profile.unit_id)
    }

    pub(super) fn limits(&self) -> &Limits {
        &self.profile.limits
    }
}

/// What is known of a device since it was first asked on this session.
#[derive(Debug)]
pub(super) struct Known {
    selection: Selection,
    identity: MeterIdentity,
    counter: Meaning,
    /// On the gateway's monotonic clock.
    asked_at: Duration,
    /// Blocks that the device does not have.
    refused: Vec<Block>,
}

/// A moment on both clocks.
#[derive(Clone, Copy)]
struct Moment {
    wall: DateTime<Utc>,
    monotonic: Duration,
}

impl Moment {
    fn now(clock: &Clock) -> Self {
        Self {
            wall: clock.wall(),
            monotonic: clock.monotonic(),
        }
    }

    /// The middle of the way to `end`. By the monotonic clock, since the other may be set meanwhile.
    fn middle(self, end: Self) -> Self {
        let half = end.monotonic.saturating_sub(self.monotonic) / 2;
        let back = TimeDelta::from_std(half).unwrap_or_default();
        Self {
            wall: end.wall - back,
            monotonic: end.monotonic.saturating_sub(half),
        }
    }
}

/// Looks at `device` once; `known` is what was found out before, if anything.
///
/// # Errors
/// When there is no sample. A block that does not hold the counter may be missing from one.
pub(super) async fn look(
    device: &Device,
    known: &mut Option<Known>,
    session: &mut Session,
    clock: &Clock,
) -> Result<Sample, MeterError> {
    let stale = known
        .as_ref()
        .is_none_or(|known| clock.monotonic().saturating_sub(known.asked_at) >= IDENTITY_VALID);
    if stale {
        *known = Some(meet(device, session, clock).await?);
    }
    let Some(known) = known else {
        return Err(MeterError::Closed);
    };
    let counter = known
        .selection
        .point(known.counter)
        .ok_or_else(|| MeterError::NoCounter(known.counter.to_string()))?;
    let mut registers = Registers::default();
    let mut moment = Moment::now(clock);
    for block in &known.selection.blocks {
        if known.refused.contains(block) {
            continue;
        }
        let holds_counter = block.holds(&counter.register);
        let asked = Moment::now(clock);
        match session.read(device.unit(), *block, device.limits()).await {
            Ok(words) => {
                if holds_counter {
                    moment = asked.middle(Moment::now(clock));
                }
                registers.add(*block, words);
            }
            Err(error) if error.is_fatal() || error.is_silence() || holds_counter => {
                return Err(error.into());
            }
            Err(error) => {
                tracing::debug!(unit = device.unit(), %error, "a block is left out");
                // 2 is "illegal data address": the device has none of it, now or later.
                if matches!(error, ReadError::Exception { code: 2, .. }) {
                    known.refused.push(*block);
                }
            }
        }
    }
    sample(known, &registers, moment)
}

fn sample(known: &Known, registers: &Registers, moment: Moment) -> Result<Sample, MeterError> {
    let mut values = Vec::new();
    let mut unreadable = Vec::new();
    for point in &known.selection.points {
        match point.decode(registers) {
            Ok(value) => values.push((point.meaning, value)),
            Err(reason) => unreadable.push((point.meaning, reason)),
        }
    }
    let meaning = known.counter;
    let failed = |reason| MeterError::Counter { meaning, reason };
    let point = known.selection.point(meaning);
    let point = point.ok_or_else(|| MeterError::NoCounter(meaning.to_string()))?;
    let value = point.decode(registers).map_err(failed)?;
    let exponent = point.exponent(registers).map_err(failed)?;
    if value.0 < 0 {
        let (min, max) = (0, i64::MAX);
        return Err(failed(Unreadable::OutOfRange {
            value: value.0,
            min,
            max,
        }));
    }
    Ok(Sample {
        taken_at: moment.wall,
        monotonic: moment.monotonic,
        energy_mwh: value.0,
        counter: Counter {
            meaning,
            resolution_mwh: point.resolution(exponent, value),
            modulus_mwh: point.modulus(exponent),
        },
        power_w: power_w(&known.selection, meaning, &values),
        values,
        unreadable,
        identity: known.identity.clone(),
        frame_sha256: digest(registers),
    })
}

/// SHA-256 over each block's function, start, count and words, as they were on the wire.
fn digest(registers: &Registers) -> String {
    let mut hash = Sha256::new();
    for (block, words) in registers.blocks() {
        hash.update([block.function.code()]);
        hash.update(block.start.to_be_bytes());
        hash.update(block.count.to_be_bytes());
        for word in words {
            hash.update(word.to_be_bytes());
        }
    }
    hex::encode(hash.finalize())
}

/// Asks a device who it is and decides what is read from it.
async fn meet(device: &Device, session: &mut Session, clock: &Clock) -> Result<Known, MeterError> {
    let profile = &device.profile;
    let asked_at = clock.monotonic();
    let (facts, maker, selection) = if profile.protocol == Protocol::SunSpec {
        let found = sunspec::discover(session, device.unit(), device.limits()).await?;
        (found.facts, found.maker, found.selection)
    } else {
        let facts = facts(device, session).await?;
        let facts = stated(&device.facts, facts);
        let selection = profile.select(&facts);
        (facts, None, selection)
    };
    let facts = stated(&device.facts, facts);
    let candidates = device.counter.as_slice();
    let candidates = if candidates.is_empty() {
        &profile.counters
    } else {
        candidates
    };
    let counter = candidates
        .iter()
        .copied()
        .find(|meaning| selection.point(*meaning).is_some())
        .ok_or_else(|| {
            let names: Vec<_> = candidates.iter().map(|meaning| meaning.name()).collect();
            MeterError::NoCounter(names.join(" or "))
        })?;
    let identity = MeterIdentity {
        maker: short(maker.unwrap_or_else(|| profile.maker.clone())),
        model: short(
            facts
                .model
                .or_else(|| profile.models.first().cloned())
                .unwrap_or_default(),
        ),
        serial: short(facts.serial.unwrap_or_default()),
        firmware: facts.firmware.map(short),
    };
    Ok(Known {
        selection,
        identity,
        counter,
        asked_at,
        refused: Vec::new(),
    })
}

fn stated(stated: &Facts, told: Facts) -> Facts {
    Facts {
        serial: stated.serial.clone().or(told.serial),
        model: stated.model.clone().or(told.model),
        firmware: stated.firmware.clone().or(told.firmware),
        device_type: stated.device_type.or(told.device_type),
    }
}

fn short(text: String) -> String {
    text.chars().take(MAX_TEXT_CHARS).collect()
}

async fn facts(device: &Device, session: &mut Session) -> Result<Facts, MeterError> {
    let identity = &device.profile.identity;
    let mut facts = Facts::default();
    for (register, into) in [
        (identity.serial, &mut facts.serial),
        (identity.model, &mut facts.model),
        (identity.firmware, &mut facts.firmware),
    ] {
        if let Some(register) = register {
            *into = text(device, session, &register).await?;
        }
    }
    if let Some(register) = identity.device_type {
        let words = words(device, session, &register).await?;
        facts.device_type = words.as_deref().and_then(|words| register.bits(words));
    }
    Ok(facts)
}

/// A text, or a number as text; all ones or zero are no number.
async fn text(
    device: &Device,
    session: &mut Session,
    register: &Register,
) -> Result<Option<String>, MeterError> {
    let Some(words) = words(device, session, register).await? else {
        return Ok(None);
    };
    if register.kind == Kind::Text {
        return Ok(Register::text(&words));
    }
    let none = u64::MAX >> (64 - register.kind.bits().clamp(1, 64));
    let bits = register
        .bits(&words)
        .filter(|bits| *bits != 0 && *bits != none);
    Ok(bits.map(|bits| bits.to_string()))
}

/// The words of `register`; `None` if the device refuses them.
async fn words(
    device: &Device,
    session: &mut Session,
    register: &Register,
) -> Result<Option<Vec<u16>>, MeterError> {
    let block = Block {
        function: register.function,
        start: register.address,
        count: register.count,
    };
    match session.read(device.unit(), block, device.limits()).await {
        Ok(words) => Ok(Some(words)),
        Err(ReadError::Exception { code: 1..=3, .. }) => Ok(None),
        Err(error) => Err(error.into()),
    }
}
