//! Which issuance each bundle came from.

use crate::Error;
use crate::chunk::Decoded;
use crate::copy::{Rows, copy};
use deadpool_postgres::ClientWrapper;
use schemas::event::LedgerEvent;
use schemas::event::issuance::{BundlesIssued, IssuedBundle};

struct Issuance<'a> {
    decoded: &'a Decoded,
    issued: &'a BundlesIssued,
    last: IssuedBundle,
}

fn issuance(decoded: &Decoded) -> Option<Issuance<'_>> {
    match &decoded.event {
        ledger::Event::Ledger(LedgerEvent::BundlesIssued(issued)) => Some(Issuance {
            decoded,
            issued,
            last: issued.bundles().last()?,
        }),
        _ => None,
    }
}

/// Writes the issuances among the events: they never change.
pub(super) async fn save(client: &ClientWrapper, events: &[Decoded]) -> Result<(), Error> {
    copy(client, COPY, 7, events.iter().filter_map(issuance), put).await?;
    Ok(())
}

fn put(row: &mut Rows, issuance: Issuance<'_>) {
    let Issuance {
        decoded,
        issued,
        last,
    } = issuance;
    row.bigint(issued.first_bundle_id.0)
        .bigint(last.bundle_id.0)
        .bigint(issued.device_id.0)
        .bigint(issued.account_id.0)
        .bigint(issued.total().0)
        .timestamptz(decoded.envelope.recorded_at)
        .bigint(decoded.position.0);
}

const COPY: &str = "COPY issuance (first_bundle_id, last_bundle_id, device_id, account_id, wh,
     issued_at, position) FROM STDIN BINARY";
