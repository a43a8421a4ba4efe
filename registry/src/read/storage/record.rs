//! What storage devices charged and discharged.

use crate::read::cursor::{Page, decode};
use crate::read::{ReadError, row, rows};
use chrono::{DateTime, TimeDelta, Utc};
use deadpool_postgres::Client;
use schemas::WattHours;
use schemas::api::storage::StorageRecord;
use schemas::id::{AccountId, DeviceId, StorageRecordId};
use std::collections::HashMap;
use tokio_postgres::Row;

const COLUMNS: &str = "
    r.record_id, r.created_at, r.device_id, r.flow_start, r.flow_end, r.wh, r.validator_id, r.allocated,
    r.is_deleted";
const ACCOUNT: usize = 9;
const LIST: &str = "storage_records";

fn record(row: &Row) -> Result<StorageRecord, ReadError> {
    let wh: i64 = row.try_get(5)?;
    Ok(StorageRecord {
        id: StorageRecordId(row.try_get(0)?),
        created_at: row.try_get(1)?,
        device_id: DeviceId(row.try_get(2)?),
        is_charging: wh < 0,
        flow_start_datetime: row.try_get(3)?,
        flow_end_datetime: row.try_get(4)?,
        flow_energy: WattHours(wh.abs()),
        validator_id: row.try_get(6)?,
        allocated_energy: WattHours(row.try_get(7)?),
        is_deleted: row.try_get(8)?,
    })
}

/// Those of the records that there are, taken back or not, with the account their device belongs to, by
/// id.
pub async fn records_by_ids(
    client: &Client,
    ids: &[StorageRecordId],
) -> Result<Vec<(StorageRecord, AccountId)>, ReadError> {
    let statement = format!(
        "SELECT {COLUMNS}, d.account_id FROM storage_record r JOIN device d USING (device_id)
         WHERE r.record_id = ANY($1) ORDER BY r.record_id"
    );
    let ids: Vec<i64> = ids.iter().map(|id| id.0).collect();
    let found = rows(client, &statement, &[&ids]).await?;
    let read = |row: &Row| Ok((record(row)?, AccountId(row.try_get(ACCOUNT)?)));
    found.iter().map(read).collect()
}

/// Where those of the records that a device has start.
pub async fn starts(
    client: &Client,
    device_id: DeviceId,
    ids: &[StorageRecordId],
) -> Result<HashMap<StorageRecordId, DateTime<Utc>>, ReadError> {
    let statement = "SELECT record_id, flow_start FROM storage_record
        WHERE record_id = ANY($1) AND device_id = $2 AND NOT is_deleted";
    let ids: Vec<i64> = ids.iter().map(|id| id.0).collect();
    let found = rows(client, statement, &[&ids, &device_id.0]).await?;
    let read = |row: &Row| Ok((StorageRecordId(row.try_get(0)?), row.try_get(1)?));
    found.iter().map(read).collect()
}

/// The record of a device that starts here.
pub async fn starting_at(
    client: &Client,
    device_id: DeviceId,
    start: DateTime<Utc>,
) -> Result<Option<StorageRecord>, ReadError> {
    let statement = format!(
        "SELECT {COLUMNS} FROM storage_record r
         WHERE r.device_id = $1 AND r.flow_start = $2 AND NOT r.is_deleted"
    );
    let found = row(client, &statement, &[&device_id.0, &start]).await?;
    found.as_ref().map(record).transpose()
}

/// Which records of a device.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Charges.
    Charges,
    /// Discharges.
    Discharges,
    /// Both, and those without a flow.
    All,
}

/// Start and id of the last record of a page.
pub type RecordKey = (DateTime<Utc>, i64);

/// The key in a cursor of the list.
#[must_use]
pub fn record_key(cursor: &str) -> Option<RecordKey> {
    decode(LIST, cursor)
}

/// A page of the records of a device that start in `[from, to)`, by start.
pub async fn records_of_device(
    client: &Client,
    device_id: DeviceId,
    kind: Kind,
    (from, to): (Option<DateTime<Utc>>, Option<DateTime<Utc>>),
    after: Option<RecordKey>,
    limit: i64,
) -> Result<Page<StorageRecord>, ReadError> {
    let flow = match kind {
        Kind::Charges => "AND r.wh < 0",
        Kind::Discharges => "AND r.wh > 0",
        Kind::All => "",
    };
    let statement = format!(
        "SELECT {COLUMNS} FROM storage_record r
         WHERE r.device_id = $1 AND NOT r.is_deleted {flow}
           AND r.flow_start >= $2 AND r.flow_start < $3 AND (r.flow_start, r.record_id) > ($4, $5)
         ORDER BY r.flow_start, r.record_id LIMIT $6"
    );
    // Postgres has times from 4713 BC; the first and last year with four digits bound ours.
    let first = from.unwrap_or(DateTime::UNIX_EPOCH - TimeDelta::days(800_000));
    let last = to.unwrap_or(DateTime::UNIX_EPOCH + TimeDelta::days(3_000_000));
    let (after_start, after_id) = after.unwrap_or((first, 0));
    let found = rows(
        client,
        &statement,
        &[
            &device_id.0,
            &first,
            &last,
            &after_start,
            &after_id,
            &(limit + 1),
        ],
    )
    .await?;
    let records = found.iter().map(record).collect::<Result<Vec<_>, _>>()?;
    Ok(Page::of(records, limit, LIST, |last| {
        (last.flow_start_datetime, last.id.0)
    }))
}
