//! Keys: this registry's own, and those of the registries it trusts.

use crate::config::Config;
use crate::dev::secret;
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use ed25519_dalek::{Signature as Ed25519, Signer as _, SigningKey, VerifyingKey};
use projections::postgres::Secret;
use schemas::api::certificate::{RegistryKey, RegistryKeys};
use schemas::exchange::{ALGORITHM, Signature, Signed};
use serde_json::Value;
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;
use std::fs;
use std::io::ErrorKind;
use std::path::PathBuf;

/// Bytes of a key's hash that name it.
const KEY_ID_BYTES: usize = 8;

/// A key can not be used.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    /// The file of the signing key can be neither read nor made.
    #[error("the signing key in {path} can be neither read nor made: {cause}")]
    File {
        /// The file.
        path: PathBuf,
        /// Why.
        cause: String,
    },
    /// The file does not hold a key.
    #[error("{path} does not hold a signing key: 32 bytes in hexadecimal")]
    NoKey {
        /// The file.
        path: PathBuf,
    },
    /// A public key of the configuration is none.
    #[error("{given:?} is no Ed25519 public key in base64")]
    PublicKey {
        /// What was given.
        given: String,
    },
}

/// Why a signature does not count.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Untrusted {
    /// Nobody told this registry of the other or of its key.
    #[error("this registry knows no key {key_id} of a registry {registry:?}")]
    Unknown {
        /// Who is said to have signed.
        registry: String,
        /// With which key.
        key_id: String,
    },
    /// It does not fit what it is said to sign.
    #[error("the signature of registry {registry:?} does not fit: {cause}")]
    Altered {
        /// Who is said to have signed.
        registry: String,
        /// What is wrong.
        cause: String,
    },
}

/// The keys of the exchange with other registries. Never shows the signing key.
pub struct Exchange {
    registry: String,
    key: SigningKey,
    retired: Vec<VerifyingKey>,
    trusted: BTreeMap<String, Vec<VerifyingKey>>,
}

/// The name of a key.
fn key_id(key: &VerifyingKey) -> String {
    hex::encode(&Sha256::digest(key.as_bytes())[..KEY_ID_BYTES])
}

fn public_key(given: &str) -> Result<VerifyingKey, KeyError> {
    let bytes = BASE64_STANDARD.decode(given.trim()).ok();
    let bytes = bytes.and_then(|bytes| <[u8; 32]>::try_from(bytes).ok());
    bytes
        .and_then(|bytes| VerifyingKey::from_bytes(&bytes).ok())
        .ok_or_else(|| KeyError::PublicKey {
            given: given.to_owned(),
        })
}

/// Looks at a public key of the configuration.
///
/// # Errors
/// [`KeyError::PublicKey`].
pub(crate) fn check_public_key(given: &str) -> Result<(), KeyError> {
    public_key(given).map(drop)
}

impl Exchange {
    /// The keys that the configuration names; the signing key is made if there is none yet.
    ///
    /// # Errors
    /// [`KeyError`].
    pub fn open(config: &Config) -> Result<Self, KeyError> {
        let path = config.exchange.key_file(&config.data_dir);
        let keys = |given: &[String]| -> Result<Vec<_>, _> {
            given.iter().map(|key| public_key(key)).collect()
        };
        let trusted = config.exchange.trusted.iter();
        Ok(Self {
            registry: config.domain.clone(),
            key: signing_key(path)?,
            retired: keys(&config.exchange.retired_public_keys)?,
            trusted: trusted
                .map(|(name, trusted)| Ok((name.clone(), keys(&trusted.public_keys)?)))
                .collect::<Result<_, KeyError>>()?,
        })
    }

    /// Name of this registry.
    #[must_use]
    pub fn registry(&self) -> &str {
        &self.registry
    }

    /// Whether a key of the registry is known.
    #[must_use]
    pub fn trusts(&self, registry: &str) -> bool {
        self.trusted
            .get(registry)
            .is_some_and(|keys| !keys.is_empty())
    }

    /// The public keys, the one in use first.
    #[must_use]
    pub fn published(&self) -> RegistryKeys {
        let current = self.key.verifying_key();
        let keys = std::iter::once(&current).chain(&self.retired);
        RegistryKeys {
            registry: self.registry.clone(),
            keys: keys
                .enumerate()
                .map(|(index, key)| RegistryKey {
                    key_id: key_id(key),
                    algorithm: ALGORITHM.to_owned(),
                    public_key: BASE64_STANDARD.encode(key.as_bytes()),
                    is_current: index == 0,
                })
                .collect(),
        }
    }

    /// The payload with this registry's signature.
    ///
    /// # Errors
    /// A sentence if the payload has no canonical form.
    pub fn sign(&self, payload: Value) -> Result<Signed, String> {
        let signature = self.key.sign(&Signed::canonical(&payload)?);
        Ok(Signed {
            payload,
            signature: Signature {
                algorithm: ALGORITHM.to_owned(),
                key_id: key_id(&self.key.verifying_key()),
                value: BASE64_STANDARD.encode(signature.to_bytes()),
            },
        })
    }

