//! Public keys as JSON Web Keys (RFC 7517, RFC 8037) and their thumbprints (RFC 7638).

use super::jws::Algorithm;
use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::fmt;
use utoipa::ToSchema;

/// Bytes of a coordinate of either curve.
pub const COORDINATE_BYTES: usize = 32;
/// Characters of a key id: 32 bytes in base64url.
pub const KEY_ID_CHARS: usize = 43;

/// A public key. A private part (`d`), or any other member, is refused.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(tag = "kty", deny_unknown_fields)]
pub enum PublicKey {
    /// A point on P-256, for ES256.
    #[serde(rename = "EC")]
    #[schema(max_properties = 4)]
    P256 {
        /// Always `P-256`.
        crv: P256,
        /// First coordinate, 32 bytes in base64url without padding.
        #[schema(
            min_length = 43,
            max_length = 43,
            pattern = "^[A-Za-z0-9_-]{42}[AEIMQUYcgkosw048]$"
        )]
        x: String,
        /// Second coordinate, 32 bytes in base64url without padding.
        #[schema(
            min_length = 43,
            max_length = 43,
            pattern = "^[A-Za-z0-9_-]{42}[AEIMQUYcgkosw048]$"
        )]
        y: String,
    },
    /// An Ed25519 key, for EdDSA.
    #[serde(rename = "OKP")]
    #[schema(max_properties = 3)]
    Ed25519 {
        /// Always `Ed25519`.
        crv: Ed25519,
        /// The key, 32 bytes in base64url without padding.
        #[schema(
            min_length = 43,
            max_length = 43,
            pattern = "^[A-Za-z0-9_-]{42}[AEIMQUYcgkosw048]$"
        )]
        x: String,
    },
}

crate::words! {
    /// The curve of ES256.
    P256 { P256 = "P-256" }
}

crate::words! {
    /// The curve of EdDSA.
    Ed25519 { Ed25519 = "Ed25519" }
}

/// A coordinate is not 32 bytes in base64url without padding.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("coordinate {0} of the key must be 32 bytes in base64url without padding")]
pub struct NoKey(&'static str);

impl PublicKey {
    /// The key of two coordinates on P-256, big-endian.
    #[must_use]
    pub fn p256(x: &[u8; COORDINATE_BYTES], y: &[u8; COORDINATE_BYTES]) -> Self {
        Self::P256 {
            crv: P256::P256,
            x: BASE64_URL_SAFE_NO_PAD.encode(x),
            y: BASE64_URL_SAFE_NO_PAD.encode(y),
        }
    }

    /// The Ed25519 key of these bytes (RFC 8032, 5.1.5).
    #[must_use]
    pub fn ed25519(x: &[u8; COORDINATE_BYTES]) -> Self {
        Self::Ed25519 {
            crv: Ed25519::Ed25519,
            x: BASE64_URL_SAFE_NO_PAD.encode(x),
        }
    }

    /// The one algorithm that the key signs with.
    #[must_use]
    pub const fn algorithm(&self) -> Algorithm {
        match self {
            Self::P256 { .. } => Algorithm::Es256,
            Self::Ed25519 { .. } => Algorithm::EdDsa,
        }
    }

    /// The key's bytes: of P-256 the uncompressed point (SEC 1, 2.3.3: `04 || x || y`, 65 bytes), of Ed25519
    /// the 32 bytes of RFC 8032. Whether a point lies on its curve is for who verifies with it.
    ///
    /// # Errors
    /// [`NoKey`].
    pub fn to_bytes(&self) -> Result<Vec<u8>, NoKey> {
        match self {
            Self::P256 { x, y, .. } => {
                let mut point = vec![4];
                point.extend(coordinate("x", x)?);
                point.extend(coordinate("y", y)?);
                Ok(point)
            }
            Self::Ed25519 { x, .. } => coordinate("x", x).map(|x| x.to_vec()),
        }
    }

    /// The key's id: its thumbprint (RFC 7638, 3; RFC 8037, 2), SHA-256 over the members that make it up.
    #[must_use]
    pub fn key_id(&self) -> KeyId {
        let canonical = match self {
            Self::P256 { x, y, .. } => {
                format!(r#"{{"crv":"P-256","kty":"EC","x":"{x}","y":"{y}"}}"#)
            }
            Self::Ed25519 { x, .. } => format!(r#"{{"crv":"Ed25519","kty":"OKP","x":"{x}"}}"#),
        };
        KeyId(Sha256::digest(canonical).into())
    }
}

fn coordinate(name: &'static str, text: &str) -> Result<[u8; COORDINATE_BYTES], NoKey> {
    BASE64_URL_SAFE_NO_PAD
        .decode(text)
        .ok()
        .and_then(|bytes| bytes.try_into().ok())
        .ok_or(NoKey(name))
}

/// Id of a key: its thumbprint. Written in base64url without padding.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct KeyId(pub [u8; 32]);

/// The text is not a thumbprint.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a key id is 32 bytes in base64url without padding")]
pub struct NoKeyId;

impl fmt::Display for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&BASE64_URL_SAFE_NO_PAD.encode(self.0))
    }
}

impl fmt::Debug for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl std::str::FromStr for KeyId {
    type Err = NoKeyId;
    fn from_str(text: &str) -> Result<Self, NoKeyId> {
        let bytes = BASE64_URL_SAFE_NO_PAD.decode(text).map_err(|_| NoKeyId)?;
        bytes.try_into().map(Self).map_err(|_| NoKeyId)
    }
}

impl Serialize for KeyId {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for KeyId {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<str>::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    /// RFC 8037, appendix A.2 and A.3.
    #[test]
    fn the_thumbprint_is_that_of_the_standards_example() {
        let key: PublicKey = serde_json::from_str(
            r#"{"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}"#,
        )
        .unwrap();
        assert_eq!(
            key.key_id().to_string(),
            "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k"
        );
        assert_eq!(key.algorithm(), Algorithm::EdDsa);
        assert_eq!(key.to_bytes().unwrap().len(), COORDINATE_BYTES);
    }

    #[test]
    fn a_private_key_is_not_taken_for_a_public_one() {
        let private = r#"{"kty":"OKP","crv":"Ed25519","d":"nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}"#;
        assert!(serde_json::from_str::<PublicKey>(private).is_err());
    }

    #[test]
    fn a_coordinate_that_is_short_or_padded_is_refused() {
        for x in ["AAAA", "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo="] {
            let key = PublicKey::Ed25519 {
                crv: Ed25519::Ed25519,
                x: x.to_owned(),
            };
            assert_eq!(key.to_bytes(), Err(NoKey("x")));
        }
    }

    #[test]
    fn a_key_id_is_read_as_it_is_written() {
        let id = PublicKey::p256(&[1; 32], &[2; 32]).key_id();
        assert_eq!(id.to_string().len(), KEY_ID_CHARS);
        assert_eq!(id.to_string().parse(), Ok(id));
        assert_eq!("short".parse::<KeyId>(), Err(NoKeyId));
    }
}
