//! Files of keys in a backup. Their names say what is in them, so those of one backup never take the place of those
//! of the one before, which can be restored until there is a manifest of the next one.

use super::BackupError;
use super::folder::{copy_draft, draft_of, folder_of, is_there, remove, rename, sync};
use super::manifest::{Digest, KeyFiles, Keys, digest};
use event_store::KeyPlace;
use event_store::person::PersonKeys;
use std::fs;
use std::path::{Path, PathBuf};

/// What a file of keys holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// The keys of people.
    People,
    /// The key that signs exports.
    Exchange,
}

impl Kind {
    const ALL: [Self; 2] = [Self::People, Self::Exchange];

    const fn around_digest(self) -> (&'static str, &'static str) {
        match self {
            Self::People => ("people-", ".db"),
            Self::Exchange => ("exchange-key-", ""),
        }
    }

    /// The name of the file with these bytes.
    pub fn file(self, sha256: Digest) -> String {
        let (before, after) = self.around_digest();
        format!("{before}{}{after}", hex::encode(sha256.0))
    }

    fn draft(self, folder: &Path) -> PathBuf {
        let (before, _) = self.around_digest();
        draft_of(&folder.join(before.trim_end_matches('-')))
    }

    /// Of which kind a file with this name is.
    pub fn of(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.is_name(name))
    }

    fn is_name(self, name: &str) -> bool {
        let (before, after) = self.around_digest();
        let digest = name
            .strip_prefix(before)
            .and_then(|rest| rest.strip_suffix(after));
        digest.is_some_and(|hex| hex.len() == 64 && hex.bytes().all(|b| b.is_ascii_hexdigit()))
    }
}

/// Copies the keys as they are now into the folder, beside earlier ones.
pub(super) fn copy_keys(
    place: &KeyPlace,
    exchange: &Path,
    folder: &Path,
) -> Result<KeyFiles, BackupError> {
    let exchange = copy_exchange(exchange, folder)?;
    let people = copy_people(place, folder)?;
    Ok(KeyFiles { people, exchange })
}

fn copy_people(place: &KeyPlace, folder: &Path) -> Result<Keys, BackupError> {
    let draft = Kind::People.draft(folder);
    remove(&draft)?;
    let keys = PersonKeys::open(&place.path)?;
    keys.copy_to(&draft)?;
    Ok(Keys {
        id: keys.id(),
        sha256: name(&draft, Kind::People)?,
    })
}

/// None where there never was one: it is made when a registry starts first.
fn copy_exchange(from: &Path, folder: &Path) -> Result<Option<Digest>, BackupError> {
    if !is_there(from)? {
        return match files(folder, Kind::Exchange)?.pop() {
            None => Ok(None),
            Some(kept) => Err(BackupError::ExchangeGone {
                path: from.to_owned(),
                kept,
            }),
        };
    }
    let draft = Kind::Exchange.draft(folder);
    copy_draft(from, &draft)?;
    name(&draft, Kind::Exchange).map(Some)
}

/// Gives a draft the name that says what is in it.
fn name(draft: &Path, kind: Kind) -> Result<Digest, BackupError> {
    let sha256 = digest(draft)?;
    rename(draft, &folder_of(draft).join(kind.file(sha256)))?;
    Ok(sha256)
}

/// Removes the keys of earlier backups, and of those that were broken off: who was erased since is in them.
pub(super) fn remove_others(folder: &Path, keys: &KeyFiles) -> Result<(), BackupError> {
    let kept = keys.files();
    for kind in Kind::ALL {
        for path in files(folder, kind)? {
            let is_kept = |(_, name): &(Digest, String)| path.ends_with(name);
            if !kept.iter().any(is_kept) {
                remove(&path)?;
            }
        }
    }
    sync(folder)
}

/// The files of a kind in a folder.
fn files(folder: &Path, kind: Kind) -> Result<Vec<PathBuf>, BackupError> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).map_err(BackupError::file(folder))? {
        let entry = entry.map_err(BackupError::file(folder))?;
        if entry
            .file_name()
            .to_str()
            .is_some_and(|name| kind.is_name(name))
        {
            found.push(entry.path());
        }
    }
    Ok(found)
}

/// The files of keys are those that the manifest means.
pub(super) fn prove_keys(keys: &KeyFiles, folder: &Path) -> Result<(), BackupError> {
    for (sha256, name) in keys.files() {
        let path = folder.join(name);
        if digest(&path)? != sha256 {
            return Err(BackupError::Changed(path));
        }
    }
    Ok(())
}
