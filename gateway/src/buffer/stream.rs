//! Where each device is.

use super::{BufferError, envelope};
use chrono::{DateTime, Utc};
use rusqlite::{Connection, OptionalExtension, Row, params};
use schemas::gateway::api::GatewayDevice;
use schemas::id::DeviceId;
use serde::{Deserialize, Serialize};

/// Why the envelopes of a device are not sent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Hold {
    /// The registry's code for it; each has a page.
    pub code: String,
    /// The same in a sentence.
    pub detail: String,
    /// The envelope that was refused.
    pub sequence: i64,
    /// Since when.
    pub since: DateTime<Utc>,
}

/// Where a device is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stream {
    /// The device.
    pub device: DeviceId,
    /// The sequence number of its next envelope.
    pub next_sequence: i64,
    /// Readings that wait for an envelope.
    pub waiting: u64,
    /// Why its envelopes are not sent.
    pub hold: Option<Hold>,
}

fn time(seconds: i64) -> DateTime<Utc> {
    DateTime::from_timestamp(seconds, 0).unwrap_or(DateTime::UNIX_EPOCH)
}

fn read(row: &Row<'_>) -> rusqlite::Result<Stream> {
    let code: Option<String> = row.get(3)?;
    let hold = match code {
        None => None,
        Some(code) => Some(Hold {
            code,
            detail: row.get::<_, Option<String>>(4)?.unwrap_or_default(),
            sequence: row.get::<_, Option<i64>>(5)?.unwrap_or_default(),
            since: time(row.get::<_, Option<i64>>(6)?.unwrap_or_default()),
        }),
    };
    Ok(Stream {
        device: DeviceId(row.get(0)?),
        next_sequence: row.get(1)?,
        waiting: row.get::<_, i64>(2)?.unsigned_abs(),
        hold,
    })
}

pub(super) fn all(db: &Connection) -> Result<Vec<Stream>, BufferError> {
    let mut streams = db.prepare_cached(
        "SELECT device, next_sequence, waiting, hold_code, hold_detail, hold_sequence, hold_at
         FROM stream ORDER BY device",
    )?;
    let rows = streams.query_map([], read)?;
    Ok(rows.collect::<rusqlite::Result<_>>()?)
}

pub(super) fn hold(
    db: &Connection,
    device: DeviceId,
    hold: Option<&Hold>,
) -> Result<(), BufferError> {
    let (code, detail) = hold
        .map(|hold| (hold.code.as_str(), hold.detail.as_str()))
        .unzip();
    let (sequence, at) = hold
        .map(|hold| (hold.sequence, hold.since.timestamp()))
        .unzip();
    db.prepare_cached(
        "UPDATE stream SET hold_code = ?2, hold_detail = ?3, hold_sequence = ?4, hold_at = ?5
         WHERE device = ?1",
    )?
    .execute(params![device.0, code, detail, sequence, at])?;
    Ok(())
}

pub(super) fn adopt(db: &Connection, devices: &[GatewayDevice]) -> Result<(), BufferError> {
    for device in devices {
        let id = device.device_id;
        db.execute(
            "INSERT INTO stream (device) VALUES (?1) ON CONFLICT DO NOTHING",
            [id.0],
        )?;
        let last = device.next_sequence - 1;
        let ours: Option<String> = db
            .prepare_cached("SELECT hash FROM envelope WHERE device = ?1 AND sequence = ?2")?
            .query_row([id.0, last], |row| row.get(0))
            .optional()?;
        // Where its last envelope is one of ours, it has those before as well, whatever became of the answers.
        let from = if ours.is_some() && ours == device.previous {
            last + 1
        } else {
            open_from(db, id)?
        };
        envelope::unseal(db, id, from)?;
        db.execute("DELETE FROM envelope WHERE device = ?1", [id.0])?;
        db.execute(
            "UPDATE stream SET next_sequence = ?2, previous = ?3 WHERE device = ?1",
            params![id.0, device.next_sequence, device.previous],
        )?;
        hold(db, id, None)?;
    }
    Ok(())
}

/// Sequence number of the first envelope that the registry has not acknowledged.
fn open_from(db: &Connection, device: DeviceId) -> Result<i64, BufferError> {
    let first: Option<i64> = db
        .prepare_cached(
            "SELECT min(sequence) FROM envelope WHERE device = ?1 AND acked_at IS NULL",
        )?
        .query_row([device.0], |row| row.get(0))?;
    Ok(first.unwrap_or(i64::MAX))
}
