//! Who the gateway is at its registry, and how it came to be that.
//!
//! On a token the new key is one beside the one in use as well, and the enrolment says which of them counts.
//!
//! Enrolling is done so that it can be broken off at any moment and done again: the new key is made first, in a
//! file beside the one in use; the registry answers the same code with the same key the same; then the
//! buffer takes over where the registry's chains are, the enrolment is written, and last the new key takes its
//! place. The enrolment names its key, so that what is left of a broken-off change is seen and finished.

use crate::buffer::{Buffer, BufferError};
use crate::config::Config;
use crate::folder::write_whole;
use crate::signer::{self, FileKey, Signer, SignerError, Statement};
use crate::snapshot::Snapshot;
use crate::uplink::{ClientError, Registry};
use chrono::{DateTime, Utc};
use schemas::gateway::api::{ChangeGatewayKey, EnrolGateway, GatewayEnrolled};
use schemas::gateway::enrolment::{EnrolmentProof, KeyChange};
use schemas::gateway::{Algorithm, KeyId};
use schemas::id::{AccountId, GatewayId};
use serde::{Deserialize, Serialize};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use url::Url;

/// Name of the file in the gateway's folder.
pub const FILE_NAME: &str = "enrolment.json";
/// Name of a key that is not in use yet.
const NEW_KEY: &str = "key.new.pem";

/// Who the gateway is at its registry.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Enrolment {
    /// The registry.
    pub registry: Url,
    /// Its id there.
    pub gateway_id: GatewayId,
    /// The account that its devices belong to.
    pub account_id: AccountId,
    /// The key it signs with.
    pub key_id: KeyId,
    /// When it enrolled.
    pub enrolled_at: DateTime<Utc>,
}

