//! Storage: records, efficiencies and allocations.

use crate::Error;
use crate::copy::{Rows, copy};
use chrono::{DateTime, Utc};
use deadpool_postgres::ClientWrapper;
use schemas::event::storage::{
    AllocatedRecord, EfficiencyWindow, StorageAllocated, StorageCertificatesIssued,
    StorageEfficiencyFixed, StorageRecordsAccepted, StorageRecordsWithdrawn,
};
use schemas::id::{AllocationId, DeviceId, StorageRecordId};
use schemas::log::Position;
use schemas::storage::{AllocationMethod, Efficiency};
use schemas::{Interval, WattHours};
use std::collections::BTreeMap;
use tokio_postgres::types::ToSql;

struct Record {
    id: StorageRecordId,
    device_id: DeviceId,
    interval: Interval,
    wh: WattHours,
    validator_id: Option<i64>,
    created_at: DateTime<Utc>,
    change: Change,
}

/// What became of a record after it was accepted.
#[derive(Default)]
struct Change {
    allocated: WattHours,
    is_deleted: bool,
    position: Position,
}

struct Allocation {
    device_id: DeviceId,
    method: AllocationMethod,
    record: AllocatedRecord,
    is_issued: bool,
    created_at: DateTime<Utc>,
    position: Position,
}

struct Fixed {
    efficiency: EfficiencyWindow,
    at: DateTime<Utc>,
    position: Position,
}

/// What events of storage made and changed.
#[derive(Default)]
pub(super) struct Storage {
    /// By id.
    new: Vec<Record>,
    changed: BTreeMap<StorageRecordId, Change>,
    /// By device and start of the window.
    efficiencies: BTreeMap<(DeviceId, DateTime<Utc>), Fixed>,
    /// By id.
    allocations: Vec<Allocation>,
    /// Allocations of before that certificates were issued for.
    issued: BTreeMap<AllocationId, Position>,
}

impl Storage {
    pub(super) fn accepted(
        &mut self,
        event: &StorageRecordsAccepted,
        at: DateTime<Utc>,
        position: Position,
    ) {
        self.new
            .extend(event.records().map(|(id, interval, wh)| Record {
                id,
                device_id: event.device_id,
                interval,
                wh,
                validator_id: event.validator_id,
                created_at: at,
                change: Change {
                    position,
                    ..Change::default()
                },
            }));
    }

    pub(super) fn withdrawn(&mut self, event: &StorageRecordsWithdrawn, position: Position) {
        for record in &event.records {
            let change = self.change(record.record_id, position);
            change.is_deleted = true;
        }
    }

    pub(super) fn fixed(
        &mut self,
        event: &StorageEfficiencyFixed,
        at: DateTime<Utc>,
        position: Position,
    ) {
        let key = (event.device_id, event.fixed.window.start());
        let efficiency = event.fixed;
        let fixed = Fixed {
            efficiency,
            at,
            position,
        };
        self.efficiencies.insert(key, fixed);
    }

    pub(super) fn allocated(
        &mut self,
        event: &StorageAllocated,
        at: DateTime<Utc>,
        position: Position,
    ) {
        for record in event.allocations() {
            let charge = record.charge;
            self.change(charge.scr.record_id, position).allocated += charge.consumed;
            self.change(record.sdr.record_id, position).allocated += charge.produced;
            self.allocations.push(Allocation {
                device_id: event.device_id,
                method: event.method,
                record,
                is_issued: false,
                created_at: at,
                position,
            });
        }
    }

    pub(super) fn issued(&mut self, event: &StorageCertificatesIssued, position: Position) {
        for issued in &event.allocations {
            let id = issued.allocation_id;
            // Ids count up, so the new ones are sorted.
            let found = self
                .allocations
                .binary_search_by_key(&id, |new| new.record.allocation_id);
            if let Some(new) = found.ok().and_then(|index| self.allocations.get_mut(index)) {
                new.is_issued = true;
                new.position = position;
            } else {
                self.issued.insert(id, position);
            }
        }
    }

    fn change(&mut self, id: StorageRecordId, position: Position) -> &mut Change {
        // Ids count up, so the new ones are sorted.
        let change = match self.new.binary_search_by_key(&id, |new| new.id) {
            Ok(found) => &mut self.new[found].change,
            Err(_) => self.changed.entry(id).or_default(),
        };
        change.position = position;
        change
    }

    pub(super) async fn save(&self, client: &ClientWrapper) -> Result<(), Error> {
        copy(client, COPY_RECORD, 10, &self.new, |row, new| {
            row.bigint(new.id.0)
                .bigint(new.device_id.0)
                .timestamptz(new.interval.start())
                .timestamptz(new.interval.end())
                .bigint(new.wh.0)
                .option(new.validator_id, Rows::bigint)
                .bigint(new.change.allocated.0)
                .boolean(new.change.is_deleted)
                .timestamptz(new.created_at)
                .bigint(new.change.position.0);
        })
        .await?;
        copy(client, COPY_ALLOCATION, 19, &self.allocations, put).await?;
        self.save_changes(client).await?;
        self.save_efficiencies(client).await
    }

