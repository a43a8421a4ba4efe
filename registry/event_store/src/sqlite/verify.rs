//! Proof that what is stored is what was written: gapless positions and an unbroken hash chain.

use super::connection::{self, Use, damaged};
use super::schema;
use crate::{Head, RecordedEvent, StoreError};
use rusqlite::types::{FromSqlError, FromSqlResult};
use schemas::log::{Position, RunningHash, StreamName};
use std::num::NonZero;
use std::path::Path;
use std::sync::atomic::{AtomicI64, Ordering};
use uuid::Uuid;

/// Positions a scanning thread takes at a time.
const STRIDE: i64 = 8192;

/// A row of a stream's table, borrowed from SQLite.
pub(super) struct Row<'a> {
    position: Position,
    event_id: Uuid,
    hash: RunningHash,
    version: u16,
    event_type: &'a str,
    metadata: &'a [u8],
    data: &'a [u8],
}

impl<'a> Row<'a> {
    /// From the columns [`schema::ROW`].
    fn from_sql(row: &'a rusqlite::Row<'_>) -> rusqlite::Result<Self> {
        fn column<'a, T>(
            row: &'a rusqlite::Row<'_>,
            index: usize,
            decode: impl FnOnce(rusqlite::types::ValueRef<'a>) -> FromSqlResult<T>,
        ) -> rusqlite::Result<T> {
            let value = row.get_ref(index)?;
            decode(value).map_err(|error| {
                rusqlite::Error::FromSqlConversionFailure(index, value.data_type(), Box::new(error))
            })
        }
        fn bytes<const N: usize>(blob: &[u8]) -> FromSqlResult<[u8; N]> {
            blob.try_into().map_err(|_| FromSqlError::InvalidBlobSize {
                expected_size: N,
                blob_size: blob.len(),
            })
        }
        Ok(Self {
            position: Position(row.get(0)?),
            event_id: Uuid::from_bytes(column(row, 1, |v| bytes(v.as_blob()?))?),
            hash: RunningHash(column(row, 2, |v| bytes(v.as_blob()?))?),
            version: row.get(3)?,
            event_type: column(row, 4, |v| v.as_str())?,
            metadata: column(row, 5, |v| v.as_blob())?,
            data: column(row, 6, |v| v.as_blob())?,
        })
    }

    pub(super) fn to_event(&self) -> RecordedEvent {
        RecordedEvent {
            position: self.position,
            event_id: self.event_id,
            event_type: self.event_type.to_owned(),
            version: self.version,
            data: self.data.to_vec(),
            metadata: self.metadata.to_vec(),
            hash: self.hash,
            sealed: None,
        }
    }
}

/// The next event must follow this head.
pub(super) struct Chain<'a> {
    stream: &'a StreamName,
    head: Head,
}

impl<'a> Chain<'a> {
    /// A chain that goes on after `head`.
    pub(super) fn after(stream: &'a StreamName, head: Head) -> Self {
        Self { stream, head }
    }

    /// Reads the row and proves that it follows.
    pub(super) fn follow<'r>(&mut self, row: &'r rusqlite::Row<'_>) -> Result<Row<'r>, StoreError> {
        let expected = self.head.position.plus(1);
        let row = Row::from_sql(row).map_err(|error| self.unreadable(error))?;
        if row.position != expected {
            return Err(self.broken(format!("it is missing, the next one is {}", row.position)));
        }
        let hash = self.head.hash.next(
            row.event_id,
            row.event_type,
            row.version,
            row.data,
            row.metadata,
        );
        if hash != row.hash {
            return Err(self.broken(format!(
                "it is not the event that was recorded: running hash {}, its content gives {hash}",
                row.hash
            )));
        }
        self.head = Head {
            position: expected,
            hash,
        };
        Ok(row)
    }

    /// The next event can not be read.
    pub(super) fn unreadable(&self, error: rusqlite::Error) -> StoreError {
        damaged(self.place(), error)
    }

    fn broken(&self, reason: String) -> StoreError {
        StoreError::Corrupt {
            place: self.place(),
            reason,
        }
    }

    fn place(&self) -> String {
        format!(
            "stream {}, position {}",
            self.stream,
            self.head.position.plus(1)
        )
    }
}

/// Reads the whole file: every page once for the structure of its trees, every event once for its
/// content. Uses all cores.
///
/// `heads` are the heads as read before; what others append meanwhile is not looked at.
pub(super) fn everything(path: &Path, heads: &[(StreamName, Head)]) -> Result<(), StoreError> {
    let threads = std::thread::available_parallelism().map_or(1, NonZero::get);
    let cursors: Vec<AtomicI64> = heads.iter().map(|_| AtomicI64::new(0)).collect();
    std::thread::scope(|scope| {
        let mut workers: Vec<_> = (0..threads)
            .map(|_| scope.spawn(|| scan(path, heads, &cursors)))
            .collect();
        workers.push(scope.spawn(|| structure(path)));
        workers
            .into_iter()
            .try_for_each(|worker| match worker.join() {
                Ok(result) => result,
                Err(panic) => std::panic::resume_unwind(panic),
            })
    })
}

/// Takes strides of positions off the cursors until none is left.
fn scan(
    path: &Path,
    heads: &[(StreamName, Head)],
    cursors: &[AtomicI64],
) -> Result<(), StoreError> {
    let db = connection::open(path, Use::Read)?;
    for ((stream, head), cursor) in heads.iter().zip(cursors) {
        let mut statement = db
            .prepare(&schema::select_after(stream))
            .map_err(|error| damaged(path, error))?;
        loop {
            let after = Position(cursor.fetch_add(STRIDE, Ordering::Relaxed));
            if after >= head.position {
                break;
            }
            let count = STRIDE.min(head.position.0 - after.0);
            let hash = schema::hash_at(&db, stream, after)
                .map_err(|error| damaged(path, error))?
                .ok_or_else(|| StoreError::Corrupt {
                    place: format!("stream {stream}, position {after}"),
                    reason: "it is missing".into(),
                })?;
            let mut chain = Chain::after(
                stream,
                Head {
                    position: after,
                    hash,
                },
            );
            let mut rows = statement
                .query((after.0, count))
                .map_err(|error| damaged(path, error))?;
            while let Some(row) = rows.next().map_err(|error| chain.unreadable(error))? {
                chain.follow(row)?;
            }
            if chain.head.position != after.plus(count) {
                return Err(chain.broken("it is missing".into()));
            }
        }
    }
    Ok(())
}

/// SQLite's own check of page structure and order, which finds what a scan in order does not touch:
/// keys of inner pages and the list of free pages.
fn structure(path: &Path) -> Result<(), StoreError> {
    let db = connection::open(path, Use::Read)?;
    let verdict: String = db
        .query_row("PRAGMA quick_check(1)", [], |row| row.get(0))
        .map_err(|error| damaged(path, error))?;
    if verdict == "ok" {
        return Ok(());
    }
    Err(StoreError::Corrupt {
        place: path.display().to_string(),
        reason: verdict,
    })
}
