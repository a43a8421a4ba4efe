//! Readings become envelopes, and readings again where an envelope has to be made anew.

use super::{BufferError, record};
use chrono::{DateTime, Utc};
use rusqlite::{Connection, OptionalExtension, params};
use schemas::gateway::limit::MAX_ENVELOPE_BYTES;
use schemas::gateway::{KeyId, MeterIdentity, MeterReadings, ProfileRef, Reading, jws};
use schemas::id::DeviceId;

/// Readings of a device that wait for an envelope: consecutive, of one meter and profile.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unsealed {
    /// The device.
    pub device: DeviceId,
    /// The meter that answered.
    pub meter: MeterIdentity,
    /// The profile it was read by.
    pub profile: ProfileRef,
    /// Number of the first reading.
    pub first_reading: i64,
    /// The readings.
    pub readings: Vec<Reading>,
    /// The sequence number that the device's next envelope has. Of several runs of a device it is told by
    /// the first; the others follow that one's envelopes.
    pub next_sequence: i64,
    /// Hash of the device's last envelope, likewise.
    pub previous: Option<String>,
}

/// An envelope that was signed.
#[derive(Debug, Clone)]
pub struct Sealed {
    /// The device.
    pub device: DeviceId,
    /// Its sequence number.
    pub sequence: i64,
    /// Hash of the one before.
    pub previous: Option<String>,
    /// The key that signed it.
    pub key: KeyId,
    /// Its compact serialisation.
    pub compact: String,
    /// Number of its first reading.
    pub first_reading: i64,
    /// How many readings it holds.
    pub readings: i64,
    /// End of its first reading's interval.
    pub ends_at: DateTime<Utc>,
}

/// Where the chain of a device ends.
struct End {
    next_sequence: i64,
    previous: Option<String>,
}

pub(super) fn unsealed(
    db: &Connection,
    after: Option<DeviceId>,
    except: &[DeviceId],
    limit: usize,
) -> Result<Vec<Unsealed>, BufferError> {
    // Those after the last one served come first, so that each has its turn.
    let mut devices = db.prepare_cached(
        "SELECT device, next_sequence, previous FROM stream WHERE waiting > 0 ORDER BY device <= ?1, device",
    )?;
    let mut rows = devices.query([after.map_or(i64::MIN, |device| device.0)])?;
    let mut runs = Vec::new();
    let mut left = limit;
    while left > 0
        && let Some(row) = rows.next()?
    {
        let device = DeviceId(row.get(0)?);
        if except.contains(&device) {
            continue;
        }
        let end = End {
            next_sequence: row.get(1)?,
            previous: row.get(2)?,
        };
        left -= runs_of(db, device, &end, left, &mut runs)?;
    }
    Ok(runs)
}

/// Adds at most `limit` readings of a device to `runs`; returns how many.
fn runs_of(
    db: &Connection,
    device: DeviceId,
    end: &End,
    limit: usize,
    runs: &mut Vec<Unsealed>,
) -> Result<usize, BufferError> {
    let mut readings = db.prepare_cached(
        "SELECT number, origin, body FROM reading WHERE device = ?1 ORDER BY number LIMIT ?2",
    )?;
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    let mut rows = readings.query(params![device.0, limit])?;
    let (mut run_of, mut count) = (None, 0);
    while let Some(row) = rows.next()? {
        let (number, origin, body): (i64, i64, String) = (row.get(0)?, row.get(1)?, row.get(2)?);
        if run_of != Some(origin) {
            run_of = Some(origin);
            let body: String = db
                .prepare_cached("SELECT body FROM origin WHERE id = ?1")?
                .query_row([origin], |row| row.get(0))?;
            let (meter, profile) = serde_json::from_str(&body)?;
            runs.push(Unsealed {
                device,
                meter,
                profile,
                first_reading: number,
                readings: Vec::new(),
                next_sequence: end.next_sequence,
                previous: end.previous.clone(),
            });
        }
        if let Some(run) = runs.last_mut() {
            run.readings.push(serde_json::from_str(&body)?);
            count += 1;
        }
    }
    Ok(count)
}