    async fn save_changes(&self, client: &ClientWrapper) -> Result<(), Error> {
        if !self.changed.is_empty() {
            let changes = || self.changed.values();
            let ids: Vec<_> = self.changed.keys().map(|id| id.0).collect();
            let allocated: Vec<_> = changes().map(|change| change.allocated.0).collect();
            let deleted: Vec<_> = changes().map(|change| change.is_deleted).collect();
            let positions: Vec<_> = changes().map(|change| change.position.0).collect();
            let parameters: [&(dyn ToSql + Sync); 4] = [&ids, &allocated, &deleted, &positions];
            let update = client.prepare_cached(UPDATE_RECORD).await?;
            client.execute(&update, &parameters).await?;
        }
        if !self.issued.is_empty() {
            let ids: Vec<_> = self.issued.keys().map(|id| id.0).collect();
            let positions: Vec<_> = self.issued.values().map(|position| position.0).collect();
            let update = client.prepare_cached(UPDATE_ALLOCATION).await?;
            client.execute(&update, &[&ids, &positions]).await?;
        }
        Ok(())
    }

    async fn save_efficiencies(&self, client: &ClientWrapper) -> Result<(), Error> {
        if self.efficiencies.is_empty() {
            return Ok(());
        }
        let known = || self.efficiencies.values();
        let devices: Vec<_> = self.efficiencies.keys().map(|(id, _)| id.0).collect();
        let fixed = || known().map(|known| known.efficiency);
        let ratios = || fixed().map(|fixed| fixed.efficiency);
        let starts: Vec<_> = fixed().map(|fixed| fixed.window.start()).collect();
        let ends: Vec<_> = fixed().map(|fixed| fixed.window.end()).collect();
        let numerators: Vec<_> = ratios().map(Efficiency::numerator).collect();
        let denominators: Vec<_> = ratios().map(Efficiency::denominator).collect();
        let measured: Vec<_> = fixed().map(|fixed| fixed.is_measured).collect();
        let times: Vec<_> = known().map(|known| known.at).collect();
        let positions: Vec<_> = known().map(|known| known.position.0).collect();
        let parameters: [&(dyn ToSql + Sync); 8] = [
            &devices,
            &starts,
            &ends,
            &numerators,
            &denominators,
            &measured,
            &times,
            &positions,
        ];
        let upsert = client.prepare_cached(EFFICIENCY).await?;
        client.execute(&upsert, &parameters).await?;
        Ok(())
    }
}

fn put(row: &mut Rows, allocation: &Allocation) {
    let AllocatedRecord {
        allocation_id,
        sdr,
        factor,
        charge,
    } = allocation.record;
    row.bigint(allocation_id.0)
        .bigint(allocation.device_id.0)
        .bigint(charge.scr.record_id.0)
        .bigint(sdr.record_id.0)
        .timestamptz(charge.scr.interval.start())
        .timestamptz(charge.scr.interval.end())
        .timestamptz(sdr.interval.start())
        .timestamptz(sdr.interval.end())
        .bigint(charge.consumed.0)
        .bigint(charge.produced.0)
        .text(allocation.method.as_str())
        .timestamptz(factor.window.start())
        .timestamptz(factor.window.end())
        .bigint(factor.efficiency.numerator())
        .bigint(factor.efficiency.denominator())
        .boolean(factor.is_measured)
        .boolean(allocation.is_issued)
        .timestamptz(allocation.created_at)
        .bigint(allocation.position.0);
}

const COPY_RECORD: &str = "COPY storage_record (record_id, device_id, flow_start, flow_end, wh,
     validator_id, allocated, is_deleted, created_at, position) FROM STDIN BINARY";
const COPY_ALLOCATION: &str =
    "COPY storage_allocation (allocation_id, device_id, scr_id, sdr_id, scr_start,
     scr_end, sdr_start, sdr_end, consumed, produced, method, window_start, window_end, numerator,
     denominator, is_measured, is_issued, created_at, position) FROM STDIN BINARY";
const UPDATE_RECORD: &str = "UPDATE storage_record SET
     allocated = storage_record.allocated + new.allocated,
     is_deleted = storage_record.is_deleted OR new.is_deleted, position = new.position
     FROM unnest($1::bigint[], $2::bigint[], $3::boolean[], $4::bigint[])
         AS new (record_id, allocated, is_deleted, position)
     WHERE storage_record.record_id = new.record_id";
const UPDATE_ALLOCATION: &str =
    "UPDATE storage_allocation SET is_issued = true, position = new.position
     FROM unnest($1::bigint[], $2::bigint[]) AS new (allocation_id, position)
     WHERE storage_allocation.allocation_id = new.allocation_id";
const EFFICIENCY: &str = "INSERT INTO storage_efficiency (device_id, window_start, window_end, numerator,
         denominator, is_measured, created_at, position)
     SELECT * FROM unnest($1::bigint[], $2::timestamptz[], $3::timestamptz[], $4::bigint[], $5::bigint[],
         $6::boolean[], $7::timestamptz[], $8::bigint[])
     ON CONFLICT (device_id, window_start) DO UPDATE SET window_end = EXCLUDED.window_end,
         numerator = EXCLUDED.numerator, denominator = EXCLUDED.denominator,
         is_measured = EXCLUDED.is_measured, created_at = EXCLUDED.created_at,
         position = EXCLUDED.position";
