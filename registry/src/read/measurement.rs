//! Meter readings.

use super::cursor::{Page, decode};
use super::{ReadError, optional_word, row, rows};
use chrono::{DateTime, Utc};
use deadpool_postgres::Client;
use schemas::WattHours;
use schemas::api::measurement::MeasurementReport;
use schemas::id::{AccountId, DeviceId, MeasurementId, MeterId};
use tokio_postgres::Row;

const COLUMNS: &str = "
    m.measurement_id, m.created_at, m.device_id, m.interval_start, m.interval_end, m.wh,
    m.gross_net_indicator, m.is_deleted,
    (SELECT meter_identifier FROM meter
     WHERE meter.device_id = m.device_id AND meter.meter_id = m.meter_id),
    m.quality, m.cause";
/// How many they are.
const COUNT: usize = 11;
const OF_DEVICE: &str = "measurements_of_device";
const BY_ID: &str = "measurements";

fn report(row: &Row) -> Result<MeasurementReport, ReadError> {
    Ok(MeasurementReport {
        id: MeasurementId(row.try_get(0)?),
        created_at: row.try_get(1)?,
        device_id: DeviceId(row.try_get(2)?),
        interval_start_datetime: row.try_get(3)?,
        interval_end_datetime: row.try_get(4)?,
        interval_usage: WattHours(row.try_get(5)?),
        gross_net_indicator: row.try_get(6)?,
        is_deleted: row.try_get(7)?,
        meter_identifier: row.try_get(8)?,
        quality: optional_word(row, 9)?,
        cause: optional_word(row, 10)?,
    })
}

/// A reading with what the API does not show in lists.
pub struct Found {
    /// The reading.
    pub report: MeasurementReport,
    /// The account its device belongs to.
    pub account_id: AccountId,
    /// Its meter, where it is not the device's own.
    pub meter_id: Option<MeterId>,
    /// Wh that certificates stood for beyond what was metered when it was corrected.
    pub excess: WattHours,
    /// Wh that paid what the device owed.
    pub paid: WattHours,
    /// The gateway's envelope that has it: the device that was metered, and its number.
    pub envelope: Option<(DeviceId, i64)>,
}

/// The reading, taken back or not.
pub async fn by_id(
    client: &Client,
    measurement_id: MeasurementId,
) -> Result<Option<Found>, ReadError> {
    let statement = format!(
        "SELECT {COLUMNS}, d.account_id, m.meter_id, COALESCE(m.excess_wh, 0), COALESCE(m.paid_wh, 0),
             m.envelope_device_id, m.envelope_sequence
         FROM measurement m JOIN device d USING (device_id)
         WHERE m.measurement_id = $1"
    );
    let Some(row) = row(client, &statement, &[&measurement_id.0]).await? else {
        return Ok(None);
    };
    Ok(Some(Found {
        report: report(&row)?,
        account_id: AccountId(row.try_get(COUNT)?),
        meter_id: row
            .try_get::<_, Option<i64>>(COUNT + 1)?
            .and_then(MeterId::new),
        excess: WattHours(row.try_get(COUNT + 2)?),
        paid: WattHours(row.try_get(COUNT + 3)?),
        envelope: row
            .try_get::<_, Option<i64>>(COUNT + 4)?
            .map(DeviceId)
            .zip(row.try_get(COUNT + 5)?),
    }))
}

/// The account a device belongs to, removed or not.
pub async fn account_of_device(
    client: &Client,
    device_id: DeviceId,
) -> Result<Option<AccountId>, ReadError> {
    let statement = "SELECT account_id FROM device WHERE device_id = $1";
    match row(client, statement, &[&device_id.0]).await? {
        Some(row) => Ok(Some(AccountId(row.try_get(0)?))),
        None => Ok(None),
    }
}

/// The reading of a device's meter that stands for the interval starting here.
pub async fn starting_at(
    client: &Client,
    device_id: DeviceId,
    meter_identifier: Option<&str>,
    start: DateTime<Utc>,
) -> Result<Option<MeasurementReport>, ReadError> {
    let statement = format!(
        "SELECT {COLUMNS} FROM measurement m
         WHERE m.device_id = $1 AND m.interval_start = $2 AND NOT m.is_deleted
           AND m.meter_id IS NOT DISTINCT FROM (SELECT meter_id FROM meter
               WHERE meter.device_id = $1 AND meter.meter_identifier = $3)"
    );
    let found = row(
        client,
        &statement,
        &[&device_id.0, &start, &meter_identifier],
    )
    .await?;
    found.as_ref().map(report).transpose()
}

