//! A lineage told in order.

use super::evidence::Evidence;
use super::replay::{Step, is_shown, steps};
use crate::read::lineage::History;
use schemas::api::certificate::{
    Bundle, Lineage, LineageAction, LineageBundle, LineageEntry, LineageFormat, LineageIssuance,
    LineageLeaf, LineagePart, LineageReading, LineageSplit,
};
use schemas::bundle::HashedAttributes;
use schemas::id::AccountId;
use schemas::life_cycle::CertificateStatus;

/// The lineage with its timeline, for a reader who `sees` these accounts.
#[must_use]
pub fn timeline(
    history: &History,
    evidence: Option<&Evidence>,
    sees: &dyn Fn(AccountId) -> bool,
) -> Lineage {
    let readings = history.readings.iter().map(|reading| {
        let of_reading = evidence.filter(|one| one.measurement_id == reading.measurement_id);
        LineageEntry::Reading(LineageReading {
            envelope: of_reading.map(|one| one.named.clone()),
            ..reading.clone()
        })
    });
    let mut entries: Vec<_> = readings.collect();
    entries.push(LineageEntry::Issuance(Box::new(issuance(history))));
    for step in steps(history) {
        entries.extend(step.halves.map(|halves| split(&step, halves)));
        if step.is_followed {
            entries.push(action(&step, sees));
        }
    }
    Lineage {
        timeline: Some(entries),
        ..of(history, LineageFormat::Timeline)
    }
}

/// What both forms have in common.
pub(super) fn of(history: &History, format: LineageFormat) -> Lineage {
    let bundles = history.bundles.iter().map(|bundle| {
        let parent = bundle.parent_id.and_then(|id| history.bundle(id));
        LineageBundle {
            id: bundle.id,
            hash: bundle.hash.clone(),
            attributes: attributes(bundle, parent),
        }
    });
    let leaves = history
        .parts()
        .into_iter()
        .filter_map(|id| history.bundle(id))
        .filter(|bundle| bundle.certificate_bundle_status != CertificateStatus::BundleSplit);
    Lineage {
        bundle_id: history.asked,
        format,
        ledger_position: history.position,
        bundles: bundles.collect(),
        timeline: None,
        events: None,
        leaves: leaves.map(leaf).collect(),
    }
}

fn attributes(bundle: &Bundle, parent: Option<&Bundle>) -> HashedAttributes {
    HashedAttributes {
        certificate_bundle_id_range_end: bundle.certificate_bundle_id_range_end,
        certificate_bundle_id_range_start: bundle.certificate_bundle_id_range_start,
        device_id: bundle.device_id,
        emissions_factor_production_device: bundle
            .emissions_factor_production_device
            .map(|factor| factor.0.to_string()),
        emissions_factor_source: bundle.emissions_factor_source.clone(),
        energy_carrier: bundle.energy_carrier,
        energy_source: bundle.energy_source,
        expiry_datestamp: bundle.expiry_datestamp,
        face_value: bundle.face_value,
        is_storage: bundle.is_storage == 1,
        issuance_datestamp: bundle.issuance_datestamp,
        issuance_id: bundle.issuance_id.clone(),
        issuance_post_energy_carrier_conversion: bundle.issuance_post_energy_carrier_conversion,
        metadata_id: bundle.metadata_id,
        parent_hash: parent.map(|parent| parent.hash.clone()),
        parent_id: bundle.parent_id,
        production_ending_interval: bundle.production_ending_interval,
        production_starting_interval: bundle.production_starting_interval,
        registry_configuration: u8::try_from(bundle.registry_configuration).unwrap_or(0),
    }
}

fn leaf(bundle: &Bundle) -> LineageLeaf {
    LineageLeaf {
        bundle_id: bundle.id,
        account_id: bundle.account_id,
        certificate_bundle_status: bundle.certificate_bundle_status,
        certificate_bundle_id_range_start: bundle.certificate_bundle_id_range_start,
        certificate_bundle_id_range_end: bundle.certificate_bundle_id_range_end,
        bundle_quantity: bundle.bundle_quantity,
    }
}

fn issuance(history: &History) -> LineageIssuance {
    let root = history.root();
    let issuance = &history.issuance;
    LineageIssuance {
        at: root.issuance_datestamp,
        bundle_id: root.id,
        account_id: issuance.account_id,
        device_id: root.device_id,
        device_name: issuance.device_name.clone(),
        device_unique_id: issuance.device_unique_id.clone(),
        certificate_bundle_id_range_start: root.certificate_bundle_id_range_start,
        certificate_bundle_id_range_end: root.certificate_bundle_id_range_end,
        bundle_quantity: root.bundle_quantity,
        expiry_datestamp: root.expiry_datestamp,
        hash: root.hash.clone(),
        metadata_id: root.metadata_id,
        metadata: issuance.metadata.clone(),
        origin: issuance.origin.clone(),
        ledger_position: issuance.position,
    }
}

fn split(step: &Step<'_>, halves: [&Bundle; 2]) -> LineageEntry {
    LineageEntry::Split(LineageSplit {
        at: step.listed.action.created_at,
        action_id: step.listed.action.id,
        bundle_id: step.bundle.id,
        parts: halves
            .map(|half| LineagePart {
                bundle_id: half.id,
                certificate_bundle_id_range_start: half.certificate_bundle_id_range_start,
                certificate_bundle_id_range_end: half.certificate_bundle_id_range_end,
                bundle_quantity: half.bundle_quantity,
                hash: half.hash.clone(),
            })
            .to_vec(),
        ledger_position: step.listed.position,
    })
}

fn action(step: &Step<'_>, sees: &dyn Fn(AccountId) -> bool) -> LineageEntry {
    let action = &step.listed.action;
    let is_shown = is_shown(step.listed, sees);
    LineageEntry::Action(LineageAction {
        at: action.created_at,
        requested_at: action.action_request_datetime,
        action_id: action.id,
        action_type: action.action_type,
        bundle_id: step.acted_on().id,
        from_account_id: action.source_id,
        to_account_id: action.target_id,
        status_before: step.status_before,
        status_after: step.status_after,
        user_id: action.user_id.filter(|_| is_shown),
        beneficiary: action.beneficiary.clone().filter(|_| is_shown),
        beneficiary_account_id: action.beneficiary_account_id.filter(|_| is_shown),
        reason: action.reason.clone().filter(|_| is_shown),
        is_redacted: !is_shown,
        ledger_position: step.listed.position,
    })
}