pub(super) fn seal(db: &Connection, sealed: &[Sealed]) -> Result<(), BufferError> {
    for envelope in sealed {
        let device = envelope.device.0;
        let out_of_step = || BufferError::OutOfStep {
            device: envelope.device,
            sequence: envelope.sequence,
        };
        let end = end(db, envelope.device)?.ok_or_else(out_of_step)?;
        if end.next_sequence != envelope.sequence || end.previous != envelope.previous {
            return Err(out_of_step());
        }
        let removed = db
            .prepare_cached(
                "DELETE FROM reading WHERE device = ?1 AND number >= ?2 AND number < ?3",
            )?
            .execute([
                device,
                envelope.first_reading,
                envelope.first_reading + envelope.readings,
            ])?;
        if i64::try_from(removed) != Ok(envelope.readings) {
            return Err(out_of_step());
        }
        let hash = jws::hash(&envelope.compact);
        db.prepare_cached(
            "INSERT INTO envelope (device, sequence, kid, hash, first_reading, readings, ends_at, compact)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
        )?
        .execute(params![
            device,
            envelope.sequence,
            envelope.key.to_string(),
            hash,
            envelope.first_reading,
            envelope.readings,
            envelope.ends_at.timestamp(),
            envelope.compact,
        ])?;
        db.prepare_cached(
            "UPDATE stream SET next_sequence = ?2, previous = ?3, waiting = waiting - ?4 WHERE device = ?1",
        )?
        .execute(params![device, envelope.sequence + 1, hash, envelope.readings])?;
    }
    Ok(())
}

fn end(db: &Connection, device: DeviceId) -> Result<Option<End>, BufferError> {
    let read = db
        .prepare_cached("SELECT next_sequence, previous FROM stream WHERE device = ?1")?
        .query_row([device.0], |row| {
            Ok(End {
                next_sequence: row.get(0)?,
                previous: row.get(1)?,
            })
        });
    Ok(read.optional()?)
}

pub(super) fn unseal(db: &Connection, device: DeviceId, from: i64) -> Result<(), BufferError> {
    let mut envelopes = db.prepare_cached(
        "SELECT first_reading, compact FROM envelope WHERE device = ?1 AND sequence >= ?2 ORDER BY sequence",
    )?;
    let mut rows = envelopes.query([device.0, from])?;
    let mut insert = db.prepare_cached(
        "INSERT INTO reading (device, number, origin, ends_at, body) VALUES (?1, ?2, ?3, ?4, ?5)",
    )?;
    let (mut first, mut count) = (None, 0_i64);
    while let Some(row) = rows.next()? {
        let (mut number, compact): (i64, String) = (row.get(0)?, row.get(1)?);
        let payload = jws::parse::<MeterReadings>(&compact, MAX_ENVELOPE_BYTES)
            .map_err(|error| BufferError::Unreadable(error.to_string()))?
            .payload;
        let origin = record::origin(db, &payload.meter, &payload.profile)?;
        for reading in &payload.readings {
            let body = serde_json::to_string(reading)?;
            let ends_at = reading.interval_end.timestamp();
            insert.execute(params![device.0, number, origin, ends_at, body])?;
            number += 1;
            count += 1;
        }
        first.get_or_insert((payload.sequence, payload.previous));
    }
    if let Some((sequence, previous)) = first {
        db.prepare_cached("DELETE FROM envelope WHERE device = ?1 AND sequence >= ?2")?
            .execute([device.0, sequence])?;
        db.prepare_cached(
            "UPDATE stream SET next_sequence = ?2, previous = ?3, waiting = waiting + ?4 WHERE device = ?1",
        )?
        .execute(params![device.0, sequence, previous, count])?;
    }
    Ok(())
}
