//! What accounts hold, by device, day of production, energy source and state, and of each day by hour; and over all
//! devices and days.

use crate::Error;
use crate::copy::date;
use chrono::Timelike;
use deadpool_postgres::ClientWrapper;
use ledger::entry::Bundle;
use schemas::energy::EnergySource;
use schemas::id::{AccountId, DeviceId};
use schemas::interval::Day;
use schemas::life_cycle::CertificateStatus;
use std::collections::HashMap;
use std::sync::LazyLock;
use tokio_postgres::types::ToSql;

/// Hours of a UTC day.
const HOURS: usize = 24;

type Key = (AccountId, DeviceId, Day, EnergySource, CertificateStatus);
type TotalKey = (AccountId, EnergySource, CertificateStatus);

#[derive(Default)]
struct Delta {
    bundles: [i64; HOURS],
    wh: [i64; HOURS],
}

impl Delta {
    fn is_nothing(&self) -> bool {
        self.bundles
            .iter()
            .chain(&self.wh)
            .all(|change| *change == 0)
    }
}

/// Changes of holdings.
#[derive(Default)]
pub(super) struct Holdings(HashMap<Key, Delta>);

impl Holdings {
    /// Counts a bundle of this source in.
    pub(super) fn add(&mut self, bundle: &Bundle, source: EnergySource) {
        self.change(bundle, source, 1);
    }

    /// Counts it out.
    pub(super) fn remove(&mut self, bundle: &Bundle, source: EnergySource) {
        self.change(bundle, source, -1);
    }

    fn change(&mut self, bundle: &Bundle, source: EnergySource, bundles: i64) {
        // Split parents are held by nobody.
        if bundle.status == CertificateStatus::BundleSplit {
            return;
        }
        let start = bundle.interval.start();
        let key = (
            bundle.account_id,
            bundle.device_id,
            Day::of(start),
            source,
            bundle.status,
        );
        let delta = self.0.entry(key).or_default();
        // An interval lies within an hour.
        let hour = start.hour() as usize % HOURS;
        delta.bundles[hour] += bundles;
        delta.wh[hour] += bundles * bundle.quantity().0;
    }

    pub(super) async fn save(&self, client: &ClientWrapper) -> Result<(), Error> {
        futures_util::try_join!(self.save_days(client), self.save_totals(client))?;
        Ok(())
    }

    async fn save_days(&self, client: &ClientWrapper) -> Result<(), Error> {
        let changed: Vec<_> = self
            .0
            .iter()
            .filter(|(_, delta)| !delta.is_nothing())
            .collect();
        if changed.is_empty() {
            return Ok(());
        }
        macro_rules! column {
            (($key:pat, $delta:pat) => $value:expr) => {
                changed
                    .iter()
                    .map(|($key, $delta)| $value)
                    .collect::<Vec<_>>()
            };
        }
        let accounts = column!(((account, ..), _) => account.0);
        let devices = column!(((_, device, ..), _) => device.0);
        let days = column!(((_, _, day, ..), _) => date(day.0));
        let sources = column!(((.., source, _), _) => source.as_str());
        let states = column!(((.., status), _) => status.as_str());
        let bundles = column!((_, delta) => delta.bundles.iter().sum::<i64>());
        let wh = column!((_, delta) => delta.wh.iter().sum::<i64>());
        let hour_bundles = column!((_, delta) => delta.bundles).concat();
        let hour_wh = column!((_, delta) => delta.wh).concat();
        let parameters: [&(dyn ToSql + Sync); 9] = [
            &accounts,
            &devices,
            &days,
            &sources,
            &states,
            &bundles,
            &wh,
            &hour_bundles,
            &hour_wh,
        ];
        client
            .execute(&client.prepare_cached(&ADD).await?, &parameters)
            .await?;
        if bundles.iter().any(|bundles| *bundles <= 0) {
            client
                .execute(&client.prepare_cached(DELETE).await?, &parameters[..5])
                .await?;
        }
        Ok(())
    }

