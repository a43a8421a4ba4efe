//! A key in a file that only its owner may read.

use super::{Signer, SignerError, Statement};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair, KeyPair,
};
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use schemas::gateway::jws::SIGNATURE_BYTES;
use schemas::gateway::{Algorithm, PublicKey};
use std::fs::{File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::Path;

/// Name of the file in the gateway's folder.
pub const FILE_NAME: &str = "key.pem";
/// Permissions of the file: its owner's alone.
const MODE: u32 = 0o600;
/// A longer file is no key.
const MAX_BYTES: u64 = 4_096;
const BEGIN: &str = "-----BEGIN PRIVATE KEY-----";
const END: &str = "-----END PRIVATE KEY-----";

enum Pair {
    P256(EcdsaKeyPair),
    Ed25519(Ed25519KeyPair),
}

/// A key in a file: PKCS#8 in PEM (RFC 7468, 10).
pub struct FileKey {
    pair: Pair,
    public: PublicKey,
}

impl FileKey {
    /// Reads the key at `path`.
    ///
    /// # Errors
    /// When it can not be read, others may read it, or it holds no key.
    pub fn open(path: &Path) -> Result<Self, SignerError> {
        let io = |source| SignerError::Io {
            path: path.to_owned(),
            source,
        };
        let file = File::open(path).map_err(io)?;
        let mode = file.metadata().map_err(io)?.permissions().mode() & 0o777;
        if mode & 0o077 != 0 {
            return Err(SignerError::Exposed {
                path: path.to_owned(),
                mode,
            });
        }
        let mut text = String::new();
        file.take(MAX_BYTES).read_to_string(&mut text).map_err(io)?;
        from_pem(&text)
            .and_then(|der| Self::from_pkcs8(&der))
            .ok_or_else(|| SignerError::NoKey {
                path: path.to_owned(),
            })
    }

    /// The same, and makes the key first if there is none.
    ///
    /// # Errors
    /// As of [`FileKey::open`], or when it can not be written.
    pub fn open_or_create(path: &Path, algorithm: Algorithm) -> Result<Self, SignerError> {
        match Self::open(path) {
            Err(SignerError::Io { source, .. }) if source.kind() == io::ErrorKind::NotFound => {
                Self::create(path, algorithm)
            }
            opened => opened,
        }
    }

    /// Makes a key at `path`, where nothing may be yet; it is durable on return.
    ///
    /// # Errors
    /// When it can not be made or written.
    pub fn create(path: &Path, algorithm: Algorithm) -> Result<Self, SignerError> {
        let der = generate(algorithm).ok_or(SignerError::Failed)?;
        let write = || -> io::Result<()> {
            let mut new = OpenOptions::new();
            let mut file = new.write(true).create_new(true).mode(MODE).open(path)?;
            file.write_all(to_pem(&der).as_bytes())?;
            file.sync_all()?;
            let folder = path.parent().filter(|one| !one.as_os_str().is_empty());
            File::open(folder.unwrap_or(Path::new(".")))?.sync_all()
        };
        write().map_err(|source| SignerError::Io {
            path: path.to_owned(),
            source,
        })?;
        Self::from_pkcs8(&der).ok_or(SignerError::Failed)
    }

    fn from_pkcs8(der: &[u8]) -> Option<Self> {
        if let Ok(pair) = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, der) {
            // SEC 1, 2.3.3: 04, x, y.
            let point = pair.public_key().as_ref();
            let x = point.get(1..33)?.try_into().ok()?;
            let y = point.get(33..65)?.try_into().ok()?;
            let public = PublicKey::p256(x, y);
            return Some(Self {
                pair: Pair::P256(pair),
                public,
            });
        }
        let pair = Ed25519KeyPair::from_pkcs8(der).ok()?;
        let public = PublicKey::ed25519(pair.public_key().as_ref().try_into().ok()?);
        Some(Self {
            pair: Pair::Ed25519(pair),
            public,
        })
    }
}

/// A new key in PKCS#8.
fn generate(algorithm: Algorithm) -> Option<Vec<u8>> {
    match algorithm {
        Algorithm::Es256 => {
            let pair = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).ok()?;
            Some(pair.to_pkcs8v1().ok()?.as_ref().to_vec())
        }
        Algorithm::EdDsa => {
            let pair = Ed25519KeyPair::generate().ok()?;
            Some(pair.to_pkcs8v1().ok()?.as_ref().to_vec())
        }
    }
}

impl Signer for FileKey {
    fn public_key(&self) -> &PublicKey {
        &self.public
    }

    fn signature(&self, statement: &Statement) -> Result<[u8; SIGNATURE_BYTES], SignerError> {
        let signature = match &self.pair {
            Pair::P256(pair) => pair
                .sign(&SystemRandom::new(), statement.bytes())
                .map_err(|_| SignerError::Failed)?,
            Pair::Ed25519(pair) => pair.sign(statement.bytes()),
        };
        signature
            .as_ref()
            .try_into()
            .map_err(|_| SignerError::Failed)
    }
}

/// Characters in a line (RFC 7468, 2).
const LINE: usize = 64;

fn to_pem(der: &[u8]) -> String {
    let text = BASE64_STANDARD.encode(der);
    let mut pem = format!("{BEGIN}\n");
    for (index, letter) in text.chars().enumerate() {
        if index > 0 && index % LINE == 0 {
            pem.push('\n');
        }
        pem.push(letter);
    }
    pem + "\n" + END + "\n"
}

fn from_pem(text: &str) -> Option<Vec<u8>> {
    let (_, rest) = text.split_once(BEGIN)?;
    let (body, _) = rest.split_once(END)?;
    let body: String = body.split_whitespace().collect();
    BASE64_STANDARD.decode(body).ok()
}
