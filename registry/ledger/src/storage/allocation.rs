//! Rules of allocation: each discharged Wh comes from one charge that ended before, each charged Wh goes
//! to one discharge.

use super::command::{AllocateRows, AllocateStorage, AllocationRow, Flow, RecordPlace, RowAmount};
use super::method::{Charges, Open};
use super::record::check_kind;
use super::{
    Broken, DEVICE, MAX_LOOK_BACK_DAYS, MAX_ROWS, cell, check_rows, day_keys, efficiency, known,
    range, records, refuse_rows, storage_device,
};
use crate::decide::Decision;
use crate::entry::{DayRecord, EfficiencyKnown, Storage};
use crate::key::Key;
use crate::refusal::{Code, FieldError, Refusal};
use crate::state::{Entries, get};
use chrono::{DateTime, TimeDelta, Utc};
use rust_decimal::Decimal;
use schemas::event::LedgerEvent;
use schemas::event::storage::{
    ChargeAllocated, DischargeAllocated, EfficiencyWindow, RecordRef, StorageAllocated,
    StorageEfficiencyFixed,
};
use schemas::id::{DeviceId, StorageRecordId};
use schemas::interval::{Day, rfc3339};
use schemas::storage::{AllocationMethod, Efficiency};
use schemas::{Interval, WattHours};
use std::collections::HashMap;

/// Column of the charge.
pub const SCR: &str = "scr_allocation_id";
/// Column of the discharge.
pub const SDR: &str = "sdr_allocation_id";
/// Column of the charged Wh used up.
pub const CONSUMED: &str = "scr_wh_consumed";
/// Column of the discharged Wh they account for.
pub const PRODUCED: &str = "sdr_wh_produced";
/// Column of the share of the discharge, in place of the charged Wh.
pub const PROPORTION: &str = "sdr_proportion";
/// Column of the start of an efficiency's window.
pub const FACTOR_START: &str = "efficiency_factor_interval_start";
/// Column of the end of an efficiency's window.
pub const FACTOR_END: &str = "efficiency_factor_interval_end";
/// Column of an efficiency.
pub const FACTOR: &str = "storage_efficiency_factor";
/// Most decimal places of a proportion.
pub const MAX_PROPORTION_SCALE: u32 = 18;

/// From where on charges are looked at for a range.
fn look_from(storage: &Storage, window: Interval) -> DateTime<Utc> {
    let bound = window.end() - TimeDelta::days(MAX_LOOK_BACK_DAYS);
    let open = storage.open_from.or(storage.first_start);
    open.map_or(bound, |open| open.max(bound))
        .min(window.start())
}

pub(crate) fn needed(entries: &impl Entries, allocate: &AllocateStorage, keys: &mut Vec<Key>) {
    keys.push(Key::Device(allocate.device_id));
    keys.push(Key::Storage(allocate.device_id));
    if let Ok(storage) = known(entries, allocate.device_id)
        && let Ok(window) = range(allocate.from, allocate.to)
    {
        let from = look_from(&storage, window);
        keys.extend(day_keys(allocate.device_id, from, window.end()));
    }
}