    /// Changes of bundles and Wh over all devices and days.
    fn totals(&self) -> HashMap<TotalKey, (i64, i64)> {
        let mut totals: HashMap<TotalKey, (i64, i64)> = HashMap::new();
        for ((account, _, _, source, status), delta) in &self.0 {
            let (bundles, wh) = totals.entry((*account, *source, *status)).or_default();
            *bundles += delta.bundles.iter().sum::<i64>();
            *wh += delta.wh.iter().sum::<i64>();
        }
        totals.retain(|_, change| *change != (0, 0));
        totals
    }

    async fn save_totals(&self, client: &ClientWrapper) -> Result<(), Error> {
        let totals = self.totals();
        if totals.is_empty() {
            return Ok(());
        }
        macro_rules! column {
            (($key:pat, $change:pat) => $value:expr) => {
                totals
                    .iter()
                    .map(|($key, $change)| $value)
                    .collect::<Vec<_>>()
            };
        }
        let accounts = column!(((account, ..), _) => account.0);
        let sources = column!(((_, source, _), _) => source.as_str());
        let states = column!(((.., status), _) => status.as_str());
        let bundles = column!((_, (bundles, _)) => *bundles);
        let wh = column!((_, (_, wh)) => *wh);
        let parameters: [&(dyn ToSql + Sync); 5] = [&accounts, &sources, &states, &bundles, &wh];
        let add = client.prepare_cached(ADD_TOTALS).await?;
        client.execute(&add, &parameters).await?;
        if bundles.iter().any(|bundles| *bundles <= 0) {
            let delete = client.prepare_cached(DELETE_TOTALS).await?;
            client.execute(&delete, &parameters[..3]).await?;
        }
        Ok(())
    }
}

/// The hours of all keys come in one array, 24 for each. They are added one by one: unnesting takes three
/// times as long.
static ADD: LazyLock<String> = LazyLock::new(|| {
    let sums = |column: &str| {
        let hours =
            (1..=HOURS).map(|hour| format!("held.{column}[{hour}] + EXCLUDED.{column}[{hour}]"));
        hours.collect::<Vec<_>>().join(", ")
    };
    format!(
        "INSERT INTO holding AS held (account_id, device_id, day, energy_source, status,
             bundles, wh, hour_bundles, hour_wh)
         SELECT account_id, device_id, day, energy_source, status, bundles, wh,
             ($8::bigint[])[24 * n - 23 : 24 * n], ($9::bigint[])[24 * n - 23 : 24 * n]
         FROM (SELECT *, ordinality::integer AS n
             FROM unnest($1::bigint[], $2::bigint[], $3::date[], $4::text[], $5::text[], $6::bigint[],
                 $7::bigint[]) WITH ORDINALITY
                 AS k (account_id, device_id, day, energy_source, status, bundles, wh)) AS changed
         ON CONFLICT (account_id, device_id, day, energy_source, status) DO UPDATE SET
             bundles = held.bundles + EXCLUDED.bundles, wh = held.wh + EXCLUDED.wh,
             hour_bundles = ARRAY[{}], hour_wh = ARRAY[{}]",
        sums("hour_bundles"),
        sums("hour_wh")
    )
});
/// A row without bundles is no row, whichever way it came to that.
const DELETE: &str = "DELETE FROM holding
     USING unnest($1::bigint[], $2::bigint[], $3::date[], $4::text[], $5::text[])
         AS changed (account_id, device_id, day, energy_source, status)
     WHERE holding.account_id = changed.account_id AND holding.device_id = changed.device_id
         AND holding.day = changed.day AND holding.energy_source = changed.energy_source
         AND holding.status = changed.status AND holding.bundles = 0";

const ADD_TOTALS: &str =
    "INSERT INTO holding_total AS held (account_id, energy_source, status, bundles, wh)
     SELECT * FROM unnest($1::bigint[], $2::text[], $3::text[], $4::bigint[], $5::bigint[])
     ON CONFLICT (account_id, energy_source, status) DO UPDATE SET
         bundles = held.bundles + EXCLUDED.bundles, wh = held.wh + EXCLUDED.wh";
/// As with days: what is held in no bundle is no row.
const DELETE_TOTALS: &str = "DELETE FROM holding_total AS held
     USING unnest($1::bigint[], $2::text[], $3::text[]) AS changed (account_id, energy_source, status)
     WHERE held.account_id = changed.account_id AND held.energy_source = changed.energy_source
         AND held.status = changed.status AND held.bundles = 0";
