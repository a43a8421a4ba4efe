//! Sessions of users who signed in.

use chrono::{DateTime, Utc};
use schemas::event::session::{FactorProof, TokenDigest};
use schemas::id::UserId;
use schemas::log::Position;
use serde::{Deserialize, Serialize};

/// A session.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Session {
    /// Whose it is.
    pub user_id: UserId,
    /// Its refresh token.
    pub refresh: TokenDigest,
    /// The refresh token before, if there was one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub previous: Option<TokenDigest>,
    /// When it was refreshed last, or opened.
    pub refreshed_at: DateTime<Utc>,
    /// First instant at which it can no longer be refreshed.
    pub expires_at: DateTime<Utc>,
    /// Whether it ended before.
    pub is_over: bool,
}

/// Codes that a user has to give beside the password.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SecondFactor {
    /// The period of the last code used; earlier ones and itself are no longer good (RFC 6238, section 5.2).
    pub last_step: i64,
    /// Digests of the recovery codes that are left.
    pub recovery: Vec<TokenDigest>,
    /// The position that its secret was offered as of; none where that was not kept yet.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub offered: Option<Position>,
}

impl SecondFactor {
    /// Uses up a code.
    pub fn spend(&mut self, proof: FactorProof) {
        match proof {
            FactorProof::Code { step } => self.last_step = self.last_step.max(step),
            FactorProof::Recovery { digest } => self.recovery.retain(|left| *left != digest),
        }
    }
}