/// Allocates the discharges of a range by the device's method.
pub(crate) fn allocate(
    entries: &impl Entries,
    allocate: &AllocateStorage,
) -> Result<Decision, Refusal> {
    let device_id = allocate.device_id;
    storage_device(entries, device_id, DEVICE)?;
    let window = range(allocate.from, allocate.to)?;
    let storage = known(entries, device_id)?;
    let asked = allocate.method.or(storage.method);
    let method = fixed_method(&storage, asked.unwrap_or(AllocationMethod::Fifo))?;
    if method == AllocationMethod::OperatorDiscretion {
        return Err(Refusal::new(
            Code::StorageMethodFixed,
            format!(
                "the discharges of device {device_id} are allocated row by row, by its validator"
            ),
        )
        .at("/method"));
    }
    let found = records(
        entries,
        device_id,
        look_from(&storage, window),
        window.end(),
    )?;
    let mut charges = Charges::of(found.iter().filter_map(|(interval, record)| {
        let is_open = record.wh < WattHours::ZERO && record.left() > WattHours::ZERO;
        is_open.then(|| Open {
            scr: reference(*interval, *record),
            left: record.left(),
        })
    }));
    let wanting = found.iter().filter(|(interval, record)| {
        record.wh > WattHours::ZERO
            && record.left() > WattHours::ZERO
            && interval.start() >= window.start()
    });
    let mut discharges = Vec::new();
    let (mut allocated, mut uncovered) = (0, WattHours::ZERO);
    for (interval, record) in wanting {
        let factor = factor_for(&storage, device_id, interval.start())?;
        let taken = charges.cover(method, interval.start(), record.left(), factor.efficiency);
        allocated += taken.len();
        if allocated > MAX_ROWS {
            return Err(Refusal::new(
                Code::ListTooLong,
                format!("the range leads to more than {MAX_ROWS} allocations; take a shorter one"),
            )
            .at("/to"));
        }
        let discharge = DischargeAllocated {
            sdr: reference(*interval, *record),
            factor,
            uncovered: record.left() - taken.iter().map(|one| one.produced).sum(),
            charges: taken,
        };
        uncovered += discharge.uncovered;
        discharges.push(discharge);
    }
    if allocated == 0 {
        return Err(Refusal::new(
            Code::NothingToAllocate,
            match discharges.len() {
                0 => format!("no discharge that starts in {window} has anything left to allocate"),
                count => format!(
                    "none of the {count} discharges in {window} can be allocated: no charge that ended before \
                     has anything left; {uncovered} are uncovered"
                ),
            },
        ));
    }
    let ends = storage
        .next_start
        .map_or(window.end(), |next| next.min(window.end()));
    // Charges before those that were looked at may be open: then it stays what it was.
    let open = storage.open_from.or(storage.first_start);
    let saw_all = open.is_none_or(|open| look_from(&storage, window) <= open);
    Ok(LedgerEvent::from(StorageAllocated {
        device_id,
        method,
        first_allocation_id: get::counters(entries)?.allocation,
        open_from: saw_all.then(|| charges.first_start().unwrap_or(ends)),
        discharges,
    })
    .into())
}

fn reference(interval: Interval, record: DayRecord) -> RecordRef {
    RecordRef {
        record_id: record.record_id,
        interval,
    }
}

/// The method, if the device has no other one.
fn fixed_method(storage: &Storage, method: AllocationMethod) -> Result<AllocationMethod, Refusal> {
    match storage.method.filter(|fixed| *fixed != method) {
        None => Ok(method),
        Some(fixed) => Err(Refusal::new(
            Code::StorageMethodFixed,
            format!(
                "the device's discharges are allocated by {fixed} since its first allocation, so not by {method}"
            ),
        )
        .at("/method")),
    }
}

fn factor_for(
    storage: &Storage,
    device_id: DeviceId,
    start: DateTime<Utc>,
) -> Result<EfficiencyWindow, Refusal> {
    storage.factor(start).ok_or_else(|| {
        Refusal::new(
            Code::StorageEfficiencyMissing,
            format!(
                "no efficiency of device {device_id} holds for the discharge that starts at {}; fix one for a \
                 window around it first",
                rfc3339(start)
            ),
        )
    })
}

pub(crate) fn needed_for_rows(allocate: &AllocateRows, keys: &mut Vec<Key>) {
    keys.push(Key::Device(allocate.device_id));
    keys.push(Key::Storage(allocate.device_id));
    let places = allocate.rows.iter().flat_map(|row| [row.scr, row.sdr]);
    let mut days: Vec<_> = places
        .filter_map(|place| place.start)
        .map(Day::of)
        .collect();
    days.sort_unstable();
    days.dedup();
    let of_day = |day| Key::StorageDay(allocate.device_id, day);
    keys.extend(days.into_iter().map(of_day));
}

/// Allocates as the validator says. Efficiencies stated in the rows are fixed in the same decision.
pub(crate) fn allocate_rows(
    entries: &impl Entries,
    allocate: &AllocateRows,
) -> Result<Decision, Refusal> {
    storage_device(entries, allocate.device_id, DEVICE)?;
    let listed = allocate.rows.len() + allocate.unreadable.len();
    check_rows(allocate.rows.len(), listed)?;
    let mut rows = Rows {
        entries,
        device_id: allocate.device_id,
        storage: known(entries, allocate.device_id)?,
        fixed: Vec::new(),
        left: HashMap::new(),
        discharges: Vec::new(),
    };
    fixed_method(&rows.storage, AllocationMethod::OperatorDiscretion)?;
    let mut refused = allocate.unreadable.clone();
    for row in &allocate.rows {
        if let Err(broken) = rows.take(row)? {
            refused.push(cell(row.row, broken));
        }
    }
    if !refused.is_empty() {
        return Err(refused_rows(refused, listed));
    }
    rows.decision()
}

