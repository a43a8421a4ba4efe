//! Envelopes before they are decided on: taken apart and verified.

use crate::gateway::KnownKey;
use crate::http::position::{Positions, reached};
use crate::http::problem::Answer;
use crate::http::state::State;
use ledger::command::AcceptEnvelope;
use ledger::refusal::{Code, Refusal};
use schemas::gateway::jws::{self, Header, NotSigned};
use schemas::gateway::limit::MAX_ENVELOPE_BYTES;
use schemas::gateway::{KeyId, MeterReadings};
use schemas::id::{DeviceId, GatewayId};
use std::collections::{BTreeSet, HashMap};
use std::ops::Range;
use std::sync::Arc;

/// The device that an envelope names, and under which number; none where it can not be read.
pub(super) type Names = Option<(DeviceId, i64)>;

/// One envelope of a request, as far as it has come.
pub(super) struct Item {
    /// The envelope as it was sent.
    compact: String,
    /// Which device it names, and under which number.
    pub names: Names,
    /// What it says, or why it is refused.
    outcome: Result<Box<Parsed>, Refusal>,
}

/// An envelope taken apart.
struct Parsed {
    header: Header,
    payload: MeterReadings,
    /// Where in the envelope what was signed stands.
    signed: Range<usize>,
    signature: Vec<u8>,
}

/// An envelope whose signature is good, and who signed it.
pub(super) struct Verified {
    /// The gateway of the key.
    pub gateway_id: GatewayId,
    /// What is to be decided.
    pub command: Box<AcceptEnvelope>,
}

/// Takes envelopes apart.
pub(super) fn parse(envelopes: Vec<String>) -> Vec<Item> {
    let items = envelopes.into_iter().map(|compact| {
        let parsed = jws::parse::<MeterReadings>(&compact, MAX_ENVELOPE_BYTES).map(|parsed| {
            Box::new(Parsed {
                signed: 0..parsed.signing_input.len(),
                header: parsed.header,
                payload: parsed.payload,
                signature: parsed.signature,
            })
        });
        let names = parsed.as_ref().ok();
        Item {
            names: names.map(|parsed| (parsed.payload.device_id, parsed.payload.sequence)),
            outcome: parsed.map_err(|error| not_signed(&error)),
            compact,
        }
    });
    items.collect()
}

fn not_signed(error: &NotSigned) -> Refusal {
    let code = match error {
        NotSigned::Typ { .. } | NotSigned::Context { .. } => Code::EnvelopeContextWrong,
        NotSigned::TooLong { .. }
        | NotSigned::NotCompact
        | NotSigned::Header(_)
        | NotSigned::Payload(_) => Code::EnvelopeMalformed,
    };
    Refusal::new(code, error.to_string())
}

/// The keys that envelopes name.
pub(super) fn key_ids(items: &[Item]) -> Vec<KeyId> {
    let parsed = items.iter().filter_map(|item| item.outcome.as_ref().ok());
    let ids: BTreeSet<_> = parsed.map(|parsed| parsed.header.kid).collect();
    ids.into_iter().collect()
}

/// The keys among these that gateways have. Where READ does not know one, it may have been enrolled a
/// moment ago: what the ledger holds now is waited for.
///
/// # Errors
/// 503 if READ can not be asked, or lags.
pub(super) async fn key_directory(
    state: &State,
    ids: &[KeyId],
) -> Answer<HashMap<KeyId, Arc<KnownKey>>> {
    let mut known = state.gateway_keys.remembered(ids);
    let missing = |known: &HashMap<KeyId, Arc<KnownKey>>| -> Vec<KeyId> {
        let missing = ids.iter().filter(|id| !known.contains_key(id));
        missing.copied().collect()
    };
    let wanted = missing(&known);
    if wanted.is_empty() {
        return Ok(known);
    }
    let found = state
        .gateway_keys
        .look_up(&state.read_client().await?, &wanted)
        .await?;
    known.extend(found);
    let wanted = missing(&known);
    if wanted.is_empty() {
        return Ok(known);
    }
    let head = Positions::at(ledger::Stream::Ledger, state.ledger_head().await?);
    reached(state.read_progress(), head, state.read_wait()).await?;
    let found = state
        .gateway_keys
        .look_up(&state.read_client().await?, &wanted)
        .await?;
    known.extend(found);
    Ok(known)
}

/// Verifies each envelope by the key that it names.
pub(super) fn verify(
    items: Vec<Item>,
    keys: &HashMap<KeyId, Arc<KnownKey>>,
) -> Vec<(Names, Result<Verified, Refusal>)> {
    let verified = items.into_iter().map(|item| {
        let outcome = item
            .outcome
            .and_then(|parsed| one(item.compact, *parsed, keys));
        (item.names, outcome)
    });
    verified.collect()
}

fn one(
    compact: String,
    parsed: Parsed,
    keys: &HashMap<KeyId, Arc<KnownKey>>,
) -> Result<Verified, Refusal> {
    let key_id = parsed.header.kid;
    let known = keys.get(&key_id).ok_or_else(|| {
        Refusal::new(
            Code::GatewayKeyUnknown,
            format!("no gateway has key {key_id}"),
        )
    })?;
    let signed = &compact.as_bytes()[parsed.signed];
    if !known
        .key
        .verifies(parsed.header.alg, signed, &parsed.signature)
    {
        return Err(Refusal::new(
            Code::EnvelopeSignatureInvalid,
            format!("the signature is not that of key {key_id} over this envelope"),
        ));
    }
    Ok(Verified {
        gateway_id: known.gateway_id,
        command: Box::new(AcceptEnvelope {
            key_id,
            hash: jws::hash(&compact),
            payload: parsed.payload,
            compact,
        }),
    })
}
