//! Rules of what storage charged and discharged.

use super::command::{Flow, FlowRow, SubmitStorageRecords, WithdrawStorageRecords};
use super::{
    Broken, DEVICE, cell, check_rows, day_keys, known, records, refuse_rows, storage_device,
};
use crate::context::Context;
use crate::decide::Decision;
use crate::entry::Device;
use crate::event::Event;
use crate::key::Key;
use crate::reading::{HOUR_S, check_interval};
use crate::refusal::{Code, Refusal};
use crate::state::{Entries, get};
use chrono::{DateTime, TimeDelta, Utc};
use schemas::event::LedgerEvent;
use schemas::event::reading::Run;
use schemas::event::storage::{StorageRecordsAccepted, StorageRecordsWithdrawn, WithdrawnRecord};
use schemas::interval::{Day, rfc3339};
use schemas::{Interval, WattHours};
use std::collections::BTreeSet;

/// Longest range of records that is taken back at once, in days.
pub const MAX_WITHDRAWN_DAYS: i64 = 31;

/// Column of the start of an interval.
pub const START: &str = "flow_start_datetime";
/// Column of the end of an interval.
pub const END: &str = "flow_end_datetime";
/// Column of the flow.
pub const ENERGY: &str = "flow_energy";
/// Column of who validated it.
pub const VALIDATOR: &str = "validator_id";

pub(crate) fn needed(submit: &SubmitStorageRecords, keys: &mut Vec<Key>) {
    keys.push(Key::Device(submit.device_id));
    keys.push(Key::Storage(submit.device_id));
    let days: BTreeSet<_> = submit.rows.iter().map(|row| Day::of(row.start)).collect();
    let of_day = |day| Key::StorageDay(submit.device_id, day);
    keys.extend(days.into_iter().map(of_day));
}

/// Accepts records: all that keep the rules, in time order and without a gap behind those accepted
/// before. What was accepted before is recognised.
pub(crate) fn submit(
    entries: &impl Entries,
    submit: &SubmitStorageRecords,
    context: &Context,
) -> Result<Decision, Refusal> {
    let device = storage_device(entries, submit.device_id, DEVICE)?;
    let listed = submit.rows.len() + submit.unreadable.len();
    check_rows(submit.rows.len(), listed)?;
    let mut refused = submit.unreadable.clone();
    let mut candidates: Vec<(Interval, &FlowRow)> = Vec::with_capacity(submit.rows.len());
    for row in &submit.rows {
        let checked = check_interval(row.start, row.end).map_err(of_flow);
        match checked {
            Ok(interval) => {
                let broken = check_flow(device, interval, row.wh, context).err();
                refused.extend(broken.map(|broken| cell(row.row, broken)));
                candidates.push((interval, row));
            }
            Err(broken) => refused.push(cell(row.row, broken)),
        }
    }
    candidates.sort_by_key(|(interval, row)| (interval.start(), row.row));
    // A row that can not be read hides whether its neighbours leave a gap.
    let is_whole = candidates.len() == listed;
    let storage = known(entries, submit.device_id)?;
    let mut next = storage.next_start;
    let mut last: Option<Interval> = None;
    let mut accepted: Vec<(Interval, &FlowRow)> = Vec::with_capacity(candidates.len());
    for (interval, row) in candidates {
        let broken = if let Some(known) = last.filter(|known| known.overlaps(&interval)) {
            Some((
                START,
                Code::StorageOverlap,
                format!("{interval} overlaps {known} of the same submission"),
            ))
        } else if next.is_some_and(|next| interval.start() < next) {
            compare(entries, submit, interval, row)?
        } else {
            let gap = next.filter(|next| is_whole && interval.start() > *next);
            accepted.push((interval, row));
            next = Some(interval.end());
            gap.map(|next| {
                (
                    START,
                    Code::StorageGap,
                    format!(
                        "{interval} leaves a gap: the record before ends at {}; record a flow of 0 Wh for an \
                         idle time",
                        rfc3339(next)
                    ),
                )
            })
        };
        refused.extend(broken.map(|broken| cell(row.row, broken)));
        last = Some(interval);
    }
    if !refused.is_empty() {
        return Err(refuse_rows(
            Code::StorageRecordsRefused,
            Code::StorageRecordConflict,
            refused,
            listed,
        ));
    }
    events_of(entries, submit, device, &accepted)
}

