//! Taking a backup into an object store.

use super::super::cut::Cut;
use super::super::folder::{Scratch, blocking, folder_of};
use super::super::keys::{Kind, copy_keys};
use super::super::manifest::{Digest, KeyFiles, Manifest};
use super::super::take::Source;
use super::super::{BackupError, OtherLog};
use super::Buckets;
use super::catalogue::{self, Catalogue, KeyObject, There};
use super::client::Bucket;
use super::segment::{Draft, Segment};
use crate::config::Config;
use bytes::Bytes;
use chrono::Utc;
use event_store::copy::Progress;
use event_store::{EventStore, Head, StoreError};
use object_store::UpdateVersion;
use schemas::log::{Position, StreamName};
use sha2::{Digest as _, Sha256};
use std::collections::HashSet;
use std::fs;
use std::path::Path;
use uuid::Uuid;

/// Events read at once.
const READ_EVENTS: usize = 1_000;
/// Beside the keys of people; a copy of them is in it for a moment.
const SCRATCH: &str = "backup.partial";

/// Takes a backup of the registry of this configuration into an object store, whether or not the registry runs. Of one
/// that was taken there before, pieces with at least `piece_bytes` of events are not sent again; what no longer belongs
/// to the backup is removed.
///
/// Everything that was acknowledged before this is called is in it.
///
/// # Errors
/// [`BackupError`]. An earlier backup stays what it was, but where only what it left could not be removed.
pub async fn send(
    config: &Config,
    buckets: &Buckets,
    piece_bytes: u64,
    mut tell: impl FnMut(&StreamName, Progress),
) -> Result<Manifest, BackupError> {
    let taken_at = Utc::now();
    let (events, keys) = buckets.open(config)?;
    let source = Source::open(config).await?;
    let scratch = Scratch::hold(&folder_of(&source.place.path).join(SCRATCH))?;
    let before = Before::look(buckets, &events, &keys).await?;
    before.refuse_other_log(config, &source, buckets).await?;
    let cut = Cut::now(source.store.as_ref(), &config.domain).await?;
    let run = Uuid::now_v7();
    let mut segments = Vec::new();
    for (stream, end) in &cut.0 {
        let kept = before.kept(stream, *end, piece_bytes);
        let sending = Sending {
            store: source.store.as_ref(),
            bucket: &events,
            run,
            piece_bytes,
        };
        let told = |step| tell(stream, step);
        segments.extend(sending.stream(stream, kept, *end, told).await?);
    }
    source.store.close().await;
    // Behind the events: each of them was written after the key it is sealed with.
    let (files, keys_sent) = send_keys(&source, &scratch, &before, &keys, run).await?;
    let catalogue = Catalogue {
        backup: Manifest::new(&config.domain, taken_at, &cut, files),
        segments,
        keys: keys_sent,
    };
    catalogue.put(&events, before.version()).await?;
    before
        .remove_others(buckets, &catalogue, &events, &keys)
        .await?;
    Ok(catalogue.backup)
}

/// What was there before a backup.
struct Before {
    catalogue: Option<(Catalogue, UpdateVersion)>,
    events: There,
    keys: There,
}

impl Before {
    async fn look(buckets: &Buckets, events: &Bucket, keys: &Bucket) -> Result<Self, BackupError> {
        let catalogue = Catalogue::find(events).await?;
        let in_events = events.list().await?;
        let in_keys = if buckets.are_one() {
            in_events.clone()
        } else {
            keys.list().await?
        };
        Ok(Self {
            catalogue,
            events: in_events,
            keys: in_keys,
        })
    }

    fn catalogue(&self) -> Option<&Catalogue> {
        self.catalogue.as_ref().map(|(catalogue, _)| catalogue)
    }

    fn version(&self) -> Option<UpdateVersion> {
        self.catalogue.as_ref().map(|(_, version)| version.clone())
    }

    /// The backup that is there must be of what the source has: else it would be lost by this one.
    async fn refuse_other_log(
        &self,
        config: &Config,
        source: &Source,
        buckets: &Buckets,
    ) -> Result<(), BackupError> {
        let Some(catalogue) = self.catalogue() else {
            return Ok(());
        };
        catalogue.backup.check_domain(config)?;
        for ending in &catalogue.backup.streams {
            let head = catalogue.backup.head(&ending.stream);
            match source.store.check(&ending.stream, head).await {
                Ok(()) => {}
                Err(StoreError::Diverged { .. } | StoreError::BehindCheckpoint { .. }) => {
                    return Err(BackupError::OtherLog(Box::new(OtherLog {
                        place: buckets.events.to_string(),
                        stream: ending.stream.clone(),
                        end: ending.position,
                    })));
                }
                Err(error) => return Err(error.into()),
            }
        }
        Ok(())
    }

    fn kept(&self, stream: &StreamName, end: Head, piece_bytes: u64) -> Vec<Segment> {
        let catalogue = self.catalogue();
        catalogue.map_or_else(Vec::new, |catalogue| {
            catalogue.kept(stream, end, piece_bytes, &self.events)
        })
    }

    /// The object with a file of keys.
    fn key(&self, file: &str) -> Option<&KeyObject> {
        self.catalogue()?.key(file, &self.keys)
    }

