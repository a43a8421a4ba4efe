//! A sign-in that a browser was sent to the provider for. It is kept in the browser alone, sealed.

use crate::identity::{SealError, Vault};
use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use chrono::{DateTime, TimeDelta, Utc};
use rand::Rng;
use schemas::id::UserId;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// How long somebody may take to sign in at the provider.
pub const PATIENCE: TimeDelta = TimeDelta::minutes(10);
/// What it is sealed for.
const BOUND: &str = "OpenID sign-in";
/// The same of one that waits for a second factor.
const WAITING: &str = "OpenID sign-in without second factor";
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
        sealed(vault, BOUND, self)
    }

    /// The one that a browser kept, if it is not too late.
    #[must_use]
    pub fn open(vault: &Vault, sealed: &str) -> Option<Self> {
        let started: Self = opened(vault, BOUND, sealed)?;
        (Utc::now() < started.until).then_some(started)
    }
}

/// Somebody whom the provider signed in, and who has yet to send a code of their second factor. Kept in the browser
/// alone, too.
#[derive(Serialize, Deserialize)]
pub struct Waiting {
    /// The user.
    pub user_id: UserId,
    /// Who they are to the provider.
    pub identity_id: Uuid,
    /// Path of the registry to go on with.
    pub return_to: String,
    /// First instant at which it is too late.
    pub until: DateTime<Utc>,
}

impl Waiting {
    /// One that waits from now on.
    #[must_use]
    pub fn now(user_id: UserId, identity_id: Uuid, return_to: String) -> Self {
        Self {
            user_id,
            identity_id,
            return_to,
            until: Utc::now() + PATIENCE,
        }
    }

    /// For the browser to keep.
    ///
    /// # Errors
    /// [`SealError`], never in practice.
    pub fn sealed(&self, vault: &Vault) -> Result<String, SealError> {
        sealed(vault, WAITING, self)
    }

    /// The one that a browser kept, if it is not too late.
    #[must_use]
    pub fn open(vault: &Vault, sealed: &str) -> Option<Self> {
        let waiting: Self = opened(vault, WAITING, sealed)?;
        (Utc::now() < waiting.until).then_some(waiting)
    }
}

fn sealed(vault: &Vault, bound: &str, what: &impl Serialize) -> Result<String, SealError> {
    let text = serde_json::to_vec(what).map_err(|_| SealError)?;
    vault.seal(bound, &text)
}

fn opened<T: DeserializeOwned>(vault: &Vault, bound: &str, sealed: &str) -> Option<T> {
    if sealed.len() > MAX_SEALED_CHARS {
        return None;
    }
    let text = vault.open(bound, sealed).ok()?;
    serde_json::from_slice(&text).ok()
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
        let waiting = Waiting::now(UserId(3), Uuid::nil(), "/docs".to_owned());
        let sealed = waiting.sealed(&vault(7)).unwrap();
        assert!(Started::open(&vault(7), &sealed).is_none());
        assert_eq!(
            Waiting::open(&vault(7), &sealed).unwrap().user_id,
            UserId(3)
        );
        let too_late = Waiting {
            until: Utc::now(),
            ..waiting
        };
        let too_late = too_late.sealed(&vault(7)).unwrap();
        assert!(Waiting::open(&vault(7), &too_late).is_none());
        let late = Started {
            until: Utc::now(),
            ..started
        };
        let late = late.sealed(&vault(7)).unwrap();
        assert!(Started::open(&vault(7), &late).is_none());
    }
}
