//! Folding what concerns storage.

use super::Fold;
use crate::entry::{
    Allocation, Bundle, DayRecord, EfficiencyKnown, Entry, Storage, StorageDay, second_of_day,
};
use crate::key::Key;
use crate::state::{NotLoaded, get};
use schemas::WattHours;
use schemas::event::storage::{
    StorageAllocated, StorageCertificatesIssued, StorageEfficiencyFixed, StorageRecordsAccepted,
    StorageRecordsWithdrawn,
};
use schemas::id::DeviceId;
use schemas::interval::Day;
use std::collections::BTreeMap;

pub(super) fn touched_by_records(event: &StorageRecordsAccepted, keys: &mut Vec<Key>) {
    keys.push(Key::Storage(event.device_id));
    let mut last = None;
    for (_, interval, _) in event.records() {
        let day = Day::of(interval.start());
        if last != Some(day) {
            keys.push(Key::StorageDay(event.device_id, day));
            last = Some(day);
        }
    }
}

pub(super) fn touched_by_withdrawal(event: &StorageRecordsWithdrawn, keys: &mut Vec<Key>) {
    keys.push(Key::Storage(event.device_id));
    let mut days: Vec<_> = event.records.iter().map(|one| Day::of(one.start)).collect();
    days.dedup();
    let of_day = |day| Key::StorageDay(event.device_id, day);
    keys.extend(days.into_iter().map(of_day));
}

pub(super) fn touched_by_allocation(event: &StorageAllocated, keys: &mut Vec<Key>) {
    keys.push(Key::Storage(event.device_id));
    let days = changes_by_day(event).into_keys();
    keys.extend(days.map(|day| Key::StorageDay(event.device_id, day)));
}

pub(super) fn touched_by_issuance(event: &StorageCertificatesIssued, keys: &mut Vec<Key>) {
    keys.extend([Key::Device(event.device_id), Key::Account(event.account_id)]);
    for allocation in &event.allocations {
        keys.push(Key::Allocation(allocation.allocation_id));
        let sources = allocation.sources.iter();
        keys.extend(sources.map(|source| Key::Bundle(source.bundle_id)));
    }
}

/// What the allocations add to the records of each day, by second of the day.
fn changes_by_day(event: &StorageAllocated) -> BTreeMap<Day, Vec<(u32, WattHours)>> {
    let mut days: BTreeMap<Day, Vec<(u32, WattHours)>> = BTreeMap::new();
    for one in event.allocations() {
        let changes = [
            (one.charge.scr.interval.start(), one.charge.consumed),
            (one.sdr.interval.start(), one.charge.produced),
        ];
        for (start, wh) in changes {
            let of_day = days.entry(Day::of(start)).or_default();
            of_day.push((second_of_day(start), wh));
        }
    }
    days
}

impl Fold<'_, '_> {
    fn storage(
        &mut self,
        id: DeviceId,
        change: impl FnOnce(&mut Storage),
    ) -> Result<(), NotLoaded> {
        if let Some(slot) = self.changes.edit(Key::Storage(id), self.position)? {
            if let Some(Entry::Storage(storage)) = slot {
                change(storage);
            } else {
                let mut storage = Storage::default();
                change(&mut storage);
                *slot = Some(Entry::Storage(Box::new(storage)));
            }
        }
        Ok(())
    }

    fn storage_day(
        &mut self,
        id: DeviceId,
        day: Day,
        change: impl FnOnce(&mut StorageDay),
    ) -> Result<(), NotLoaded> {
        if let Some(slot) = self.changes.edit(Key::StorageDay(id, day), self.position)? {
            if let Some(Entry::StorageDay(records)) = slot {
                change(records);
            } else {
                let mut records = StorageDay::default();
                change(&mut records);
                *slot = Some(Entry::StorageDay(records));
            }
        }
        Ok(())
    }

    pub(super) fn storage_records_accepted(
        &mut self,
        event: &StorageRecordsAccepted,
    ) -> Result<(), NotLoaded> {
        let records: Vec<_> = event.records().collect();
        let (Some((_, first, _)), Some((last_id, last, _))) = (records.first(), records.last())
        else {
            return Ok(());
        };
        for of_day in records.chunk_by(|a, b| Day::of(a.1.start()) == Day::of(b.1.start())) {
            self.storage_day(event.device_id, Day::of(of_day[0].1.start()), |day| {
                for (record_id, interval, wh) in of_day {
                    let record = DayRecord {
                        length_s: u32::try_from(interval.length().num_seconds())
                            .unwrap_or_default(),
                        wh: *wh,
                        allocated: WattHours::ZERO,
                        record_id: *record_id,
                    };
                    day.0.insert(second_of_day(interval.start()), record);
                }
            })?;
        }
        self.storage(event.device_id, |storage| {
            storage.first_start.get_or_insert(first.start());
            storage.next_start = Some(last.end());
            for (.., wh) in &records {
                flowed(storage, *wh, 1);
            }
        })?;
        self.counters(|counters| counters.storage_record = last_id.plus(1))
    }

