//! Connections to the database file and what their errors mean.

use crate::StoreError;
use rusqlite::config::DbConfig;
use rusqlite::{Connection, ErrorCode, OpenFlags};
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// How long to wait for the lock of another process. Its transactions last milliseconds.
const BUSY_TIMEOUT: Duration = Duration::from_secs(5);

/// The log is cut back to this after a burst.
const JOURNAL_BYTES: i64 = 64 << 20;

/// What a connection is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Use {
    /// Appends; creates the file.
    Write,
    /// Reads in a process that may also write. Needed to recover the write-ahead log.
    Read,
    /// Reads in a process that never writes.
    ReadOnly,
}

/// Opens a connection that leaves the files as they are, until told to write: a damaged log must not
/// be folded into the database by looking at it.
pub(super) fn open(path: &Path, purpose: Use) -> Result<Connection, StoreError> {
    let flags = match purpose {
        Use::Write => OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE,
        Use::Read => OpenFlags::SQLITE_OPEN_READ_WRITE,
        Use::ReadOnly => OpenFlags::SQLITE_OPEN_READ_ONLY,
    };
    let connect = || {
        let db = Connection::open_with_flags(path, flags | OpenFlags::SQLITE_OPEN_NO_MUTEX)?;
        db.busy_timeout(BUSY_TIMEOUT)?;
        db.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true)?;
        // Else a cached statement is planned anew for each position that it is asked for.
        db.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
        db.set_prepared_statement_cache_capacity(64);
        db.pragma_update(None, "cell_size_check", true)?;
        if purpose != Use::Write {
            db.pragma_update(None, "query_only", true)?;
        }
        Ok(db)
    };
    connect().map_err(|error| damaged(path, error))
}

/// Makes a connection from [`open`] the one that writes. Its writer moves the log into the database
/// itself, see [`super::checkpoint`].
pub(super) fn make_writer(db: &Connection) -> rusqlite::Result<()> {
    let mode = write_ahead(db)?;
    if mode != "wal" {
        return Err(rusqlite::Error::InvalidParameterName(format!(
            "the file system does not support write-ahead logging, journal mode stays {mode}"
        )));
    }
    // FULL: a commit is on the disk when it returns.
    db.pragma_update(None, "synchronous", "FULL")?;
    db.pragma_update(None, "journal_size_limit", JOURNAL_BYTES)?;
    db.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, false)?;
    Ok(())
}

/// Turns write-ahead logging on and says which mode it is then. SQLite does not wait for the lock that
/// it needs for that while another process is making the same store, so this does.
fn write_ahead(db: &Connection) -> rusqlite::Result<String> {
    let deadline = Instant::now() + BUSY_TIMEOUT;
    loop {
        let mode = db.query_row("PRAGMA journal_mode = WAL", [], |row| row.get(0));
        match mode {
            Err(error) if is_busy(&error) && Instant::now() < deadline => {
                std::thread::sleep(Duration::from_millis(5));
            }
            mode => return mode,
        }
    }
}

fn is_busy(error: &rusqlite::Error) -> bool {
    error.sqlite_error_code() == Some(ErrorCode::DatabaseBusy)
}

/// Sorts an error of SQLite: what it read is not a database it wrote, or it could not read at all.
pub(super) fn damaged(place: impl AsRef<Path>, error: rusqlite::Error) -> StoreError {
    let corrupt = match &error {
        rusqlite::Error::SqliteFailure(cause, _) => {
            matches!(
                cause.code,
                ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase
            )
        }
        rusqlite::Error::FromSqlConversionFailure(..)
        | rusqlite::Error::IntegralValueOutOfRange(..)
        | rusqlite::Error::InvalidColumnType(..)
        | rusqlite::Error::Utf8Error(..) => true,
        _ => false,
    };
    if corrupt {
        let place = place.as_ref().display().to_string();
        StoreError::Corrupt {
            place,
            reason: error.to_string(),
        }
    } else {
        StoreError::Unavailable(Arc::new(error))
    }
}
