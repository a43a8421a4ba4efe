//! Folding what comes from and goes to other registries.

use super::Fold;
use crate::entry::{Bundle, Entry, Export, ExportState, Imported, Outcome};
use crate::key::{Key, origin_digest};
use crate::received_export;
use crate::state::NotLoaded;
use schemas::event::action::BundleAction;
use schemas::event::device::DeviceOrigin;
use schemas::event::import::{BundlesImported, ExportRef, ExportRefused};
use schemas::life_cycle::ActionType;

impl Fold<'_, '_> {
    pub(super) fn bundles_imported(&mut self, event: &BundlesImported) -> Result<(), NotLoaded> {
        for lot in &event.lots {
            self.origin(&lot.origin, |known| {
                for bundle in &lot.bundles {
                    known.arrive(bundle.start, bundle.end, event.export.is_none());
                }
            })?;
        }
        if let Some(export) = &event.export {
            self.received(export, Outcome::Imported)?;
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
        for device in &event.certificates {
            self.origin(&device.origin, |known| {
                for (start, end) in &device.ranges {
                    known.elsewhere.add(*start, *end);
                }
            })?;
        }
        self.received(&event.export, Outcome::Refused)
    }

    fn received(&mut self, export: &ExportRef, outcome: Outcome) -> Result<(), NotLoaded> {
        let key = received_export::key(export);
        if let Some(slot) = self.changes.edit(key, self.position)? {
            let mut received = match slot.take() {
                Some(Entry::ReceivedExport(received)) => received,
                _ => Box::default(),
            };
            received.0.insert(export.content, outcome);
            *slot = Some(Entry::ReceivedExport(received));
        }
        Ok(())
    }

    /// Changes what is known of a device's certificates.
    pub(super) fn origin(
        &mut self,
        origin: &DeviceOrigin,
        change: impl FnOnce(&mut Imported),
    ) -> Result<(), NotLoaded> {
        let key = Key::Origin(origin_digest(origin));
        if let Some(slot) = self.changes.edit(key, self.position)? {
            let mut known = match slot.take() {
                Some(Entry::Origin(known)) => known,
                _ => Box::default(),
            };
            change(&mut known);
            *slot = Some(Entry::Origin(known));
        }
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
                left_untold: false,
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
            export.left_untold = state == ExportState::Confirmed && about.certificates.is_empty();
        }
        for device in &about.certificates {
            self.origin(&device.origin, |known| {
                for (start, end) in &device.ranges {
                    known.leave(*start, *end);
                }
            })?;
        }
        Ok(())
    }
}
