//! What the registry's answer means for each envelope of a batch, as a table.

use crate::buffer::Outgoing;
use schemas::gateway::KeyId;
use schemas::gateway::api::{EnvelopeReceipt, EnvelopeStatus};
use schemas::id::DeviceId;
use std::collections::HashSet;
use std::time::Duration;

/// Codes of refusals that something is done about; each has a page at the registry.
mod code {
    pub const SEQUENCE_GAP: &str = "sequence_gap";
    pub const GATEWAY_KEY_UNKNOWN: &str = "gateway_key_unknown";
    pub const GATEWAY_KEY_REVOKED: &str = "gateway_key_revoked";
    pub const GATEWAY_REVOKED: &str = "gateway_revoked";
    pub const ENVELOPE_SIGNATURE_INVALID: &str = "envelope_signature_invalid";
}

/// What is to be done about a device after a batch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// The registry has the envelope.
    Done {
        /// The device.
        device: DeviceId,
        /// The envelope.
        sequence: i64,
    },
    /// It asks for an earlier one.
    Resend {
        /// The device.
        device: DeviceId,
        /// From this one on.
        expected: i64,
    },
    /// It was signed with a key that is no longer taken: sign it, and those after it, with the present one.
    Anew {
        /// The device.
        device: DeviceId,
        /// From this one on.
        sequence: i64,
    },
    /// Refused. Nothing more of this device is sent for a while: what follows would break the chain.
    Hold {
        /// The device.
        device: DeviceId,
        /// The envelope.
        sequence: i64,
        /// The registry's code.
        code: String,
        /// The same in a sentence.
        detail: String,
        /// How long, where the registry says.
        wait: Option<Duration>,
    },
    /// The key or the gateway is not taken any more: a person has to enrol it anew.
    Stop {
        /// The registry's code.
        code: String,
        /// The same in a sentence.
        detail: String,
    },
}

/// Reads the receipts of a batch. Of a device that had an envelope refused the later ones are passed over: they
/// were refused because of it. Envelopes without a receipt are sent again.
#[must_use]
pub fn read(batch: &[Outgoing], receipts: &[EnvelopeReceipt], key: KeyId) -> Vec<Verdict> {
    let mut refused = HashSet::new();
    let mut verdicts = Vec::new();
    for receipt in receipts {
        let Some(sent) = batch.get(receipt.index) else {
            continue;
        };
        if refused.contains(&sent.device) {
            continue;
        }
        if receipt.status == EnvelopeStatus::Refused {
            refused.insert(sent.device);
        }
        verdicts.push(of(sent, receipt, key));
    }
    verdicts
}

fn of(sent: &Outgoing, receipt: &EnvelopeReceipt, key: KeyId) -> Verdict {
    let (device, sequence) = (sent.device, sent.sequence);
    if receipt.status != EnvelopeStatus::Refused {
        return Verdict::Done { device, sequence };
    }
    let code = receipt.code.clone().unwrap_or_else(|| "refused".to_owned());
    let detail = receipt.detail.clone().unwrap_or_default();
    match (code.as_str(), receipt.expected_sequence) {
        (code::SEQUENCE_GAP, Some(expected)) if expected < sequence => {
            Verdict::Resend { device, expected }
        }
        (
            code::GATEWAY_KEY_UNKNOWN
            | code::GATEWAY_KEY_REVOKED
            | code::ENVELOPE_SIGNATURE_INVALID,
            _,
        ) if sent.key != key => Verdict::Anew { device, sequence },
        (code::GATEWAY_KEY_UNKNOWN | code::GATEWAY_KEY_REVOKED | code::GATEWAY_REVOKED, _) => {
            Verdict::Stop { code, detail }
        }
        _ => Verdict::Hold {
            device,
            sequence,
            code,
            detail,
            wait: receipt
                .retry_after_s
                .and_then(|seconds| u64::try_from(seconds).ok())
                .map(Duration::from_secs),
        },
    }
}

#[cfg(test)]
#[path = "verdict_tests.rs"]
mod tests;
