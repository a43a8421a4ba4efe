//! Rules of storage: what a storage device charged and discharged, how efficiently, which discharge is
//! allocated to which charge, and what is issued for it. All amounts are whole Wh and every efficiency
//! is an exact ratio, so nothing is made by rounding: produced = floor(consumed × η), always.

pub mod allocation;
pub mod command;
pub mod efficiency;
pub mod issuance;
pub mod method;
pub mod record;

use crate::device;
use crate::entry::{DayRecord, Device, Storage};
use crate::key::Key;
use crate::refusal::{Code, FieldError, Place, Refusal};
use crate::state::{Entries, get};
use chrono::{DateTime, TimeDelta, Utc};
use schemas::Interval;
use schemas::id::DeviceId;
use schemas::interval::Day;

/// Longest window that one efficiency may hold for, and the longest range of one allocation, in days: the
/// EnergyTag rule for a first factor is six months, which have at most 184.
pub const MAX_WINDOW_DAYS: i64 = 184;
/// How far an allocation looks back for charges with something left, in days before the end of its range.
pub const MAX_LOOK_BACK_DAYS: i64 = 370;
/// Most rows of one submission of records, and most allocations of one decision.
pub const MAX_ROWS: usize = 50_000;

/// Where requests name the storage device, unless they say otherwise.
pub(crate) const DEVICE: &str = "/device_id";

/// The device, which stores energy; `field` is where the request names it.
pub(crate) fn storage_device<'e>(
    entries: &'e impl Entries,
    device_id: DeviceId,
    field: &str,
) -> Result<&'e Device, Refusal> {
    let device = device::metered(entries, device_id)?;
    if !device.attributes.is_storage {
        return Err(Refusal::new(
            Code::DeviceNotStorage,
            format!("Device {device_id} does not store energy"),
        )
        .at(field));
    }
    Ok(device)
}

/// What is known of the storage device; nothing where it has no records yet.
pub(crate) fn known(entries: &impl Entries, device_id: DeviceId) -> Result<Storage, Refusal> {
    Ok(get::storage(entries, device_id)?
        .cloned()
        .unwrap_or_default())
}

/// The days from that of `from` up to that of the last instant before `to`.
pub(crate) fn days(from: DateTime<Utc>, to: DateTime<Utc>) -> impl Iterator<Item = Day> {
    let last = Day::of(to - TimeDelta::microseconds(1));
    (Day::of(from).0..=last.0).map(Day)
}

pub(crate) fn day_keys(
    device_id: DeviceId,
    from: DateTime<Utc>,
    to: DateTime<Utc>,
) -> impl Iterator<Item = Key> {
    days(from, to).map(move |day| Key::StorageDay(device_id, day))
}

/// Records that start in `[from, to)`, in time order.
pub(crate) fn records(
    entries: &impl Entries,
    device_id: DeviceId,
    from: DateTime<Utc>,
    to: DateTime<Utc>,
) -> Result<Vec<(Interval, DayRecord)>, Refusal> {
    let mut found = Vec::new();
    for day in days(from, to) {
        if let Some(records) = get::storage_day(entries, device_id, day)? {
            let in_range = records.records(day);
            found.extend(in_range.filter(|(at, _)| from <= at.start() && at.start() < to));
        }
    }
    Ok(found)
}

/// The range, if its end lies after its start and it is not longer than [`MAX_WINDOW_DAYS`].
pub(crate) fn range(from: DateTime<Utc>, to: DateTime<Utc>) -> Result<Interval, Refusal> {
    let window = Interval::new(from, to)
        .map_err(|empty| Refusal::new(Code::IntervalOrder, empty.to_string()).at("/to"))?;
    if window.length() > TimeDelta::days(MAX_WINDOW_DAYS) {
        return Err(Refusal::new(
            Code::StorageWindow,
            format!("{window} is longer than {MAX_WINDOW_DAYS} days"),
        )
        .at("/to"));
    }
    Ok(window)
}

/// A rule broken by one value of a row: its column, the code, the sentence.
pub(crate) type Broken = (&'static str, Code, String);

pub(crate) fn cell(row: u32, (column, code, detail): Broken) -> FieldError {
    FieldError {
        place: Place::Cell { row, column },
        code: code.as_str(),
        detail,
    }
}

/// Refuses a submission whose rows break rules; `whole` unless all of them break the same one that
/// conflicts with what stands.
pub(crate) fn refuse_rows(
    whole: Code,
    conflict: Code,
    mut refused: Vec<FieldError>,
    listed: usize,
) -> Refusal {
    refused.sort_by_key(|error| match error.place {
        Place::Cell { row, .. } => row,
        Place::Pointer(_) | Place::Bundle(_) => 0,
    });
    let conflicts = refused.iter().all(|error| error.code == conflict.as_str());
    let first = refused.first().map(|error| error.detail.as_str());
    Refusal {
        code: if conflicts { conflict } else { whole },
        detail: format!(
            "{} of {listed} rows are refused and nothing was stored; the first: {}",
            refused.len(),
            first.unwrap_or_default()
        ),
        errors: refused,
        expected_sequence: None,
    }
}

/// The list has rows, and not more than one decision takes.
pub(crate) fn check_rows(rows: usize, listed: usize) -> Result<(), Refusal> {
    if listed == 0 {
        return Err(Refusal::new(Code::ListEmpty, "the submission has no rows"));
    }
    if rows > MAX_ROWS {
        return Err(Refusal::new(
            Code::ListTooLong,
            format!("a submission has at most {MAX_ROWS} rows; this one has {listed}"),
        ));
    }
    Ok(())
}
