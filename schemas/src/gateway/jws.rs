//! Signed texts in compact serialisation (RFC 7515, 3.1): how they are put together and taken apart. Keys and
//! signatures are made and verified elsewhere.

use super::jwk::KeyId;
use crate::words;
use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

/// Bytes of a signature: of ES256 `r || s` (RFC 7518, 3.4), of EdDSA as RFC 8032 has it.
pub const SIGNATURE_BYTES: usize = 64;

words! {
    /// How a text is signed.
    Algorithm {
        /// ECDSA on P-256 with SHA-256.
        Es256 = "ES256",
        /// Ed25519.
        EdDsa = "EdDSA",
    }
}

/// Something that a gateway signs. `typ` and context keep signatures of one kind from being taken for another.
pub trait Signed: Serialize + DeserializeOwned {
    /// `typ` of the header.
    const TYP: &'static str;
    /// `context` of the payload: the kind and its version.
    const CONTEXT: &'static str;

    /// The context that the payload names.
    fn context(&self) -> &str;
}

/// The header: these three members and no other, so that none can name or carry a key (`jwk`, `jku`, `x5c`) or ask
/// for an extension (`crit`).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Header {
    /// How it is signed.
    pub alg: Algorithm,
    /// What is signed.
    pub typ: String,
    /// The key that signed.
    pub kid: KeyId,
}

/// A text is no envelope that this registry takes.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NotSigned {
    /// It is longer than its limit.
    #[error("it has {found} bytes, at most {limit} are allowed")]
    TooLong {
        /// Its length.
        found: usize,
        /// The limit.
        limit: usize,
    },
    /// It is not three parts in base64url.
    #[error("it is not a JWS in compact serialisation: three parts in base64url without padding")]
    NotCompact,
    /// The header does not parse, or has other members.
    #[error("the header must have alg (ES256 or EdDSA), typ and kid, and no other member: {0}")]
    Header(String),
    /// The header names another type.
    #[error("typ is {found:?}, {expected:?} is expected")]
    Typ {
        /// What was found.
        found: String,
        /// What must stand there.
        expected: &'static str,
    },
    /// The payload does not parse.
    #[error("the payload does not parse: {0}")]
    Payload(String),
    /// The payload names another context.
    #[error("context is {found:?}, {expected:?} is expected")]
    Context {
        /// What was found.
        found: String,
        /// What must stand there.
        expected: &'static str,
    },
}

/// What is to be signed: the bytes that go to the key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unsigned(String);

impl Unsigned {
    /// Prepares a payload for a key.
    pub fn new<T: Signed>(algorithm: Algorithm, key: KeyId, payload: &T) -> Self {
        let header = Header {
            alg: algorithm,
            typ: T::TYP.to_owned(),
            kid: key,
        };
        let part = |json: Result<Vec<u8>, serde_json::Error>| {
            BASE64_URL_SAFE_NO_PAD.encode(json.expect(
                "payloads hold only strings, integers, lists and objects, which always serialise",
            ))
        };
        let header = part(serde_json::to_vec(&header));
        let payload = part(serde_json::to_vec(payload));
        Self(format!("{header}.{payload}"))
    }

    /// The bytes to sign (RFC 7515, 5.1, step 5).
    #[must_use]
    pub fn signing_input(&self) -> &[u8] {
        self.0.as_bytes()
    }

    /// The compact serialisation, given the signature.
    #[must_use]
    pub fn signed(self, signature: &[u8; SIGNATURE_BYTES]) -> String {
        let mut text = self.0;
        text.push('.');
        BASE64_URL_SAFE_NO_PAD.encode_string(signature, &mut text);
        text
    }
}

/// A compact serialisation taken apart. Its signature has NOT been verified.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unverified<'a, T> {
    /// The header.
    pub header: Header,
    /// The payload.
    pub payload: T,
    /// The bytes that were signed.
    pub signing_input: &'a [u8],
    /// The signature; [`SIGNATURE_BYTES`] of them in any signature that can be right.
    pub signature: Vec<u8>,
}

/// Takes a compact serialisation apart, without verifying its signature.
///
/// # Errors
/// [`NotSigned`].
pub fn parse<T: Signed>(text: &str, limit: usize) -> Result<Unverified<'_, T>, NotSigned> {
    if text.len() > limit {
        return Err(NotSigned::TooLong {
            found: text.len(),
            limit,
        });
    }
    let mut parts = text.split('.');
    let (Some(header), Some(payload), Some(signature), None) =
        (parts.next(), parts.next(), parts.next(), parts.next())
    else {
        return Err(NotSigned::NotCompact);
    };
    let bytes = |part: &str| {
        BASE64_URL_SAFE_NO_PAD
            .decode(part)
            .map_err(|_| NotSigned::NotCompact)
    };
    let signing_input = &text.as_bytes()[..header.len() + 1 + payload.len()];
    let (header, payload, signature) = (bytes(header)?, bytes(payload)?, bytes(signature)?);
    let header: Header =
        serde_json::from_slice(&header).map_err(|error| NotSigned::Header(error.to_string()))?;
    if header.typ != T::TYP {
        return Err(NotSigned::Typ {
            found: header.typ,
            expected: T::TYP,
        });
    }
    let payload: T =
        serde_json::from_slice(&payload).map_err(|error| NotSigned::Payload(error.to_string()))?;
    if payload.context() != T::CONTEXT {
        return Err(NotSigned::Context {
            found: payload.context().to_owned(),
            expected: T::CONTEXT,
        });
    }
    Ok(Unverified {
        header,
        payload,
        signing_input,
        signature,
    })
}

/// The hash of an envelope, by which the next one names it: SHA-256 of its compact serialisation, in hexadecimal.
#[must_use]
pub fn hash(compact: &str) -> String {
    hex::encode(Sha256::digest(compact))
}
