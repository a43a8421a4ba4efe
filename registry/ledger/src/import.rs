//! Rules of imports: bundles that another registry issued, or that were issued here and left, enter circulation here.
//! Each certificate is here once, also after it was cancelled, and again only after it left with a confirmed export.

mod row;

use crate::account::open_account;
use crate::command::{ImportBundles, ImportDevice, ImportRow};
use crate::context::Context;
use crate::decide::Decision;
use crate::device::{self, MAX_TEXT_CHARS};
use crate::entry::{Device, Imported};
use crate::export::MAX_REGISTRY_CHARS;
use crate::key::{Key, origin_digest};
use crate::reading::{Broken, MAX_ROWS};
use crate::received_export;
use crate::refusal::{Code, FieldError, Place, Refusal};
use crate::state::{Entries, get};
use row::check_row;
use schemas::WattHours;
use schemas::energy::DeviceType;
use schemas::event::LedgerEvent;
use schemas::event::device::{DeviceOrigin, DeviceRegistered, DeviceUpdated};
use schemas::event::import::{BundlesImported, ImportedBundle, ImportedLot};
use schemas::event::issuance::IssuanceMetadataRecorded;
use schemas::id::{CertificateId, DeviceId};
use std::collections::HashMap;

/// Most bundles one import may have.
pub const MAX_BUNDLES: usize = MAX_ROWS;
/// Length of a SHA-256 in hexadecimal digits.
pub const HASH_CHARS: usize = 64;

/// Column of the first certificate.
pub const RANGE_START: &str = "certificate_bundle_id_range_start";
/// Column of the last certificate.
pub const RANGE_END: &str = "certificate_bundle_id_range_end";
/// Column of the quantity.
pub const QUANTITY: &str = "bundle_quantity";
/// Column of the start of production.
pub const PRODUCTION_START: &str = "production_starting_interval";
/// Column of the end of production.
pub const PRODUCTION_END: &str = "production_ending_interval";
/// Column of the state.
pub const STATUS: &str = "certificate_bundle_status";
/// Column of the source of energy.
pub const ENERGY_SOURCE: &str = "energy_source";
/// Column of the time of issuance.
pub const ISSUED_AT: &str = "issuance_datestamp";
/// Column of the expiry.
pub const EXPIRY: &str = "expiry_datestamp";
/// Column of the issuance.
pub const ISSUANCE_ID: &str = "issuance_id";
/// Column of the hash.
pub const HASH: &str = "hash";
/// Column of the source of the emissions factor.
pub const EMISSIONS_SOURCE: &str = "emissions_factor_source";
/// Column of the registry that issued.
pub const ORIGIN_REGISTRY: &str = "origin_registry";
/// Column of the device in that registry.
pub const ORIGIN_DEVICE: &str = "origin_device_id";
/// Column of the bundle in the registry it comes from.
pub const ORIGIN_BUNDLE: &str = "origin_bundle_id";

pub(crate) fn needed(entries: &impl Entries, import: &ImportBundles, keys: &mut Vec<Key>) {
    keys.push(Key::Account(import.account_id));
    keys.extend(import.export.as_ref().map(received_export::key));
    for device in &import.devices {
        keys.push(Key::Origin(origin_digest(&device.origin)));
        if let Ok(Some(imported)) = get::origin(entries, &device.origin) {
            keys.extend(imported.device_id.map(Key::Device));
        }
    }
}

/// A device of the import, as it is or will be known here.
#[derive(Clone)]
struct Known {
    device_id: DeviceId,
    device: Device,
    is_new: bool,
    /// Whether its own registry says something else of it than before.
    is_changed: bool,
}

/// Imports all bundles or none.
pub(crate) fn import(
    entries: &impl Entries,
    import: &ImportBundles,
    context: &Context,
) -> Result<Decision, Refusal> {
    open_account(entries, import.account_id)?;
    received_export::check(entries, import.export.as_ref())?;
    check_list(import)?;
    let devices = known_devices(entries, import)?;
    let mut refused = import.unreadable.clone();
    let cell = |row: u32, (column, code, detail): Broken| FieldError {
        place: Place::Cell { row, column },
        code: code.as_str(),
        detail,
    };
    let mut rows = Vec::with_capacity(import.rows.len());
    for row in &import.rows {
        match check_row(import, &devices, row, context) {
            Ok(()) => rows.push(row),
            Err(broken) => refused.push(cell(row.row, broken)),
        }
    }
    let device_of = |row: &ImportRow| devices[row.device].device_id;
    rows.sort_by_key(|row| (device_of(row), row.start, row.row));
    let mut furthest: Option<&ImportRow> = None;
    for row in &rows {
        let before = furthest.filter(|before| device_of(before) == device_of(row));
        if let Some(before) = before.filter(|before| before.end >= row.start) {
            let rule = format!(
                "certificates [{}, {}] overlap [{}, {}] of row {}",
                row.start, row.end, before.start, before.end, before.row
            );
            refused.push(cell(row.row, (RANGE_START, Code::ImportOverlap, rule)));
        }
        if before.is_none_or(|before| before.end < row.end) {
            furthest = Some(row);
        }
        let origin = &import.devices[row.device].origin;
        let known = get::origin(entries, origin)?;
        if let Err((code, rule)) = check_place(import, origin, known, row) {
            refused.push(cell(row.row, (RANGE_START, code, rule)));
        }
    }
    if !refused.is_empty() {
        return Err(refuse_rows(
            refused,
            import.rows.len() + import.unreadable.len(),
        ));
    }
    events_of(entries, import, &devices, &rows)
}

