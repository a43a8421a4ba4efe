//! Restoring a backup.

use super::cut::{recorded_at, recorded_by};
use super::manifest::{Manifest, digest};
use super::take::{blocking, copy_file, draft_of, make_folder, remove};
use super::{BackupError, EVENTS, EXCHANGE, PEOPLE, STREAMS};
use crate::config::Config;
use chrono::{DateTime, Utc};
use event_store::copy::{Progress, copy_until};
use event_store::person::{PersonKeys, mentioned};
use event_store::{EventStore, Head, Location};
use ledger::Stream;
use schemas::id::UserId;
use schemas::log::{Position, StreamName};
use std::collections::HashSet;
use std::fs;
use std::path::{Path, PathBuf};

/// How much of a backup is restored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Until {
    /// All of it.
    End,
    /// What was recorded by then.
    Instant(DateTime<Utc>),
    /// The ledger up to this position, and of the other streams what was recorded by then.
    Ledger(Position),
}

/// What was restored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Restored {
    /// Where each stream ends.
    pub streams: Vec<(StreamName, Head)>,
    /// Where the keys of people are.
    pub people_keys: PathBuf,
}

/// Restores the backup in `folder`, whose keys are in the folder `keys`, to where this configuration has its events and keys. If
/// it is broken off it can be called again.
///
/// # Errors
/// [`BackupError`]: the backup is not what its manifest says, or something else is where it should go.
pub async fn restore(
    config: &Config,
    folder: &Path,
    keys: &Path,
    until: Until,
    mut tell: impl FnMut(&StreamName, Progress),
) -> Result<Restored, BackupError> {
    let manifest = Manifest::read(folder)?;
    if manifest.domain != config.domain {
        return Err(BackupError::OtherDomain {
            theirs: manifest.domain,
            ours: config.domain.clone(),
        });
    }
    prove_keys(&manifest, keys)?;
    let place = config.people_keys()?.path;
    if place.exists() {
        return Err(BackupError::InTheWay(place));
    }
    let source = Location::Sqlite(folder.join(EVENTS))
        .open_read_only()
        .await?;
    let ends = ends(source.as_ref(), &manifest, until).await?;
    let location = config.event_store_location()?;
    for file in location.file().into_iter().chain([place.as_path()]) {
        make_folder(file.parent().unwrap_or(Path::new("")))?;
    }
    let target = location.open().await?;
    let mut streams = Vec::with_capacity(ends.len());
    for (stream, end) in ends {
        let told = |step| tell(&stream, step);
        let head = copy_until(source.as_ref(), target.as_ref(), &stream, end, told).await?;
        streams.push((stream, head));
    }
    let people = people(target.as_ref(), &config.domain).await?;
    target.close().await;
    source.close().await;
    put_keys(
        keys.join(PEOPLE),
        place.clone(),
        config.domain.clone(),
        people,
    )
    .await?;
    if manifest.exchange_key.is_some() {
        put_exchange(
            &keys.join(EXCHANGE),
            &config.exchange.key_file(&config.data_dir),
        )?;
    }
    Ok(Restored {
        streams,
        people_keys: place,
    })
}

/// The files of keys are those that the manifest means.
fn prove_keys(manifest: &Manifest, folder: &Path) -> Result<(), BackupError> {
    let exchange = manifest.exchange_key.map(|sha256| (EXCHANGE, sha256));
    for (file, sha256) in [(PEOPLE, manifest.people_keys.sha256)]
        .into_iter()
        .chain(exchange)
    {
        let path = folder.join(file);
        if digest(&path)? != sha256 {
            return Err(BackupError::Changed(path));
        }
    }
    Ok(())
}

/// Puts the key that signs exports in its place, unless there is one already.
fn put_exchange(from: &Path, to: &Path) -> Result<(), BackupError> {
    if to.exists() {
        return Ok(());
    }
    if let Some(folder) = to.parent() {
        make_folder(folder)?;
    }
    copy_file(from, to)
}

/// Where each stream is to end, once it is proved that the backup holds what its manifest says.
async fn ends(
    source: &dyn EventStore,
    manifest: &Manifest,
    until: Until,
) -> Result<Vec<(StreamName, Position)>, BackupError> {
    let ledger = Stream::Ledger.name(&manifest.domain)?;
    let by = match until {
        Until::End => None,
        Until::Instant(at) => Some(at),
        Until::Ledger(asked) => {
            let end = manifest.head(&ledger).position;
            if asked > end || asked <= Position::START {
                let stream = ledger.clone();
                return Err(BackupError::NotReached { stream, end, asked });
            }
            Some(recorded_at(source, &ledger, asked).await?)
        }
    };
    let mut ends = Vec::with_capacity(STREAMS.len());
    for stream in STREAMS {
        let name = stream.name(&manifest.domain)?;
        let head = manifest.head(&name);
        source.check(&name, head).await?;
        let end = match (until, by) {
            (Until::Ledger(asked), _) if stream == Stream::Ledger => asked,
            (_, Some(at)) => recorded_by(source, &name, head.position, at).await?,
            (_, None) => head.position,
        };
        ends.push((name, end));
    }
    Ok(ends)
}

/// Everybody of whom what was restored tells.
async fn people(store: &dyn EventStore, domain: &str) -> Result<HashSet<UserId>, BackupError> {
    let mut people = mentioned(store, &Stream::Identity.name(domain)?).await?;
    people.extend(mentioned(store, &Stream::Audit.name(domain)?).await?);
    Ok(people)
}

/// Puts the keys of `people` in their place, which they take once they are whole.
async fn put_keys(
    from: PathBuf,
    to: PathBuf,
    domain: String,
    people: HashSet<UserId>,
) -> Result<(), BackupError> {
    blocking(move || {
        let draft = draft_of(&to);
        remove(&draft)?;
        // With its permissions; the backup itself is not opened, which would change it.
        fs::copy(&from, &draft).map_err(BackupError::file(&draft))?;
        PersonKeys::open(&draft)?.keep_only(&domain, &people)?;
        fs::rename(&draft, &to).map_err(BackupError::file(&to))
    })
    .await
}
