//! Exports to other registries, and imports from them.

use super::{ReadError, defect, row, rows, word};
use deadpool_postgres::Client;
use schemas::WattHours;
use schemas::Watts;
use schemas::api::certificate::ExportRead;
use schemas::energy::GpsLocation;
use schemas::event::device::{DeviceAttributes, DeviceOrigin};
use schemas::event::import::ExportContent;
use schemas::exchange::{RECEIPT_FORMAT, Receipt, VERSION};
use schemas::id::{AccountId, ActionId, BundleId, DeviceId, ImportId};
use std::collections::HashMap;
use tokio_postgres::Row;

const EXPORT: &str = "
    SELECT e.export_id, e.source_id, e.receiving_registry, e.state, e.settlement_id,
        e.receiving_reference, e.created_at, a.bundles, a.wh
    FROM export e JOIN action a ON a.action_id = e.export_id WHERE e.export_id = $1";

/// The export.
pub async fn export(client: &Client, id: ActionId) -> Result<Option<ExportRead>, ReadError> {
    let Some(row) = row(client, EXPORT, &[&id.0]).await? else {
        return Ok(None);
    };
    Ok(Some(ExportRead {
        id: ActionId(row.try_get(0)?),
        source_id: AccountId(row.try_get(1)?),
        receiving_registry: row.try_get(2)?,
        state: row.try_get(3)?,
        settlement_id: row.try_get::<_, Option<i64>>(4)?.map(ActionId),
        receiving_reference: row.try_get(5)?,
        created_at: row.try_get(6)?,
        num_granular_certificate_bundles: row.try_get(7)?,
        total_certificate_volume: WattHours(row.try_get(8)?),
    }))
}

const BUNDLES: &str = "
    SELECT COALESCE(part -> 'split' ->> 'taken', part ->> 'bundle_id')::bigint
    FROM action a CROSS JOIN LATERAL jsonb_array_elements(a.parts) WITH ORDINALITY AS p (part, n)
    WHERE a.action_id = $1 ORDER BY n";

/// Its bundles, in order.
pub async fn bundles_of(client: &Client, id: ActionId) -> Result<Vec<BundleId>, ReadError> {
    let rows = rows(client, BUNDLES, &[&id.0]).await?;
    rows.iter()
        .map(|row| Ok(BundleId(row.try_get(0)?)))
        .collect()
}

const DEVICES: &str = "
    SELECT d.device_id, d.device_name, d.local_device_identifier, d.device_unique_id, d.grid,
        d.energy_source, d.technology_type, d.device_type, d.operational_date, d.capacity_w,
        d.peak_demand_w, d.location, d.latitude, d.longitude, d.is_storage,
        o.origin_registry, o.origin_device
    FROM device d LEFT JOIN import_device o USING (device_id) WHERE d.device_id = ANY($1)";

/// What is known of the devices, and where those are at home that were imported.
pub async fn devices(
    client: &Client,
    ids: &[DeviceId],
) -> Result<HashMap<DeviceId, (DeviceAttributes, Option<DeviceOrigin>)>, ReadError> {
    let ids: Vec<i64> = ids.iter().map(|id| id.0).collect();
    let rows = rows(client, DEVICES, &[&ids]).await?;
    rows.iter().map(device).collect()
}

fn device(row: &Row) -> Result<(DeviceId, (DeviceAttributes, Option<DeviceOrigin>)), ReadError> {
    let gps_location = match (row.try_get(12)?, row.try_get(13)?) {
        (Some(latitude), Some(longitude)) => Some(GpsLocation {
            latitude,
            longitude,
        }),
        _ => None,
    };
    let origin = match (row.try_get(15)?, row.try_get(16)?) {
        (Some(registry), Some(device)) => Some(DeviceOrigin { registry, device }),
        _ => None,
    };
    let attributes = DeviceAttributes {
        device_name: row.try_get(1)?,
        local_device_identifier: row.try_get(2)?,
        device_unique_id: row.try_get(3)?,
        grid: row.try_get(4)?,
        energy_source: word(row, 5)?,
        technology_type: word(row, 6)?,
        device_type: word(row, 7)?,
        operational_date: row.try_get(8)?,
        capacity_w: Watts(row.try_get(9)?),
        peak_demand_w: Watts(row.try_get(10)?),
        location: row.try_get(11)?,
        gps_location,
        is_storage: row.try_get(14)?,
    };
    Ok((DeviceId(row.try_get(0)?), (attributes, origin)))
}

const IMPORT: &str = "
    SELECT import_id, account_id, wh, created_at, export_content FROM import
    WHERE exporting_registry = $1 AND export_id = $2 AND export_id IS NOT NULL
    ORDER BY import_id LIMIT 1";

/// What is to be signed for the import of an export, and the account that received.
pub async fn receipt(
    client: &Client,
    here: &str,
    exporting_registry: &str,
    export_id: ActionId,
) -> Result<Option<(AccountId, Receipt)>, ReadError> {
    let found = row(client, IMPORT, &[&exporting_registry, &export_id.0]).await?;
    let Some(row) = found else { return Ok(None) };
    let account_id = AccountId(row.try_get(1).map_err(defect)?);
    Ok(Some((
        account_id,
        Receipt {
            format: RECEIPT_FORMAT.to_owned(),
            version: VERSION,
            importing_registry: here.to_owned(),
            exporting_registry: exporting_registry.to_owned(),
            export_id,
            content: content(&row)?,
            import_id: ImportId(row.try_get(0)?),
            imported_at: row.try_get(3)?,
            total_certificate_volume: WattHours(row.try_get(2)?),
        },
    )))
}

fn content(row: &Row) -> Result<ExportContent, ReadError> {
    let mut content = ExportContent::default();
    let found: String = row.try_get(4)?;
    hex::decode_to_slice(found, &mut content.0).map_err(defect)?;
    Ok(content)
}
