//! Rules of settling an export: confirmed or taken back, once, all its bundles together.

use crate::account::existing;
use crate::command::{SettleExport, Settlement};
use crate::context::Context;
use crate::decide::Decision;
use crate::device::MAX_TEXT_CHARS;
use crate::entry::{Export, ExportState};
use crate::key::{Key, origin_digest};
use crate::refusal::{Code, Refusal};
use crate::state::{Entries, get};
use chrono::{DateTime, Utc};
use schemas::event::LedgerEvent;
use schemas::event::action::{self, BundleAction, Part};
use schemas::event::device::DeviceOrigin;
use schemas::event::import::Certificates;
use schemas::id::{ActionId, BundleId, CertificateId, DeviceId, UserId};
use schemas::life_cycle::{ActionType, QuantityMode};
use std::collections::BTreeMap;

/// Longest name of a registry, in characters.
pub const MAX_REGISTRY_CHARS: usize = 100;
/// Longest reference of a receiving registry, in characters.
pub const MAX_REFERENCE_CHARS: usize = MAX_TEXT_CHARS;

pub(crate) fn needed(entries: &impl Entries, settle: &SettleExport, keys: &mut Vec<Key>) {
    keys.push(Key::Export(settle.export_id));
    keys.push(Key::Account(settle.source_id));
    if let Ok(Some(export)) = get::export(entries, settle.export_id) {
        keys.push(Key::Account(export.source_id));
        keys.extend(export.bundle_ids.iter().copied().map(Key::Bundle));
        let bundles = export.bundle_ids.iter().copied();
        let mut devices: Vec<_> = bundles
            .filter_map(|id| Some(get::bundle(entries, id).ok()??.device_id))
            .collect();
        devices.sort_unstable();
        devices.dedup();
        for device_id in devices {
            keys.push(Key::Device(device_id));
            if let Ok(origin) = at_home(entries, device_id, &settle.here) {
                keys.push(Key::Origin(origin_digest(&origin)));
            }
        }
    }
}

/// The name of the device where it is at home.
fn at_home(
    entries: &impl Entries,
    device_id: DeviceId,
    here: &str,
) -> Result<DeviceOrigin, Refusal> {
    let device = get::device(entries, device_id)?
        .ok_or_else(|| Refusal::new(Code::Internal, "the device of an export is gone"))?;
    Ok(device.origin.clone().unwrap_or_else(|| DeviceOrigin {
        registry: here.to_owned(),
        device: device_id.to_string(),
    }))
}

/// Settles an export that stands.
pub(crate) fn settle(
    entries: &impl Entries,
    settle: &SettleExport,
    context: &Context,
) -> Result<Decision, Refusal> {
    let export = standing(entries, settle)?;
    existing(entries, settle.source_id)?;
    let (reference, reason) = match &settle.settlement {
        Settlement::Confirmed { reference, reason } => (
            Some(text("receiving_reference", reference)?),
            reason
                .as_deref()
                .map(|reason| text("reason", reason))
                .transpose()?,
        ),
        Settlement::TakenBack(reason) => (None, Some(text("reason", reason)?)),
    };
    let bundle_of = |bundle_id: &BundleId| {
        get::bundle(entries, *bundle_id)?
            .map(|bundle| (*bundle_id, bundle))
            .ok_or_else(|| {
                Refusal::new(
                    Code::Internal,
                    format!("bundle {bundle_id} of an export is gone"),
                )
            })
    };
    let bundles: Vec<_> = export
        .bundle_ids
        .iter()
        .map(bundle_of)
        .collect::<Result<_, _>>()?;
    let certificates = match settle.settlement {
        Settlement::Confirmed { .. } => {
            let ranges = bundles
                .iter()
                .map(|(_, bundle)| (bundle.device_id, (bundle.start, bundle.end)));
            certificates(entries, &settle.here, ranges)?
        }
        Settlement::TakenBack(_) => Vec::new(),
    };
    let parts = bundles
        .iter()
        .map(|(bundle_id, bundle)| whole(*bundle_id, (bundle.start, bundle.end)))
        .collect();
    Ok(LedgerEvent::from(BundleAction {
        action_id: get::counters(entries)?.action,
        action_type: settle.settlement.action_type(),
        source_id: export.source_id,
        user_id: context.actor.user_id(),
        rule_id: None,
        target_id: None,
        beneficiary: None,
        beneficiary_account_id: None,
        reason,
        certificate_quantity: None,
        certificate_bundle_percentage: None,
        quantity_mode: QuantityMode::PerBundle,
        localise_time: true,
        storage_device_id: None,
        export: Some(action::Export {
            receiving_registry: export.receiving_registry.clone(),
            offer_id: Some(settle.export_id),
            receiving_reference: reference,
            without_signature: settle.without_signature,
            certificates,
        }),
        requested_at: context.requested_at,
        parts,
    })
    .into())
}

