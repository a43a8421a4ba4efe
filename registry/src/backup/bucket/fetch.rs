//! Restoring a backup from an object store.

use super::super::folder::Scratch;
use super::super::manifest::{Digest, Manifest};
use super::super::restore::{Restored, Until, refuse_in_the_way, restore};
use super::super::{BackupError, EVENTS};
use super::Buckets;
use super::catalogue::{Catalogue, KeyObject};
use super::client::Bucket;
use super::segment::{self, Segment};
use crate::config::Config;
use bytes::Bytes;
use event_store::copy::{CopyError, Progress};
use event_store::{EventStore, Head, NewEvent, SqliteStore};
use schemas::log::StreamName;
use sha2::{Digest as _, Sha256};
use std::collections::HashMap;
use std::fs::OpenOptions;
use std::io::Write;
use std::path::Path;

/// In the data directory, on whose disk there is to be room for the events once more.
const SCRATCH: &str = "restore.partial";

/// Restores the backup in an object store to where this configuration has its events and keys. If it is broken off it can
/// be called again.
///
/// It is fetched into a folder of the data directory first, and held there to what its manifest says, piece by piece.
///
/// # Errors
/// [`BackupError`]: there is none, it is not what its manifest says, or something else is where it should go.
pub async fn restore_from_bucket(
    config: &Config,
    buckets: &Buckets,
    until: Until,
    mut tell: impl FnMut(&StreamName, Progress),
) -> Result<Restored, BackupError> {
    let (events, keys) = buckets.open(config)?;
    let found = Catalogue::find(&events).await?;
    let Some((catalogue, _)) = found else {
        return Err(BackupError::NoBackup(buckets.events.to_string()));
    };
    let scratch = Scratch::hold(&config.data_dir.join(SCRATCH))?;
    let folder = scratch.folder();
    refuse_in_the_way(config, &catalogue.backup, folder)?;
    fetch_keys(&catalogue, &keys, folder).await?;
    let store = SqliteStore::open(&folder.join(EVENTS))?;
    let fetched = fetch_events(&catalogue, &events, &store, &mut tell).await;
    store.close().await;
    fetched?;
    catalogue.backup.write(folder)?;
    restore(config, folder, folder, until, tell).await
}

async fn fetch_keys(
    catalogue: &Catalogue,
    bucket: &Bucket,
    folder: &Path,
) -> Result<(), BackupError> {
    let objects: HashMap<&str, &KeyObject> =
        catalogue.keys.iter().map(|key| (&*key.file, key)).collect();
    for (sha256, file) in catalogue.backup.keys().files() {
        let Some(key) = objects.get(&*file) else {
            return Err(BackupError::ObjectGone(bucket.url(&file)));
        };
        let bytes = proved(bucket, &key.object, key.bytes, sha256).await?;
        write_private(&folder.join(file), &bytes)?;
    }
    Ok(())
}

/// What is in an object, if it is what was put there.
async fn proved(
    bucket: &Bucket,
    object: &str,
    length: u64,
    sha256: Digest,
) -> Result<Bytes, BackupError> {
    let bytes = bucket.get(object, length).await?;
    if bytes.len() as u64 != length || Digest(Sha256::digest(&bytes).into()) != sha256 {
        return Err(BackupError::Changed(bucket.url(object).into()));
    }
    Ok(bytes)
}

/// Writes a file that nobody but its owner reads.
fn write_private(path: &Path, bytes: &[u8]) -> Result<(), BackupError> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt;
        options.mode(0o600);
    }
    let written = options.open(path).and_then(|mut file| {
        file.write_all(bytes)?;
        file.sync_all()
    });
    written.map_err(BackupError::file(path))
}

async fn fetch_events(
    catalogue: &Catalogue,
    bucket: &Bucket,
    store: &SqliteStore,
    tell: &mut impl FnMut(&StreamName, Progress),
) -> Result<(), BackupError> {
    let Manifest { streams, .. } = &catalogue.backup;
    for ending in streams {
        let mut head = Head::START;
        for segment in catalogue.of(&ending.stream) {
            let bytes = proved(bucket, &segment.object, segment.bytes, segment.sha256).await?;
            head = append(store, segment, head, &bytes)
                .await?
                .ok_or_else(|| BackupError::Changed(bucket.url(&segment.object).into()))?;
            tell(&ending.stream, Progress::Copied(head.position));
        }
    }
    Ok(())
}

/// Appends a piece, or tells that it is not what belongs there.
async fn append(
    store: &SqliteStore,
    segment: &Segment,
    behind: Head,
    bytes: &[u8],
) -> Result<Option<Head>, BackupError> {
    let Ok(events) = segment::events(bytes) else {
        return Ok(None);
    };
    let (mut head, mut waiting) = (behind, Waiting::default());
    for event in events {
        let Ok(event) = event else { return Ok(None) };
        if !waiting.has_room(store, &event) {
            head = waiting.append(store, &segment.stream, head).await?;
        }
        waiting.add(event);
    }
    head = waiting.append(store, &segment.stream, head).await?;
    Ok((head == segment.head()).then_some(head))
}

/// Events of the next append.
#[derive(Default)]
struct Waiting {
    events: Vec<NewEvent>,
    bytes: usize,
}

impl Waiting {
    fn has_room(&self, store: &SqliteStore, event: &NewEvent) -> bool {
        let limits = store.limits();
        self.events.len() < limits.append_events && self.bytes + event.size() <= limits.append_bytes
    }

    fn add(&mut self, event: NewEvent) {
        self.bytes += event.size();
        self.events.push(event);
    }

    async fn append(
        &mut self,
        store: &SqliteStore,
        stream: &StreamName,
        head: Head,
    ) -> Result<Head, BackupError> {
        let Self { events, .. } = std::mem::take(self);
        if events.is_empty() {
            return Ok(head);
        }
        let appended = store.append(stream, head.position, events).await;
        appended.map_err(|source| {
            BackupError::from(CopyError::Append {
                stream: stream.clone(),
                after: head.position,
                source,
            })
        })
    }
}
