//! What was issued for a reading, and what was corrected of it.

use super::measurement::Found;
use super::{ReadError, rows, word};
use deadpool_postgres::Client;
use schemas::WattHours;
use schemas::api::measurement::{Correction, MeasurementBundle};
use schemas::id::{AccountId, BundleId, CertificateId, MeasurementId, MeterId, UserId};
use schemas::life_cycle::Settle;

/// Bundles of a reading looked at, at most: as many as an action may list.
const MAX_BUNDLES: i64 = 10_000;

/// Each bundle is of the newest reading that stood for its meter and interval when it was issued. The sum
/// keeps the planner from walking the primary key.
const BUNDLES: &str = "
    SELECT b.bundle_id, b.status, b.account_id, b.range_start, b.range_end, b.issued_at FROM bundle b
    WHERE b.device_id = $1 AND b.production_start = $2 AND b.meter_id IS NOT DISTINCT FROM $3
      AND b.allocation_id IS NULL
      AND $4 = (
        SELECT max(m.measurement_id + 0) FROM measurement m
        WHERE m.device_id = $1 AND m.interval_start = $2 AND m.meter_id IS NOT DISTINCT FROM $3
          AND m.created_at <= b.issued_at)";

/// The bundles of a reading, live and past, by id; all with their holders.
pub async fn bundles(client: &Client, found: &Found) -> Result<Vec<MeasurementBundle>, ReadError> {
    of_reading(client, found, "ORDER BY b.bundle_id").await
}

/// Those that are not withdrawn or split: what could be taken back comes first.
pub async fn candidates(
    client: &Client,
    found: &Found,
) -> Result<Vec<MeasurementBundle>, ReadError> {
    let order = "AND b.status NOT IN ('Withdrawn', 'Bundle Split')
        ORDER BY b.status <> 'Active', b.range_end - b.range_start DESC, b.bundle_id";
    of_reading(client, found, order).await
}

async fn of_reading(
    client: &Client,
    found: &Found,
    rest: &str,
) -> Result<Vec<MeasurementBundle>, ReadError> {
    let statement = format!("{BUNDLES} {rest} LIMIT {MAX_BUNDLES}");
    let report = &found.report;
    let rows = rows(
        client,
        &statement,
        &[
            &report.device_id.0,
            &report.interval_start_datetime,
            &found.meter_id.map(MeterId::get),
            &report.id.0,
        ],
    )
    .await?;
    rows.iter()
        .map(|row| {
            let (start, end): (i64, i64) = (row.try_get(3)?, row.try_get(4)?);
            Ok(MeasurementBundle {
                id: BundleId(row.try_get(0)?),
                certificate_bundle_status: word(row, 1)?,
                account_id: Some(AccountId(row.try_get(2)?)),
                certificate_bundle_id_range_start: CertificateId(start),
                certificate_bundle_id_range_end: CertificateId(end),
                bundle_quantity: WattHours(end - start + 1),
                issuance_datestamp: row.try_get(5)?,
            })
        })
        .collect()
}

const CORRECTIONS: &str = "
    SELECT corrected_at, user_id, reason, settle, previous_wh, wh, withdrawn_bundles,
        reissued_bundle_id, issued_bundle_id, debt_wh, paid_wh
    FROM correction WHERE measurement_id = $1 ORDER BY position";

/// The corrections of a reading, the oldest first.
pub async fn of_measurement(
    client: &Client,
    measurement_id: MeasurementId,
) -> Result<Vec<Correction>, ReadError> {
    let rows = rows(client, CORRECTIONS, &[&measurement_id.0]).await?;
    rows.iter()
        .map(|row| {
            let bundle = |column: usize| {
                let id: Option<i64> = row.try_get(column)?;
                Ok::<_, ReadError>(id.map(BundleId))
            };
            let withdrawn: Vec<i64> = row.try_get(6)?;
            Ok(Correction {
                corrected_at: row.try_get(0)?,
                user_id: row.try_get::<_, Option<i64>>(1)?.map(UserId),
                reason: row.try_get(2)?,
                settle: word::<Settle>(row, 3)?,
                previous_usage: WattHours(row.try_get(4)?),
                interval_usage: WattHours(row.try_get(5)?),
                withdrawn_bundle_ids: withdrawn.into_iter().map(BundleId).collect(),
                reissued_bundle_id: bundle(7)?,
                issued_bundle_id: bundle(8)?,
                debt_wh: WattHours(row.try_get(9)?),
                paid_wh: WattHours(row.try_get(10)?),
            })
        })
        .collect()
}