/// What may end an offer, as large as it can be: an offer is made only if that fits into an append.
pub(crate) fn largest_settlement(
    entries: &impl Entries,
    here: &str,
    offer: &BundleAction,
) -> Result<LedgerEvent, Refusal> {
    // Nothing takes more bytes in JSON than a control character.
    let longest = || Some("\u{1}".repeat(MAX_REFERENCE_CHARS));
    let mut ranges = Vec::with_capacity(offer.parts.len());
    for part in &offer.parts {
        let bundle = get::bundle(entries, part.bundle_id)?
            .ok_or_else(|| Refusal::new(Code::Internal, "a bundle that is offered is gone"))?;
        ranges.push((bundle.device_id, (part.start, part.end)));
    }
    let about = offer.export.as_ref().map(|export| action::Export {
        offer_id: Some(ActionId(i64::MAX)),
        receiving_reference: longest(),
        without_signature: true,
        ..export.clone()
    });
    let certificates = certificates(entries, here, ranges.into_iter())?;
    let whole = |part: &Part| whole(part.acted_on(), (part.start, part.end));
    Ok(LedgerEvent::from(BundleAction {
        action_id: ActionId(i64::MAX),
        action_type: ActionType::ConfirmExport,
        user_id: Some(UserId(i64::MAX)),
        reason: longest(),
        quantity_mode: QuantityMode::PerBundle,
        requested_at: DateTime::<Utc>::MAX_UTC,
        export: about.map(|about| action::Export {
            certificates,
            ..about
        }),
        parts: offer.parts.iter().map(whole).collect(),
        ..offer.clone()
    }))
}

/// First and last certificate, inclusive.
type Range = (CertificateId, CertificateId);

fn whole(bundle_id: BundleId, (start, end): Range) -> Part {
    Part {
        bundle_id,
        start,
        end,
        split: None,
        origin: None,
    }
}

/// Certificates by device, under the device's name where it is at home. Ranges that touch are one.
fn certificates(
    entries: &impl Entries,
    here: &str,
    bundles: impl Iterator<Item = (DeviceId, Range)>,
) -> Result<Vec<Certificates>, Refusal> {
    let mut by_device: BTreeMap<DeviceId, Vec<Range>> = BTreeMap::new();
    for (device_id, range) in bundles {
        by_device.entry(device_id).or_default().push(range);
    }
    let named = by_device.into_iter().map(|(device_id, ranges)| {
        let origin = at_home(entries, device_id, here)?;
        let ranges = joined(ranges);
        Ok(Certificates { origin, ranges })
    });
    named.collect()
}

fn joined(mut ranges: Vec<Range>) -> Vec<Range> {
    ranges.sort_unstable();
    let mut joined: Vec<Range> = Vec::new();
    for (start, end) in ranges {
        match joined.last_mut() {
            Some(last) if last.1.plus(1) == start => last.1 = end,
            _ => joined.push((start, end)),
        }
    }
    joined
}

fn standing<'e>(entries: &'e impl Entries, settle: &SettleExport) -> Result<&'e Export, Refusal> {
    let export = get::export(entries, settle.export_id)?
        .filter(|export| export.source_id == settle.source_id)
        .ok_or_else(|| {
            Refusal::new(
                Code::ExportNotFound,
                format!("Export with id {} not found", settle.export_id),
            )
        })?;
    let became = match export.state {
        ExportState::Offered => return Ok(export),
        ExportState::Confirmed => "confirmed",
        ExportState::TakenBack => "taken back",
    };
    Err(Refusal::new(
        Code::ExportSettled,
        format!("export {} was {became} before", settle.export_id),
    ))
}

fn text(field: &str, given: &str) -> Result<String, Refusal> {
    let text = given.trim();
    if !(1..=MAX_REFERENCE_CHARS).contains(&text.chars().count()) {
        return Err(Refusal::new(
            Code::ValueOutOfRange,
            format!("{field} must have 1 to {MAX_REFERENCE_CHARS} characters"),
        )
        .at(format!("/{field}")));
    }
    Ok(text.to_owned())
}
