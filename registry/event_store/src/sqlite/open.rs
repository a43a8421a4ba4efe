//! Opening a store: nothing is changed before everything is proved.

use super::checkpoint::Checkpoint;
use super::connection::{self, Use, damaged};
use super::reader::Readers;
use super::schema::{self, Format};
use super::witness::{self, Witness};
use super::writer::{self, Writer};
use super::{Background, SqliteStore, subscription, verify};
use crate::{Head, StoreError};
use rusqlite::{Connection, MAIN_DB};
use schemas::log::{Position, StreamName};
use std::io;
use std::path::Path;
use std::sync::{Arc, Mutex};
use tokio::sync::{mpsc, watch};

fn unavailable(error: impl std::error::Error + Send + Sync + 'static) -> StoreError {
    StoreError::Unavailable(Arc::new(error))
}

impl SqliteStore {
    /// Opens the store at `path`, and makes it first if it is not there. Reads all of it, so this
    /// blocks for about a second and a half per gigabyte (two cores).
    ///
    /// # Errors
    /// If what is stored is not everything that was acknowledged, as it was written. The files are
    /// left as they are then.
    pub fn open(path: &Path) -> Result<Self, StoreError> {
        let witness_path = witness::path_of(path);
        let recorded = recorded_heads(&witness_path, false)?;
        // SQLite deletes a log it finds beside an empty database.
        let nothing = std::fs::metadata(path).map_or(true, |file| file.len() == 0);
        if nothing && let Some((stream, head)) = recorded.iter().flatten().next() {
            return Err(StoreError::BehindCheckpoint {
                stream: stream.clone(),
                head: Position::START,
                checkpoint: head.position,
            });
        }
        let mut db = connection::open(path, Use::Write)?;
        if let Format::Fresh = schema::check_format(&db, path)? {
            prove_recorded(&db, &[], recorded.as_deref().unwrap_or_default())?;
            schema::set_page_size(&db).map_err(unavailable)?;
            connection::make_writer(&db).map_err(unavailable)?;
            schema::initialise(&mut db).map_err(unavailable)?;
        }
        if db.is_readonly(MAIN_DB).map_err(unavailable)? {
            let what = "it can not be written to: by its permissions, or by what its header says";
            return Err(unavailable(io::Error::new(
                io::ErrorKind::PermissionDenied,
                what,
            )));
        }
        let heads = proved_heads(&db, path)?;
        match recorded {
            Some(recorded) => prove_recorded(&db, &heads, &recorded)?,
            None if heads.is_empty() => {}
            // Another process has made the store while this one was looking.
            None if Witness::open(&witness_path, false)?.is_some() => return Self::open(path),
            None => {
                let what = "missing".into();
                return Err(StoreError::WitnessUnusable {
                    path: witness_path,
                    what,
                });
            }
        }
        connection::make_writer(&db).map_err(unavailable)?;
        let mut witness = Witness::open_or_create(&witness_path).map_err(unavailable)?;
        // Commits that a crash kept from being recorded count from now on: readers may see them.
        witness.record(&heads).map_err(unavailable)?;
        Self::start(path, Use::Read, Some((db, witness)))
    }

    /// Opens an existing store for reading beside the process that writes to it. Proves that nothing
    /// is missing at the end, and each event when it is read, so it does not read all of it first.
    ///
    /// # Errors
    /// [`StoreError::Missing`] if there is no store yet; otherwise if it lacks acknowledged events.
    pub fn open_read_only(path: &Path) -> Result<Self, StoreError> {
        if !path.exists() {
            return Err(StoreError::Missing { path: path.into() });
        }
        let witness_path = witness::path_of(path);
        // Before the database, which only ever stands further.
        let recorded = recorded_heads(&witness_path, true)?;
        let db = connection::open(path, Use::ReadOnly)?;
        if let Format::Fresh = schema::check_format(&db, path)? {
            return Err(StoreError::Missing { path: path.into() });
        }
        let heads = heads(&db, path)?;
        match recorded {
            Some(recorded) => prove_recorded(&db, &heads, &recorded)?,
            None if heads.is_empty() => {}
            // The writer has made the store while this process was looking.
            None if Witness::open(&witness_path, true)?.is_some() => {
                return Self::open_read_only(path);
            }
            None => {
                let what = "missing".into();
                return Err(StoreError::WitnessUnusable {
                    path: witness_path,
                    what,
                });
            }
        }
        drop(db);
        Self::start(path, Use::ReadOnly, None)
    }

