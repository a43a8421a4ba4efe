//! What accounts hold, by device, day of production and state.

use crate::Error;
use crate::copy::date;
use deadpool_postgres::ClientWrapper;
use ledger::entry::Bundle;
use schemas::id::{AccountId, DeviceId};
use schemas::interval::Day;
use schemas::life_cycle::CertificateStatus;
use schemas::log::Position;
use std::collections::HashMap;
use tokio_postgres::types::ToSql;

type Key = (AccountId, DeviceId, Day, CertificateStatus);

#[derive(Default)]
struct Delta {
    bundles: i64,
    wh: i64,
    position: Position,
}

/// Changes of holdings. A change of nothing counts too: it moves the row's position.
#[derive(Default)]
pub(super) struct Holdings(HashMap<Key, Delta>);

impl Holdings {
    pub(super) fn add(&mut self, bundle: &Bundle, position: Position) {
        self.change(bundle, 1, position);
    }

    pub(super) fn remove(&mut self, bundle: &Bundle, position: Position) {
        self.change(bundle, -1, position);
    }

    fn change(&mut self, bundle: &Bundle, bundles: i64, position: Position) {
        // Split parents are held by nobody.
        if bundle.status == CertificateStatus::BundleSplit {
            return;
        }
        let key = (
            bundle.account_id,
            bundle.device_id,
            Day::of(bundle.interval.start()),
            bundle.status,
        );
        let delta = self.0.entry(key).or_default();
        delta.bundles += bundles;
        delta.wh += bundles * bundle.quantity().0;
        delta.position = position;
    }

    pub(super) async fn save(&self, client: &ClientWrapper) -> Result<(), Error> {
        if self.0.is_empty() {
            return Ok(());
        }
        let keys = || self.0.keys();
        let accounts: Vec<_> = keys().map(|(account, ..)| account.0).collect();
        let devices: Vec<_> = keys().map(|(_, device, ..)| device.0).collect();
        let days: Vec<_> = keys().map(|(_, _, day, _)| date(day.0)).collect();
        let states: Vec<_> = keys().map(|(.., status)| status.as_str()).collect();
        let bundles: Vec<_> = self.0.values().map(|delta| delta.bundles).collect();
        let wh: Vec<_> = self.0.values().map(|delta| delta.wh).collect();
        let positions: Vec<_> = self.0.values().map(|delta| delta.position.0).collect();
        let parameters: [&(dyn ToSql + Sync); 7] = [
            &accounts, &devices, &days, &states, &bundles, &wh, &positions,
        ];
        client
            .execute(&client.prepare_cached(ADD).await?, &parameters)
            .await?;
        if bundles.iter().any(|bundles| *bundles <= 0) {
            client
                .execute(&client.prepare_cached(DELETE).await?, &parameters[..4])
                .await?;
        }
        Ok(())
    }
}

const ADD: &str = "INSERT INTO holding (account_id, device_id, day, status, bundles, wh, position)
     SELECT * FROM unnest($1::bigint[], $2::bigint[], $3::date[], $4::text[], $5::bigint[],
         $6::bigint[], $7::bigint[])
     ON CONFLICT (account_id, device_id, day, status) DO UPDATE SET
         bundles = holding.bundles + EXCLUDED.bundles, wh = holding.wh + EXCLUDED.wh,
         position = EXCLUDED.position";
/// A row without bundles is no row, whichever way it came to that.
const DELETE: &str = "DELETE FROM holding
     USING unnest($1::bigint[], $2::bigint[], $3::date[], $4::text[])
         AS changed (account_id, device_id, day, status)
     WHERE holding.account_id = changed.account_id AND holding.device_id = changed.device_id
         AND holding.day = changed.day AND holding.status = changed.status AND holding.bundles = 0";
