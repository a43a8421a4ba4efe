//! What a backup says about itself.

use super::BackupError;
use super::cut::Cut;
use super::folder::{draft_of, rename};
use super::keys::Kind;
use crate::config::Config;
use chrono::{DateTime, Utc};
use event_store::Head;
use schemas::log::{Position, RunningHash, StreamName};
use serde::{Deserialize, Serialize};
use sha2::Sha256;
use std::fs::{self, File};
use std::io::Write;
use std::path::Path;
use uuid::Uuid;

const FILE: &str = "manifest.json";
/// Raised when a release writes what earlier ones can not read.
const FORMAT: u32 = 1;

/// Where the streams of a backup end, and which keys belong to it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Manifest {
    format: u32,
    /// Of which registry it is.
    pub domain: String,
    /// When it was taken, by the clock of the machine that took it.
    pub taken_at: DateTime<Utc>,
    /// The release that took it.
    pub release: String,
    /// Where each stream ends: what is behind that in the folder is not part of the backup.
    pub streams: Vec<Ending>,
    /// The keys of people.
    pub people_keys: Keys,
    /// SHA-256 of the file with the key that signs exports, where there was one. Its name is `exchange-key-<SHA-256>`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub exchange_key: Option<Digest>,
}

/// SHA-256 of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Digest(#[serde(with = "hex::serde")] pub [u8; 32]);

/// The end of a stream.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Ending {
    /// Its name.
    pub stream: StreamName,
    /// Position of its last event; 0 if it has none.
    pub position: Position,
    /// Running hash there.
    pub hash: RunningHash,
}

/// A file of keys.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Keys {
    /// Its id, which the events name.
    pub id: Uuid,
    /// SHA-256 of the file as it was written. Its name is `people-<SHA-256>.db`.
    pub sha256: Digest,
}

impl Manifest {
    pub(super) fn new(domain: &str, taken_at: DateTime<Utc>, cut: &Cut, keys: KeyFiles) -> Self {
        let ending = |(stream, head): &(StreamName, Head)| Ending {
            stream: stream.clone(),
            position: head.position,
            hash: head.hash,
        };
        Self {
            format: FORMAT,
            domain: domain.to_owned(),
            taken_at,
            release: env!("CARGO_PKG_VERSION").to_owned(),
            streams: cut.0.iter().map(ending).collect(),
            people_keys: keys.people,
            exchange_key: keys.exchange,
        }
    }

    /// Reads that of the backup in `folder`.
    ///
    /// # Errors
    /// [`BackupError::File`], [`BackupError::Manifest`].
    pub fn read(folder: &Path) -> Result<Self, BackupError> {
        let path = folder.join(FILE);
        let text = fs::read(&path).map_err(BackupError::file(&path))?;
        let unreadable = |reason: String| BackupError::Manifest {
            path: path.clone(),
            reason,
        };
        let manifest: Self =
            serde_json::from_slice(&text).map_err(|error| unreadable(error.to_string()))?;
        manifest.check_format().map_err(unreadable)?;
        Ok(manifest)
    }

    /// Says why this release does not read it, if so.
    pub(super) fn check_format(&self) -> Result<(), String> {
        let Self { format, .. } = self;
        if *format == FORMAT {
            return Ok(());
        }
        Err(format!(
            "it has format {format}, this release reads {FORMAT}"
        ))
    }

    /// Refuses that of another registry.
    pub(super) fn check_domain(&self, config: &Config) -> Result<(), BackupError> {
        if self.domain == config.domain {
            return Ok(());
        }
        Err(BackupError::OtherDomain {
            theirs: self.domain.clone(),
            ours: config.domain.clone(),
        })
    }

    /// Puts it in the place of an earlier one.
    pub(super) fn write(&self, folder: &Path) -> Result<(), BackupError> {
        let path = folder.join(FILE);
        let draft = draft_of(&path);
        let text = serde_json::to_vec_pretty(self).map_err(|error| BackupError::Manifest {
            path: path.clone(),
            reason: error.to_string(),
        })?;
        let written = File::create(&draft).and_then(|mut file| {
            file.write_all(&text)?;
            file.sync_all()
        });
        written.map_err(BackupError::file(&draft))?;
        rename(&draft, &path)
    }

    /// The files of keys that belong to it.
    pub(super) fn keys(&self) -> KeyFiles {
        KeyFiles {
            people: self.people_keys.clone(),
            exchange: self.exchange_key,
        }
    }

    /// Where `stream` ends.
    pub(super) fn head(&self, stream: &StreamName) -> Head {
        let ending = self.streams.iter().find(|ending| ending.stream == *stream);
        ending.map_or(Head::START, |ending| Head {
            position: ending.position,
            hash: ending.hash,
        })
    }
}

/// The files of keys of a backup.
pub(super) struct KeyFiles {
    pub people: Keys,
    pub exchange: Option<Digest>,
}

impl KeyFiles {
    /// What each holds, and its name.
    pub fn files(&self) -> Vec<(Digest, String)> {
        let exchange = self.exchange.map(|sha256| (Kind::Exchange, sha256));
        [(Kind::People, self.people.sha256)]
            .into_iter()
            .chain(exchange)
            .map(|(kind, sha256)| (sha256, kind.file(sha256)))
            .collect()
    }
}

/// SHA-256 of a file of keys, which is small.
pub(super) fn digest(path: &Path) -> Result<Digest, BackupError> {
    let bytes = fs::read(path).map_err(BackupError::file(path))?;
    Ok(Digest(<Sha256 as sha2::Digest>::digest(bytes).into()))
}