    pub(super) fn storage_records_withdrawn(
        &mut self,
        event: &StorageRecordsWithdrawn,
    ) -> Result<(), NotLoaded> {
        let of_one_day = event
            .records
            .chunk_by(|a, b| Day::of(a.start) == Day::of(b.start));
        for of_day in of_one_day {
            self.storage_day(event.device_id, Day::of(of_day[0].start), |day| {
                for record in of_day {
                    day.0.remove(&second_of_day(record.start));
                }
            })?;
        }
        self.storage(event.device_id, |storage| {
            if storage.first_start.is_none_or(|first| event.from <= first) {
                storage.first_start = None;
                storage.next_start = None;
                storage.open_from = None;
            } else {
                storage.next_start = Some(event.from);
                storage.open_from = storage.open_from.map(|open| open.min(event.from));
            }
            for record in &event.records {
                flowed(storage, record.wh, -1);
            }
        })
    }

    pub(super) fn storage_efficiency_fixed(
        &mut self,
        event: &StorageEfficiencyFixed,
    ) -> Result<(), NotLoaded> {
        let fixed = event.fixed;
        self.storage(event.device_id, |storage| {
            let known = &mut storage.efficiencies;
            known.retain(|known| known.fixed.window != fixed.window);
            known.push(EfficiencyKnown {
                fixed,
                is_used: false,
            });
        })
    }

    pub(super) fn storage_allocated(&mut self, event: &StorageAllocated) -> Result<(), NotLoaded> {
        for (day, changes) in changes_by_day(event) {
            self.storage_day(event.device_id, day, |day| {
                for (second, wh) in changes {
                    if let Some(record) = day.0.get_mut(&second) {
                        record.allocated += wh;
                    }
                }
            })?;
        }
        self.storage(event.device_id, |storage| {
            storage.method = Some(event.method);
            storage.open_from = event.open_from.or(storage.open_from);
            for one in event.allocations() {
                storage.consumed += one.charge.consumed;
                storage.produced += one.charge.produced;
                let known = &mut storage.efficiencies;
                if let Some(known) = known
                    .iter_mut()
                    .find(|known| known.fixed.window == one.factor.window)
                {
                    known.is_used = true;
                }
            }
        })?;
        let mut next = event.first_allocation_id;
        for one in event.allocations() {
            self.create(
                Key::Allocation(one.allocation_id),
                Entry::Allocation(Allocation {
                    device_id: event.device_id,
                    charged: one.charge.scr.interval,
                    discharged: one.sdr.interval,
                    consumed: one.charge.consumed,
                    produced: one.charge.produced,
                    is_issued: false,
                }),
            );
            next = one.allocation_id.plus(1);
        }
        self.counters(|counters| counters.allocation = next)
    }

    pub(super) fn storage_certificates_issued(
        &mut self,
        event: &StorageCertificatesIssued,
    ) -> Result<(), NotLoaded> {
        let mut next_bundle = None;
        let mut next_certificate = event.first_certificate_id;
        for (allocation, source, issued) in event.sources() {
            let used = Key::Bundle(source.bundle_id);
            if let Some(Some(Entry::Bundle(bundle))) = self.changes.edit(used, self.position)? {
                bundle.note(|trail| trail.used_for = Some(allocation.allocation_id));
            }
            let Some(new) = issued else { continue };
            // The source of energy never changes, so whichever position the entry is of, it is there.
            let source =
                get::bundle(self.changes, source.bundle_id)?.map(|used| used.energy_source);
            let Some(energy_source) = source else {
                continue;
            };
            let mut bundle = Bundle::new(
                event.account_id,
                event.device_id,
                energy_source,
                [new.start, new.end],
                allocation.discharged,
                event.expiry,
            );
            bundle.note(|trail| trail.issued_for = Some(allocation.allocation_id));
            self.create(Key::Bundle(new.bundle_id), Entry::Bundle(bundle));
            next_bundle = Some(new.bundle_id.plus(1));
            next_certificate = new.end.plus(1);
        }
        for allocation in &event.allocations {
            let key = Key::Allocation(allocation.allocation_id);
            if let Some(Some(Entry::Allocation(known))) = self.changes.edit(key, self.position)? {
                known.is_issued = true;
            }
        }
        self.device(event.device_id, |device| {
            device.next_certificate_id = next_certificate;
        })?;
        let total = event.total();
        self.account(event.account_id, |account| account.live_wh += total)?;
        self.counters(|counters| counters.bundle = next_bundle.unwrap_or(counters.bundle))
    }
}

fn flowed(storage: &mut Storage, wh: WattHours, sign: i64) {
    let total = if wh < WattHours::ZERO {
        &mut storage.charged
    } else {
        &mut storage.discharged
    };
    *total += WattHours(wh.0.abs() * sign);
}
