//! What an account has, in numbers. Read from the holdings by day, so its cost grows with devices and
//! days, not with bundles. The source of energy is that of the bundles: a device's may have changed since.

use super::account::AccountRow;
use super::{ReadError, row, rows, word};
use deadpool_postgres::Client;
use schemas::api::ExactNumber;
use schemas::api::account::AccountSummary;
use schemas::life_cycle::CertificateStatus;
use schemas::{WattHours, Watts};
use std::collections::BTreeMap;

const DEVICES: &str = "
    SELECT technology_type, count(*), sum(capacity_w)::bigint
    FROM device WHERE account_id = $1 AND NOT is_deleted
    GROUP BY technology_type";

const HOLDINGS: &str = "
    SELECT energy_source, status, sum(bundles)::bigint, sum(wh)::bigint
    FROM holding WHERE account_id = $1
    GROUP BY energy_source, status";

const LAST_ISSUANCE: &str = "
    SELECT issued_at FROM issuance WHERE account_id = $1 ORDER BY first_bundle_id DESC LIMIT 1";

/// The summary of an account. What was withdrawn or split is not there any more and does not count.
pub async fn of_account(client: &Client, account: AccountRow) -> Result<AccountSummary, ReadError> {
    let mut summary = AccountSummary {
        id: account.account_id,
        account_name: account.account_name,
        num_devices: 0,
        num_devices_by_type: BTreeMap::new(),
        device_capacity_by_type: BTreeMap::new(),
        num_granular_certificate_bundles: 0,
        num_cancelled_granular_certificate_bundles: 0,
        num_expired_granular_certificate_bundles: 0,
        total_certificate_energy: WattHours::ZERO,
        energy_by_fuel_type: BTreeMap::new(),
        num_granular_certificate_bundles_by_status: BTreeMap::new(),
        energy_by_status: BTreeMap::new(),
        last_issuance_datetime: None,
    };
    let id = account.account_id.0;
    if let Some(row) = row(client, LAST_ISSUANCE, &[&id]).await? {
        summary.last_issuance_datetime = Some(row.try_get(0)?);
    }
    for row in rows(client, DEVICES, &[&id]).await? {
        let technology = word(&row, 0)?;
        let devices: i64 = row.try_get(1)?;
        summary.num_devices += devices;
        summary.num_devices_by_type.insert(technology, devices);
        let capacity = ExactNumber::megawatts(Watts(row.try_get(2)?));
        summary.device_capacity_by_type.insert(technology, capacity);
    }
    for row in rows(client, HOLDINGS, &[&id]).await? {
        let bundles: i64 = row.try_get(2)?;
        let energy = WattHours(row.try_get(3)?);
        let status = word(&row, 1)?;
        match status {
            CertificateStatus::Withdrawn | CertificateStatus::BundleSplit => continue,
            CertificateStatus::Cancelled | CertificateStatus::Claimed => {
                summary.num_cancelled_granular_certificate_bundles += bundles;
            }
            CertificateStatus::Expired => {
                summary.num_expired_granular_certificate_bundles += bundles;
            }
            _ => {}
        }
        *summary
            .num_granular_certificate_bundles_by_status
            .entry(status)
            .or_default() += bundles;
        *summary.energy_by_status.entry(status).or_default() += energy;
        summary.num_granular_certificate_bundles += bundles;
        summary.total_certificate_energy += energy;
        *summary
            .energy_by_fuel_type
            .entry(word(&row, 0)?)
            .or_default() += energy;
    }
    Ok(summary)
}