/// The gateway can not enrol, or can not be who it enrolled as.
#[derive(Debug, thiserror::Error)]
pub enum EnrolmentError {
    /// The file can not be read or written.
    #[error("{}: {source}", path.display())]
    Io {
        /// Which.
        path: PathBuf,
        #[source]
        source: io::Error,
    },
    /// The file holds something else.
    #[error("{}: {reason}", path.display())]
    Unreadable {
        /// Which.
        path: PathBuf,
        /// What is wrong.
        reason: String,
    },
    /// The key is another one than the registry knows.
    #[error("the key here is {here}, the registry knows {enrolled}: enrol anew")]
    OtherKey {
        /// The key that was found.
        here: KeyId,
        /// The key it enrolled with.
        enrolled: KeyId,
    },
    /// The key.
    #[error(transparent)]
    Signer(#[from] SignerError),
    /// The registry.
    #[error(transparent)]
    Registry(#[from] ClientError),
    /// The buffer.
    #[error(transparent)]
    Buffer(#[from] BufferError),
}

impl Enrolment {
    /// Reads the enrolment in `dir`; `None` if there is none.
    ///
    /// # Errors
    /// When the file can not be read.
    pub fn load(dir: &Path) -> Result<Option<Self>, EnrolmentError> {
        let path = dir.join(FILE_NAME);
        let text = match std::fs::read_to_string(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(source) => return Err(EnrolmentError::Io { path, source }),
        };
        serde_json::from_str(&text).map(Some).map_err(|error| {
            let reason = error.to_string();
            EnrolmentError::Unreadable { path, reason }
        })
    }

    /// Tells who the gateway is.
    pub fn identify(&self, snapshot: &mut Snapshot) {
        snapshot.registry = Some(self.registry.to_string());
        snapshot.gateway_id = Some(self.gateway_id);
        snapshot.key_id = Some(self.key_id);
    }

    fn save(&self, dir: &Path) -> Result<(), EnrolmentError> {
        let path = dir.join(FILE_NAME);
        serde_json::to_vec_pretty(self)
            .map_err(io::Error::other)
            .and_then(|text| write_whole(&path, &text))
            .map_err(|source| EnrolmentError::Io { path, source })
    }

    /// The key that it enrolled with. Finishes a change of keys that was broken off.
    ///
    /// # Errors
    /// When there is no such key.
    pub fn signer(&self, dir: &Path, config: &Config) -> Result<Arc<dyn Signer>, EnrolmentError> {
        let new = dir.join(NEW_KEY);
        if config.signer.is_file() && new.exists() && FileKey::open(&new)?.key_id() == self.key_id {
            put_in_place(dir)?;
        }
        let signer = signer::open(dir, &config.signer, self.key_id)?;
        if signer.key_id() != self.key_id {
            return Err(EnrolmentError::OtherKey {
                here: signer.key_id(),
                enrolled: self.key_id,
            });
        }
        Ok(signer)
    }
}

fn put_in_place(dir: &Path) -> Result<(), EnrolmentError> {
    let path = dir.join(NEW_KEY);
    std::fs::rename(&path, dir.join(signer::FILE_NAME))
        .and_then(|()| std::fs::File::open(dir)?.sync_all())
        .map_err(|source| EnrolmentError::Io { path, source })
}

/// A key to change to, not in use yet.
fn new_key(
    dir: &Path,
    config: &Config,
    used: Option<KeyId>,
    algorithm: Algorithm,
) -> Result<Arc<dyn Signer>, EnrolmentError> {
    match &config.signer.pkcs11 {
        None => Ok(Arc::new(FileKey::open_or_create(
            &dir.join(NEW_KEY),
            algorithm,
        )?)),
        Some(token) => Ok(signer::next_on_token(dir, token, used, algorithm)?),
    }
}

/// Enrols the gateway in `dir` at the registry that `config` names, with a one-time code, and has `buffer` go on
/// where the registry is.
///
/// # Errors
/// [`EnrolmentError`]; it can be tried again, with the same code as well.
pub async fn enrol(
    dir: &Path,
    config: &Config,
    buffer: &Buffer,
    code: &str,
    name: Option<String>,
    algorithm: Algorithm,
) -> Result<(Enrolment, GatewayEnrolled), EnrolmentError> {
    let registry = Registry::new(dir, config)?;
    // A key is one gateway's for ever.
    let used = Enrolment::load(dir)?.map(|before| before.key_id);
    let signer = new_key(dir, config, used, algorithm)?;
    let proof = Statement::enrolment(signer.public_key(), &EnrolmentProof::new(code));
    let request = EnrolGateway {
        code: code.to_owned(),
        public_key: signer.public_key().clone(),
        proof: signer.sign(proof)?,
        name,
    };
    let enrolled = registry.enrol(&request).await?;
    buffer.adopt(enrolled.devices.clone()).await?;
    let enrolment = Enrolment {
        registry: registry.address().clone(),
        gateway_id: enrolled.gateway_id,
        account_id: enrolled.account_id,
        key_id: signer.key_id(),
        enrolled_at: Utc::now(),
    };
    enrolment.save(dir)?;
    if config.signer.is_file() {
        put_in_place(dir)?;
    }
    Ok((enrolment, enrolled))
}

/// Changes the key of an enrolled gateway. What the old one has signed is taken for a while yet.
///
/// # Errors
/// [`EnrolmentError`]; it can be tried again.
pub async fn change_key(
    dir: &Path,
    config: &Config,
    enrolment: &Enrolment,
    algorithm: Algorithm,
) -> Result<Enrolment, EnrolmentError> {
    let registry = Registry::new(dir, config)?;
    let current = enrolment.signer(dir, config)?;
    let new = new_key(dir, config, Some(enrolment.key_id), algorithm)?;
    let change = KeyChange::new(enrolment.gateway_id, new.public_key().clone());
    let request = ChangeGatewayKey {
        signed_by_current: current.sign(Statement::key_change(current.public_key(), &change))?,
        signed_by_new: new.sign(Statement::key_change(new.public_key(), &change))?,
    };
    registry.change_key(enrolment.gateway_id, &request).await?;
    let changed = Enrolment {
        key_id: new.key_id(),
        ..enrolment.clone()
    };
    changed.save(dir)?;
    if config.signer.is_file() {
        put_in_place(dir)?;
    }
    Ok(changed)
}
