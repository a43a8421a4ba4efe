//! The keys of another server (RFC 7517).

use jsonwebtoken::jwk::{Jwk, KeyAlgorithm, PublicKeyUse};
use jsonwebtoken::{Algorithm, AlgorithmFamily, DecodingKey};
use serde_json::{Map, Value};
use std::str::FromStr;

/// Keys that are looked at.
const MAX_KEYS: usize = 100;

/// Keys that verify signatures.
#[derive(Default)]
pub struct KeySet(Vec<Known>);

struct Known {
    id: Option<String>,
    algorithm: Option<Algorithm>,
    family: AlgorithmFamily,
    key: DecodingKey,
}

impl KeySet {
    /// The public keys in a set; what is no such key is left out, as RFC 7517 asks (section 5).
    #[must_use]
    pub fn of(set: &Map<String, Value>) -> Self {
        let keys = set.get("keys").and_then(Value::as_array);
        let keys = keys.into_iter().flatten().take(MAX_KEYS);
        Self(keys.filter_map(known).collect())
    }

    /// The key with this id for this kind of signature, and the only algorithm that it is for. A token without
    /// an id has the only key of its kind, if that is one.
    #[must_use]
    pub fn find(
        &self,
        id: Option<&str>,
        algorithm: Algorithm,
    ) -> Option<(&DecodingKey, Option<Algorithm>)> {
        let fits = |known: &&Known| {
            known.family == algorithm.family()
                && id.is_none_or(|id| known.id.as_deref() == Some(id))
        };
        let mut found = self.0.iter().filter(fits);
        let first = found.next()?;
        (id.is_some() || found.next().is_none()).then_some((&first.key, first.algorithm))
    }
}

fn known(value: &Value) -> Option<Known> {
    let jwk: Jwk = serde_json::from_value(value.clone()).ok()?;
    if !matches!(
        jwk.common.public_key_use,
        None | Some(PublicKeyUse::Signature)
    ) {
        return None;
    }
    let family = match value.get("kty")?.as_str()? {
        "RSA" => AlgorithmFamily::Rsa,
        "EC" => AlgorithmFamily::Ec,
        "OKP" => AlgorithmFamily::Ed,
        // Never a shared secret.
        _ => return None,
    };
    let algorithm = match jwk.common.key_algorithm {
        Some(name) => Some(signature(name)?),
        None => None,
    };
    Some(Known {
        key: DecodingKey::from_jwk(&jwk).ok()?,
        id: jwk.common.key_id,
        algorithm,
        family,
    })
}

fn signature(name: KeyAlgorithm) -> Option<Algorithm> {
    Algorithm::from_str(&name.to_string()).ok()
}
