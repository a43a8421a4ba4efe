//! Taking readings in.

use super::{BufferError, space};
use rusqlite::{Connection, OptionalExtension, params};
use schemas::gateway::{MeterIdentity, ProfileRef, Reading};
use schemas::id::DeviceId;

/// What was taken from a device.
#[derive(Debug, Clone)]
pub struct Taken {
    /// The device.
    pub device: DeviceId,
    /// The meter that answered.
    pub meter: MeterIdentity,
    /// The profile it was read by.
    pub profile: ProfileRef,
    /// Finished readings, in order; there may be none.
    pub readings: Vec<Reading>,
    /// The state of the device's accounts after them, as it is to be read again.
    pub accounts: String,
}

pub(super) fn record(db: &Connection, taken: &Taken, share: u64) -> Result<(), BufferError> {
    // The state of accounts alone replaces what is there, so it needs no room.
    if !taken.readings.is_empty() {
        space::make_room(db, share)?;
    }
    let device = taken.device.0;
    db.prepare_cached("INSERT INTO stream (device) VALUES (?1) ON CONFLICT DO NOTHING")?
        .execute([device])?;
    let first: i64 = db
        .prepare_cached("SELECT next_reading FROM stream WHERE device = ?1")?
        .query_row([device], |row| row.get(0))?;
    let mut number = first;
    if !taken.readings.is_empty() {
        let origin = origin(db, &taken.meter, &taken.profile)?;
        let mut insert = db.prepare_cached(
            "INSERT INTO reading (device, number, origin, ends_at, body) VALUES (?1, ?2, ?3, ?4, ?5)",
        )?;
        for reading in &taken.readings {
            let body = serde_json::to_string(reading)?;
            let ends_at = reading.interval_end.timestamp();
            insert.execute(params![device, number, origin, ends_at, body])?;
            number += 1;
        }
    }
    db.prepare_cached(
        "UPDATE stream SET next_reading = ?2, waiting = waiting + ?3, accountant = ?4 WHERE device = ?1",
    )?
    .execute(params![device, number, number - first, taken.accounts])?;
    Ok(())
}

/// The row of a meter and profile.
pub(super) fn origin(
    db: &Connection,
    meter: &MeterIdentity,
    profile: &ProfileRef,
) -> Result<i64, BufferError> {
    let body = serde_json::to_string(&(meter, profile))?;
    let found = db
        .prepare_cached("SELECT id FROM origin WHERE body = ?1")?
        .query_row([&body], |row| row.get(0))
        .optional()?;
    if let Some(id) = found {
        return Ok(id);
    }
    db.prepare_cached("INSERT INTO origin (body) VALUES (?1)")?
        .execute([&body])?;
    Ok(db.last_insert_rowid())
}

pub(super) fn accounts(db: &Connection, device: DeviceId) -> Result<Option<String>, BufferError> {
    let kept = db
        .prepare_cached("SELECT accountant FROM stream WHERE device = ?1")?
        .query_row([device.0], |row| row.get::<_, Option<String>>(0))
        .optional()?;
    Ok(kept.flatten())
}
