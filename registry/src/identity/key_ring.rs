//! The keys that sign access tokens, as READ shows them.

use super::master::{SealError, Vault};
use crate::read::signing_key::SigningKeyRow;
use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use chrono::{DateTime, Utc};
use ed25519_dalek::SigningKey;
use jsonwebtoken::{DecodingKey, EncodingKey};
use rand::Rng;
use schemas::gateway::{KeyId, PublicKey};
use std::collections::HashMap;

/// Before the 32 bytes of an Ed25519 private key in PKCS #8 (RFC 8410, section 7).
const PKCS8_ED25519: [u8; 16] = [
    0x30, 0x2e, 0x02, 0x01, 0x00, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x04, 0x22, 0x04, 0x20,
];

/// What the private key of this id is sealed for.
fn bound(key_id: KeyId) -> String {
    format!("signing key {key_id}")
}

/// A new key, its private half sealed.
pub struct NewKey {
    /// The public half.
    pub public_key: PublicKey,
    /// The private half.
    pub sealed: String,
}

impl NewKey {
    /// An Ed25519 key.
    ///
    /// # Errors
    /// As [`Vault::seal`].
    pub fn random(vault: &Vault) -> Result<Self, SealError> {
        let mut seed = [0; 32];
        rand::rng().fill_bytes(&mut seed);
        Self::of_seed(seed, vault)
    }

    fn of_seed(seed: [u8; 32], vault: &Vault) -> Result<Self, SealError> {
        let public = SigningKey::from_bytes(&seed).verifying_key();
        let public_key = PublicKey::ed25519(public.as_bytes());
        let sealed = vault.seal(&bound(public_key.key_id()), &seed)?;
        Ok(Self { public_key, sealed })
    }
}

/// The key that signs.
pub struct Signer {
    /// Its id.
    pub key_id: KeyId,
    /// When it was added.
    pub added_at: DateTime<Utc>,
    pub(super) key: EncodingKey,
}

/// Keys whose signatures count, and the one that signs.
#[derive(Default)]
pub struct KeyRing {
    newest: Option<KeyId>,
    /// When it was added, where this process can not sign with it.
    unopened_since: Option<DateTime<Utc>>,
    signer: Option<Signer>,
    verifying: HashMap<KeyId, DecodingKey>,
    published: Vec<PublicKey>,
}

impl KeyRing {
    /// The keys in rows, in the order they were added. One that this process can not open, because it was
    /// sealed under another master secret, verifies but does not sign.
    #[must_use]
    pub fn of(rows: Vec<SigningKeyRow>, vault: &Vault) -> Self {
        let mut ring = Self::default();
        for row in rows {
            let Ok(verifying) = verifying_key(&row.public_key) else {
                tracing::error!(key_id = %row.key_id, "a signing key was stored that is none");
                continue;
            };
            if row.accepted_until.is_none() {
                ring.newest = Some(row.key_id);
                ring.signer = signer(&row, vault);
                ring.unopened_since = ring.signer.is_none().then_some(row.added_at);
            }
            ring.verifying.insert(row.key_id, verifying);
            ring.published.push(row.public_key);
        }
        ring
    }

    /// The key that signs, if this process can.
    #[must_use]
    pub const fn signer(&self) -> Option<&Signer> {
        self.signer.as_ref()
    }

    /// The key that was added last, whether or not this process can sign with it.
    #[must_use]
    pub const fn newest(&self) -> Option<KeyId> {
        self.newest
    }

    /// When the key that was added last was, if this process can not sign with it.
    #[must_use]
    pub const fn unopened_since(&self) -> Option<DateTime<Utc>> {
        self.unopened_since
    }

    /// The key to verify with.
    #[must_use]
    pub fn verifying(&self, key_id: KeyId) -> Option<&DecodingKey> {
        self.verifying.get(&key_id)
    }

    /// The public keys, in the order they were added.
    #[must_use]
    pub fn published(&self) -> &[PublicKey] {
        &self.published
    }
}

fn signer(row: &SigningKeyRow, vault: &Vault) -> Option<Signer> {
    let Ok(seed) = vault.open(&bound(row.key_id), &row.sealed) else {
        tracing::warn!(key_id = %row.key_id, "the signing key is sealed under another master secret");
        return None;
    };
    Some(Signer {
        key_id: row.key_id,
        added_at: row.added_at,
        key: EncodingKey::from_ed_der(&[&PKCS8_ED25519[..], &seed].concat()),
    })
}

fn verifying_key(public: &PublicKey) -> Result<DecodingKey, jsonwebtoken::errors::Error> {
    let bytes = public.to_bytes().unwrap_or_default();
    DecodingKey::from_ed_components(&BASE64_URL_SAFE_NO_PAD.encode(bytes))
}

#[cfg(test)]
pub(crate) mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::identity::master::Master;

    pub fn vault() -> Vault {
        Master::new(&[7; 32]).vault().unwrap()
    }

    pub fn row(new: &NewKey) -> SigningKeyRow {
        SigningKeyRow {
            key_id: new.public_key.key_id(),
            public_key: new.public_key.clone(),
            sealed: new.sealed.clone(),
            added_at: Utc::now(),
            accepted_until: None,
        }
    }

    /// A ring of the key with this seed.
    pub fn ring_of(seed: [u8; 32]) -> KeyRing {
        let key = NewKey::of_seed(seed, &vault()).unwrap();
        KeyRing::of(vec![row(&key)], &vault())
    }

    #[test]
    fn a_replaced_key_verifies_and_the_newest_signs() {
        let keys = [(); 2].map(|()| NewKey::random(&vault()).unwrap());
        let mut rows: Vec<_> = keys.iter().map(row).collect();
        rows[0].accepted_until = Some(Utc::now());
        let ring = KeyRing::of(rows, &vault());
        let newest = keys[1].public_key.key_id();
        assert_eq!(ring.signer().unwrap().key_id, newest);
        assert!(ring.verifying(keys[0].public_key.key_id()).is_some());
        assert_eq!(ring.published().len(), 2);
    }

    #[test]
    fn a_key_sealed_under_another_secret_verifies_and_does_not_sign() {
        let other = Master::new(&[8; 32]).vault().unwrap();
        let key = NewKey::random(&other).unwrap();
        let ring = KeyRing::of(vec![row(&key)], &vault());
        assert!(ring.signer().is_none());
        assert_eq!(ring.newest(), Some(key.public_key.key_id()));
        assert!(ring.unopened_since().is_some());
        assert!(ring.verifying(key.public_key.key_id()).is_some());
    }
}