    /// Checks that the registry has signed the payload.
    ///
    /// # Errors
    /// [`Untrusted`].
    pub fn verify(&self, registry: &str, signed: &Signed) -> Result<(), Untrusted> {
        let Signature {
            algorithm,
            key_id: named,
            value,
        } = &signed.signature;
        let keys = self.trusted.get(registry).map_or(&[][..], Vec::as_slice);
        let key = keys.iter().find(|key| key_id(key) == *named);
        let Some(key) = key.filter(|_| algorithm == ALGORITHM) else {
            return Err(Untrusted::Unknown {
                registry: registry.to_owned(),
                key_id: named.chars().take(2 * KEY_ID_BYTES).collect(),
            });
        };
        let altered = |cause: String| Untrusted::Altered {
            registry: registry.to_owned(),
            cause,
        };
        let bytes = BASE64_STANDARD.decode(value).ok();
        let bytes = bytes.and_then(|bytes| <[u8; 64]>::try_from(bytes).ok());
        let bytes = bytes.ok_or_else(|| altered("it is not 64 bytes in base64".to_owned()))?;
        let canonical = Signed::canonical(&signed.payload).map_err(altered)?;
        key.verify_strict(&canonical, &Ed25519::from_bytes(&bytes))
            .map_err(|_| altered("it is not of this payload".to_owned()))
    }
}

fn signing_key(path: PathBuf) -> Result<SigningKey, KeyError> {
    let kept = path
        .parent()
        .map_or(Ok(()), fs::create_dir_all)
        .map_err(|error| error.to_string())
        .and_then(|()| secret::keep(&path, &Secret::default()).map_err(|error| error.to_string()));
    let kept = match kept {
        Ok(kept) => kept,
        Err(cause) => return Err(KeyError::File { path, cause }),
    };
    parsed(kept.expose(), path)
}

/// Looks at the file of the signing key, where there is one; makes none.
///
/// # Errors
/// [`KeyError`].
pub(crate) fn check_signing_key(path: PathBuf) -> Result<(), KeyError> {
    match fs::read_to_string(&path) {
        // A new key is put there.
        Ok(text) if text.trim_end().is_empty() => Ok(()),
        Ok(text) => parsed(text.trim_end(), path).map(drop),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
        Err(error) => Err(KeyError::File {
            path,
            cause: error.to_string(),
        }),
    }
}

fn parsed(text: &str, path: PathBuf) -> Result<SigningKey, KeyError> {
    let mut seed = [0; 32];
    match hex::decode_to_slice(text, &mut seed) {
        Ok(()) => Ok(SigningKey::from_bytes(&seed)),
        Err(_) => Err(KeyError::NoKey { path }),
    }
}

#[cfg(test)]
pub(super) mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::config::Trusted;
    use serde_json::json;

    /// The keys of a registry that trusts these.
    pub fn of(domain: &str, trusted: &[&Exchange]) -> (Exchange, tempfile::TempDir) {
        let folder = tempfile::tempdir().unwrap();
        let mut config = Config {
            domain: domain.to_owned(),
            data_dir: folder.path().to_owned(),
            ..Config::default()
        };
        for other in trusted {
            let public_keys = other.published().keys.into_iter().map(|key| key.public_key);
            let public_keys = public_keys.collect();
            config
                .exchange
                .trusted
                .insert(other.registry.clone(), Trusted { public_keys });
        }
        (Exchange::open(&config).unwrap(), folder)
    }

    #[test]
    fn what_a_trusted_registry_signed_counts_until_it_is_changed() {
        let (gb, _gb) = of("gb", &[]);
        let (fr, _fr) = of("fr", &[&gb]);
        let signed = gb.sign(json!({"b": 1, "a": ["ä", null]})).unwrap();
        assert_eq!(fr.verify("gb", &signed), Ok(()));
        let text = serde_json::to_string_pretty(&signed).unwrap();
        let sent: Signed = serde_json::from_str(&text).unwrap();
        assert_eq!(fr.verify("gb", &sent), Ok(()), "spelling does not matter");
        let mut altered = signed.clone();
        altered.payload["b"] = json!(2);
        assert!(matches!(
            fr.verify("gb", &altered),
            Err(Untrusted::Altered { .. })
        ));
        let mut other = signed.clone();
        other.signature.value = BASE64_STANDARD.encode([0; 64]);
        assert!(matches!(
            fr.verify("gb", &other),
            Err(Untrusted::Altered { .. })
        ));
        assert!(matches!(
            fr.verify("de", &signed),
            Err(Untrusted::Unknown { .. })
        ));
        assert!(matches!(
            gb.verify("gb", &signed),
            Err(Untrusted::Unknown { .. })
        ));
    }

    #[test]
    fn the_key_is_made_once_and_a_retired_one_is_still_published() {
        let folder = tempfile::tempdir().unwrap();
        let mut config = Config {
            data_dir: folder.path().to_owned(),
            ..Config::default()
        };
        let first = Exchange::open(&config).unwrap().published();
        assert_eq!(Exchange::open(&config).unwrap().published(), first);
        config.exchange.signing_key_file = Some(folder.path().join("next"));
        config.exchange.retired_public_keys = vec![first.keys[0].public_key.clone()];
        let rotated = Exchange::open(&config).unwrap().published();
        let current: Vec<_> = rotated.keys.iter().map(|key| key.is_current).collect();
        assert_eq!(current, [true, false]);
        assert_eq!(rotated.keys[1].key_id, first.keys[0].key_id);
    }

    #[test]
    fn a_file_without_a_key_is_refused_by_its_path() {
        let folder = tempfile::tempdir().unwrap();
        let mut config = Config::default();
        let path = folder.path().join("key");
        fs::write(&path, "not a key").unwrap();
        config.exchange.signing_key_file = Some(path);
        let error = Exchange::open(&config).err().unwrap();
        assert!(matches!(error, KeyError::NoKey { .. }), "{error}");
    }
}
