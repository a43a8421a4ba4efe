//! Devices that describe themselves: SunSpec Device Information Model Specification 1.1, sections 3 and 6.2.

use super::endpoint::Endpoint;
use super::{Candidate, Evidence};
use crate::profile::{Block, Function, Register};
use schemas::gateway::MeterIdentity;

/// Id of the profile that reads such devices.
const PROFILE: &str = "sunspec";
/// Where the map may begin.
const BASES: [u16; 3] = [40_000, 50_000, 0];
/// Unit ids that such devices have; 126 is the specification's own.
const UNITS: [u8; 3] = [1, 126, 3];
/// "SunS".
const MARK: [u16; 2] = [0x5375, 0x6E53];
/// Model 1, with its length of 65 or 66 registers.
const COMMON: u16 = 1;
const COMMON_REGISTERS: u16 = 65;

/// The device at `endpoint`, if it is one.
pub(super) async fn identify(endpoint: &mut Endpoint) -> Option<Candidate> {
    for unit_id in UNITS {
        for base in BASES {
            let mark = block(base, 2);
            if endpoint.read(unit_id, mark).await.as_deref() != Some(&MARK) {
                continue;
            }
            let words = endpoint
                .read(unit_id, block(base + 2, 2 + COMMON_REGISTERS))
                .await;
            return Some(Candidate {
                profile: PROFILE.to_owned(),
                unit_id,
                evidence: Evidence::SunSpec,
                meter: words.as_deref().and_then(common),
            });
        }
        if endpoint.is_silent() {
            break;
        }
    }
    None
}

/// Maker, model, version and serial number of the common model.
fn common(words: &[u16]) -> Option<MeterIdentity> {
    let [COMMON, _, words @ ..] = words else {
        return None;
    };
    let text = |from: usize, count: usize| words.get(from..from + count).and_then(Register::text);
    Some(MeterIdentity {
        maker: text(0, 16)?,
        model: text(16, 16).unwrap_or_default(),
        firmware: text(40, 8),
        serial: text(48, 16).unwrap_or_default(),
    })
}

const fn block(start: u16, count: u16) -> Block {
    Block {
        function: Function::Holding,
        start,
        count,
    }
}
