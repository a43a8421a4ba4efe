//! A sign-in that a browser was sent to the provider for. It is kept in the browser alone, sealed.

use crate::identity::{SealError, Vault};
use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use chrono::{DateTime, TimeDelta, Utc};
use rand::Rng;
use serde::{Deserialize, Serialize};

/// How long somebody may take to sign in at the provider.
pub const PATIENCE: TimeDelta = TimeDelta::minutes(10);
/// What it is sealed for.
const BOUND: &str = "OpenID sign-in";
/// Longest of a cookie that is opened.
const MAX_SEALED_CHARS: usize = 4_096;

/// A sign-in that was begun.
#[derive(Serialize, Deserialize)]
pub struct Started {
    /// Repeated by the provider, so that the answer belongs to this browser.
    pub state: String,
    /// Repeated in the ID token, so that it was made for this sign-in.
    pub nonce: String,
    /// Proves to the provider that who began it ends it (RFC 7636).
    pub verifier: String,
    /// Path of the registry to go on with.
    pub return_to: String,
    /// First instant at which it is too late.
    pub until: DateTime<Utc>,
}

impl Started {
    /// One that begins now.
    #[must_use]
    pub fn now(return_to: String) -> Self {
        Self {
            state: random(),
            nonce: random(),
            verifier: random(),
            return_to,
            until: Utc::now() + PATIENCE,
        }
    }

    /// For the browser to keep.
    ///
    /// # Errors
    /// [`SealError`], never in practice.
    pub fn sealed(&self, vault: &Vault) -> Result<String, SealError> {
        let text = serde_json::to_vec(self).map_err(|_| SealError)?;
        vault.seal(BOUND, &text)
    }

    /// The one that a browser kept, if it is not too late.
    #[must_use]
    pub fn open(vault: &Vault, sealed: &str) -> Option<Self> {
        if sealed.len() > MAX_SEALED_CHARS {
            return None;
        }
        let text = vault.open(BOUND, sealed).ok()?;
        let started: Self = serde_json::from_slice(&text).ok()?;
        (Utc::now() < started.until).then_some(started)
    }
}

/// 256 random bits, 43 characters.
#[must_use]
fn random() -> String {
    let mut bytes = [0; 32];
    rand::rng().fill_bytes(&mut bytes);
    BASE64_URL_SAFE_NO_PAD.encode(bytes)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::identity::Master;

    #[test]
    fn a_sign_in_is_ended_by_who_began_it_in_time_and_once_begun_is_its_own() {
        let vault = |byte| Master::new(&[byte; 32]).vault().unwrap();
        let started = Started::now("/docs".to_owned());
        assert_ne!(started.state, started.nonce);
        assert_ne!(started.state, Started::now("/docs".to_owned()).state);
        let sealed = started.sealed(&vault(7)).unwrap();
        let opened = Started::open(&vault(7), &sealed).unwrap();
        assert_eq!(opened.verifier, started.verifier);
        assert!(Started::open(&vault(8), &sealed).is_none());
        assert!(Started::open(&vault(7), &sealed[4..]).is_none());
        let late = Started {
            until: Utc::now(),
            ..started
        };
        let late = late.sealed(&vault(7)).unwrap();
        assert!(Started::open(&vault(7), &late).is_none());
    }
}
