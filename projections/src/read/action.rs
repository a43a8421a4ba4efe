//! The history of actions, and which bundles each concerns.

use crate::Error;
use crate::chunk::Decoded;
use crate::copy::{Rows, copy};
use deadpool_postgres::ClientWrapper;
use schemas::event::LedgerEvent;
use schemas::event::action::{BundleAction, Export};

fn action(decoded: &Decoded) -> Option<(&Decoded, &BundleAction)> {
    match &decoded.event {
        ledger::Event::Ledger(LedgerEvent::BundlesActed(action)) => Some((decoded, action)),
        _ => None,
    }
}

/// Writes the actions among the events: they never change.
pub(super) async fn save(client: &ClientWrapper, events: &[Decoded]) -> Result<(), Error> {
    copy(client, COPY, 23, events.iter().filter_map(action), put).await?;
    let mut listed: Vec<_> = events
        .iter()
        .filter_map(action)
        .flat_map(|(_, action)| {
            let bundles = action.parts.iter().map(|part| part.bundle_id.0);
            bundles.map(|bundle| (bundle, action.action_id.0))
        })
        .collect();
    // In the order of the index.
    listed.sort_unstable();
    copy(client, COPY_LISTED, 2, listed, |row, (bundle, action)| {
        row.bigint(bundle).bigint(action);
    })
    .await?;
    Ok(())
}

fn put(row: &mut Rows, (decoded, action): (&Decoded, &BundleAction)) {
    let parts = serde_json::to_vec(&action.parts)
        .expect("parts hold only strings, integers and times, which always serialise");
    let export = action.export.as_ref().map(|export| {
        // The parts say it as well.
        let export = Export {
            certificates: Vec::new(),
            ..export.clone()
        };
        serde_json::to_vec(&export).expect("an export holds only strings and integers")
    });
    row.bigint(action.action_id.0)
        .text(action.action_type.as_str())
        .bigint(action.source_id.0)
        .option(action.target_id, |row, id| row.bigint(id.0))
        .option(action.user_id, |row, id| row.bigint(id.0))
        .option(action.beneficiary.as_deref(), Rows::text)
        .option(action.beneficiary_account_id, |row, id| row.bigint(id.0))
        .option(action.reason.as_deref(), Rows::text)
        .option(action.certificate_quantity, |row, wh| row.bigint(wh.0))
        .option(action.certificate_bundle_percentage, Rows::numeric)
        .text(action.quantity_mode.as_str())
        .boolean(action.localise_time)
        .timestamptz(action.requested_at)
        .timestamptz(decoded.envelope.recorded_at)
        .bigint(action.total().0)
        .integer(i32::try_from(action.parts.len()).unwrap_or(i32::MAX))
        .jsonb(&parts)
        .option(export.as_deref(), Rows::jsonb)
        .uuid(decoded.envelope.command_id)
        .text(&decoded.envelope.actor.to_string())
        .bigint(decoded.position.0)
        .option(action.rule_id, |row, id| row.bigint(id.0))
        .option(action.storage_device_id, |row, id| row.bigint(id.0));
}

const COPY: &str =
    "COPY action (action_id, action_type, source_id, target_id, user_id, beneficiary,
     beneficiary_account_id, reason, certificate_quantity, percentage, quantity_mode, localise_time,
     requested_at, completed_at, wh, bundles, parts, export, command_id, actor, position, rule_id,
     storage_device_id) FROM STDIN BINARY";
const COPY_LISTED: &str = "COPY action_bundle (bundle_id, action_id) FROM STDIN BINARY";
