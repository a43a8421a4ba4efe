//! Bundles from and for other registries.

use super::entity::{Entities, Entity};
use crate::Error;
use crate::chunk::Decoded;
use crate::copy::{Rows, copy};
use chrono::{DateTime, Utc};
use deadpool_postgres::ClientWrapper;
use ledger::entry::ExportState;
use schemas::event::LedgerEvent;
use schemas::event::action::BundleAction;
use schemas::event::device::{DeviceOrigin, DeviceRegistered};
use schemas::event::import::{BundlesImported, ImportedBundle};
use schemas::id::{AccountId, ActionId, BundleId, DeviceId};
use schemas::life_cycle::ActionType;
use schemas::log::Position;
use serde::{Deserialize, Serialize};

#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Export {
    export_id: ActionId,
    source_id: AccountId,
    receiving_registry: String,
    state: ExportState,
    settlement_id: Option<ActionId>,
    receiving_reference: Option<String>,
    created_at: DateTime<Utc>,
    position: Position,
}

impl Entity for Export {
    const TABLE: &'static str = "export";
    const COLUMNS: &'static [&'static str] = &[
        "export_id",
        "source_id",
        "receiving_registry",
        "state",
        "settlement_id",
        "receiving_reference",
        "created_at",
        "position",
    ];

    fn id(&self) -> i64 {
        self.export_id.0
    }
}

impl Entities<Export> {
    /// What an action makes of the export it is about.
    pub(super) fn acted(&mut self, action: &BundleAction, at: DateTime<Utc>, position: Position) {
        let Some(about) = &action.export else { return };
        let Some(offer_id) = about.offer_id else {
            self.insert(Export {
                export_id: action.action_id,
                source_id: action.source_id,
                receiving_registry: about.receiving_registry.clone(),
                state: ExportState::Offered,
                settlement_id: None,
                receiving_reference: None,
                created_at: at,
                position,
            });
            return;
        };
        if let Some(export) = self.edit(offer_id.0) {
            export.state = match action.action_type {
                ActionType::ConfirmExport => ExportState::Confirmed,
                _ => ExportState::TakenBack,
            };
            export.settlement_id = Some(action.action_id);
            export
                .receiving_reference
                .clone_from(&about.receiving_reference);
            export.position = position;
        }
    }
}

/// Writes the imports among the events: they never change.
pub(super) async fn save(client: &ClientWrapper, events: &[Decoded]) -> Result<(), Error> {
    let imports: Vec<_> = events.iter().filter_map(import).collect();
    let mut bundles = Vec::new();
    for (decoded, imported) in &imports {
        let of_import = imported.bundles();
        bundles.extend(
            of_import.map(|(id, lot, bundle)| (*decoded, *imported, id, lot.device_id, bundle)),
        );
    }
    copy(client, COPY_IMPORT, 9, imports, put_import).await?;
    copy(client, COPY_BUNDLE, 9, bundles, put_bundle).await?;
    let devices = events.iter().filter_map(device);
    copy(client, COPY_DEVICE, 4, devices, put_device).await?;
    Ok(())
}

fn import(decoded: &Decoded) -> Option<(&Decoded, &BundlesImported)> {
    match &decoded.event {
        ledger::Event::Ledger(LedgerEvent::BundlesImported(imported)) => Some((decoded, imported)),
        _ => None,
    }
}

fn device(decoded: &Decoded) -> Option<(&Decoded, DeviceId, &DeviceOrigin)> {
    match &decoded.event {
        ledger::Event::Ledger(LedgerEvent::DeviceRegistered(DeviceRegistered {
            device_id,
            origin: Some(origin),
            ..
        })) => Some((decoded, *device_id, origin)),
        _ => None,
    }
}

fn put_import(row: &mut Rows, (decoded, imported): (&Decoded, &BundlesImported)) {
    let export = imported.export.as_ref();
    row.bigint(imported.import_id.0)
        .bigint(imported.account_id.0)
        .option(export.map(|export| export.registry.as_str()), Rows::text)
        .option(export, |row, export| row.bigint(export.export_id.0))
        .option(export, |row, export| {
            row.text(&hex::encode(export.content.0))
        })
        .integer(i32::try_from(imported.count()).unwrap_or(i32::MAX))
        .bigint(imported.total().0)
        .timestamptz(decoded.envelope.recorded_at)
        .bigint(decoded.position.0);
}

fn put_bundle(
    row: &mut Rows,
    (decoded, imported, id, device_id, bundle): (
        &Decoded,
        &BundlesImported,
        BundleId,
        DeviceId,
        &ImportedBundle,
    ),
) {
    row.bigint(id.0)
        .bigint(imported.import_id.0)
        .bigint(device_id.0)
        .bigint(bundle.start.0)
        .bigint(bundle.end.0)
        .text(&bundle.bundle_id)
        .text(&bundle.issuance_id)
        .option(bundle.hash.as_deref(), Rows::text)
        .bigint(decoded.position.0);
}

fn put_device(row: &mut Rows, (decoded, id, origin): (&Decoded, DeviceId, &DeviceOrigin)) {
    row.bigint(id.0)
        .text(&origin.registry)
        .text(&origin.device)
        .bigint(decoded.position.0);
}

const COPY_IMPORT: &str = "COPY import (import_id, account_id, exporting_registry, export_id,
     export_content, bundles, wh, created_at, position) FROM STDIN BINARY";
const COPY_BUNDLE: &str = "COPY imported_bundle (bundle_id, import_id, device_id, range_start,
     range_end, origin_bundle_id, origin_issuance_id, origin_hash, position) FROM STDIN BINARY";
const COPY_DEVICE: &str =
    "COPY import_device (device_id, origin_registry, origin_device, position) FROM STDIN BINARY";
