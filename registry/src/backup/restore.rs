//! Restoring a backup.

use super::folder::{
    blocking, copy_draft, draft_of, folder_of, is_there, make_folder, rename, sync,
};
use super::keys::{Kind, prove_keys};
use super::manifest::{Digest, Manifest, digest};
use super::timeline::{Timeline, Timelines, recorded_by};
use super::{BackupError, EVENTS};
use crate::config::Config;
use chrono::{DateTime, Utc};
use event_store::copy::{Progress, copy_until};
use event_store::person::{PersonKeys, mentioned};
use event_store::{EventStore, Head, Location};
use ledger::Stream;
use schemas::id::UserId;
use schemas::log::{Position, StreamName};
use std::collections::HashSet;
use std::path::{Path, PathBuf};

/// How much of a backup is restored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Until {
    /// All of it.
    End,
    /// What was recorded by then, or as soon behind it as the streams belong together.
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
    manifest.check_domain(config)?;
    prove_keys(&manifest.keys(), keys)?;
    let places = Places::of(config, &manifest, keys)?;
    let source = Location::Sqlite(folder.join(EVENTS))
        .open_read_only()
        .await?;
    let ends = ends(source.as_ref(), &manifest, until).await?;
    let location = config.event_store_location()?;
    if let Some(file) = location.file() {
        make_folder(folder_of(file))?;
    }
    let target = location.open().await?;
    let mut streams = Vec::with_capacity(ends.len());
    for (stream, end) in ends {
        let told = |step| tell(&stream, step);
        let (from, to, proved) = (source.as_ref(), target.as_ref(), Head::START);
        let head = copy_until(from, to, &stream, end, proved, told).await?;
        streams.push((stream, head));
    }
    let people = people(target.as_ref(), &config.domain).await?;
    target.close().await;
    source.close().await;
    let people_keys = places.people.clone();
    let domain = config.domain.clone();
    blocking(move || places.put(&domain, &people)).await?;
    Ok(Restored {
        streams,
        people_keys,
    })
}

/// Refuses a backup of another registry, and what would be in the way of its keys, which are or will be in the folder
/// `keys`.
pub(super) fn refuse_in_the_way(
    config: &Config,
    manifest: &Manifest,
    keys: &Path,
) -> Result<(), BackupError> {
    manifest.check_domain(config)?;
    Places::of(config, manifest, keys).map(|_| ())
}

/// Where files of keys come from, and where they go.
struct Places {
    people_from: PathBuf,
    people: PathBuf,
    exchange: Option<(PathBuf, PathBuf)>,
}

impl Places {
    /// Refuses what would be in the way. The key that signs exports may be there if it is that of the backup.
    fn of(config: &Config, manifest: &Manifest, keys: &Path) -> Result<Self, BackupError> {
        let people = config.people_keys()?.path;
        if is_there(&people)? {
            return Err(BackupError::InTheWay(people));
        }
        let to = config.exchange.key_file(&config.data_dir);
        let exchange = match manifest.exchange_key {
            Some(sha256) if !is_restored(&to, sha256)? => {
                Some((keys.join(Kind::Exchange.file(sha256)), to))
            }
            _ => None,
        };
        Ok(Self {
            people_from: keys.join(Kind::People.file(manifest.people_keys.sha256)),
            people,
            exchange,
        })
    }

    /// Puts the keys in their places. Those of people go last: where they are, everything is restored.
    fn put(&self, domain: &str, people: &HashSet<UserId>) -> Result<(), BackupError> {
        if let Some((from, to)) = &self.exchange {
            put(from, to, |_| Ok(()))?;
        }
        put(&self.people_from, &self.people, |draft| {
            // The backup itself is not opened, which would change it.
            Ok(PersonKeys::open(draft)?.keep_only(domain, people)?)
        })
    }
}

/// Whether the key that signs exports is in its place already.
fn is_restored(path: &Path, sha256: Digest) -> Result<bool, BackupError> {
    if !is_there(path)? {
        return Ok(false);
    }
    if digest(path)? != sha256 {
        return Err(BackupError::InTheWay(path.to_owned()));
    }
    Ok(true)
}

/// Puts a file in its place with its permissions, once it is whole and `change` is made to it.
fn put(
    from: &Path,
    to: &Path,
    change: impl FnOnce(&Path) -> Result<(), BackupError>,
) -> Result<(), BackupError> {
    make_folder(folder_of(to))?;
    let draft = draft_of(to);
    copy_draft(from, &draft)?;
    change(&draft)?;
    sync(&draft)?;
    rename(&draft, to)
}

/// Where each stream is to end, once it is proved that the backup holds what its manifest says.
async fn ends(
    source: &dyn EventStore,
    manifest: &Manifest,
    until: Until,
) -> Result<Vec<(StreamName, Position)>, BackupError> {
    let mut heads = Vec::with_capacity(Stream::ALL.len());
    for stream in Stream::ALL {
        let name = stream.name(&manifest.domain)?;
        let head = manifest.head(&name);
        source.check(&name, head).await?;
        heads.push((name, head.position));
    }
    let read = async |around| timelines(source, manifest, around).await;
    let ends = match until {
        Until::End => return Ok(heads),
        Until::Instant(at) => read(at).await?.as_of(at)?,
        Until::Ledger(asked) => {
            let stream = Stream::Ledger.name(&manifest.domain)?;
            let end = manifest.head(&stream).position;
            if asked > end || asked <= Position::START {
                return Err(BackupError::NotReached { stream, end, asked });
            }
            let at = recorded_by(source, &stream, asked).await?;
            read(at).await?.at_place(asked)?
        }
    };
    let named = ends.map(|(stream, end)| Ok((stream.name(&manifest.domain)?, end)));
    named.into_iter().collect()
}

async fn timelines(
    source: &dyn EventStore,
    manifest: &Manifest,
    around: DateTime<Utc>,
) -> Result<Timelines, BackupError> {
    let read = async |stream: Stream| {
        let name = stream.name(&manifest.domain)?;
        let end = manifest.head(&name).position;
        Timeline::read(source, &name, end, around).await
    };
    Ok(Timelines {
        ledger: read(Stream::Ledger).await?,
        people: read(Stream::Identity).await?,
        tried: read(Stream::Audit).await?,
    })
}

/// Everybody of whom what was restored tells.
async fn people(store: &dyn EventStore, domain: &str) -> Result<HashSet<UserId>, BackupError> {
    let mut people = mentioned(store, &Stream::Identity.name(domain)?).await?;
    people.extend(mentioned(store, &Stream::Audit.name(domain)?).await?);
    Ok(people)
}
