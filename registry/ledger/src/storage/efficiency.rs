//! Rules of the efficiency of storage.

use super::command::FixStorageEfficiency;
use super::{DEVICE, day_keys, known, range, records, storage_device};
use crate::decide::Decision;
use crate::entry::Storage;
use crate::key::Key;
use crate::refusal::{Code, Refusal};
use crate::state::Entries;
use rust_decimal::Decimal;
use schemas::event::LedgerEvent;
use schemas::event::storage::{EfficiencyWindow, StorageEfficiencyFixed};
use schemas::interval::rfc3339;
use schemas::storage::{Efficiency, MAX_EFFICIENCY_SCALE};
use schemas::{Interval, WattHours};

/// Most windows of one device: a day each for more than five years, or half a year each for ever.
pub const MAX_WINDOWS: usize = 2_000;

pub(crate) fn needed(fix: &FixStorageEfficiency, keys: &mut Vec<Key>) {
    keys.push(Key::Device(fix.device_id));
    keys.push(Key::Storage(fix.device_id));
    if fix.stated.is_none() && range(fix.from, fix.to).is_ok() {
        keys.extend(day_keys(fix.device_id, fix.from, fix.to));
    }
}

/// Fixes an efficiency: as stated, or Wh out per Wh in over all records of the window.
pub(crate) fn fix(entries: &impl Entries, fix: &FixStorageEfficiency) -> Result<Decision, Refusal> {
    storage_device(entries, fix.device_id, DEVICE)?;
    let window = range(fix.from, fix.to)?;
    let storage = known(entries, fix.device_id)?;
    check_window(&storage, window)?;
    let efficiency = match fix.stated {
        Some(factor) => stated(factor)?,
        None => measured(entries, fix, &storage, window)?,
    };
    Ok(LedgerEvent::from(StorageEfficiencyFixed {
        device_id: fix.device_id,
        fixed: EfficiencyWindow {
            window,
            efficiency,
            is_measured: fix.stated.is_none(),
        },
    })
    .into())
}

/// Whether an efficiency may be fixed for the window: it overlaps none, or is one that no allocation
/// rests on.
pub(super) fn check_window(storage: &Storage, window: Interval) -> Result<(), Refusal> {
    let in_the_way = storage.efficiencies.iter().find(|known| {
        known.fixed.window.overlaps(&window) && (known.fixed.window != window || known.is_used)
    });
    if let Some(known) = in_the_way {
        return Err(Refusal::new(
            Code::StorageWindowFixed,
            format!(
                "for {} an efficiency is fixed{}",
                known.fixed.window,
                if known.is_used {
                    ", and allocations rest on it"
                } else {
                    "; it can be fixed anew for that very window"
                }
            ),
        )
        .at("/from"));
    }
    let is_new = || {
        !storage
            .efficiencies
            .iter()
            .any(|known| known.fixed.window == window)
    };
    if storage.efficiencies.len() >= MAX_WINDOWS && is_new() {
        return Err(Refusal::new(
            Code::ListTooLong,
            format!("a device has at most {MAX_WINDOWS} efficiency windows"),
        ));
    }
    Ok(())
}

/// The ratio that a stated factor is.
pub(super) fn stated(factor: Decimal) -> Result<Efficiency, Refusal> {
    Efficiency::of_decimal(factor).ok_or_else(|| {
        Refusal::new(
            Code::StorageEfficiencyRange,
            format!(
                "an efficiency is above 0, at most 1 and has at most {MAX_EFFICIENCY_SCALE} decimal places; \
                 {factor} is not"
            ),
        )
        .at("/storage_efficiency_factor")
    })
}

fn measured(
    entries: &impl Entries,
    fix: &FixStorageEfficiency,
    storage: &Storage,
    window: Interval,
) -> Result<Efficiency, Refusal> {
    let covered = storage
        .first_start
        .is_some_and(|first| first <= window.start())
        && storage.next_start.is_some_and(|next| window.end() <= next);
    if !covered {
        let known = match (storage.first_start, storage.next_start) {
            (Some(first), Some(next)) => {
                format!("records reach from {} to {}", rfc3339(first), rfc3339(next))
            }
            _ => "there are no records".to_owned(),
        };
        return Err(Refusal::new(
            Code::StorageWindow,
            format!("{window} is not covered by records: {known}"),
        )
        .at("/from"));
    }
    let (mut wh_in, mut wh_out) = (WattHours::ZERO, WattHours::ZERO);
    for (interval, record) in records(entries, fix.device_id, window.start(), window.end())? {
        if interval.end() > window.end() {
            return Err(Refusal::new(
                Code::StorageWindow,
                format!("the window ends within the record of {interval}"),
            )
            .at("/to"));
        }
        if record.wh < WattHours::ZERO {
            wh_in += record.amount();
        } else {
            wh_out += record.amount();
        }
    }
    Efficiency::new(wh_out.0, wh_in.0).map_err(|_| {
        Refusal::new(
            Code::StorageEfficiencyRange,
            format!(
                "in {window} the device charged {wh_in} and discharged {wh_out}; an efficiency can be measured \
                 where it discharged something and not more than it charged"
            ),
        )
    })
}
