//! What a decision may depend on besides the state and the command.

use chrono::{DateTime, Utc};
use schemas::envelope::Actor;

/// Circumstances of a decision. The clock is read once per batch, by the sequencer.
#[derive(Debug, Clone)]
pub struct Context {
    /// The instant of the decision, in whole microseconds.
    pub now: DateTime<Utc>,
    /// When the request arrived; not after `now`.
    pub requested_at: DateTime<Utc>,
    /// Who asks.
    pub actor: Actor,
    /// The registry's settings.
    pub policy: Policy,
}

/// Settings of the issuing body.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Policy {
    /// Calendar years from issuance to expiry.
    pub expiry_years: i32,
    /// Share of the nameplate capacity, in percent, that a reading must stay below.
    pub capacity_margin_percent: i64,
}

impl Default for Policy {
    fn default() -> Self {
        Self {
            expiry_years: 2,
            capacity_margin_percent: 110,
        }
    }
}
