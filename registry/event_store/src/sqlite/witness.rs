//! The file beside the database that knows how far each stream has come.
//!
//! SQLite ends its write-ahead log at the first frame whose checksum is wrong, because that is what a
//! torn write looks like after a crash. A damaged byte in the middle looks the same, and the commits
//! behind it vanish without an error. So each head is also written here after its commit and before
//! it is acknowledged: a database that stands before it has lost acknowledged events.
//!
//! ```text
//! 0     "GCR event heads 1\n"
//! 4096  first stream, slot A   "<stream> <position> <running hash> <SHA-256 of all before>\n"
//! 8192  first stream, slot B   likewise
//! 12288 second stream, slot A  ...
//! ```
//! The older slot of the two is overwritten, so one of them is always whole; each has a sector of its
//! own, because a torn write can destroy the sector it hits. Positions only move forward, under a
//! lock, so several processes can write.

use crate::{Head, StoreError};
use schemas::log::{Position, RunningHash, StreamName};
use sha2::{Digest, Sha256};
use std::collections::HashMap;
use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

const MAGIC: &[u8] = b"GCR event heads 1\n";

/// Largest sector of disks in use.
const SECTOR: u64 = 4096;

/// Both slots of a stream.
const RECORD: u64 = 2 * SECTOR;

/// Longest line: 100 bytes of name, 19 digits of position, two hashes of 64, four separators.
const LINE: usize = 256;

/// The open file.
pub(super) struct Witness {
    file: File,
    /// Where each stream's record is. Records never move.
    offsets: HashMap<StreamName, u64>,
}

/// Path of the witness of a database.
pub(super) fn path_of(database: &Path) -> PathBuf {
    let mut path = database.as_os_str().to_owned();
    path.push("-head");
    path.into()
}