    /// Removes what earlier backups have left, and those that were broken off: who was erased since is in it. Only what
    /// was there before; a later backup may have sent something by now.
    async fn remove_others(
        &self,
        buckets: &Buckets,
        catalogue: &Catalogue,
        events: &Bucket,
        keys: &Bucket,
    ) -> Result<(), BackupError> {
        let (pieces, key_objects) = (catalogue.pieces(), catalogue.key_objects());
        if buckets.are_one() {
            let named: HashSet<&str> = pieces.union(&key_objects).copied().collect();
            return remove_others(events, &self.events, &named).await;
        }
        remove_others(keys, &self.keys, &key_objects).await?;
        remove_others(events, &self.events, &pieces).await
    }
}

async fn remove_others(
    bucket: &Bucket,
    there: &There,
    named: &HashSet<&str>,
) -> Result<(), BackupError> {
    for name in there.keys() {
        if catalogue::is_ours(name) && !named.contains(&**name) {
            bucket.remove(name).await?;
        }
    }
    Ok(())
}

/// A backup that is being sent.
struct Sending<'a> {
    store: &'a dyn EventStore,
    bucket: &'a Bucket,
    run: Uuid,
    piece_bytes: u64,
}

impl Sending<'_> {
    /// Sends what is behind the pieces that are kept, up to `end`. Returns all pieces of the stream.
    async fn stream(
        &self,
        stream: &StreamName,
        kept: Vec<Segment>,
        end: Head,
        mut tell: impl FnMut(Progress),
    ) -> Result<Vec<Segment>, BackupError> {
        let mut segments = kept;
        let mut head = segments.last().map_or(Head::START, Segment::head);
        while head.position < end.position {
            let draft = self.fill(stream, head, end.position).await?;
            head = draft.head;
            segments.push(self.put(stream, draft).await?);
            tell(Progress::Copied(head.position));
        }
        if head == end {
            return Ok(segments);
        }
        Err(BackupError::Store(StoreError::Diverged {
            stream: stream.clone(),
            position: end.position,
            stored: head.hash,
            checkpoint: end.hash,
        }))
    }

    /// A piece behind `head`, full if there is so much until `end`.
    async fn fill(
        &self,
        stream: &StreamName,
        head: Head,
        end: Position,
    ) -> Result<Draft, BackupError> {
        let mut draft = Draft::behind(head)?;
        while draft.head.position < end && draft.event_bytes < self.piece_bytes {
            let after = draft.head.position;
            let left = usize::try_from(end.0 - after.0).unwrap_or_default();
            let read = self.store.read(stream, after, left.min(READ_EVENTS));
            let events = read.await?;
            if events.is_empty() {
                return Err(BackupError::Store(StoreError::BehindCheckpoint {
                    stream: stream.clone(),
                    head: after,
                    checkpoint: end,
                }));
            }
            // What is left of them is read again for the next piece.
            for event in events {
                if draft.event_bytes < self.piece_bytes {
                    draft.add(stream, &event)?;
                }
            }
        }
        Ok(draft)
    }

    async fn put(&self, stream: &StreamName, draft: Draft) -> Result<Segment, BackupError> {
        let (first, head, event_bytes) = (draft.first, draft.head, draft.event_bytes);
        let bytes = Bytes::from(draft.finish()?);
        let segment = Segment {
            stream: stream.clone(),
            first,
            last: head.position,
            hash: head.hash,
            event_bytes,
            object: catalogue::piece(self.run, (stream, first.0, head.position.0)),
            bytes: bytes.len() as u64,
            sha256: Digest(Sha256::digest(&bytes).into()),
        };
        self.bucket.put(&segment.object, bytes).await?;
        Ok(segment)
    }
}

/// Sends the keys as they are now, unless they are there.
async fn send_keys(
    source: &Source,
    scratch: &Scratch,
    before: &Before,
    bucket: &Bucket,
    run: Uuid,
) -> Result<(KeyFiles, Vec<KeyObject>), BackupError> {
    let (place, exchange) = (source.place.clone(), source.exchange.clone());
    let folder = scratch.folder().to_owned();
    let copy = move || {
        let files = copy_keys(&place, &exchange, &folder)?;
        let bytes = files.files().into_iter();
        let bytes = bytes.map(|(_, file)| take_out(&folder.join(&file)).map(|bytes| (file, bytes)));
        let bytes: Vec<_> = bytes.collect::<Result<_, _>>()?;
        Ok((files, bytes))
    };
    let (files, contents) = blocking(copy).await?;
    if files.exchange.is_none() {
        refuse_to_lose_exchange(source, before, bucket)?;
    }
    let mut keys = Vec::with_capacity(contents.len());
    for (file, bytes) in contents {
        if let Some(kept) = before.key(&file) {
            keys.push(kept.clone());
            continue;
        }
        let key = KeyObject {
            object: catalogue::key(run, &file),
            bytes: bytes.len() as u64,
            file,
        };
        bucket.put(&key.object, bytes).await?;
        keys.push(key);
    }
    Ok((files, keys))
}

/// What is in a file of keys, which is small, and no longer there then.
fn take_out(path: &Path) -> Result<Bytes, BackupError> {
    let bytes = fs::read(path).map_err(BackupError::file(path))?;
    super::super::folder::remove(path)?;
    Ok(bytes.into())
}

fn refuse_to_lose_exchange(
    source: &Source,
    before: &Before,
    bucket: &Bucket,
) -> Result<(), BackupError> {
    let sha256 = before
        .catalogue()
        .and_then(|catalogue| catalogue.backup.exchange_key);
    let kept = sha256.and_then(|sha256| before.key(&Kind::Exchange.file(sha256)));
    match kept {
        None => Ok(()),
        Some(kept) => Err(BackupError::ExchangeGone {
            path: source.exchange.clone(),
            kept: bucket.url(&kept.object).into(),
        }),
    }
}
