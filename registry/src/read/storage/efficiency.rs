//! Efficiencies of storage devices.

use crate::read::{ReadError, defect, rows};
use chrono::{DateTime, Utc};
use deadpool_postgres::Client;
use schemas::WattHours;
use schemas::api::decimal::ExactNumber;
use schemas::api::storage::StorageEfficiency;
use schemas::id::DeviceId;
use schemas::storage::Efficiency;
use tokio_postgres::Row;

/// An efficiency as the API writes it.
#[must_use]
pub fn shown(
    device_id: DeviceId,
    (start, end): (DateTime<Utc>, DateTime<Utc>),
    efficiency: Efficiency,
    is_measured: bool,
    created_at: DateTime<Utc>,
) -> StorageEfficiency {
    let (wh_out, wh_in) = (efficiency.numerator(), efficiency.denominator());
    let measured = |wh: i64| is_measured.then_some(WattHours(wh));
    StorageEfficiency {
        device_id,
        efficiency_factor_interval_start: start,
        efficiency_factor_interval_end: end,
        efficiency_factor_methodology: methodology(is_measured),
        storage_efficiency_factor: ExactNumber(efficiency.to_decimal()),
        storage_efficiency_numerator: wh_out,
        storage_efficiency_denominator: wh_in,
        wh_in: measured(wh_in),
        wh_out: measured(wh_out),
        loss_wh: measured(wh_in - wh_out),
        created_at,
    }
}

/// How an efficiency came about.
pub(super) const fn methodology(is_measured: bool) -> &'static str {
    if is_measured { "measured" } else { "stated" }
}

/// Efficiencies of a device behind `after`, by the start of their windows.
pub async fn efficiencies(
    client: &Client,
    device_id: DeviceId,
    after: DateTime<Utc>,
    limit: i64,
) -> Result<Vec<StorageEfficiency>, ReadError> {
    let statement =
        "SELECT window_start, window_end, numerator, denominator, is_measured, created_at
        FROM storage_efficiency WHERE device_id = $1 AND window_start > $2
        ORDER BY window_start LIMIT $3";
    let found = rows(client, statement, &[&device_id.0, &after, &limit]).await?;
    let read = |row: &Row| {
        let efficiency = Efficiency::new(row.try_get(2)?, row.try_get(3)?).map_err(defect)?;
        let window = (row.try_get(0)?, row.try_get(1)?);
        Ok(shown(
            device_id,
            window,
            efficiency,
            row.try_get(4)?,
            row.try_get(5)?,
        ))
    };
    found.iter().map(read).collect()
}
