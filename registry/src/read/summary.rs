//! What an account has, in numbers. Read from the holdings by day, so its cost grows with devices and
//! days, not with bundles.

use super::account::AccountRow;
use super::{ReadError, rows, word};
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
    SELECT d.energy_source, h.status, sum(h.bundles)::bigint, sum(h.wh)::bigint
    FROM holding h JOIN device d ON d.device_id = h.device_id
    WHERE h.account_id = $1
    GROUP BY d.energy_source, h.status";

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
        total_certificate_energy: WattHours::ZERO,
        energy_by_fuel_type: BTreeMap::new(),
    };
    for row in rows(client, DEVICES, &[&account.account_id.0]).await? {
        let technology = word(&row, 0)?;
        let devices: i64 = row.try_get(1)?;
        summary.num_devices += devices;
        summary.num_devices_by_type.insert(technology, devices);
        let capacity = ExactNumber::megawatts(Watts(row.try_get(2)?));
        summary.device_capacity_by_type.insert(technology, capacity);
    }
    for row in rows(client, HOLDINGS, &[&account.account_id.0]).await? {
        let bundles: i64 = row.try_get(2)?;
        let energy = WattHours(row.try_get(3)?);
        match word(&row, 1)? {
            CertificateStatus::Withdrawn | CertificateStatus::BundleSplit => continue,
            CertificateStatus::Cancelled | CertificateStatus::Claimed => {
                summary.num_cancelled_granular_certificate_bundles += bundles;
            }
            _ => {}
        }
        if bundles == 0 {
            continue;
        }
        summary.num_granular_certificate_bundles += bundles;
        summary.total_certificate_energy += energy;
        *summary
            .energy_by_fuel_type
            .entry(word(&row, 0)?)
            .or_default() += energy;
    }
    Ok(summary)
}
