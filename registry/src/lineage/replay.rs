//! The history of a bundle, step by step, as the READ database has it.

use super::life::{Claimant, Life};
use crate::read::lineage::{History, Listed};
use schemas::api::certificate::Bundle;
use schemas::id::{AccountId, BundleId};
use schemas::life_cycle::CertificateStatus;
use std::collections::{HashMap, HashSet};

/// One bundle that an action lists.
pub(super) struct Step<'a> {
    pub listed: &'a Listed,
    /// The listed bundle.
    pub bundle: &'a Bundle,
    /// Its state before.
    pub status_before: CertificateStatus,
    /// The part that was acted on and the part that stayed, where it was split for the action.
    pub halves: Option<[&'a Bundle; 2]>,
    /// State since of what was acted on.
    pub status_after: CertificateStatus,
    /// Whether what was acted on is the bundle asked for, one it was split from, or one of its parts.
    pub is_followed: bool,
}

impl Step<'_> {
    /// The bundle that carries the outcome.
    pub(super) fn acted_on(&self) -> &Bundle {
        self.halves.map_or(self.bundle, |[taken, _]| taken)
    }
}

/// Every step, in the order of the ledger.
pub(super) fn steps(history: &History) -> Vec<Step<'_>> {
    let by_id: HashMap<BundleId, &Bundle> = history
        .bundles
        .iter()
        .map(|bundle| (bundle.id, bundle))
        .collect();
    let mut halves: HashMap<BundleId, Vec<&Bundle>> = HashMap::new();
    for bundle in &history.bundles {
        if let Some(parent) = bundle.parent_id {
            halves.entry(parent).or_default().push(bundle);
        }
    }
    let last: HashMap<BundleId, _> = history
        .actions
        .iter()
        .map(|listed| (listed.bundle_id, listed.action.id))
        .collect();
    let followed: HashSet<BundleId> = history.followed().into_iter().collect();
    let mut lives = HashMap::from([(
        history.root().id,
        Life::issued_to(history.issuance.account_id),
    )]);
    let mut steps = Vec::with_capacity(history.actions.len());
    for listed in &history.actions {
        let (Some(bundle), Some(before)) = (
            by_id.get(&listed.bundle_id),
            lives.get(&listed.bundle_id).cloned(),
        ) else {
            continue;
        };
        // A split is the last thing that happens to a bundle.
        let split = halves
            .get(&bundle.id)
            .filter(|_| last.get(&bundle.id) == Some(&listed.action.id))
            .and_then(|parts| {
                let mut parts: [&Bundle; 2] = parts.as_slice().try_into().ok()?;
                parts.sort_by_key(|part| part.certificate_bundle_id_range_start);
                Some(parts)
            });
        let acted_on = split.map_or(bundle.id, |[taken, _]| taken.id);
        if let Some(parts) = split {
            lives.extend(parts.map(|part| (part.id, before.clone())));
        }
        let life = lives.entry(acted_on).or_insert_with(|| before.clone());
        let action = &listed.action;
        let claimant = action
            .beneficiary_account_id
            .map_or(Claimant::Holder, Claimant::Account);
        life.act(action.action_type, action.target_id, claimant);
        steps.push(Step {
            listed,
            bundle,
            status_before: before.status,
            halves: split,
            status_after: life.status,
            is_followed: followed.contains(&acted_on),
        });
    }
    steps
}

/// Whether whoever `sees` these accounts may see who acted, for whom and why.
pub(super) fn is_shown(listed: &Listed, sees: &dyn Fn(AccountId) -> bool) -> bool {
    let action = &listed.action;
    let parties = [
        Some(action.source_id),
        action.target_id,
        action.beneficiary_account_id,
    ];
    parties.into_iter().flatten().any(sees)
}
