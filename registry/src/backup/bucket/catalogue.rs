//! What an object store has of a backup.

use super::super::BackupError;
use super::super::keys::Kind;
use super::super::manifest::Manifest;
use super::client::Bucket;
use super::segment::Segment;
use event_store::Head;
use object_store::UpdateVersion;
use schemas::log::StreamName;
use serde::{Deserialize, Serialize};
use std::collections::{HashMap, HashSet};
use uuid::Uuid;

const FILE: &str = "manifest.json";
/// Some hundred thousand pieces.
const MOST_BYTES: u64 = 64 << 20;
/// How the name of a piece ends.
const PIECE: &str = ".jsonl.zst";

/// The manifest of a backup, and the objects that belong to it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Catalogue {
    pub backup: Manifest,
    /// The pieces of each stream, in order.
    pub segments: Vec<Segment>,
    pub keys: Vec<KeyObject>,
}

/// A file of keys.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct KeyObject {
    /// Name of the file in a folder, which says what is in it.
    pub file: String,
    /// Name of the object.
    pub object: String,
    /// Its bytes.
    pub bytes: u64,
}

/// Objects below a place, by name, and their bytes.
pub(super) type There = HashMap<String, u64>;

impl Catalogue {
    /// That of the backup which is there, and which version of it.
    pub async fn find(bucket: &Bucket) -> Result<Option<(Self, UpdateVersion)>, BackupError> {
        let Some(seen) = bucket.find(FILE, MOST_BYTES).await? else {
            return Ok(None);
        };
        let unreadable = |reason| BackupError::Manifest {
            path: bucket.url(FILE).into(),
            reason,
        };
        let found: Self =
            serde_json::from_slice(&seen.bytes).map_err(|error| unreadable(error.to_string()))?;
        found.backup.check_format().map_err(unreadable)?;
        Ok(Some((found, seen.version)))
    }

    /// Puts it in the place of the one that was seen, or where none was.
    ///
    /// # Errors
    /// [`BackupError::Overtaken`].
    pub async fn put(
        &self,
        bucket: &Bucket,
        seen: Option<UpdateVersion>,
    ) -> Result<(), BackupError> {
        let text = serde_json::to_vec_pretty(self).map_err(|error| BackupError::Manifest {
            path: bucket.url(FILE).into(),
            reason: error.to_string(),
        })?;
        bucket.replace(FILE, text.into(), seen).await
    }

    /// The pieces of a stream.
    pub fn of<'a>(&'a self, stream: &'a StreamName) -> impl Iterator<Item = &'a Segment> {
        let is_of = move |segment: &&Segment| segment.stream == *stream;
        self.segments.iter().filter(is_of)
    }

    /// The pieces of a stream that the next backup takes over: all if the stream ends where they do, else those that are
    /// full; and none behind one that is not there any more.
    pub fn kept(
        &self,
        stream: &StreamName,
        end: Head,
        piece_bytes: u64,
        there: &There,
    ) -> Vec<Segment> {
        let is_there = |segment: &&Segment| there.get(&segment.object) == Some(&segment.bytes);
        let whole: Vec<Segment> = self.of(stream).take_while(is_there).cloned().collect();
        if whole.last().map(Segment::head) == Some(end) {
            return whole;
        }
        let is_full = |segment: &Segment| segment.event_bytes >= piece_bytes;
        whole.into_iter().take_while(is_full).collect()
    }

    /// The object with a file of keys, if it is still there.
    pub fn key(&self, file: &str, there: &There) -> Option<&KeyObject> {
        let is_it = |key: &&KeyObject| key.file == file;
        let is_there = |key: &&KeyObject| there.get(&key.object) == Some(&key.bytes);
        self.keys.iter().find(is_it).filter(is_there)
    }

    /// Names of the pieces.
    pub fn pieces(&self) -> HashSet<&str> {
        let names = self.segments.iter().map(|segment| &*segment.object);
        names.collect()
    }

    /// Names of the keys.
    pub fn key_objects(&self) -> HashSet<&str> {
        self.keys.iter().map(|key| &*key.object).collect()
    }
}

/// Name of a piece.
pub(super) fn piece(run: Uuid, segment: (&StreamName, i64, i64)) -> String {
    let (stream, first, last) = segment;
    format!("{run}/{stream}-{first}-{last}{PIECE}")
}

/// Name of a file of keys.
pub(super) fn key(run: Uuid, file: &str) -> String {
    format!("{run}/{file}")
}

/// Whether a backup gave an object its name. Others' are left alone.
pub(super) fn is_ours(name: &str) -> bool {
    name.split_once('/').is_some_and(|(run, file)| {
        let is_file = !file.contains('/') && (file.ends_with(PIECE) || Kind::of(file).is_some());
        is_file && Uuid::try_parse(run).is_ok()
    })
}