fn check_list(import: &ImportBundles) -> Result<(), Refusal> {
    let listed = import.rows.len() + import.unreadable.len();
    if listed == 0 {
        return Err(Refusal::new(Code::ListEmpty, "the import has no rows"));
    }
    if import.rows.len() > MAX_BUNDLES {
        return Err(Refusal::new(
            Code::ListTooLong,
            format!("an import has at most {MAX_BUNDLES} bundles; this one has {listed}"),
        ));
    }
    Ok(())
}

fn known_devices(entries: &impl Entries, import: &ImportBundles) -> Result<Vec<Known>, Refusal> {
    let mut next = get::counters(entries)?.device;
    let mut devices: Vec<Known> = Vec::with_capacity(import.devices.len());
    let mut listed = HashMap::new();
    for (index, ImportDevice { origin, attributes }) in import.devices.iter().enumerate() {
        check_origin(import, origin)?;
        // Who has certificates of their own device back lists it twice: as their own, and as come home.
        let first = *listed.entry(origin_digest(origin)).or_insert(index);
        if first < index {
            devices.push(Known {
                is_new: false,
                is_changed: false,
                ..devices[first].clone()
            });
            continue;
        }
        let known = get::origin(entries, origin)?.and_then(|known| known.device_id);
        if let Some(device_id) = known {
            // Removed or not: it stands for the device where that is at home.
            let device = get::device(entries, device_id)?
                .ok_or_else(|| Refusal::new(Code::Internal, "the device of an import is gone"))?;
            let mut device = device.clone();
            let exporter = import.export.as_ref().map(|export| &export.registry);
            let is_changed = exporter == Some(&origin.registry)
                && !device.is_removed
                && device.attributes != *attributes;
            if is_changed {
                device::check(attributes)?;
                device.attributes = attributes.clone();
            }
            devices.push(Known {
                device_id,
                device,
                is_new: false,
                is_changed,
            });
            continue;
        }
        device::check(attributes)?;
        if attributes.device_type != DeviceType::Production {
            return Err(Refusal::new(
                Code::DeviceNotCertified,
                format!(
                    "device {} of registry {} does not produce; certificates are of production",
                    origin.device, origin.registry
                ),
            ));
        }
        devices.push(Known {
            device_id: next,
            device: Device {
                account_id: import.account_id,
                attributes: attributes.clone(),
                is_removed: false,
                next_certificate_id: CertificateId(1),
                debt: WattHours::ZERO,
                meters: Vec::new(),
                origin: Some(origin.clone()),
            },
            is_new: true,
            is_changed: false,
        });
        next = next.plus(1);
    }
    Ok(devices)
}

fn check_origin(import: &ImportBundles, origin: &DeviceOrigin) -> Result<(), Refusal> {
    let texts = [
        (ORIGIN_REGISTRY, &origin.registry, MAX_REGISTRY_CHARS),
        (ORIGIN_DEVICE, &origin.device, MAX_TEXT_CHARS),
    ];
    for (field, text, most) in texts {
        if !(1..=most).contains(&text.chars().count()) {
            return Err(Refusal::new(
                Code::ValueOutOfRange,
                format!("{field} must have 1 to {most} characters"),
            ));
        }
    }
    if origin.registry == import.here && import.export.is_none() {
        return Err(Refusal::new(
            Code::ImportFromHere,
            format!(
                "registry {} is this one: what it issued comes back with a signed export only",
                import.here
            ),
        ));
    }
    Ok(())
}