fn refused_rows(refused: Vec<FieldError>, listed: usize) -> Refusal {
    refuse_rows(
        Code::AllocationsRefused,
        Code::OverAllocated,
        refused,
        listed,
    )
}

/// Rows of an allocation as they are taken one after another.
struct Rows<'e, E> {
    entries: &'e E,
    device_id: DeviceId,
    /// With the efficiencies that the rows state.
    storage: Storage,
    fixed: Vec<EfficiencyWindow>,
    /// What the rows before have left of each record.
    left: HashMap<StorageRecordId, WattHours>,
    discharges: Vec<DischargeAllocated>,
}

impl<E: Entries> Rows<'_, E> {
    /// Takes a row, if it breaks no rule.
    fn take(&mut self, row: &AllocationRow) -> Result<Result<(), Broken>, Refusal> {
        let scr = match self.find(row.scr, SCR, Flow::Charging)? {
            Ok(found) => found,
            Err(broken) => return Ok(Err(broken)),
        };
        let sdr = match self.find(row.sdr, SDR, Flow::Discharging)? {
            Ok(found) => found,
            Err(broken) => return Ok(Err(broken)),
        };
        Ok(self
            .state_factor(row)
            .and_then(|()| self.allocate(row, scr, sdr)))
    }

    fn find(
        &self,
        place: RecordPlace,
        column: &'static str,
        flow: Flow,
    ) -> Result<Result<(Interval, DayRecord), Broken>, Refusal> {
        let found = match place.start {
            None => None,
            Some(start) => get::storage_day(self.entries, self.device_id, Day::of(start))?
                .and_then(|day| day.at(start))
                .filter(|(_, record)| record.record_id == place.record_id),
        };
        let id = place.record_id;
        Ok(match found {
            None => Err((
                column,
                Code::StorageRecordNotFound,
                format!(
                    "device {} has no storage record with id {id}",
                    self.device_id
                ),
            )),
            Some((interval, record)) => {
                check_kind(id, record.wh, flow).map(|()| (interval, record))
            }
        })
    }

    /// Fixes the efficiency that a row states, unless it is fixed so already.
    fn state_factor(&mut self, row: &AllocationRow) -> Result<(), Broken> {
        let Some(stated) = row.factor else {
            return Ok(());
        };
        let broken = |refusal: Refusal, column| (column, refusal.code, refusal.detail);
        let window =
            range(stated.from, stated.to).map_err(|refusal| broken(refusal, FACTOR_END))?;
        let efficiency =
            efficiency::stated(stated.factor).map_err(|refusal| broken(refusal, FACTOR))?;
        let mut standing = self.storage.efficiencies.iter().map(|known| known.fixed);
        if let Some(fixed) = standing.find(|fixed| fixed.window == window) {
            if says(fixed.efficiency, stated.factor) {
                return Ok(());
            }
            return Err((
                FACTOR,
                Code::StorageWindowFixed,
                format!(
                    "for {window} the efficiency is fixed at {}, not at {}",
                    fixed.efficiency.to_decimal(),
                    stated.factor
                ),
            ));
        }
        efficiency::check_window(&self.storage, window)
            .map_err(|refusal| broken(refusal, FACTOR_START))?;
        let fixed = EfficiencyWindow {
            window,
            efficiency,
            is_measured: false,
        };
        self.fixed.push(fixed);
        self.storage.efficiencies.push(EfficiencyKnown {
            fixed,
            is_used: true,
        });
        Ok(())
    }

    fn allocate(
        &mut self,
        row: &AllocationRow,
        (charged, scr): (Interval, DayRecord),
        (discharged, sdr): (Interval, DayRecord),
    ) -> Result<(), Broken> {
        if discharged.start() < charged.end() {
            return Err((
                SDR,
                Code::AllocationOrder,
                format!(
                    "the discharge of {discharged} starts before the charge of {charged} has ended"
                ),
            ));
        }
        let factor = factor_for(&self.storage, self.device_id, discharged.start())
            .map_err(|refusal| (SDR, refusal.code, refusal.detail))?;
        if let Some(stated) = row.factor
            && (stated.from, stated.to) != (factor.window.start(), factor.window.end())
        {
            let rule = format!(
                "the efficiency stated is of another window than that of the discharge of {discharged}, {}",
                factor.window
            );
            return Err((FACTOR_START, Code::StorageWindow, rule));
        }
        let (consumed, produced) = amounts(row, sdr, factor.efficiency)?;
        for (column, record, taken) in [(SCR, scr, consumed), (SDR, sdr, produced)] {
            let left = *self
                .left
                .entry(record.record_id)
                .or_insert_with(|| record.left());
            if taken > left {
                return Err((
                    column,
                    Code::OverAllocated,
                    format!(
                        "of record {} with {} only {left} are not allocated, less than {taken}",
                        record.record_id,
                        record.amount()
                    ),
                ));
            }
        }
        for (record, taken) in [(scr, consumed), (sdr, produced)] {
            if let Some(left) = self.left.get_mut(&record.record_id) {
                *left -= taken;
            }
        }
        let charge = ChargeAllocated {
            scr: reference(charged, scr),
            consumed,
            produced,
        };
        match self.discharges.last_mut() {
            Some(last) if last.sdr.record_id == sdr.record_id => last.charges.push(charge),
            _ => self.discharges.push(DischargeAllocated {
                sdr: reference(discharged, sdr),
                factor,
                uncovered: WattHours::ZERO,
                charges: vec![charge],
            }),
        }
        Ok(())
    }

    fn decision(mut self) -> Result<Decision, Refusal> {
        for discharge in &mut self.discharges {
            let left = self.left.get(&discharge.sdr.record_id);
            discharge.uncovered = left.copied().unwrap_or_default();
        }
        let device_id = self.device_id;
        let fixed = self
            .fixed
            .into_iter()
            .map(|fixed| LedgerEvent::from(StorageEfficiencyFixed { device_id, fixed }).into());
        let mut decision = Decision {
            events: fixed.collect(),
            ..Decision::default()
        };
        let allocated = StorageAllocated {
            device_id,
            method: AllocationMethod::OperatorDiscretion,
            first_allocation_id: get::counters(self.entries)?.allocation,
            open_from: None,
            discharges: self.discharges,
        };
        decision.events.push(LedgerEvent::from(allocated).into());
        Ok(decision)
    }
}

