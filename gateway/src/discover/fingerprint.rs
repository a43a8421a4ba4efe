//! Devices that a profile recognises by what is in its registers.

use super::endpoint::Endpoint;
use super::{Candidate, Evidence};
use crate::profile::{
    Block, Kind, Library, Meaning, Profile, Protocol, Quantity, Register, Registers,
};
use schemas::gateway::MeterIdentity;
use std::collections::HashMap;

/// Shortest text that is taken for a serial number.
const MIN_SERIAL_CHARS: usize = 6;
/// Frequencies of a grid, in mHz.
const GRID_MHZ: std::ops::RangeInclusive<i64> = 45_000..=65_000;
/// Voltages of a phase, in mV.
const GRID_MV: std::ops::RangeInclusive<i64> = 80_000..=300_000;

/// Adds every profile that may fit. What several profiles look at is read once.
pub(super) async fn identify(
    endpoint: &mut Endpoint,
    library: &Library,
    candidates: &mut Vec<Candidate>,
) {
    let mut seen = HashMap::new();
    for profile in library.iter() {
        if profile.protocol != Protocol::Modbus {
            continue;
        }
        if endpoint.is_silent() {
            return;
        }
        candidates.extend(candidate(endpoint, profile, &mut seen).await);
    }
}

type Seen = HashMap<(u8, Block), Option<Vec<u16>>>;

async fn candidate(
    endpoint: &mut Endpoint,
    profile: &Profile,
    seen: &mut Seen,
) -> Option<Candidate> {
    let identity = &profile.identity;
    let unit_id = profile.unit_id;
    let model = text(endpoint, unit_id, identity.model, seen).await;
    let of_profile = |model: &String| {
        let model = model.to_ascii_uppercase();
        let mut models = profile.models.iter();
        models.any(|known| model.starts_with(&common_start(known)))
    };
    let (evidence, serial) = match (identity.model, &model) {
        (Some(_), Some(model)) if of_profile(model) => {
            let serial = text(endpoint, unit_id, identity.serial, seen).await;
            (Evidence::Model, serial)
        }
        // It says what it is, and it is something else.
        (Some(_), _) => return None,
        (None, _)
            if identity
                .serial
                .is_some_and(|serial| serial.kind == Kind::Text) =>
        {
            let serial = text(endpoint, unit_id, identity.serial, seen).await;
            let serial = serial.filter(|serial| serial.len() >= MIN_SERIAL_CHARS)?;
            (Evidence::Serial, Some(serial))
        }
        (None, _) => {
            if !is_on_grid(endpoint, profile, seen).await {
                return None;
            }
            (Evidence::Grid, None)
        }
    };
    let firmware = match serial {
        Some(_) => text(endpoint, unit_id, identity.firmware, seen).await,
        None => None,
    };
    Some(Candidate {
        profile: profile.id.clone(),
        unit_id,
        evidence,
        meter: serial.map(|serial| MeterIdentity {
            maker: profile.maker.clone(),
            model: model.unwrap_or_default(),
            serial,
            firmware,
        }),
    })
}

/// `SUN2000-10KTL-M1` is a model of a profile that lists `SUN2000-5KTL-M1`: letters and the first number count.
fn common_start(model: &str) -> String {
    let model = model.to_ascii_uppercase();
    let end = model.find(['-', ' ', '.']).unwrap_or(model.len());
    model[..end].to_owned()
}

async fn text(
    endpoint: &mut Endpoint,
    unit_id: u8,
    register: Option<Register>,
    seen: &mut Seen,
) -> Option<String> {
    let register = register.filter(|register| register.kind == Kind::Text)?;
    let block = Block {
        function: register.function,
        start: register.address,
        count: register.count,
    };
    let words = read(endpoint, unit_id, block, seen).await?;
    Register::text(&words)
}

/// Whether the profile's registers for voltage and frequency hold those of a grid.
async fn is_on_grid(endpoint: &mut Endpoint, profile: &Profile, seen: &mut Seen) -> bool {
    let mut is_on_grid = false;
    for meaning in [Meaning::GridFrequency, Meaning::VoltageL1] {
        let Some(point) = profile.points.iter().find(|point| point.meaning == meaning) else {
            return false;
        };
        let mut registers = Registers::default();
        for block in profile.blocks_for(std::slice::from_ref(point)) {
            if let Some(words) = read(endpoint, profile.unit_id, block, seen).await {
                registers.add(block, words);
            }
        }
        let range = match meaning.quantity() {
            Quantity::Frequency => GRID_MHZ,
            _ => GRID_MV,
        };
        is_on_grid = point
            .decode(&registers)
            .is_ok_and(|value| range.contains(&value.0));
        if !is_on_grid {
            break;
        }
    }
    is_on_grid
}

async fn read(
    endpoint: &mut Endpoint,
    unit_id: u8,
    block: Block,
    seen: &mut Seen,
) -> Option<Vec<u16>> {
    if let Some(words) = seen.get(&(unit_id, block)) {
        return words.clone();
    }
    let words = endpoint.read(unit_id, block).await;
    seen.insert((unit_id, block), words.clone());
    words
}
