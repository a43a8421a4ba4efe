//! Exchange of certificates with other registries.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

use crate::exchange::check_public_key;
use serde::{Deserialize, Serialize};

#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Exchange {
    /// A file with the key that signs exports and receipts, 32 bytes in hexadecimal; made at the first
    /// start. `secrets/exchange-key` in the data directory where absent; processes that serve one
    /// registry share it.
    pub signing_key_file: Option<PathBuf>,
    /// Keys that signed before, in base64: still published, so that old signatures can be checked.
    pub retired_public_keys: Vec<String>,
    /// Registries whose signed exports are imported, by name (their `domain`).
    pub trusted: BTreeMap<String, Trusted>,
}

/// A registry whose signature counts.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Trusted {
    /// Its public keys in base64, as it publishes them at `/.well-known/registry-keys.json`.
    pub public_keys: Vec<String>,
}

impl Exchange {
    /// Rules that do not hold.
    pub(super) fn contradictions(&self, wrong: &mut Vec<String>) {
        let mut look = |key: &str, given: &[String]| {
            let refused = given
                .iter()
                .filter_map(|given| check_public_key(given).err());
            wrong.extend(refused.map(|error| format!("`exchange.{key}`: {error}")));
        };
        look("retired_public_keys", &self.retired_public_keys);
        for (name, trusted) in &self.trusted {
            look(&format!("trusted.{name}.public_keys"), &trusted.public_keys);
        }
    }

    /// Where the signing key is, or will be.
    #[must_use]
    pub fn key_file(&self, data_dir: &Path) -> PathBuf {
        self.signing_key_file
            .clone()
            .unwrap_or_else(|| data_dir.join("secrets").join("exchange-key"))
    }
}
