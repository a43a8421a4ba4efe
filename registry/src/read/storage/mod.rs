//! Storage: records, efficiencies and allocations.

mod allocation;
mod efficiency;
mod record;

pub use allocation::{AllocationKey, allocation_key, allocations_by_ids, allocations_of_device};
pub use efficiency::{efficiencies, shown as shown_efficiency};
pub use record::{
    Kind, RecordKey, record_key, records_by_ids, records_of_device, starting_at, starts,
};

use super::{ReadError, rows};
use chrono::{DateTime, Utc};
use deadpool_postgres::Client;
use ledger::action::MAX_BUNDLES;
use schemas::Interval;
use schemas::id::{AccountId, BundleId, DeviceId};

/// Storage devices of an account with this identifier in their grid, removed ones left out; no more than
/// two, because more than one is too many.
pub async fn storage_devices(
    client: &Client,
    account_id: AccountId,
    identifier: &str,
) -> Result<Vec<DeviceId>, ReadError> {
    let statement = "SELECT device_id FROM device
        WHERE account_id = $1 AND local_device_identifier = $2 AND is_storage AND NOT is_deleted
        ORDER BY device_id LIMIT 2";
    let found = rows(client, statement, &[&account_id.0, &identifier]).await?;
    found
        .iter()
        .map(|row| Ok(DeviceId(row.try_get(0)?)))
        .collect()
}

/// Bundles that an account cancelled for a storage device, that no allocation has used up and that were
/// produced within one of the charges, in time order; as many as one issuance takes.
pub async fn cancelled_for(
    client: &Client,
    account_id: AccountId,
    device_id: DeviceId,
    charges: &[Interval],
) -> Result<Vec<BundleId>, ReadError> {
    let statement = "SELECT b.bundle_id FROM bundle b
        WHERE b.storage_device_id = $1 AND b.status = 'Cancelled for Storage'
          AND b.used_allocation_id IS NULL AND b.account_id = $2
          AND b.production_start >= $5 AND b.production_start < $6
          AND EXISTS (SELECT FROM unnest($3::timestamptz[], $4::timestamptz[]) AS scr (starts, ends)
              WHERE scr.starts <= b.production_start AND b.production_end <= scr.ends)
        ORDER BY b.production_start, b.bundle_id LIMIT $7";
    let starts: Vec<DateTime<Utc>> = charges.iter().map(Interval::start).collect();
    let ends: Vec<DateTime<Utc>> = charges.iter().map(Interval::end).collect();
    let (Some(first), Some(last)) = (starts.iter().min(), ends.iter().max()) else {
        return Ok(Vec::new());
    };
    let limit = i64::try_from(MAX_BUNDLES).unwrap_or(i64::MAX);
    let found = rows(
        client,
        statement,
        &[
            &device_id.0,
            &account_id.0,
            &starts,
            &ends,
            first,
            last,
            &limit,
        ],
    )
    .await?;
    found
        .iter()
        .map(|row| Ok(BundleId(row.try_get(0)?)))
        .collect()
}
