//! Devices.

use super::account::ids;
use super::{ReadError, defect, row, rows, word};
use deadpool_postgres::Client;
use rust_decimal::Decimal;
use schemas::api::ExactNumber;
use schemas::api::device::{DeviceRead, Position};
use schemas::id::{AccountId, DeviceId};
use schemas::{WattHours, Watts};
use tokio_postgres::Row;

macro_rules! select {
    ($rest:literal) => {
        concat!(
            "SELECT d.device_id, d.created_at, d.device_name, d.local_device_identifier, d.grid,
                    d.energy_source, d.technology_type, d.operational_date, d.capacity_w,
                    d.peak_demand_w, d.location, d.is_storage, d.account_id, d.device_type,
                    d.device_unique_id, d.latitude::text, d.longitude::text, d.is_deleted, d.debt_wh
             FROM device d ",
            $rest
        )
    };
}

fn from_row(row: &Row) -> Result<DeviceRead, ReadError> {
    let megawatts =
        |index| Ok::<_, ReadError>(ExactNumber::megawatts(Watts(row.try_get::<_, i64>(index)?)));
    let gps_location = match (degrees(row, 15)?, degrees(row, 16)?) {
        (Some(latitude), Some(longitude)) => Some(Position {
            latitude,
            longitude,
        }),
        _ => None,
    };
    Ok(DeviceRead {
        id: DeviceId(row.try_get(0)?),
        created_at: row.try_get(1)?,
        device_name: row.try_get(2)?,
        local_device_identifier: row.try_get(3)?,
        grid: row.try_get(4)?,
        energy_source: word(row, 5)?,
        technology_type: word(row, 6)?,
        operational_date: row.try_get(7)?,
        capacity: megawatts(8)?,
        peak_demand: megawatts(9)?,
        location: row.try_get(10)?,
        is_storage: row.try_get(11)?,
        account_id: AccountId(row.try_get(12)?),
        device_type: word(row, 13)?,
        device_unique_id: row.try_get(14)?,
        gps_location,
        is_deleted: row.try_get(17)?,
        debt_wh: WattHours(row.try_get(18)?),
    })
}

fn degrees(row: &Row, index: usize) -> Result<Option<ExactNumber>, ReadError> {
    let text: Option<&str> = row.try_get(index)?;
    text.map(|text| text.parse::<Decimal>().map(ExactNumber).map_err(defect))
        .transpose()
}

fn all(rows: &[Row]) -> Result<Vec<DeviceRead>, ReadError> {
    rows.iter().map(from_row).collect()
}

/// The device, removed or not.
pub async fn by_id(client: &Client, device_id: DeviceId) -> Result<Option<DeviceRead>, ReadError> {
    let found = row(client, select!("WHERE d.device_id = $1"), &[&device_id.0]).await?;
    found.as_ref().map(from_row).transpose()
}

/// Devices of an account, removed ones left out.
pub async fn of_account(
    client: &Client,
    account_id: AccountId,
    after: DeviceId,
    limit: i64,
) -> Result<Vec<DeviceRead>, ReadError> {
    let statement = select!(
        "WHERE d.account_id = $1 AND NOT d.is_deleted AND d.device_id > $2
         ORDER BY d.device_id LIMIT $3"
    );
    all(&rows(client, statement, &[&account_id.0, &after.0, &limit]).await?)
}

/// Devices behind the bundles an account holds, removed ones included: the bundles outlive them.
pub async fn behind_holdings(
    client: &Client,
    account_id: AccountId,
    after: DeviceId,
    limit: i64,
) -> Result<Vec<DeviceRead>, ReadError> {
    let statement = select!(
        "WHERE d.device_id > $2 AND d.device_id IN (
             SELECT h.device_id FROM holding h WHERE h.account_id = $1 AND h.status <> 'Withdrawn')
         ORDER BY d.device_id LIMIT $3"
    );
    all(&rows(client, statement, &[&account_id.0, &after.0, &limit]).await?)
}

/// Devices behind `after` in the order of their ids, removed ones left out: those of accounts, or
/// all.
pub async fn list(
    client: &Client,
    among: Option<&[AccountId]>,
    after: DeviceId,
    limit: i64,
) -> Result<Vec<DeviceRead>, ReadError> {
    let found = match among {
        Some(among) => {
            let statement = select!(
                "WHERE NOT d.is_deleted AND d.device_id > $2 AND d.account_id = ANY($1)
                 ORDER BY d.device_id LIMIT $3"
            );
            rows(client, statement, &[&ids(among), &after.0, &limit]).await?
        }
        None => {
            let statement = select!(
                "WHERE NOT d.is_deleted AND d.device_id > $1 ORDER BY d.device_id LIMIT $2"
            );
            rows(client, statement, &[&after.0, &limit]).await?
        }
    };
    all(&found)
}
