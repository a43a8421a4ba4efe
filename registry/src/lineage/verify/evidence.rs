//! The signed envelope that a reading came in: its signature, its place in the chain, and what it says.

use super::story::{Reading, Source, Story};
use crate::gateway::VerifyingKey;
use schemas::event::gateway::EnvelopeAccepted;
use schemas::gateway::jws::{self, Header};
use schemas::gateway::limit::MAX_ENVELOPE_BYTES;
use schemas::gateway::{KeyId, MeterReadings, PublicKey};
use schemas::id::GatewayId;

/// A key that a gateway got by its enrolment or by a change of keys.
pub(super) struct Key {
    pub id: KeyId,
    pub gateway_id: GatewayId,
    pub public: PublicKey,
}

/// What the events tell of envelopes and keys, in order.
#[derive(Default)]
pub(super) struct Evidence {
    pub keys: Vec<Key>,
    pub envelopes: Vec<EnvelopeAccepted>,
}

impl Evidence {
    const fn is_empty(&self) -> bool {
        self.keys.is_empty() && self.envelopes.is_empty()
    }
}

/// An envelope whose event says what the envelope itself does.
struct Opened<'a> {
    event: &'a EnvelopeAccepted,
    header: Header,
    payload: MeterReadings,
    signed: &'a [u8],
    signature: Vec<u8>,
}

/// What was seen of the envelope, and what is wrong with it; nothing where no gateway signed the readings.
pub(super) fn check(story: &Story) -> Option<(String, Vec<String>)> {
    let from_gateway = story
        .readings
        .iter()
        .find_map(|reading| match reading.source {
            Source::Gateway { from, is_shown } => Some((from, is_shown)),
            _ => None,
        });
    if story.evidence.is_empty() {
        let (from, is_shown) = from_gateway?;
        let seen = format!(
            "number {} of gateway {} is not in the file",
            from.sequence, from.gateway_id
        );
        let missing = "the reader may see it, and it was left out".to_owned();
        return Some((seen, is_shown.then_some(missing).into_iter().collect()));
    }
    let mut findings = Vec::new();
    let seen = envelope(story, &mut findings)
        .unwrap_or_else(|| "the envelope of a gateway can not be followed".to_owned());
    Some((seen, findings))
}

fn envelope(story: &Story, findings: &mut Vec<String>) -> Option<String> {
    let (before, event) = match story.evidence.envelopes.as_slice() {
        [event] => (None, event),
        [before, event] => (Some(before), event),
        others => {
            findings.push(format!(
                "there are {} envelopes, not the reading's and the one before",
                others.len()
            ));
            return None;
        }
    };
    let before = match before {
        Some(event) => Some(open(event, findings)?),
        None => None,
    };
    let opened = open(event, findings)?;
    chain(before.as_ref(), &opened, findings);
    signature(story, before.as_ref(), &opened, findings);
    for reading in &story.readings {
        contains(&opened, reading, findings);
    }
    let payload = &opened.payload;
    Some(format!(
        "number {} of device {}, signed by gateway {} with key {}, has the reading and names the envelope before",
        payload.sequence, payload.device_id, payload.gateway_id, opened.header.kid
    ))
}

fn open<'a>(event: &'a EnvelopeAccepted, findings: &mut Vec<String>) -> Option<Opened<'a>> {
    let number = event.sequence;
    let parsed = match jws::parse::<MeterReadings>(&event.envelope, MAX_ENVELOPE_BYTES) {
        Ok(parsed) => parsed,
        Err(error) => {
            findings.push(format!("envelope {number}: {error}"));
            return None;
        }
    };
    let payload = &parsed.payload;
    if let Err(unfit) = payload.check() {
        findings.push(format!("envelope {number}: {unfit}"));
    }
    if jws::hash(&event.envelope) != event.hash {
        findings.push(format!("envelope {number} has another hash"));
    }
    let told = (event.gateway_id, event.device_id, number, event.key_id);
    let said = (
        payload.gateway_id,
        payload.device_id,
        payload.sequence,
        parsed.header.kid,
    );
    if told != said {
        findings.push(format!(
            "envelope {number} names another gateway, device, number or key than its event"
        ));
    }
    Some(Opened {
        event,
        header: parsed.header,
        payload: parsed.payload,
        signed: parsed.signing_input,
        signature: parsed.signature,
    })
}

/// The envelope names the one before, which is there exactly where there was one.
fn chain(before: Option<&Opened<'_>>, opened: &Opened<'_>, findings: &mut Vec<String>) {
    let payload = &opened.payload;
    let expected = before.map(|before| {
        let of = &before.payload;
        (
            of.device_id,
            of.sequence.saturating_add(1),
            &before.event.hash,
        )
    });
    let named = payload
        .previous
        .as_ref()
        .map(|hash| (payload.device_id, payload.sequence, hash));
    if expected != named {
        findings.push(format!(
            "envelope {} does not follow the one before in the chain of its device",
            payload.sequence
        ));
    }
}

/// The key is the one that the envelope names, and signed it; also the one before, where it names the same.
fn signature(
    story: &Story,
    before: Option<&Opened<'_>>,
    opened: &Opened<'_>,
    findings: &mut Vec<String>,
) {
    let [key] = story.evidence.keys.as_slice() else {
        let keys = story.evidence.keys.len();
        return findings.push(format!("there are {keys} keys, not the one that signed"));
    };
    let is_named = key.id == opened.header.kid
        && key.id == key.public.key_id()
        && key.gateway_id == opened.payload.gateway_id;
    if !is_named {
        findings.push("the key is not the one that the envelope names".to_owned());
    }
    let Ok(verifying) = VerifyingKey::new(&key.public) else {
        return findings.push(format!("key {} is no key", key.id));
    };
    let same = before.filter(|before| before.header.kid == key.id);
    for one in same.into_iter().chain([opened]) {
        if !verifying.verifies(one.header.alg, one.signed, &one.signature) {
            let number = one.payload.sequence;
            findings.push(format!("key {} did not sign envelope {number}", key.id));
        }
    }
}

/// The envelope says what was accepted. What a person corrected since is another amount for the same interval.
fn contains(opened: &Opened<'_>, reading: &Reading, findings: &mut Vec<String>) {
    let payload = &opened.payload;
    let mut of_interval = payload.readings.iter().filter(|one| {
        payload.device_id == reading.device_id
            && (one.interval_start, one.interval_end) == (reading.start, reading.end)
    });
    let has_it = match reading.source {
        Source::Gateway { from, .. } => {
            (from.gateway_id, from.sequence) == (payload.gateway_id, payload.sequence)
                && of_interval.any(|one| {
                    (one.wh, one.quality, one.cause) == (reading.wh, from.quality, from.cause)
                })
        }
        Source::Corrected => of_interval.next().is_some(),
        Source::Other => false,
    };
    if !has_it {
        findings.push(format!(
            "envelope {} does not have reading {}",
            payload.sequence, reading.id
        ));
    }
}