    /// Takes the present content of the database as the whole, replacing what the witness says: for
    /// an operator who has lost the witness, or who accepts the loss of events behind a restored
    /// backup. No process may have the store open. Returns the heads it then stands at.
    ///
    /// # Errors
    /// If an event that is there is damaged.
    pub fn accept_heads(path: &Path) -> Result<Vec<(StreamName, Head)>, StoreError> {
        if !path.exists() {
            return Err(StoreError::Missing { path: path.into() });
        }
        let db = connection::open(path, Use::Read)?;
        if let Format::Fresh = schema::check_format(&db, path)? {
            return Err(StoreError::Missing { path: path.into() });
        }
        let heads = proved_heads(&db, path)?;
        Witness::replace(&witness::path_of(path), &heads).map_err(unavailable)?;
        Ok(heads)
    }

    fn start(
        path: &Path,
        purpose: Use,
        writer: Option<(Connection, Witness)>,
    ) -> Result<Self, StoreError> {
        let (commits_sender, commits) = watch::channel(());
        let (stop_poll, stop) = std::sync::mpsc::channel();
        let (readers, mut reading) = Readers::start(path, purpose)?;
        reading.push(subscription::start_poll(
            path,
            purpose,
            commits_sender.clone(),
            stop,
        )?);
        let mut writing = None;
        let mut appends = None;
        if let Some((mut db, witness)) = writer {
            let checkpoint = Checkpoint::of(&mut db).map_err(unavailable)?;
            let (sender, queue) = mpsc::channel(writer::QUEUE);
            let commits = commits_sender;
            let writer = Writer {
                db,
                witness,
                checkpoint,
                queue,
                commits,
                failed: None,
            };
            writing = Some(writer.start().map_err(unavailable)?);
            appends = Some(sender);
        }
        let background = Background {
            stop_poll: Some(stop_poll),
            readers: reading,
            writer: writing,
        };
        let background = Mutex::new(background);
        Ok(Self {
            appends,
            readers,
            commits,
            background,
        })
    }
}

/// What the witness has recorded, if there is one.
fn recorded_heads(
    path: &Path,
    read_only: bool,
) -> Result<Option<Vec<(StreamName, Head)>>, StoreError> {
    let witness = Witness::open(path, read_only)?;
    witness
        .map(|witness| witness.heads().map_err(unavailable))
        .transpose()
}

/// Head of each stream.
fn heads(db: &Connection, path: &Path) -> Result<Vec<(StreamName, Head)>, StoreError> {
    let head = |stream: StreamName| {
        let head = schema::head(db, &stream).map_err(|error| damaged(path, error))?;
        Ok((stream, head))
    };
    schema::streams(db, path)?.into_iter().map(head).collect()
}

/// Head of each stream, after reading everything up to there.
fn proved_heads(db: &Connection, path: &Path) -> Result<Vec<(StreamName, Head)>, StoreError> {
    let heads = heads(db, path)?;
    verify::everything(path, &heads)?;
    Ok(heads)
}

/// Every recorded head is in the database.
fn prove_recorded(
    db: &Connection,
    heads: &[(StreamName, Head)],
    recorded: &[(StreamName, Head)],
) -> Result<(), StoreError> {
    for (stream, recorded) in recorded {
        let head = heads
            .iter()
            .find(|(name, _)| name == stream)
            .map(|(_, head)| *head);
        let head = head.unwrap_or(Head::START);
        let behind = StoreError::BehindCheckpoint {
            stream: stream.clone(),
            head: head.position,
            checkpoint: recorded.position,
        };
        if head.position < recorded.position {
            return Err(behind);
        }
        let place = format!("stream {stream}, position {}", recorded.position);
        let stored = schema::hash_at(db, stream, recorded.position)
            .map_err(|error| damaged(place, error))?
            .ok_or(behind)?;
        if stored != recorded.hash {
            return Err(StoreError::Diverged {
                stream: stream.clone(),
                position: recorded.position,
                stored,
                checkpoint: recorded.hash,
            });
        }
    }
    Ok(())
}
