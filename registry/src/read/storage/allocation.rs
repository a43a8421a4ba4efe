//! Allocations of discharges to charges, each with the bundles before and behind it.

use super::efficiency::methodology;
use crate::read::bundle::word;
use crate::read::cursor::{Page, decode};
use crate::read::{ReadError, defect, rows};
use chrono::{DateTime, Utc};
use deadpool_postgres::Client;
use rust_decimal::{Decimal, RoundingStrategy};
use schemas::WattHours;
use schemas::api::decimal::ExactNumber;
use schemas::api::storage::AllocatedRecord;
use schemas::id::{AccountId, AllocationId, BundleId, DeviceId, StorageRecordId};
use schemas::storage::Efficiency;
use tokio_postgres::Row;

const SELECT: &str = "
    SELECT a.allocation_id, a.created_at, a.device_id, a.scr_id, a.sdr_id, a.scr_start, a.scr_end,
        a.sdr_start, a.sdr_end, a.consumed, a.produced, a.method, a.window_start, a.window_end,
        a.numerator, a.denominator, a.is_measured, a.is_issued, sdr.wh,
        ARRAY(SELECT b.bundle_id FROM bundle b WHERE b.used_allocation_id = a.allocation_id
            ORDER BY b.bundle_id),
        ARRAY(SELECT b.bundle_id FROM bundle b WHERE b.allocation_id = a.allocation_id
            ORDER BY b.bundle_id), d.account_id
    FROM storage_allocation a
    JOIN storage_record sdr ON sdr.record_id = a.sdr_id
    JOIN device d ON d.device_id = a.device_id";
const ACCOUNT: usize = 21;
const LIST: &str = "allocated_storage_records";
/// Decimal places of a share of a discharge.
const PROPORTION_SCALE: u32 = 6;

fn allocation(row: &Row) -> Result<AllocatedRecord, ReadError> {
    let (consumed, produced): (i64, i64) = (row.try_get(9)?, row.try_get(10)?);
    let efficiency = Efficiency::new(row.try_get(14)?, row.try_get(15)?).map_err(defect)?;
    let discharged: i64 = row.try_get(18)?;
    let bundles = |column| {
        let ids: Vec<i64> = row.try_get(column)?;
        Ok::<_, ReadError>(ids.into_iter().map(BundleId).collect::<Vec<_>>())
    };
    let (gc_bundle_ids, sdgc_bundle_ids) = (bundles(19)?, bundles(20)?);
    Ok(AllocatedRecord {
        id: AllocationId(row.try_get(0)?),
        created_at: row.try_get(1)?,
        device_id: DeviceId(row.try_get(2)?),
        scr_allocation_id: StorageRecordId(row.try_get(3)?),
        sdr_allocation_id: StorageRecordId(row.try_get(4)?),
        charging_start_datetime: row.try_get(5)?,
        charging_end_datetime: row.try_get(6)?,
        discharging_start_datetime: row.try_get(7)?,
        discharging_end_datetime: row.try_get(8)?,
        sdr_proportion: proportion(produced, discharged)?,
        scr_wh_consumed: WattHours(consumed),
        sdr_wh_produced: WattHours(produced),
        loss_wh: WattHours(consumed - produced),
        scr_allocation_methodology: word(row, 11)?,
        efficiency_factor_methodology: methodology(row.try_get(16)?),
        efficiency_factor_interval_start: row.try_get(12)?,
        efficiency_factor_interval_end: row.try_get(13)?,
        storage_efficiency_factor: ExactNumber(efficiency.to_decimal()),
        storage_efficiency_numerator: efficiency.numerator(),
        storage_efficiency_denominator: efficiency.denominator(),
        is_issued: row.try_get(17)?,
        gc_allocation_id: gc_bundle_ids.first().copied(),
        sdgc_allocation_id: sdgc_bundle_ids.first().copied(),
        gc_bundle_ids,
        sdgc_bundle_ids,
    })
}

fn proportion(produced: i64, discharged: i64) -> Result<ExactNumber, ReadError> {
    let share = Decimal::from(produced)
        .checked_div(Decimal::from(discharged))
        .ok_or_else(|| defect("an allocation of a discharge of 0 Wh"))?;
    let cut = share.round_dp_with_strategy(PROPORTION_SCALE, RoundingStrategy::ToZero);
    Ok(ExactNumber(cut.normalize()))
}

/// Those of the allocations that there are, with the account their device belongs to, by id.
pub async fn allocations_by_ids(
    client: &Client,
    ids: &[AllocationId],
) -> Result<Vec<(AllocatedRecord, AccountId)>, ReadError> {
    let statement = format!("{SELECT} WHERE a.allocation_id = ANY($1) ORDER BY a.allocation_id");
    let ids: Vec<i64> = ids.iter().map(|id| id.0).collect();
    let found = rows(client, &statement, &[&ids]).await?;
    let read = |row: &Row| Ok((allocation(row)?, AccountId(row.try_get(ACCOUNT)?)));
    found.iter().map(read).collect()
}

/// Time and id of the last allocation of a page.
pub type AllocationKey = (DateTime<Utc>, i64);

/// The key in a cursor of the list.
#[must_use]
pub fn allocation_key(cursor: &str) -> Option<AllocationKey> {
    decode(LIST, cursor)
}

/// A page of the allocations of a device that were made in `[from, to)`, in the order they were made.
pub async fn allocations_of_device(
    client: &Client,
    device_id: DeviceId,
    (from, to): (DateTime<Utc>, DateTime<Utc>),
    after: Option<AllocationKey>,
    limit: i64,
) -> Result<Page<AllocatedRecord>, ReadError> {
    let statement = format!(
        "{SELECT} WHERE a.device_id = $1 AND a.created_at >= $2 AND a.created_at < $3
           AND (a.created_at, a.allocation_id) > ($4, $5)
         ORDER BY a.created_at, a.allocation_id LIMIT $6"
    );
    let (after_at, after_id) = after.unwrap_or((from, 0));
    let found = rows(
        client,
        &statement,
        &[&device_id.0, &from, &to, &after_at, &after_id, &(limit + 1)],
    )
    .await?;
    let allocations = found
        .iter()
        .map(allocation)
        .collect::<Result<Vec<_>, _>>()?;
    Ok(Page::of(allocations, limit, LIST, |last| {
        (last.created_at, last.id.0)
    }))
}
