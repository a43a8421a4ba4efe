//! How much one client may ask for.

use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use uuid::Uuid;

/// Limits of requests. Whoever exceeds one is answered 429 with the time to wait.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Limits {
    /// Of one user, whatever they sign in with. Far above what one machine answers: set it to what
    /// clients need where one must not take from the others.
    pub principal: Rate,
    /// Of one API key.
    pub api_key: Rate,
    /// From one address (of IPv6, one network of 64 bits). Likewise.
    pub address: Rate,
    /// Attempts to sign in from one address, good or bad: each costs as much as a thousand requests.
    pub sign_in: Rate,
    /// Requests from one address that prove nothing of who sends them, where no credentials are asked
    /// for: a wrong password, an unknown code or key, a signature that does not hold.
    pub unproven: Rate,
    /// Of API keys that have another limit than `api_key`, by their ids.
    pub api_keys: BTreeMap<Uuid, Rate>,
}

impl Default for Limits {
    fn default() -> Self {
        let ample = Rate {
            per_minute: 6_000_000,
            burst: 200_000,
        };
        Self {
            principal: ample,
            api_key: ample,
            api_keys: BTreeMap::new(),
            address: ample,
            sign_in: Rate {
                per_minute: 600,
                burst: 120,
            },
            unproven: Rate {
                per_minute: 60,
                burst: 60,
            },
        }
    }
}

/// How often, over a long time and at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rate {
    /// Requests per minute; 0 for no limit.
    pub per_minute: u32,
    /// Requests that may come at once after a quiet time.
    pub burst: u32,
}

impl Rate {
    /// Whether it can be kept to.
    #[must_use]
    pub const fn is_sound(self) -> bool {
        self.per_minute == 0 || self.burst > 0
    }
}
