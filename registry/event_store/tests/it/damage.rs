//! Files that are cut, missing, or have one byte changed: the store opens with every acknowledged
//! event as it was, or it does not open and says why.

use crate::conformance::{event, events, read_all};
use event_store::{EventStore, Head, RecordedEvent, SqliteStore, StoreError};
use proptest::prelude::*;
use schemas::log::StreamName;
use std::collections::BTreeMap;
use std::path::Path;
use tempfile::TempDir;

const DATABASE: &str = "events.db";
const LOG: &str = "events.db-wal";
const WITNESS: &str = "events.db-head";

/// A store at rest: its files by name, and what was acknowledged.
#[derive(Clone)]
struct Image {
    files: BTreeMap<String, Vec<u8>>,
    streams: Vec<(StreamName, Vec<RecordedEvent>)>,
}

impl Image {
    /// Three streams; the second half of their events is still in the log if `in_log`.
    async fn take(in_database: bool, in_log: bool) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(DATABASE);
        let streams = ["ledger-gb", "identity-gb", "market-gb"]
            .map(|name| StreamName::try_from(name.to_owned()).unwrap());
        let mut heads = [Head::START; 3];
        let mut store = SqliteStore::open(&path).unwrap();
        for part in [in_database, in_log] {
            for round in 0..if part { 8 } else { 0 } {
                for (stream, head) in streams.iter().zip(&mut heads) {
                    let mut batch = events(round % 4 + 1);
                    // Some events fill pages of their own.
                    batch.push(event(round * 1500));
                    *head = store.append(stream, head.position, batch).await.unwrap();
                }
            }
            if !in_log || heads[0].position.0 < 40 && in_database && part {
                store.close().await;
                store = SqliteStore::open(&path).unwrap();
            }
        }
        let mut content = Vec::new();
        for stream in streams {
            content.push((stream.clone(), read_all(&store, &stream).await));
        }
        if !in_log {
            store.close().await;
        }
        // Copied while the store is open: as a kill would leave them.
        let mut files = BTreeMap::new();
        for entry in std::fs::read_dir(folder.path()).unwrap() {
            let entry = entry.unwrap();
            let name = entry.file_name().into_string().unwrap();
            files.insert(name, std::fs::read(entry.path()).unwrap());
        }
        assert_eq!(files.get(LOG).is_some_and(|log| log.len() > 30_000), in_log);
        assert!(files[DATABASE].len() > if in_database { 30_000 } else { 0 });
        Self {
            files,
            streams: content,
        }
    }

    fn write(&self) -> TempDir {
        let folder = tempfile::tempdir().unwrap();
        for (name, bytes) in &self.files {
            std::fs::write(folder.path().join(name), bytes).unwrap();
        }
        folder
    }

    /// Opens a copy. If it opens, everything is there, and goes on being there after more appends; if
    /// not, nothing in the files has changed. Returns why not.
    async fn intact_or_refused(&self) -> Result<(), StoreError> {
        let folder = self.write();
        let path = folder.path().join(DATABASE);
        let store = match SqliteStore::open(&path) {
            Ok(store) => store,
            Err(error) => {
                self.unchanged(folder.path());
                return Err(error);
            }
        };
        let mut heads = Vec::new();
        for (stream, content) in &self.streams {
            assert!(
                read_all(&store, stream).await == *content,
                "{stream} has changed"
            );
            let head = store.head(stream).await.unwrap();
            heads.push(
                store
                    .append(stream, head.position, events(3))
                    .await
                    .unwrap(),
            );
        }
        store.close().await;
        let store = SqliteStore::open(&path).unwrap();
        for ((stream, content), head) in self.streams.iter().zip(heads) {
            let mut all = read_all(&store, stream).await;
            assert_eq!(store.head(stream).await.unwrap(), head);
            all.truncate(content.len());
            assert!(all == *content, "{stream} has changed after an append");
        }
        Ok(())
    }

    fn unchanged(&self, folder: &Path) {
        for name in [DATABASE, LOG, WITNESS] {
            let now = std::fs::read(folder.join(name)).ok();
            let before = self.files.get(name).cloned();
            assert!(
                now.unwrap_or_default() == before.unwrap_or_default(),
                "{name} was changed"
            );
        }
    }

    /// Changes one byte.
    fn flip(&self, name: &str, offset: usize, bits: u8) -> Self {
        let mut image = self.clone();
        image.files.get_mut(name).unwrap()[offset] ^= bits;
        image
    }
}

/// Offsets that are looked at one by one, and others that are picked evenly.
fn offsets(image: &Image, name: &str) -> Vec<usize> {
    let length = image.files[name].len();
    let mut all: Vec<usize> = match name {
        // The header, the header of the schema's tree, and every region of every page.
        DATABASE => (0..112).chain((112..length).step_by(499)).collect(),
        // The header, the header of the first frame, and three to four bytes of every frame.
        LOG => (0..56)
            .step_by(2)
            .chain((56..length).step_by(1201))
            .collect(),
        // The header, both slots of the first stream, and the rest.
        WITNESS => (0..20)
            .step_by(4)
            .chain((4096..4340).step_by(11))
            .chain((8192..8436).step_by(11))
            .chain((20..length).step_by(997))
            .collect(),
        // The index of the log, which is made anew when nobody has the store open.
        _ => (0..140)
            .step_by(9)
            .chain((140..length).step_by(4099))
            .collect(),
    };
    all.retain(|offset| *offset < length);
    all
}

