//! Bundles by id.

use super::{ReadError, defect, rows};
use deadpool_postgres::Client;
use schemas::WattHours;
use schemas::Watts;
use schemas::api::certificate::{Bundle, BundleFull, BundleOrigin};
use schemas::api::decimal::ExactNumber;
use schemas::api::device::Position;
use schemas::bundle::issuance_id;
use schemas::energy::UnknownWord;
use schemas::id::{
    AccountId, ActionId, AllocationId, BundleId, CertificateId, DeviceId, ImportId, MeasurementId,
    MetadataId, StorageRecordId,
};
use schemas::life_cycle::CertificateStatus;
use schemas::storage::Efficiency;
use std::str::FromStr;
use std::sync::LazyLock;
use tokio_postgres::Row;

/// Columns of a bundle `b`, in the order [`bundle`] takes them.
pub(super) const COLUMNS: &str = "
    b.bundle_id, b.account_id, b.device_id, b.metadata_id, b.status, b.range_start, b.range_end,
    b.production_start, b.production_end, b.issued_at, b.expiry, b.energy_source, b.energy_carrier,
    b.registry_configuration, b.post_conversion, b.is_storage, b.emissions_factor::text,
    b.emissions_source, b.parent_id, b.hash, b.beneficiary, b.beneficiary_account_id,
    (SELECT ARRAY[a.sdr_id, a.numerator, a.denominator] FROM storage_allocation a
     WHERE a.allocation_id = b.allocation_id)";
/// How many they are.
const COUNT: usize = 23;

/// A word of the contract in a column.
pub(crate) fn word<T: FromStr<Err = UnknownWord>>(
    row: &Row,
    column: usize,
) -> Result<T, ReadError> {
    row.try_get::<_, &str>(column)?.parse().map_err(defect)
}

/// An exact decimal in a column that is cast to text.
pub(super) fn decimal(row: &Row, column: usize) -> Result<Option<ExactNumber>, ReadError> {
    match row.try_get::<_, Option<&str>>(column)? {
        None => Ok(None),
        Some(text) => match ExactNumber::parse(text) {
            Some(number) => Ok(Some(number)),
            None => Err(defect(format!("{text:?} is not a decimal"))),
        },
    }
}

/// An efficiency as the contract writes it.
fn factor(numerator: i64, denominator: i64) -> Result<ExactNumber, ReadError> {
    let efficiency = Efficiency::new(numerator, denominator).map_err(defect)?;
    Ok(ExactNumber(efficiency.to_decimal()))
}

/// A bundle out of a row of [`COLUMNS`].
pub(super) fn bundle(row: &Row) -> Result<Bundle, ReadError> {
    let device_id = DeviceId(row.try_get(2)?);
    let status: CertificateStatus = word(row, 4)?;
    let (start, end): (i64, i64) = (row.try_get(5)?, row.try_get(6)?);
    let production_starting_interval = row.try_get(7)?;
    let released: Option<Vec<i64>> = row.try_get(COUNT - 1)?;
    let released: Option<[i64; 3]> = released.and_then(|found| found.try_into().ok());
    Ok(Bundle {
        id: BundleId(row.try_get(0)?),
        issuance_id: issuance_id(device_id, production_starting_interval),
        hash: hex::encode(row.try_get::<_, &[u8]>(19)?),
        certificate_bundle_status: status,
        account_id: AccountId(row.try_get(1)?),
        metadata_id: MetadataId(row.try_get(3)?),
        certificate_bundle_id_range_start: CertificateId(start),
        certificate_bundle_id_range_end: CertificateId(end),
        bundle_quantity: WattHours(end - start + 1),
        beneficiary: row.try_get(20)?,
        beneficiary_account_id: row.try_get::<_, Option<i64>>(21)?.map(AccountId),
        energy_carrier: word(row, 12)?,
        energy_source: word(row, 11)?,
        face_value: 1,
        issuance_post_energy_carrier_conversion: row.try_get(14)?,
        emissions_factor_production_device: decimal(row, 16)?,
        emissions_factor_source: row.try_get(17)?,
        device_id,
        production_starting_interval,
        production_ending_interval: row.try_get(8)?,
        issuance_datestamp: row.try_get(9)?,
        expiry_datestamp: row.try_get(10)?,
        registry_configuration: row.try_get(13)?,
        is_storage: i32::from(row.try_get::<_, bool>(15)?),
        sdr_allocation_id: released.map(|[sdr_id, ..]| StorageRecordId(sdr_id)),
        storage_efficiency_factor: released
            .map(|[_, numerator, denominator]| factor(numerator, denominator))
            .transpose()?,
        parent_id: row.try_get::<_, Option<i64>>(18)?.map(BundleId),
        is_deleted: status == CertificateStatus::BundleSplit,
    })
}

