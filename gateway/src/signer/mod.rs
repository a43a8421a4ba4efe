//! The gateway's key, and the only things it signs.
//!
//! A [`Signer`] takes a [`Statement`] and nothing else, and a statement can be made of meter readings, of the proof
//! of an enrolment and of a change of keys only. There is no way, here or over any interface of the
//! gateway, to have other bytes signed.

mod file;
#[cfg(feature = "pkcs11")]
mod pkcs11;

pub use file::{FILE_NAME, FileKey};
#[cfg(feature = "pkcs11")]
pub use pkcs11::Pkcs11Key;

use crate::config::{Pkcs11, SignerConfig};
use schemas::gateway::enrolment::{EnrolmentProof, KeyChange};
use schemas::gateway::jws::{SIGNATURE_BYTES, Unsigned};
use schemas::gateway::{Algorithm, KeyId, MeterReadings, PublicKey};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Something that the gateway's key may sign.
#[derive(Debug)]
pub struct Statement(Unsigned);

impl Statement {
    /// Readings of a device.
    #[must_use]
    pub fn readings(key: &PublicKey, readings: &MeterReadings) -> Self {
        Self(Unsigned::new(key.algorithm(), key.key_id(), readings))
    }

    /// The proof that who enrols holds the key.
    #[must_use]
    pub fn enrolment(key: &PublicKey, proof: &EnrolmentProof) -> Self {
        Self(Unsigned::new(key.algorithm(), key.key_id(), proof))
    }

    /// The change to another key.
    #[must_use]
    pub fn key_change(key: &PublicKey, change: &KeyChange) -> Self {
        Self(Unsigned::new(key.algorithm(), key.key_id(), change))
    }
}

/// A key could not be had or used. Nothing of the key is in here.
#[derive(Debug, thiserror::Error)]
pub enum SignerError {
    /// The file of the key, or of its PIN.
    #[error("{}: {source}", path.display())]
    Io {
        /// Which.
        path: PathBuf,
        #[source]
        source: io::Error,
    },
    /// Others may read the file.
    #[error("{}: others may read it (mode {mode:03o}); it has to be 600", path.display())]
    Exposed {
        /// Which.
        path: PathBuf,
        /// Its permissions.
        mode: u32,
    },
    /// The file holds no key.
    #[error("{}: holds no P-256 or Ed25519 private key in PKCS#8", path.display())]
    NoKey {
        /// Which.
        path: PathBuf,
    },
    /// The key is on a token, and this program was built without PKCS#11.
    #[error("signer.pkcs11 is set, but this program was built without the feature `pkcs11`")]
    NotBuilt,
    /// The token failed.
    #[error("the token `{token}`: {reason}")]
    Token {
        /// Its label.
        token: String,
        /// What failed.
        reason: String,
    },
    /// The key did not sign.
    #[error("the key could not sign")]
    Failed,
}

/// A key that signs statements.
pub trait Signer: Send + Sync {
    /// Its public part.
    fn public_key(&self) -> &PublicKey;

    /// Signs the bytes of a statement: `r || s` for ES256 (RFC 7518, 3.4), as RFC 8032 has it for EdDSA. May
    /// take as long as a secure element takes, some 100 ms.
    ///
    /// # Errors
    /// [`SignerError`].
    fn signature(&self, statement: &Statement) -> Result<[u8; SIGNATURE_BYTES], SignerError>;

    /// The key's id.
    fn key_id(&self) -> KeyId {
        self.public_key().key_id()
    }

    /// Signs a statement; the result is its compact serialisation.
    ///
    /// # Errors
    /// [`SignerError`].
    fn sign(&self, statement: Statement) -> Result<String, SignerError> {
        let signature = self.signature(&statement)?;
        Ok(statement.0.signed(&signature))
    }
}

impl Statement {
    /// What goes to the key; not public, so that signers outside of this module can not be handed other bytes.
    fn bytes(&self) -> &[u8] {
        self.0.signing_input()
    }
}

/// Opens the key with this id, where the configuration has it, in the gateway's folder `dir`. In a file there is one
/// key, which may be another.
///
/// # Errors
/// [`SignerError`].
pub fn open(
    dir: &Path,
    config: &SignerConfig,
    #[cfg_attr(not(feature = "pkcs11"), allow(unused_variables))] id: KeyId,
) -> Result<Arc<dyn Signer>, SignerError> {
    match &config.pkcs11 {
        None => Ok(Arc::new(FileKey::open(&dir.join(FILE_NAME))?)),
        #[cfg(feature = "pkcs11")]
        Some(pkcs11) => Ok(Arc::new(Pkcs11Key::open(dir, pkcs11, id)?)),
        #[cfg(not(feature = "pkcs11"))]
        Some(_) => Err(SignerError::NotBuilt),
    }
}

/// A key on the configured token that is not the one in `used`: it is made if there is none.
///
/// # Errors
/// [`SignerError`].
#[cfg_attr(not(feature = "pkcs11"), allow(unused_variables))]
pub fn next_on_token(
    dir: &Path,
    token: &Pkcs11,
    used: Option<KeyId>,
    algorithm: Algorithm,
) -> Result<Arc<dyn Signer>, SignerError> {
    if algorithm != Algorithm::Es256 {
        return Err(SignerError::Token {
            token: token.token.clone(),
            reason: "is asked for keys for ES256 only".to_owned(),
        });
    }
    #[cfg(feature = "pkcs11")]
    {
        Ok(Arc::new(Pkcs11Key::next(dir, token, used)?))
    }
    #[cfg(not(feature = "pkcs11"))]
    {
        Err(SignerError::NotBuilt)
    }
}

#[cfg(test)]
mod tests;
