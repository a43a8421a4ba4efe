//! Folding what comes from and goes to other registries.

use super::Fold;
use crate::entry::{Bundle, Entry, Export, ExportState, Imported};
use crate::key::{Key, export_digest, origin_digest};
use crate::state::NotLoaded;
use schemas::event::action::BundleAction;
use schemas::event::import::{BundlesImported, ExportRefused};
use schemas::life_cycle::ActionType;

impl Fold<'_, '_> {
    pub(super) fn bundles_imported(&mut self, event: &BundlesImported) -> Result<(), NotLoaded> {
        for lot in &event.lots {
            let key = Key::Origin(origin_digest(&lot.origin));
            if let Some(slot) = self.changes.edit(key, self.position)? {
                let mut imported = match slot.take() {
                    Some(Entry::Origin(imported)) => imported,
                    _ => Box::new(Imported::none(lot.device_id)),
                };
                for bundle in &lot.bundles {
                    imported.add(bundle.start, bundle.end);
                }
                *slot = Some(Entry::Origin(imported));
            }
        }
        let mut next = event.first_bundle_id;
        for (bundle_id, lot, bundle) in event.bundles() {
            next = bundle_id.plus(1);
            let Some(interval) = bundle.interval() else {
                continue;
            };
            self.create(
                Key::Bundle(bundle_id),
                Entry::Bundle(Bundle::new(
                    event.account_id,
                    lot.device_id,
                    lot.terms.energy_source,
                    [bundle.start, bundle.end],
                    interval,
                    lot.terms.expiry,
                )),
            );
        }
        let total = event.total();
        self.account(event.account_id, |account| account.live_wh += total)?;
        self.counters(|counters| {
            counters.bundle = next;
            counters.import = event.import_id.plus(1);
        })
    }

    pub(super) fn export_refused(&mut self, event: &ExportRefused) -> Result<(), NotLoaded> {
        self.create(
            Key::RefusedExport(export_digest(&event.export)),
            Entry::RefusedExport(Box::new(event.export.clone())),
        );
        Ok(())
    }

    /// What an action makes of the export it is about.
    pub(super) fn export(&mut self, action: &BundleAction) -> Result<(), NotLoaded> {
        let Some(about) = &action.export else {
            return Ok(());
        };
        let Some(offer_id) = about.offer_id else {
            let export = Export {
                source_id: action.source_id,
                receiving_registry: about.receiving_registry.clone(),
                bundle_ids: action.parts.iter().map(|part| part.acted_on()).collect(),
                state: ExportState::Offered,
            };
            self.create(
                Key::Export(action.action_id),
                Entry::Export(Box::new(export)),
            );
            return Ok(());
        };
        let state = match action.action_type {
            ActionType::ConfirmExport => ExportState::Confirmed,
            _ => ExportState::TakenBack,
        };
        if let Some(Some(Entry::Export(export))) =
            self.changes.edit(Key::Export(offer_id), self.position)?
        {
            export.state = state;
        }
        Ok(())
    }
}