/// Whether a stated factor means a fixed efficiency: exactly, or as it is shown.
fn says(fixed: Efficiency, stated: Decimal) -> bool {
    Efficiency::of_decimal(stated).is_some_and(|stated| fixed.equals(stated))
        || fixed.to_decimal() == stated.normalize()
}

/// Consumed and produced Wh of a row: produced = floor(consumed × η), at least 1.
fn amounts(
    row: &AllocationRow,
    sdr: DayRecord,
    efficiency: Efficiency,
) -> Result<(WattHours, WattHours), Broken> {
    let (column, consumed) = match row.amount {
        RowAmount::Consumed(wh) => (CONSUMED, (wh > WattHours::ZERO).then_some(wh)),
        RowAmount::Proportion(share) => (
            PROPORTION,
            share_of(share, sdr.amount()).and_then(|wh| efficiency.consumed_for(wh)),
        ),
    };
    let consumed = consumed.filter(|wh| *wh > WattHours::ZERO).ok_or_else(|| {
        let rule = match row.amount {
            RowAmount::Consumed(wh) => {
                format!("{CONSUMED} must be at least 1 Wh, not {}", wh.0)
            }
            RowAmount::Proportion(share) => format!(
                "{PROPORTION} must be above 0 and at most 1, with at most {MAX_PROPORTION_SCALE} decimal places, \
                 and come to at least 1 Wh of the discharge; {share} does not"
            ),
        };
        (column, Code::AllocationAmount, rule)
    })?;
    let produced = efficiency.produced_by(consumed);
    if produced == WattHours::ZERO {
        return Err((
            column,
            Code::AllocationAmount,
            format!(
                "{consumed} give less than 1 Wh at an efficiency of {}",
                efficiency.to_decimal()
            ),
        ));
    }
    if let Some(said) = row.produced.filter(|said| *said != produced) {
        return Err((
            PRODUCED,
            Code::AllocationAmount,
            format!(
                "{consumed} give {produced} at an efficiency of {}, not {said}",
                efficiency.to_decimal()
            ),
        ));
    }
    Ok((consumed, produced))
}

/// floor(share × amount), exactly: share ≤ 1 has at most 18 decimal places, so 128 bit suffice.
fn share_of(share: Decimal, amount: WattHours) -> Option<WattHours> {
    let share = share.normalize();
    let is_share =
        share > Decimal::ZERO && share <= Decimal::ONE && share.scale() <= MAX_PROPORTION_SCALE;
    if !is_share {
        return None;
    }
    let scaled = share.mantissa() * i128::from(amount.0) / 10_i128.pow(share.scale());
    i64::try_from(scaled).ok().map(WattHours)
}