/// What is wrong with a row whose interval begins before the next record of the device; nothing where it
/// repeats what stands.
fn compare(
    entries: &impl Entries,
    submit: &SubmitStorageRecords,
    interval: Interval,
    row: &FlowRow,
) -> Result<Option<Broken>, Refusal> {
    let day = get::storage_day(entries, submit.device_id, Day::of(interval.start()))?;
    Ok(match day.and_then(|day| day.at(interval.start())) {
        Some((known, record)) if known == interval && record.wh == row.wh => None,
        Some((known, record)) if known == interval => Some((
            ENERGY,
            Code::StorageRecordConflict,
            format!(
                "{interval} was accepted before with {}, this row says {}",
                record.wh, row.wh
            ),
        )),
        _ => Some((
            START,
            Code::StorageOverlap,
            format!(
                "{interval} lies, at least in part, before the end of the records accepted so far and is none \
                 of them"
            ),
        )),
    })
}

/// The column of a flow that stands where a reading's does.
fn of_flow((column, code, detail): Broken) -> Broken {
    let column = if column == crate::reading::START {
        START
    } else {
        END
    };
    (column, code, detail)
}

/// Whether the device may have charged or discharged so much in the interval.
fn check_flow(
    device: &Device,
    interval: Interval,
    wh: WattHours,
    context: &Context,
) -> Result<(), Broken> {
    let attributes = &device.attributes;
    if interval.start() < attributes.operational_date {
        return Err((
            START,
            Code::BeforeOperation,
            format!(
                "{interval} starts before the device's operational date {}",
                rfc3339(attributes.operational_date)
            ),
        ));
    }
    if interval.end() > context.now {
        return Err((END, Code::InFuture, format!("{interval} has not ended yet")));
    }
    let capacity = if wh < WattHours::ZERO {
        attributes.capacity_w.max(attributes.peak_demand_w)
    } else {
        attributes.capacity_w
    };
    let margin = context.policy.capacity_margin_percent;
    // |wh| < capacity × hours × margin, without dividing: 128 bit hold 64 bit × 3,600 × 100.
    let flow = i128::from(wh.0).abs() * i128::from(HOUR_S) * 100;
    let allowed =
        i128::from(capacity.0) * i128::from(interval.length().num_seconds()) * i128::from(margin);
    if flow > 0 && flow >= allowed {
        return Err((
            ENERGY,
            Code::OverCapacity,
            format!(
                "{wh} in {interval} is not below {margin} % of the device's capacity of {capacity}"
            ),
        ));
    }
    Ok(())
}

fn events_of(
    entries: &impl Entries,
    submit: &SubmitStorageRecords,
    device: &Device,
    accepted: &[(Interval, &FlowRow)],
) -> Result<Decision, Refusal> {
    let mut next_record = get::counters(entries)?.storage_record;
    let mut decision = Decision::default();
    // Records of one event were validated by one, and ids follow time.
    for of_one in accepted.chunk_by(|(_, a), (_, b)| a.validator_id == b.validator_id) {
        let first_record_id = next_record;
        next_record = next_record.plus(i64::try_from(of_one.len()).unwrap_or(i64::MAX));
        let records = StorageRecordsAccepted {
            device_id: submit.device_id,
            account_id: device.account_id,
            first_record_id,
            validator_id: of_one[0].1.validator_id,
            runs: Run::pack(of_one.iter().map(|(interval, row)| (*interval, row.wh))),
        };
        decision
            .events
            .push(Event::from(LedgerEvent::from(records)));
    }
    Ok(decision)
}