/// Where bundle `b` was imported from: with the newest import up to it that has all of its certificates. One that
/// begins nearer to it may be of a part that left and came back.
pub(super) const ORIGIN: &str = "
    SELECT d.origin_registry, d.origin_device, i.origin_bundle_id, i.origin_issuance_id,
        i.origin_hash, i.range_start AS origin_start, i.range_end AS origin_end,
        i.import_id, one.created_at AS imported_at, one.exporting_registry, one.export_id
    FROM imported_bundle i
    JOIN import_device d ON d.device_id = i.device_id
    JOIN import one ON one.import_id = i.import_id
    WHERE i.device_id = b.device_id AND i.range_start <= b.range_start AND i.range_end >= b.range_end
        -- Of what left and came back, the import that the bundle stems from.
        AND i.bundle_id <= b.bundle_id
    ORDER BY i.range_start DESC, i.bundle_id DESC LIMIT 1";

/// Each bundle by its key, never by a scan, whatever the planner knew when the plan was made; `{ORIGIN}`
/// stands for [`ORIGIN`].
const FULL: &str = "
    FROM unnest($1::bigint[]) AS wanted (bundle_id)
    CROSS JOIN LATERAL (
        SELECT b.*, d.device_name, d.device_unique_id, d.device_type, d.technology_type,
            d.operational_date, d.capacity_w, d.location, d.latitude, d.longitude,
            m.country_of_issuance, m.connected_grid_identification, m.issuing_body,
            m.issue_market_zone, m.legal_status, m.issuance_purpose, m.support_received,
            m.quality_scheme_reference, m.dissemination_level, p.hash AS parent_hash,
            a.scr_id, a.sdr_start, a.sdr_end,
            -- The newest reading that stood for its meter and interval when it was issued. The sum keeps
            -- the planner from walking the primary key.
            (SELECT max(r.measurement_id + 0) FROM measurement r
             WHERE b.allocation_id IS NULL AND r.device_id = b.device_id AND r.interval_start = b.production_start
               AND r.meter_id IS NOT DISTINCT FROM b.meter_id AND r.created_at <= b.issued_at)
                AS measurement_id,
            (SELECT n.meter_identifier FROM meter n
             WHERE n.device_id = b.device_id AND n.meter_id = b.meter_id) AS meter_identifier,
            ARRAY(SELECT o.bundle_id FROM replacement o WHERE o.replaced_by = b.bundle_id
                ORDER BY o.bundle_id) AS replaces,
            (SELECT o.replaced_by FROM replacement o WHERE o.bundle_id = b.bundle_id) AS replaced_by,
            o.*
        FROM bundle b
        JOIN device d USING (device_id)
        JOIN issuance_metadata m USING (metadata_id)
        LEFT JOIN bundle p ON p.bundle_id = b.parent_id
        LEFT JOIN storage_allocation a ON a.allocation_id = b.allocation_id
        LEFT JOIN LATERAL ({ORIGIN}) o ON true
        WHERE b.bundle_id = wanted.bundle_id
        LIMIT 1
    ) b";
/// Columns behind those of the bundle, in the order [`full`] takes them.
const FULL_COLUMNS: &str = "
    b.device_name, b.device_unique_id, b.device_type, b.technology_type, b.operational_date, b.capacity_w,
    b.location, b.latitude::text, b.longitude::text,
    b.country_of_issuance, b.connected_grid_identification, b.issuing_body, b.issue_market_zone,
    b.legal_status, b.issuance_purpose, b.support_received, b.quality_scheme_reference,
    b.dissemination_level, b.parent_hash, b.scr_id, b.sdr_start, b.sdr_end, b.allocation_id,
    b.storage_device_id, b.used_allocation_id, b.measurement_id, b.meter_identifier,
    b.replaces, b.replaced_by,
    b.origin_registry, b.origin_device, b.origin_bundle_id, b.origin_issuance_id, b.origin_hash,
    b.origin_start, b.origin_end, b.import_id, b.imported_at, b.exporting_registry, b.export_id";

/// Those of the bundles that there are, with device and issuance metadata, whatever their state.
pub async fn by_ids(
    client: &Client,
    bundle_ids: &[BundleId],
) -> Result<Vec<BundleFull>, ReadError> {
    static STATEMENT: LazyLock<String> = LazyLock::new(|| {
        format!("SELECT {COLUMNS}, {FULL_COLUMNS} {FULL}").replace("{ORIGIN}", ORIGIN)
    });
    let ids: Vec<i64> = bundle_ids.iter().map(|id| id.0).collect();
    let rows = rows(client, &STATEMENT, &[&ids]).await?;
    rows.iter().map(full).collect()
}

