//! Limits that both sides keep.

/// Most readings one envelope carries.
pub const MAX_READINGS: usize = 500;
/// Most bytes of an envelope in compact serialisation: [`MAX_READINGS`] of the longest readings fit in.
pub const MAX_ENVELOPE_BYTES: usize = 256 * 1024;
/// Most envelopes one request carries.
pub const MAX_ENVELOPES: usize = 1_000;
/// Most bytes of a request of envelopes, unpacked.
pub const MAX_BATCH_BYTES: usize = 16 * 1024 * 1024;
/// How far ahead of the registry's clock an envelope may have been made, in seconds.
pub const MAX_CLOCK_AHEAD_S: i64 = 300;
/// Longest text that names a meter, a profile or a gateway, in characters.
pub const MAX_TEXT_CHARS: usize = 100;
/// Most devices of a gateway that one request names.
pub const MAX_DEVICES: usize = 1_000;
/// Most bytes of a proof or a change of keys in compact serialisation.
pub const MAX_PROOF_BYTES: usize = 4 * 1024;
/// For how many days after a change of keys the old one is accepted: longer than a gateway keeps readings
/// that it could not send.
pub const KEY_OVERLAP_DAYS: i64 = 45;
/// How long a one-time code is valid unless asked otherwise, in seconds.
pub const CODE_VALID_S: i64 = 3_600;
/// Longest time a one-time code is valid, in seconds.
pub const MAX_CODE_VALID_S: i64 = 30 * 86_400;
