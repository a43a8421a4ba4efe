//! Exports of other registries that are never imported here, so that those who made them may take them back.

use crate::command::RefuseExport;
use crate::decide::Decision;
use crate::key::{Key, export_digest, origin_digest};
use crate::refusal::{Code, Refusal};
use crate::state::{Entries, get};
use schemas::event::LedgerEvent;
use schemas::event::device::DeviceOrigin;
use schemas::event::import::{ExportRef, ExportRefused};

/// Where it is kept that the export was refused.
pub(crate) fn key(export: &ExportRef) -> Key {
    Key::RefusedExport(export_digest(export))
}

pub(crate) fn needed(refuse: &RefuseExport, keys: &mut Vec<Key>) {
    keys.push(key(&refuse.export));
    let origins = refuse
        .ranges
        .iter()
        .map(|(origin, ..)| origin_digest(origin));
    keys.extend(origins.map(Key::Origin));
}

/// Sees to it that the export is never imported; nothing of it has been.
pub(crate) fn refuse(entries: &impl Entries, refuse: &RefuseExport) -> Result<Decision, Refusal> {
    if get::refused_export(entries, &refuse.export)?.is_some() {
        return Ok(Decision::default());
    }
    for (origin, start, end) in &refuse.ranges {
        let imported = get::origin(entries, origin)?;
        if let Some((start, end)) = imported.and_then(|imported| imported.overlapping(*start, *end))
        {
            let DeviceOrigin { registry, device } = origin;
            return Err(Refusal::new(
                Code::ImportedBefore,
                format!(
                    "certificates [{start}, {end}] of device {device} of registry {registry} were imported: \
                     what was imported is not refused any more"
                ),
            ));
        }
    }
    Ok(LedgerEvent::from(ExportRefused {
        export: refuse.export.clone(),
    })
    .into())
}

/// An import of the export may go on.
pub(crate) fn check(entries: &impl Entries, export: Option<&ExportRef>) -> Result<(), Refusal> {
    let Some(export) = export else {
        return Ok(());
    };
    match get::refused_export(entries, export)? {
        None => Ok(()),
        Some(ExportRef {
            registry,
            export_id,
        }) => Err(Refusal::new(
            Code::ExportRefused,
            format!(
                "export {export_id} of registry {registry} was refused here and may be in circulation there again"
            ),
        )),
    }
}