/// Changes one byte in each region of each file. Returns how many were refused, by file.
async fn flip_everywhere(image: &Image) -> BTreeMap<String, usize> {
    let mut refused = BTreeMap::new();
    let mut tried = 0;
    for name in image.files.keys() {
        let count: &mut usize = refused.entry(name.clone()).or_default();
        for offset in offsets(image, name) {
            tried += 1;
            let bits = [0x01, 0xff, 0x80, 0x20][offset % 4];
            let damaged = image.flip(name, offset, bits);
            if let Err(error) = damaged.intact_or_refused().await {
                let reason = error.to_string();
                assert!(!reason.is_empty());
                *count += 1;
            }
        }
    }
    println!("{tried} bytes changed one by one, refused {refused:?}");
    assert!(tried > 200, "only {tried} bytes were tried");
    refused
}

#[tokio::test]
async fn a_changed_byte_is_harmless_or_refused_when_all_is_in_the_log() {
    let image = Image::take(false, true).await;
    let refused = flip_everywhere(&image).await;
    assert!(refused[LOG] > 50, "{refused:?}");
    assert_eq!(refused["events.db-shm"], 0, "{refused:?}");
}

#[tokio::test]
async fn a_changed_byte_is_harmless_or_refused_when_all_is_in_the_database() {
    let image = Image::take(true, false).await;
    let refused = flip_everywhere(&image).await;
    assert!(refused[DATABASE] > 50, "{refused:?}");
}

#[tokio::test]
async fn a_changed_byte_is_harmless_or_refused_when_the_log_follows_the_database() {
    let image = Image::take(true, true).await;
    let refused = flip_everywhere(&image).await;
    assert!(refused[DATABASE] > 20 && refused[LOG] > 50, "{refused:?}");
    assert_eq!(refused["events.db-shm"], 0, "{refused:?}");
}

#[tokio::test]
async fn a_file_cut_anywhere_is_harmless_or_refused() {
    let image = Image::take(true, true).await;
    for (name, step) in [(DATABASE, 2477), (LOG, 1913), (WITNESS, 509)] {
        let length = image.files[name].len();
        let mut refused = 0;
        for cut in (0..length)
            .step_by(step)
            .chain(length.saturating_sub(3)..length)
        {
            let mut damaged = image.clone();
            damaged.files.get_mut(name).unwrap().truncate(cut);
            refused += usize::from(damaged.intact_or_refused().await.is_err());
        }
        assert!(
            refused > 0,
            "{name} was cut {length} ways and nobody noticed"
        );
    }
}

#[tokio::test]
async fn a_missing_file_is_refused_with_what_to_do() {
    let image = Image::take(true, true).await;
    for name in [DATABASE, LOG, WITNESS] {
        let mut damaged = image.clone();
        damaged.files.remove(name);
        let error = damaged.intact_or_refused().await.unwrap_err();
        let told = match name {
            WITNESS => matches!(error, StoreError::WitnessUnusable { .. }),
            _ => matches!(error, StoreError::BehindCheckpoint { .. }),
        };
        assert!(told, "{name}: {error}");
    }
}

#[tokio::test]
async fn a_lost_witness_is_replaced_when_the_operator_accepts_the_database() {
    let mut image = Image::take(true, true).await;
    image.files.remove(WITNESS);
    let folder = image.write();
    let path = folder.path().join(DATABASE);
    assert!(SqliteStore::open(&path).is_err());
    let accepted = SqliteStore::accept_heads(&path).unwrap();
    assert_eq!(accepted.len(), image.streams.len());
    let store = SqliteStore::open(&path).unwrap();
    for (stream, content) in &image.streams {
        assert!(read_all(&store, stream).await == *content);
    }
}

#[tokio::test]
async fn an_acknowledged_commit_lost_from_the_log_is_named() {
    let image = Image::take(true, true).await;
    let log = image.files[LOG].len();
    let error = image
        .flip(LOG, log / 2, 0x10)
        .intact_or_refused()
        .await
        .unwrap_err();
    let StoreError::BehindCheckpoint {
        stream,
        head,
        checkpoint,
    } = &error
    else {
        panic!("{error}");
    };
    let (_, content) = image
        .streams
        .iter()
        .find(|(name, _)| name == stream)
        .unwrap();
    assert_eq!(checkpoint.0, i64::try_from(content.len()).unwrap());
    assert!(head < checkpoint);
    let told = error.to_string();
    assert!(
        told.contains(&head.to_string()) && told.contains(&checkpoint.to_string()),
        "{told}"
    );
}

#[tokio::test]
async fn a_torn_slot_of_the_witness_falls_back_to_the_other() {
    let image = Image::take(true, true).await;
    // Three streams, two slots each; whichever is torn, the other is whole.
    for slot in (4096..4096 + 6 * 4096).step_by(4096) {
        for torn in [1, 60, 200] {
            let mut damaged = image.clone();
            let witness = damaged.files.get_mut(WITNESS).unwrap();
            let end = (slot + torn).min(witness.len());
            witness[slot..end].fill(0xa5);
            damaged.intact_or_refused().await.unwrap();
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, failure_persistence: None, ..ProptestConfig::default() })]
    #[test]
    fn a_page_overwritten_by_another_is_harmless_or_refused(from in 0..64_usize, to in 0..64_usize) {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1).enable_all().build().unwrap();
        runtime.block_on(async {
            static IMAGE: tokio::sync::OnceCell<Image> = tokio::sync::OnceCell::const_new();
            let mut image = IMAGE.get_or_init(|| Image::take(true, false)).await.clone();
            let database = image.files.get_mut(DATABASE).unwrap();
            // The header says it in two bytes: https://www.sqlite.org/fileformat2.html, 1.3.
            let page = usize::from(u16::from_be_bytes([database[16], database[17]]));
            let pages = database.len() / page;
            let (from, to) = (from % pages * page, to % pages * page);
            database.copy_within(from..from + page, to);
            let result = image.intact_or_refused().await;
            assert_eq!(result.is_ok(), from == to, "{result:?}");
        });
    }
}
