//! Room: how much is used, what may go, and when nothing more is taken.

use super::BufferError;
use chrono::{DateTime, TimeDelta, Utc};
use rusqlite::{Connection, params};

/// How long acknowledged envelopes are kept, room permitting: a registry that was restored from a backup asks
/// for them again.
pub const KEEP_ACKNOWLEDGED: TimeDelta = TimeDelta::days(7);
/// Acknowledged envelopes go when this part of the share is used, in percent.
const ACKNOWLEDGED_SHARE_PERCENT: u64 = 25;
/// Above the share by this much, in percent, SQLite itself refuses: room for envelopes, which are longer than
/// the readings they are made of, and for the log's last transaction.
const HARD_LIMIT_PERCENT: u64 = 150;
/// Envelopes deleted in one transaction.
const PRUNE: i64 = 1_000;

/// What is in the buffer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Usage {
    /// Readings that the registry has not acknowledged.
    pub readings: u64,
    /// Envelopes that it has not acknowledged.
    pub envelopes: u64,
    /// Bytes in use.
    pub bytes: u64,
    /// Bytes that may be used.
    pub share: u64,
    /// End of the interval that waits longest.
    pub oldest: Option<DateTime<Utc>>,
}

/// Bytes in use; pages that were freed are not.
fn used(db: &Connection) -> Result<u64, BufferError> {
    let number = |pragma: &str| -> rusqlite::Result<i64> {
        db.prepare_cached(pragma)?.query_row([], |row| row.get(0))
    };
    let pages = number("PRAGMA page_count")? - number("PRAGMA freelist_count")?;
    Ok(pages.unsigned_abs() * number("PRAGMA page_size")?.unsigned_abs())
}

/// Has SQLite refuse what goes far beyond the share.
pub(super) fn limit(db: &Connection, share: u64) -> Result<(), BufferError> {
    let page: i64 = db.query_row("PRAGMA page_size", [], |row| row.get(0))?;
    let pages = share / 100 * HARD_LIMIT_PERCENT / page.unsigned_abs();
    // The answer is the limit that holds: never below what is there.
    let _: i64 = db.query_row(&format!("PRAGMA max_page_count = {pages}"), [], |row| {
        row.get(0)
    })?;
    Ok(())
}

/// Makes room for readings, by what may go.
pub(super) fn make_room(db: &Connection, share: u64) -> Result<(), BufferError> {
    let mut used_now = used(db)?;
    while used_now >= share {
        if drop_acknowledged(db, i64::MAX)? == 0 {
            return Err(BufferError::Full {
                used: used_now,
                share,
            });
        }
        used_now = used(db)?;
    }
    Ok(())
}

pub(super) fn prune(db: &Connection, share: u64, now: DateTime<Utc>) -> Result<(), BufferError> {
    let before = (now - KEEP_ACKNOWLEDGED).timestamp();
    while drop_acknowledged(db, before)? > 0 {}
    let kept = share / 100 * ACKNOWLEDGED_SHARE_PERCENT;
    while used(db)? > kept && drop_acknowledged(db, i64::MAX)? > 0 {}
    // Origins that neither readings nor the present meter use.
    db.execute(
        "DELETE FROM origin WHERE id < (SELECT max(id) - 1000 FROM origin)
         AND id NOT IN (SELECT origin FROM reading)",
        [],
    )?;
    Ok(())
}

/// Deletes the oldest envelopes acknowledged before `before`; returns how many.
fn drop_acknowledged(db: &Connection, before: i64) -> Result<usize, BufferError> {
    let mut delete = db.prepare_cached(
        "DELETE FROM envelope WHERE id IN (
            SELECT id FROM envelope WHERE acked_at IS NOT NULL AND acked_at < ?1 ORDER BY acked_at, id LIMIT ?2)",
    )?;
    Ok(delete.execute(params![before, PRUNE])?)
}

pub(super) fn usage(db: &Connection, share: u64) -> Result<Usage, BufferError> {
    let waiting: i64 = db.query_row("SELECT coalesce(sum(waiting), 0) FROM stream", [], |row| {
        row.get(0)
    })?;
    let (envelopes, sealed, oldest_sealed): (i64, i64, Option<i64>) = db.query_row(
        "SELECT count(*), coalesce(sum(readings), 0), min(ends_at) FROM envelope WHERE acked_at IS NULL",
        [],
        |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)),
    )?;
    // The first reading of each device, by the key's order.
    let oldest_waiting: Option<i64> = db.query_row(
        "SELECT min((SELECT ends_at FROM reading WHERE reading.device = stream.device ORDER BY number LIMIT 1))
         FROM stream WHERE waiting > 0",
        [],
        |row| row.get(0),
    )?;
    let oldest = [oldest_sealed, oldest_waiting].into_iter().flatten().min();
    Ok(Usage {
        readings: (waiting + sealed).unsigned_abs(),
        envelopes: envelopes.unsigned_abs(),
        bytes: used(db)?,
        share,
        oldest: oldest.and_then(|seconds| DateTime::from_timestamp(seconds, 0)),
    })
}