/// The certificates are nowhere but where they come from.
fn check_place(
    import: &ImportBundles,
    origin: &DeviceOrigin,
    known: Option<&Imported>,
    row: &ImportRow,
) -> Result<(), (Code, String)> {
    let DeviceOrigin { registry, device } = origin;
    if *registry == import.here {
        let left = known.is_some_and(|known| known.elsewhere.cover(row.start, row.end));
        return match left {
            true => Ok(()),
            false => {
                let refusal = received_export::never_left(device, row.start, row.end);
                Err((refusal.code, refusal.detail))
            }
        };
    }
    let Some(known) = known else { return Ok(()) };
    if import.export.is_some() {
        received_export::check_rows(origin, known, row.start, row.end)
            .map_err(|refusal| (refusal.code, refusal.detail))?;
    }
    if let Some((start, end)) = known.ranges.overlapping(row.start, row.end) {
        let rule = format!(
            "certificates [{start}, {end}] of device {device} of registry {registry} were imported before"
        );
        return Err((Code::ImportedBefore, rule));
    }
    match known.elsewhere.overlapping(row.start, row.end) {
        Some((start, end)) if import.export.is_none() => {
            let rule = format!(
                "certificates [{start}, {end}] of device {device} of registry {registry} were refused here or left \
                 with an export; only a signed export brings them in"
            );
            Err((Code::ImportElsewhere, rule))
        }
        _ => Ok(()),
    }
}

fn refuse_rows(mut refused: Vec<FieldError>, listed: usize) -> Refusal {
    refused.sort_by_key(|error| match error.place {
        Place::Cell { row, .. } => row,
        _ => 0,
    });
    // Where all are refused for the one reason that other registries decide with, that is the answer.
    let place = [
        Code::ImportedByRows,
        Code::ImportedBefore,
        Code::ImportElsewhere,
        Code::ImportFromHere,
    ];
    let only = |code: &Code| refused.iter().all(|error| error.code == code.as_str());
    let code = place.into_iter().find(only).unwrap_or(Code::ImportRefused);
    let first = refused
        .first()
        .map(|error| error.detail.as_str())
        .unwrap_or_default();
    let detail = format!(
        "{} values of {listed} rows are refused and nothing was imported; the first: {first}",
        refused.len()
    );
    Refusal {
        expected_sequence: None,
        code,
        detail,
        errors: refused,
    }
}

fn events_of(
    entries: &impl Entries,
    import: &ImportBundles,
    devices: &[Known],
    rows: &[&ImportRow],
) -> Result<Decision, Refusal> {
    let counters = get::counters(entries)?;
    let mut events = Vec::new();
    let mut metadata_ids = Vec::with_capacity(import.metadata.len());
    let registry = import
        .devices
        .first()
        .map(|device| device.origin.registry.clone());
    for metadata in &import.metadata {
        let offset = i64::try_from(metadata_ids.len()).unwrap_or(i64::MAX);
        let metadata_id = counters.metadata.plus(offset);
        metadata_ids.push(metadata_id);
        let recorded = IssuanceMetadataRecorded {
            metadata_id,
            metadata: metadata.clone(),
            imported_from: registry.clone(),
        };
        events.push(LedgerEvent::from(recorded).into());
    }
    for known in devices.iter().filter(|known| known.is_new) {
        let registered = DeviceRegistered {
            device_id: known.device_id,
            account_id: import.account_id,
            attributes: known.device.attributes.clone(),
            origin: known.device.origin.clone(),
        };
        events.push(LedgerEvent::from(registered).into());
    }
    for known in devices.iter().filter(|known| known.is_changed) {
        let updated = DeviceUpdated {
            device_id: known.device_id,
            previous_account_id: known.device.account_id,
            account_id: known.device.account_id,
            attributes: known.device.attributes.clone(),
        };
        events.push(LedgerEvent::from(updated).into());
    }
    let mut lots: Vec<(&ImportRow, ImportedLot)> = Vec::new();
    for row in rows {
        let length = row.production_end - row.production_start;
        let bundle = ImportedBundle {
            start: row.start,
            end: row.end,
            production_start: row.production_start,
            length_s: u32::try_from(length.num_seconds()).unwrap_or_default(),
            bundle_id: row.bundle_id.clone(),
            issuance_id: row.issuance_id.clone(),
            hash: row.hash.clone(),
        };
        match lots.last_mut() {
            Some((first, lot)) if is_of_lot(first, row) => lot.bundles.push(bundle),
            _ => lots.push((
                row,
                ImportedLot {
                    device_id: devices[row.device].device_id,
                    origin: import.devices[row.device].origin.clone(),
                    metadata_id: metadata_ids[row.metadata],
                    terms: row.terms.clone(),
                    issued_at: row.issued_at,
                    is_storage: row.is_storage,
                    bundles: vec![bundle],
                },
            )),
        }
    }
    let imported = BundlesImported {
        import_id: counters.import,
        account_id: import.account_id,
        export: import.export.clone(),
        first_bundle_id: counters.bundle,
        lots: lots.into_iter().map(|(_, lot)| lot).collect(),
    };
    events.push(LedgerEvent::from(imported).into());
    Ok(Decision {
        events,
        ..Decision::default()
    })
}

fn is_of_lot(first: &ImportRow, row: &ImportRow) -> bool {
    first.device == row.device
        && first.metadata == row.metadata
        && first.issued_at == row.issued_at
        && first.is_storage == row.is_storage
        && first.terms == row.terms
}
