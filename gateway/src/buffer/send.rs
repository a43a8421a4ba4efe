//! Envelopes on their way to the registry.

use super::BufferError;
use chrono::{DateTime, Utc};
use rusqlite::{Connection, params};
use schemas::gateway::KeyId;
use schemas::id::DeviceId;

/// An envelope to send.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outgoing {
    /// The device.
    pub device: DeviceId,
    /// Its sequence number.
    pub sequence: i64,
    /// The key that signed it.
    pub key: KeyId,
    /// How many readings it holds.
    pub readings: u64,
    /// Its compact serialisation.
    pub compact: String,
}

pub(super) fn outgoing(
    db: &Connection,
    except: &[DeviceId],
    envelopes: usize,
    bytes: usize,
) -> Result<Vec<Outgoing>, BufferError> {
    // By id: a device's envelopes were made in the order of their sequence.
    let mut open = db.prepare_cached(
        "SELECT device, sequence, kid, readings, compact FROM envelope WHERE acked_at IS NULL ORDER BY id",
    )?;
    let mut rows = open.query([])?;
    let (mut found, mut size) = (Vec::new(), 0);
    while found.len() < envelopes
        && let Some(row) = rows.next()?
    {
        let device = DeviceId(row.get(0)?);
        if except.contains(&device) {
            continue;
        }
        let (kid, compact): (String, String) = (row.get(2)?, row.get(4)?);
        size += compact.len();
        if size > bytes && !found.is_empty() {
            break;
        }
        let key = kid
            .parse()
            .map_err(|error: schemas::gateway::jwk::NoKeyId| {
                BufferError::Unreadable(error.to_string())
            })?;
        let readings: i64 = row.get(3)?;
        found.push(Outgoing {
            device,
            sequence: row.get(1)?,
            key,
            readings: readings.unsigned_abs(),
            compact,
        });
    }
    Ok(found)
}

pub(super) fn acknowledge(
    db: &Connection,
    envelopes: &[(DeviceId, i64)],
    at: DateTime<Utc>,
) -> Result<(), BufferError> {
    let mut mark = db.prepare_cached(
        "UPDATE envelope SET acked_at = ?3 WHERE device = ?1 AND sequence = ?2 AND acked_at IS NULL",
    )?;
    for (device, sequence) in envelopes {
        mark.execute(params![device.0, sequence, at.timestamp()])?;
    }
    Ok(())
}

pub(super) fn resend(db: &Connection, device: DeviceId, expected: i64) -> Result<(), BufferError> {
    let held: bool = db
        .prepare_cached(
            "SELECT EXISTS (SELECT 1 FROM envelope WHERE device = ?1 AND sequence = ?2)",
        )?
        .query_row([device.0, expected], |row| row.get(0))?;
    if !held {
        return Err(BufferError::Gone { device, expected });
    }
    db.prepare_cached("UPDATE envelope SET acked_at = NULL WHERE device = ?1 AND sequence >= ?2")?
        .execute([device.0, expected])?;
    Ok(())
}
