//! What follows from the registry's master secret: a key for each purpose, and sealing.

use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use aws_lc_rs::hmac::{self, HMAC_SHA256};
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use rand::Rng;

/// What was sealed can not be opened, or nothing can be sealed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not sealed for this purpose under this master secret")]
pub struct SealError;

/// The master secret; never shown.
pub struct Master(hmac::Key);

impl Master {
    /// From at least 32 random bytes.
    #[must_use]
    pub fn new(secret: &[u8]) -> Self {
        Self(hmac::Key::new(HMAC_SHA256, secret))
    }

    /// The key for a purpose: no other purpose's key, and not the secret, follows from it.
    #[must_use]
    pub fn key_for(&self, purpose: &str) -> [u8; 32] {
        let tag = hmac::sign(&self.0, purpose.as_bytes());
        let mut key = [0; 32];
        key.copy_from_slice(tag.as_ref());
        key
    }

    /// What seals secrets that have to be stored.
    ///
    /// # Errors
    /// [`SealError`], never in practice: the key has the cipher's length.
    pub fn vault(&self) -> Result<Vault, SealError> {
        let key = UnboundKey::new(&AES_256_GCM, &self.key_for("sealed secrets"));
        key.map(|key| Vault(LessSafeKey::new(key)))
            .map_err(|_| SealError)
    }
}

/// Seals secrets that have to be stored: AES-256-GCM under a random nonce (NIST SP 800-38D), bound to what
/// they are for.
pub struct Vault(LessSafeKey);

impl Vault {
    /// The secret, sealed: nonce, ciphertext and tag in base64. `bound` says what it is for and whose it is;
    /// it can not be opened as anything else.
    ///
    /// # Errors
    /// [`SealError`], never in practice: what is sealed here is short.
    pub fn seal(&self, bound: &str, secret: &[u8]) -> Result<String, SealError> {
        let mut nonce = [0; NONCE_LEN];
        rand::rng().fill_bytes(&mut nonce);
        let mut sealed = secret.to_vec();
        self.0
            .seal_in_place_append_tag(
                Nonce::assume_unique_for_key(nonce),
                Aad::from(bound.as_bytes()),
                &mut sealed,
            )
            .map_err(|_| SealError)?;
        Ok(BASE64_STANDARD.encode([&nonce[..], &sealed].concat()))
    }

    /// The secret again.
    ///
    /// # Errors
    /// [`SealError`] if it was sealed for something else, under another master secret, or not at all.
    pub fn open(&self, bound: &str, sealed: &str) -> Result<Vec<u8>, SealError> {
        let bytes = BASE64_STANDARD.decode(sealed).map_err(|_| SealError)?;
        let (nonce, sealed) = bytes.split_at_checked(NONCE_LEN).ok_or(SealError)?;
        let nonce = Nonce::try_assume_unique_for_key(nonce).map_err(|_| SealError)?;
        let mut sealed = sealed.to_vec();
        let opened = self
            .0
            .open_in_place(nonce, Aad::from(bound.as_bytes()), &mut sealed)
            .map_err(|_| SealError)?;
        Ok(opened.to_vec())
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn what_is_sealed_opens_under_the_same_secret_for_the_same_purpose_alone() {
        let vault = Master::new(&[7; 32]).vault().unwrap();
        let sealed = vault.seal("key a", b"secret").unwrap();
        assert_eq!(vault.open("key a", &sealed).unwrap(), b"secret");
        assert_ne!(sealed, vault.seal("key a", b"secret").unwrap());
        assert_eq!(vault.open("key b", &sealed), Err(SealError));
        let other = Master::new(&[8; 32]).vault().unwrap();
        assert_eq!(other.open("key a", &sealed), Err(SealError));
        for broken in ["", "AAAA", "not base64"] {
            assert_eq!(vault.open("key a", broken), Err(SealError));
        }
    }

    #[test]
    fn each_purpose_has_a_key_of_its_own() {
        let master = Master::new(&[7; 32]);
        assert_eq!(master.key_for("a"), master.key_for("a"));
        assert_ne!(master.key_for("a"), master.key_for("b"));
        assert_ne!(master.key_for("a"), [7; 32]);
    }
}
