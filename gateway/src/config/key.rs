//! Where the gateway's key is.

use serde::{Deserialize, Serialize};
use std::path::PathBuf;

/// Where the gateway's key is: the file `key.pem` in its folder if nothing is said.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct SignerConfig {
    /// A key that a PKCS#11 module keeps.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pkcs11: Option<Pkcs11>,
}

impl SignerConfig {
    /// Whether the key is a file.
    #[must_use]
    pub fn is_file(&self) -> bool {
        self.pkcs11.is_none()
    }
}

/// A key in an HSM, a TPM or a secure element, by its PKCS#11 module.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Pkcs11 {
    /// The module's shared library.
    pub module: PathBuf,
    /// The token's label.
    pub token: String,
    /// The key's label; a P-256 key.
    pub key: String,
    /// A file whose first line is the user's PIN; relative to the gateway's folder.
    pub pin_file: PathBuf,
}
