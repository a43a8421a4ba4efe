//! What became of exports of other registries: imported or refused, one of them and for ever.

use crate::command::RefuseExport;
use crate::decide::Decision;
use crate::entry::{Imported, Outcome};
use crate::key::{Key, export_digest, origin_digest};
use crate::refusal::{Code, Refusal};
use crate::state::{Entries, get};
use schemas::event::LedgerEvent;
use schemas::event::device::DeviceOrigin;
use schemas::event::import::{ExportContent, ExportRef, ExportRefused};
use schemas::id::CertificateId;

/// What an export offers that was imported or refused before that was kept: it may be whatever is offered under its id.
const UNKNOWN: ExportContent = ExportContent([0; 32]);

/// Where it is kept what became of the export.
pub(crate) fn key(export: &ExportRef) -> Key {
    Key::ReceivedExport(export_digest(export))
}

pub(crate) fn needed(refuse: &RefuseExport, keys: &mut Vec<Key>) {
    keys.push(key(&refuse.export));
    let devices = refuse.certificates.iter();
    keys.extend(devices.map(|device| Key::Origin(origin_digest(&device.origin))));
}

/// Sees to it that the export is never imported; nothing of what it offers is here.
pub(crate) fn refuse(entries: &impl Entries, refuse: &RefuseExport) -> Result<Decision, Refusal> {
    let export = &refuse.export;
    let received = get::received_export(entries, export)?;
    let outcome = |content| received.and_then(|received| received.0.get(content));
    match (outcome(&export.content), outcome(&UNKNOWN)) {
        (Some(Outcome::Refused), _) => return Ok(Decision::default()),
        (Some(Outcome::Imported), _) | (None, Some(Outcome::Imported)) => {
            return Err(Refusal::new(
                Code::ImportedBefore,
                format!(
                    "export {} of registry {} was imported and is not refused any more: confirm it with the receipt",
                    export.export_id, export.registry
                ),
            ));
        }
        (None, _) => {}
    }
    for device in &refuse.certificates {
        let (registry, name) = (&device.origin.registry, &device.origin.device);
        let known = get::origin(entries, &device.origin)?;
        for (start, end) in &device.ranges {
            if let Some(known) = known {
                check_rows(&device.origin, known, *start, *end)?;
            }
            if *registry == refuse.here {
                if !known.is_some_and(|known| known.elsewhere.cover(*start, *end)) {
                    return Err(never_left(name, *start, *end));
                }
            } else if let Some((start, end)) =
                known.and_then(|known| known.ranges.overlapping(*start, *end))
            {
                return Err(Refusal::new(
                    Code::ImportedBefore,
                    format!(
                        "certificates [{start}, {end}] of device {name} of registry {registry} are here: what is here \
                         is not refused"
                    ),
                ));
            }
        }
    }
    Ok(LedgerEvent::from(ExportRefused {
        export: export.clone(),
        certificates: refuse.certificates.clone(),
    })
    .into())
}

/// Certificates of this registry's own that no confirmed export took from it.
pub(crate) fn never_left(device: &str, start: CertificateId, end: CertificateId) -> Refusal {
    Refusal::new(
        Code::ImportFromHere,
        format!(
            "certificates [{start}, {end}] of device {device} were issued here and did not leave with an export that \
             is confirmed"
        ),
    )
}

/// None of the certificates came by rows: what signed files do with them was not decided by a signed file alone.
pub(crate) fn check_rows(
    DeviceOrigin { registry, device }: &DeviceOrigin,
    known: &Imported,
    start: CertificateId,
    end: CertificateId,
) -> Result<(), Refusal> {
    match known.by_rows.overlapping(start, end) {
        None => Ok(()),
        Some((start, end)) => Err(Refusal::new(
            Code::ImportedByRows,
            format!(
                "certificates [{start}, {end}] of device {device} of registry {registry} were imported by rows: no \
                 signed export of them is imported or refused here any more"
            ),
        )),
    }
}

/// An import of the export may go on: nothing was decided yet of any export of its id.
pub(crate) fn check(entries: &impl Entries, export: Option<&ExportRef>) -> Result<(), Refusal> {
    let Some(export) = export else {
        return Ok(());
    };
    let Some(received) = get::received_export(entries, export)? else {
        return Ok(());
    };
    let ExportRef {
        registry,
        export_id,
        content,
    } = export;
    let outcome = received.0.get(content);
    Err(match outcome.or_else(|| received.0.get(&UNKNOWN)) {
        Some(Outcome::Imported) => Refusal::new(
            Code::ImportedBefore,
            format!("export {export_id} of registry {registry} was imported before"),
        ),
        Some(Outcome::Refused) => Refusal::new(
            Code::ExportRefused,
            format!(
                "export {export_id} of registry {registry} was refused here and may be in circulation there again"
            ),
        ),
        None => Refusal::new(
            Code::ExportIdReused,
            format!(
                "registry {registry} made an export {export_id} of other bundles before, which was imported or refused here"
            ),
        ),
    })
}