/// Start and id of the last reading of a page of one device.
pub type Key = (DateTime<Utc>, i64);

/// The key in a cursor of the list of one device.
#[must_use]
pub fn key_of_device(cursor: &str) -> Option<Key> {
    decode(OF_DEVICE, cursor)
}

/// Whether something of a reading `m` is neither issued nor has paid: by key, bundle by bundle.
const UNISSUED: &str = "m.wh + COALESCE(m.excess_wh, 0) - COALESCE(m.paid_wh, 0) > (
    SELECT COALESCE(sum(b.range_end - b.range_start + 1), 0) FROM bundle b
    WHERE b.device_id = m.device_id AND b.production_start = m.interval_start
      AND b.meter_id IS NOT DISTINCT FROM m.meter_id AND b.allocation_id IS NULL
      AND b.status NOT IN ('Bundle Split', 'Withdrawn'))";

/// A page of the readings of a device that start in `[from, to)`, by start; only those that are, or are
/// not, issued as far as they can be, where `issued` says so.
pub async fn page_of_device(
    client: &Client,
    device_id: DeviceId,
    (from, to): (Option<DateTime<Utc>>, Option<DateTime<Utc>>),
    issued: Option<bool>,
    after: Option<Key>,
    limit: i64,
) -> Result<Page<MeasurementReport>, ReadError> {
    let wanted = match issued {
        None => String::new(),
        Some(false) => format!("AND {UNISSUED}"),
        Some(true) => format!("AND NOT {UNISSUED}"),
    };
    let statement = format!(
        "SELECT {COLUMNS} FROM measurement m
         WHERE m.device_id = $1 AND NOT m.is_deleted
           AND m.interval_start >= $2 AND m.interval_start < $3
           AND (m.interval_start, m.measurement_id) > ($4, $5) {wanted}
         ORDER BY m.interval_start, m.measurement_id LIMIT $6"
    );
    // Postgres has times from 4713 BC; the first and last year with four digits bound ours.
    let first = from.unwrap_or(DateTime::UNIX_EPOCH - chrono::TimeDelta::days(800_000));
    let last = to.unwrap_or(DateTime::UNIX_EPOCH + chrono::TimeDelta::days(3_000_000));
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
    let reports = found.iter().map(report).collect::<Result<Vec<_>, _>>()?;
    Ok(Page::of(reports, limit, OF_DEVICE, |last| {
        (last.interval_start_datetime, last.id.0)
    }))
}

/// The key in a cursor of the list of several devices.
#[must_use]
pub fn key_by_id(cursor: &str) -> Option<i64> {
    decode(BY_ID, cursor)
}

/// A page of the readings of all devices of `accounts`, or of all devices where that is `None`, by id.
pub async fn page_by_id(
    client: &Client,
    accounts: Option<&[AccountId]>,
    after: Option<i64>,
    limit: i64,
) -> Result<Page<MeasurementReport>, ReadError> {
    let after = after.unwrap_or(0);
    let fetched = limit + 1;
    let found = match accounts {
        None => {
            let statement = format!(
                "SELECT {COLUMNS} FROM measurement m WHERE m.measurement_id > $1 AND NOT m.is_deleted
                 ORDER BY m.measurement_id LIMIT $2"
            );
            rows(client, &statement, &[&after, &fetched]).await?
        }
        Some(accounts) => {
            let ids: Vec<i64> = accounts.iter().map(|id| id.0).collect();
            let statement = format!(
                "SELECT {COLUMNS} FROM measurement m JOIN device d USING (device_id)
                 WHERE m.measurement_id > $1 AND NOT m.is_deleted AND d.account_id = ANY($3)
                 ORDER BY m.measurement_id LIMIT $2"
            );
            rows(client, &statement, &[&after, &fetched, &ids]).await?
        }
    };
    let reports = found.iter().map(report).collect::<Result<Vec<_>, _>>()?;
    Ok(Page::of(reports, limit, BY_ID, |last| last.id.0))
}
