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
use schemas::event::LedgerEvent;
use schemas::event::action::{self, BundleAction, Part};
use schemas::event::device::DeviceOrigin;
use schemas::event::import::Certificates;
use schemas::id::DeviceId;
use schemas::life_cycle::QuantityMode;
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
    let leaves = matches!(settle.settlement, Settlement::Confirmed { .. });
    let mut parts = Vec::with_capacity(export.bundle_ids.len());
    let mut left: BTreeMap<DeviceId, Vec<_>> = BTreeMap::new();
    for bundle_id in &export.bundle_ids {
        let bundle = get::bundle(entries, *bundle_id)?.ok_or_else(|| {
            Refusal::new(
                Code::Internal,
                format!("bundle {bundle_id} of an export is gone"),
            )
        })?;
        if leaves {
            let ranges = left.entry(bundle.device_id).or_default();
            ranges.push((bundle.start, bundle.end));
        }
        parts.push(Part {
            bundle_id: *bundle_id,
            start: bundle.start,
            end: bundle.end,
            split: None,
            origin: None,
        });
    }
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
            certificates: left
                .into_iter()
                .map(|(device_id, ranges)| {
                    let origin = at_home(entries, device_id, &settle.here)?;
                    Ok(Certificates { origin, ranges })
                })
                .collect::<Result<_, Refusal>>()?,
        }),
        requested_at: context.requested_at,
        parts,
    })
    .into())
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
