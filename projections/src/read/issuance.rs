//! Which issuance each bundle came from.

use crate::Error;
use crate::chunk::Decoded;
use crate::copy::{Rows, copy};
use chrono::{DateTime, Utc};
use deadpool_postgres::ClientWrapper;
use schemas::WattHours;
use schemas::event::LedgerEvent;
use schemas::event::import::ImportedBundle;
use schemas::id::{AccountId, BundleId, DeviceId};
use schemas::log::Position;

struct Issuance {
    first: BundleId,
    last: BundleId,
    device_id: DeviceId,
    account_id: AccountId,
    wh: WattHours,
    at: DateTime<Utc>,
    position: Position,
}

/// Issuances of an event: its bundles have consecutive ids, and each that is issued for storage is one by
/// itself.
fn issuances(decoded: &Decoded) -> Vec<Issuance> {
    let row = |first, last, device_id, account_id, wh| Issuance {
        first,
        last,
        device_id,
        account_id,
        wh,
        at: decoded.envelope.recorded_at,
        position: decoded.position,
    };
    match &decoded.event {
        ledger::Event::Ledger(LedgerEvent::BundlesIssued(issued)) => {
            let last = issued.bundles().last();
            let (first, total) = (issued.first_bundle_id, issued.total());
            last.map(|last| {
                row(
                    first,
                    last.bundle_id,
                    issued.device_id,
                    issued.account_id,
                    total,
                )
            })
            .into_iter()
            .collect()
        }
        ledger::Event::Ledger(LedgerEvent::StorageCertificatesIssued(issued)) => issued
            .sources()
            .filter_map(|(.., bundle)| bundle)
            .map(|bundle| {
                let id = bundle.bundle_id;
                let wh = WattHours(bundle.end.0 - bundle.start.0 + 1);
                row(id, id, issued.device_id, issued.account_id, wh)
            })
            .collect(),
        ledger::Event::Ledger(LedgerEvent::BundlesImported(imported)) => {
            // What was imported of one issuance elsewhere stands as one.
            let mut next = imported.first_bundle_id;
            let lots = imported.lots.iter().map(|lot| {
                let first = next;
                next = next.plus(i64::try_from(lot.bundles.len()).unwrap_or(i64::MAX));
                let wh = lot.bundles.iter().map(ImportedBundle::quantity).sum();
                Issuance {
                    at: lot.issued_at,
                    ..row(first, next.plus(-1), lot.device_id, imported.account_id, wh)
                }
            });
            lots.collect()
        }
        _ => Vec::new(),
    }
}

/// Writes the issuances among the events: they never change.
pub(super) async fn save(client: &ClientWrapper, events: &[Decoded]) -> Result<(), Error> {
    let issuances: Vec<_> = events.iter().flat_map(issuances).collect();
    copy(client, COPY, 7, issuances, put).await?;
    Ok(())
}

fn put(row: &mut Rows, issuance: Issuance) {
    row.bigint(issuance.first.0)
        .bigint(issuance.last.0)
        .bigint(issuance.device_id.0)
        .bigint(issuance.account_id.0)
        .bigint(issuance.wh.0)
        .timestamptz(issuance.at)
        .bigint(issuance.position.0);
}

const COPY: &str = "COPY issuance (first_bundle_id, last_bundle_id, device_id, account_id, wh,
     issued_at, position) FROM STDIN BINARY";
