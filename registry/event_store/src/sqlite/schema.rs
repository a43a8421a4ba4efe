//! The database file: one table per stream, named after it.
//!
//! A table of its own makes every append an append at the right edge of a b-tree, keeps positions
//! free of holes by construction, and lets people read a stream with any SQLite tool.

use super::connection::damaged;
use crate::{Head, StoreError};
use rusqlite::{Connection, OptionalExtension, TransactionBehavior};
use schemas::log::{Position, RunningHash, StreamName};
use std::path::Path;

/// `GCEV`: marks the file as ours, for `file(1)` and for [`check_format`].
const APPLICATION_ID: i32 = 0x4743_4556;

/// Version of what is described here, in `PRAGMA user_version`.
const FORMAT: i32 = 1;

/// Bytes of a page of a new file. A signed reading leaves 2,778 B in pages of 8 KiB, 4,147 in those of 4, where an
/// envelope fills most of one and the rest stays empty, and 2,780 in those of 16; each flush writes whole pages.
pub const PAGE_BYTES: i64 = 8 << 10;

/// Columns in storage order: what a look at the head needs stands before the long ones, so it does
/// not walk their overflow pages.
const COLUMNS: &str = "position INTEGER PRIMARY KEY, event_id BLOB NOT NULL, hash BLOB NOT NULL, \
                       version INTEGER NOT NULL, type TEXT NOT NULL, metadata BLOB NOT NULL, \
                       data BLOB NOT NULL";

/// Order in which [`super::verify::Row`] takes the columns.
pub(super) const ROW: &str = "position, event_id, hash, version, type, metadata, data";

// A `StreamName` holds nothing but a-z, 0-9 and '-', so it can stand between double quotes.
pub(super) fn create_stream(stream: &StreamName) -> String {
    format!("CREATE TABLE \"{stream}\"({COLUMNS}) STRICT")
}

pub(super) fn insert(stream: &StreamName) -> String {
    format!("INSERT INTO \"{stream}\"({ROW}) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)")
}

pub(super) fn select_after(stream: &StreamName) -> String {
    format!("SELECT {ROW} FROM \"{stream}\" WHERE position > ?1 ORDER BY position LIMIT ?2")
}

/// Whether anything was ever appended to the stream.
pub(super) fn stream_exists(db: &Connection, stream: &StreamName) -> rusqlite::Result<bool> {
    db.prepare_cached("SELECT 1 FROM sqlite_schema WHERE type = 'table' AND name = ?1")?
        .exists([stream.as_str()])
}

/// Head of a stream that exists.
pub(super) fn head(db: &Connection, stream: &StreamName) -> rusqlite::Result<Head> {
    let sql = format!("SELECT position, hash FROM \"{stream}\" ORDER BY position DESC LIMIT 1");
    let head = db
        .prepare_cached(&sql)?
        .query_row([], |row| {
            Ok(Head {
                position: Position(row.get(0)?),
                hash: RunningHash(row.get(1)?),
            })
        })
        .optional()?;
    Ok(head.unwrap_or(Head::START))
}

/// The running hash at a position of a stream that exists, if the position does.
pub(super) fn hash_at(
    db: &Connection,
    stream: &StreamName,
    position: Position,
) -> rusqlite::Result<Option<RunningHash>> {
    if position == Position::START {
        return Ok(Some(RunningHash::START));
    }
    db.prepare_cached(&format!(
        "SELECT hash FROM \"{stream}\" WHERE position = ?1"
    ))?
    .query_row([position.0], |row| row.get(0).map(RunningHash))
    .optional()
}

/// What the header says the file is.
pub(super) enum Format {
    /// Nothing was ever stored in it.
    Fresh,
    /// An event store this release can read.
    Current,
}

/// Looks at the header, all of it at one moment: another process may be making the store.
pub(super) fn check_format(db: &Connection, path: &Path) -> Result<Format, StoreError> {
    let moment = db
        .unchecked_transaction()
        .map_err(|error| damaged(path, error))?;
    let number = |sql: &str| {
        moment
            .query_row(sql, [], |row| row.get::<_, i32>(0))
            .map_err(|error| damaged(path, error))
    };
    let application_id = number("PRAGMA application_id")?;
    let format = number("PRAGMA user_version")?;
    let objects = number("SELECT count(*) FROM sqlite_schema")?;
    match (application_id, format) {
        (0, 0) if objects == 0 => Ok(Format::Fresh),
        (APPLICATION_ID, FORMAT) => Ok(Format::Current),
        (APPLICATION_ID, found) if found > FORMAT => Err(StoreError::NewerFormat {
            path: path.into(),
            found,
            supported: FORMAT,
        }),
        (APPLICATION_ID, found) => Err(StoreError::Corrupt {
            place: path.display().to_string(),
            reason: format!("no release ever wrote format version {found}"),
        }),
        _ => Err(StoreError::NotAnEventStore {
            path: path.into(),
            application_id,
        }),
    }
}

/// Sets how long pages are, which only a file that nothing was written to yet takes.
pub(super) fn set_page_size(db: &Connection) -> rusqlite::Result<()> {
    db.pragma_update(None, "page_size", PAGE_BYTES)
}

/// Makes a fresh file an event store. Two processes may try at once.
pub(super) fn initialise(db: &mut Connection) -> rusqlite::Result<()> {
    let tx = db.transaction_with_behavior(TransactionBehavior::Immediate)?;
    tx.pragma_update(None, "application_id", APPLICATION_ID)?;
    tx.pragma_update(None, "user_version", FORMAT)?;
    tx.commit()
}

/// The streams in the file, after proving that the schema holds nothing but them.
pub(super) fn streams(db: &Connection, path: &Path) -> Result<Vec<StreamName>, StoreError> {
    let corrupt = |reason: String| StoreError::Corrupt {
        place: format!("{}, schema", path.display()),
        reason,
    };
    let rows = || {
        db.prepare("SELECT name, tbl_name, sql FROM sqlite_schema ORDER BY name")?
            .query_map([], |row| {
                Ok((
                    row.get::<_, String>(0)?,
                    row.get::<_, String>(1)?,
                    row.get::<_, String>(2)?,
                ))
            })?
            .collect::<rusqlite::Result<Vec<_>>>()
    };
    let mut streams = Vec::new();
    for (name, table, sql) in rows().map_err(|error| damaged(path, error))? {
        let stream = StreamName::try_from(name).map_err(|error| corrupt(error.to_string()))?;
        if table != stream.as_str() || sql != create_stream(&stream) {
            return Err(corrupt(format!(
                "stream {stream} is declared as {table:?}: {sql:?}"
            )));
        }
        streams.push(stream);
    }
    Ok(streams)
}