impl Witness {
    /// Opens the file, if it was ever completed.
    ///
    /// # Errors
    /// [`StoreError::WitnessUnusable`] if it is not a witness.
    pub(super) fn open(path: &Path, read_only: bool) -> Result<Option<Self>, StoreError> {
        let unavailable = |error| StoreError::Unavailable(Arc::new(error));
        let file = match OpenOptions::new().read(true).write(!read_only).open(path) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(unavailable(error)),
        };
        // A process that is creating it holds the lock until the header is there.
        file.lock_shared().map_err(unavailable)?;
        let length = file.metadata().map_err(unavailable)?.len();
        let header = read_up_to(&file, 0, MAGIC.len()).map_err(unavailable)?;
        file.unlock().map_err(unavailable)?;
        if length == 0 {
            return Ok(None);
        }
        if header != MAGIC {
            let what = "not a file of recorded heads".into();
            return Err(StoreError::WitnessUnusable {
                path: path.into(),
                what,
            });
        }
        Ok(Some(Self::on(file)))
    }

    /// Opens the file, and makes it first if it is not there.
    pub(super) fn open_or_create(path: &Path) -> io::Result<Self> {
        let file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .open(path)?;
        file.lock()?;
        if file.metadata()?.len() == 0 {
            file.write_all_at(MAGIC, 0)?;
            file.sync_all()?;
            sync_folder(path)?;
        }
        file.unlock()?;
        Ok(Self::on(file))
    }

    /// Puts a new file with these heads in the place of the present one.
    pub(super) fn replace(path: &Path, heads: &[(StreamName, Head)]) -> io::Result<()> {
        let mut draft = path.as_os_str().to_owned();
        draft.push(".new");
        let draft = PathBuf::from(draft);
        match std::fs::remove_file(&draft) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        Self::open_or_create(&draft)?.record(heads)?;
        std::fs::rename(&draft, path)?;
        sync_folder(path)
    }

    fn on(file: File) -> Self {
        Self {
            file,
            offsets: HashMap::new(),
        }
    }

    /// The newest head recorded for each stream.
    pub(super) fn heads(&self) -> io::Result<Vec<(StreamName, Head)>> {
        self.file.lock_shared()?;
        let heads = self.records().and_then(|records| {
            records
                .map(|offset| Ok(self.newest(offset)?.map(|(_, entry)| entry)))
                .collect()
        });
        self.file.unlock()?;
        heads.map(|heads: Vec<_>| heads.into_iter().flatten().collect())
    }

    /// Notes the heads durably. A stream that is further already stays where it is.
    pub(super) fn record(&mut self, heads: &[(StreamName, Head)]) -> io::Result<()> {
        self.file.lock()?;
        let result = self.record_locked(heads);
        self.file.unlock()?;
        result
    }

    fn record_locked(&mut self, heads: &[(StreamName, Head)]) -> io::Result<()> {
        let mut written = false;
        for (stream, head) in heads {
            let offset = self.offset(stream)?;
            let slot = match self.newest(offset)? {
                Some((_, (_, recorded))) if recorded.position >= head.position => continue,
                Some((slot, _)) if slot == offset => offset + SECTOR,
                Some(_) | None => offset,
            };
            self.file
                .write_all_at(encode(stream, *head).as_bytes(), slot)?;
            written = true;
        }
        // Others skip heads that are recorded, so they must not see one before it is on the disk.
        if written {
            self.file.sync_data()
        } else {
            Ok(())
        }
    }

    /// Where the record of the stream is, at the end if it has none yet.
    fn offset(&mut self, stream: &StreamName) -> io::Result<u64> {
        if let Some(offset) = self.offsets.get(stream) {
            return Ok(*offset);
        }
        let mut end = SECTOR;
        for offset in self.records()? {
            end = offset + RECORD;
            if let Some((_, (name, _))) = self.newest(offset)? {
                self.offsets.insert(name, offset);
            }
        }
        Ok(*self.offsets.entry(stream.clone()).or_insert(end))
    }

    /// Offsets of all records, a partial one at the end included.
    fn records(&self) -> io::Result<impl Iterator<Item = u64> + use<>> {
        let records = self
            .file
            .metadata()?
            .len()
            .saturating_sub(SECTOR)
            .div_ceil(RECORD);
        Ok((0..records).map(|index| SECTOR + index * RECORD))
    }

    /// Offset and content of the slot that is further, of those that are whole.
    fn newest(&self, record: u64) -> io::Result<Option<(u64, (StreamName, Head))>> {
        let mut slots = Vec::with_capacity(2);
        for slot in [record, record + SECTOR] {
            if let Some(entry) = decode(&read_up_to(&self.file, slot, LINE)?) {
                slots.push((slot, entry));
            }
        }
        Ok(slots.into_iter().max_by_key(|(_, (_, head))| head.position))
    }
}

/// Makes the name of a file durable.
fn sync_folder(path: &Path) -> io::Result<()> {
    let folder = path
        .parent()
        .filter(|folder| !folder.as_os_str().is_empty());
    File::open(folder.unwrap_or(Path::new(".")))?.sync_all()
}

fn encode(stream: &StreamName, head: Head) -> String {
    let content = format!("{stream} {} {}", head.position, head.hash);
    let check = hex::encode(Sha256::digest(&content));
    format!("{content} {check}\n")
}

/// The entry in a slot, unless the slot is empty, torn or damaged.
fn decode(slot: &[u8]) -> Option<(StreamName, Head)> {
    let end = slot.iter().position(|byte| *byte == b'\n')?;
    let line = std::str::from_utf8(slot.get(..=end)?).ok()?;
    let mut words = line.split(' ');
    let stream = StreamName::try_from(words.next()?.to_owned()).ok()?;
    let position = Position(words.next()?.parse().ok()?);
    let mut hash = [0; 32];
    hex::decode_to_slice(words.next()?, &mut hash).ok()?;
    let head = Head {
        position,
        hash: RunningHash(hash),
    };
    (encode(&stream, head) == line).then_some((stream, head))
}

/// The bytes from `offset`, fewer than `length` at the end of the file.
fn read_up_to(file: &File, offset: u64, length: usize) -> io::Result<Vec<u8>> {
    let mut bytes = vec![0; length];
    let mut filled = 0;
    while filled < length {
        match file.read_at(&mut bytes[filled..], offset + filled as u64) {
            Ok(0) => break,
            Ok(count) => filled += count,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    bytes.truncate(filled);
    Ok(bytes)
}

#[cfg(test)]
#[path = "witness_tests.rs"]
mod tests;