pub(crate) fn needed_to_withdraw(
    entries: &impl Entries,
    withdraw: &WithdrawStorageRecords,
    keys: &mut Vec<Key>,
) {
    keys.push(Key::Device(withdraw.device_id));
    keys.push(Key::Storage(withdraw.device_id));
    if let Ok(Some(storage)) = get::storage(entries, withdraw.device_id)
        && let Some(end) = storage.next_start.filter(|end| *end > withdraw.from)
        && end - withdraw.from <= TimeDelta::days(MAX_WITHDRAWN_DAYS)
    {
        keys.extend(day_keys(withdraw.device_id, withdraw.from, end));
    }
}

/// Takes back the last records: none behind them, none allocated, none that a measured efficiency rests
/// on.
pub(crate) fn withdraw(
    entries: &impl Entries,
    withdraw: &WithdrawStorageRecords,
) -> Result<Decision, Refusal> {
    storage_device(entries, withdraw.device_id, DEVICE)?;
    let storage = known(entries, withdraw.device_id)?;
    let end = storage
        .next_start
        .filter(|end| *end > withdraw.from)
        .ok_or_else(|| nothing_from(withdraw.from))?;
    if end - withdraw.from > TimeDelta::days(MAX_WITHDRAWN_DAYS) {
        return Err(Refusal::new(
            Code::StorageWindow,
            format!(
                "records of at most {MAX_WITHDRAWN_DAYS} days are taken back at once, from the end; the last \
                 ends at {}",
                rfc3339(end)
            ),
        ));
    }
    let found = records(entries, withdraw.device_id, withdraw.from, end)?;
    let (first, first_record) = *found.first().ok_or_else(|| nothing_from(withdraw.from))?;
    if let Some((only, flow)) = withdraw.only {
        if first_record.record_id != only || first.start() != withdraw.from {
            return Err(Refusal::new(
                Code::StorageRecordNotFound,
                format!("StorageRecord with id {only} not found"),
            ));
        }
        check_kind(only, first_record.wh, flow)
            .map_err(|(_, code, detail)| Refusal::new(code, detail))?;
        if found.len() > 1 {
            return Err(Refusal::new(
                Code::StorageRecordNotLast,
                format!(
                    "{} records follow record {only}; records are taken back from the end, so that no gap is left",
                    found.len() - 1
                ),
            ));
        }
    }
    if let Some((_, used)) = found
        .iter()
        .find(|(_, record)| record.allocated > WattHours::ZERO)
    {
        return Err(Refusal::new(
            Code::StorageRecordInUse,
            format!(
                "{} of record {} are allocated",
                used.allocated, used.record_id
            ),
        ));
    }
    let measured = storage.efficiencies.iter().map(|known| known.fixed);
    if let Some(fixed) = measured
        .filter(|fixed| fixed.is_measured)
        .find(|fixed| fixed.window.end() > first.start())
    {
        return Err(Refusal::new(
            Code::StorageRecordInUse,
            format!(
                "the efficiency of {} was measured over these records",
                fixed.window
            ),
        ));
    }
    let records = found.iter().map(|(interval, record)| WithdrawnRecord {
        record_id: record.record_id,
        start: interval.start(),
        wh: record.wh,
    });
    Ok(LedgerEvent::from(StorageRecordsWithdrawn {
        device_id: withdraw.device_id,
        from: first.start(),
        records: records.collect(),
    })
    .into())
}

fn nothing_from(from: DateTime<Utc>) -> Refusal {
    Refusal::new(
        Code::StorageRecordNotFound,
        format!(
            "no record of the device starts at {} or later",
            rfc3339(from)
        ),
    )
}

/// Whether the record flows this way.
pub(super) fn check_kind(
    record_id: schemas::id::StorageRecordId,
    wh: WattHours,
    flow: Flow,
) -> Result<(), Broken> {
    let (column, word, is_so) = match flow {
        Flow::Charging => (super::allocation::SCR, "charging", wh < WattHours::ZERO),
        Flow::Discharging => (super::allocation::SDR, "discharging", wh > WattHours::ZERO),
    };
    if is_so {
        return Ok(());
    }
    Err((
        column,
        Code::StorageRecordKind,
        format!("record {record_id} with a flow of {wh} is not of {word}"),
    ))
}
