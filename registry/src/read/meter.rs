//! Meters of devices beside their own.

use super::{ReadError, row, rows};
use deadpool_postgres::Client;
use schemas::api::meter::MeterRead;
use schemas::id::DeviceId;
use tokio_postgres::Row;

const COLUMNS: &str = "meter_id, device_id, meter_identifier, is_active, created_at";

fn meter(row: &Row) -> Result<(i64, MeterRead), ReadError> {
    let read = MeterRead {
        device_id: DeviceId(row.try_get(1)?),
        meter_identifier: row.try_get(2)?,
        is_active: row.try_get(3)?,
        created_at: row.try_get(4)?,
    };
    Ok((row.try_get(0)?, read))
}

/// Meters of a device with their numbers, those behind `after`, in the order they were registered.
pub async fn of_device(
    client: &Client,
    device_id: DeviceId,
    after: i64,
    limit: i64,
) -> Result<Vec<(i64, MeterRead)>, ReadError> {
    let statement = format!(
        "SELECT {COLUMNS} FROM meter WHERE device_id = $1 AND meter_id > $2
         ORDER BY meter_id LIMIT $3"
    );
    let found = rows(client, &statement, &[&device_id.0, &after, &limit]).await?;
    found.iter().map(meter).collect()
}

/// The meter of a device with this identifier.
pub async fn named(
    client: &Client,
    device_id: DeviceId,
    identifier: &str,
) -> Result<Option<MeterRead>, ReadError> {
    let statement =
        format!("SELECT {COLUMNS} FROM meter WHERE device_id = $1 AND meter_identifier = $2");
    let found = row(client, &statement, &[&device_id.0, &identifier]).await?;
    Ok(found.as_ref().map(meter).transpose()?.map(|(_, read)| read))
}