/// Where a bundle was imported from; `None` if it was issued here.
pub(super) fn origin(row: &Row) -> Result<Option<BundleOrigin>, ReadError> {
    let Some(registry) = row.try_get("origin_registry")? else {
        return Ok(None);
    };
    Ok(Some(BundleOrigin {
        registry,
        device_id: row.try_get("origin_device")?,
        bundle_id: row.try_get("origin_bundle_id")?,
        issuance_id: row.try_get("origin_issuance_id")?,
        hash: row.try_get("origin_hash")?,
        certificate_bundle_id_range_start: row.try_get("origin_start")?,
        certificate_bundle_id_range_end: row.try_get("origin_end")?,
        import_id: ImportId(row.try_get("import_id")?),
        imported_at: row.try_get("imported_at")?,
        exporting_registry: row.try_get("exporting_registry")?,
        export_id: row.try_get::<_, Option<i64>>("export_id")?.map(ActionId),
    }))
}

fn full(row: &Row) -> Result<BundleFull, ReadError> {
    let bundle = bundle(row)?;
    let id = |column| row.try_get::<_, Option<i64>>(column);
    let device_gps_location = match (decimal(row, COUNT + 7)?, decimal(row, COUNT + 8)?) {
        (Some(latitude), Some(longitude)) => Some(Position {
            latitude,
            longitude,
        }),
        _ => None,
    };
    Ok(BundleFull {
        id: bundle.id,
        certificate_bundle_status: bundle.certificate_bundle_status,
        account_id: bundle.account_id,
        certificate_bundle_id_range_start: bundle.certificate_bundle_id_range_start,
        certificate_bundle_id_range_end: bundle.certificate_bundle_id_range_end,
        bundle_quantity: bundle.bundle_quantity,
        issuance_id: bundle.issuance_id,
        beneficiary: bundle.beneficiary,
        beneficiary_account_id: bundle.beneficiary_account_id,
        energy_carrier: bundle.energy_carrier,
        energy_source: bundle.energy_source,
        face_value: bundle.face_value,
        issuance_post_energy_carrier_conversion: bundle.issuance_post_energy_carrier_conversion,
        registry_configuration: bundle.registry_configuration,
        device_id: bundle.device_id,
        device_name: row.try_get(COUNT)?,
        device_unique_id: row.try_get(COUNT + 1)?,
        device_type: word(row, COUNT + 2)?,
        device_technology_type: word(row, COUNT + 3)?,
        device_production_start_date: row.try_get(COUNT + 4)?,
        device_capacity: ExactNumber::megawatts(Watts(row.try_get(COUNT + 5)?)),
        device_location: row.try_get(COUNT + 6)?,
        device_gps_location,
        production_starting_interval: bundle.production_starting_interval,
        production_ending_interval: bundle.production_ending_interval,
        issuance_datestamp: bundle.issuance_datestamp,
        expiry_datestamp: bundle.expiry_datestamp,
        is_storage: bundle.is_storage == 1,
        sdr_allocation_id: bundle.sdr_allocation_id,
        scr_allocation_id: id(COUNT + 19)?.map(StorageRecordId),
        storage_allocation_id: id(COUNT + 22)?.map(AllocationId),
        storage_device_id: id(COUNT + 23)?.map(DeviceId),
        used_allocation_id: id(COUNT + 24)?.map(AllocationId),
        discharging_start_datetime: row.try_get(COUNT + 20)?,
        discharging_end_datetime: row.try_get(COUNT + 21)?,
        storage_efficiency_factor: bundle.storage_efficiency_factor,
        metadata_id: bundle.metadata_id,
        country_of_issuance: row.try_get(COUNT + 9)?,
        connected_grid_identification: row.try_get(COUNT + 10)?,
        issuing_body: row.try_get(COUNT + 11)?,
        issue_market_zone: row.try_get(COUNT + 12)?,
        legal_status: row.try_get(COUNT + 13)?,
        issuance_purpose: row.try_get(COUNT + 14)?,
        support_received: row.try_get(COUNT + 15)?,
        quality_scheme_reference: row.try_get(COUNT + 16)?,
        dissemination_level: row.try_get(COUNT + 17)?,
        emissions_factor_production_device: bundle.emissions_factor_production_device,
        emissions_factor_source: bundle.emissions_factor_source,
        parent_id: bundle.parent_id,
        parent_hash: row
            .try_get::<_, Option<&[u8]>>(COUNT + 18)?
            .map(hex::encode),
        hash: bundle.hash,
        origin: origin(row)?,
        is_deleted: bundle.is_deleted,
        measurement_id: row
            .try_get::<_, Option<i64>>(COUNT + 25)?
            .map(MeasurementId),
        meter_identifier: row.try_get(COUNT + 26)?,
        replaces: row
            .try_get::<_, Vec<i64>>(COUNT + 27)?
            .into_iter()
            .map(BundleId)
            .collect(),
        replaced_by: row.try_get::<_, Option<i64>>(COUNT + 28)?.map(BundleId),
    })
}
