//! The history of corrections, and which bundle took the place of which.

use crate::Error;
use crate::chunk::Decoded;
use crate::copy::{Rows, copy};
use deadpool_postgres::ClientWrapper;
use schemas::event::LedgerEvent;
use schemas::event::reading::ReadingCorrected;
use schemas::id::BundleId;

fn correction(decoded: &Decoded) -> Option<(&Decoded, &ReadingCorrected)> {
    match &decoded.event {
        ledger::Event::Ledger(LedgerEvent::ReadingCorrected(event)) => Some((decoded, event)),
        _ => None,
    }
}

/// Writes the corrections among the events: they never change.
pub(super) async fn save(client: &ClientWrapper, events: &[Decoded]) -> Result<(), Error> {
    copy(client, COPY, 14, events.iter().filter_map(correction), put).await?;
    let replaced: Vec<_> = events
        .iter()
        .filter_map(correction)
        .flat_map(links)
        .collect();
    copy(client, COPY_REPLACEMENT, 3, replaced, |row, link| {
        let (bundle_id, replaced_by, position) = link;
        row.bigint(bundle_id.0)
            .bigint(replaced_by.0)
            .bigint(position);
    })
    .await?;
    Ok(())
}

/// Each bundle withdrawn, with the one issued anew.
fn links(
    (decoded, event): (&Decoded, &ReadingCorrected),
) -> impl Iterator<Item = (BundleId, BundleId, i64)> {
    let position = decoded.position.0;
    let replaced = event.replaced.iter();
    let link = event
        .reissued
        .map(|by| replaced.map(move |bundle_id| (*bundle_id, by, position)));
    link.into_iter().flatten()
}

fn put(row: &mut Rows, (decoded, event): (&Decoded, &ReadingCorrected)) {
    let user_id = decoded.envelope.actor.user_id();
    let replaced: Vec<_> = event.replaced.iter().map(|id| id.0).collect();
    row.bigint(decoded.position.0)
        .bigint(event.measurement_id.0)
        .option(user_id, |row, id| row.bigint(id.0))
        .timestamptz(decoded.envelope.recorded_at)
        .text(&event.reason)
        .text(event.settle.as_str())
        .bigint(event.previous_wh.0)
        .bigint(event.wh.0)
        .bigints(&replaced)
        .option(event.reissued, |row, id| row.bigint(id.0))
        .option(event.issued, |row, id| row.bigint(id.0))
        .bigint(event.debt.0)
        .bigint(event.paid.0)
        .option(event.action_id, |row, id| row.bigint(id.0));
}

const COPY: &str =
    "COPY correction (position, measurement_id, user_id, corrected_at, reason, settle,
     previous_wh, wh, withdrawn_bundles, reissued_bundle_id, issued_bundle_id, debt_wh, paid_wh,
     action_id) FROM STDIN BINARY";
const COPY_REPLACEMENT: &str =
    "COPY replacement (bundle_id, replaced_by, position) FROM STDIN BINARY";
