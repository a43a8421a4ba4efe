//! How the bundles of a lineage are related.

use schemas::api::certificate::{Lineage, LineageBundle};
use schemas::id::BundleId;
use std::collections::{BTreeMap, BTreeSet};

/// Bundles that descend from one issuance, with parts by range.
pub(super) struct Family<'a> {
    pub asked: &'a LineageBundle,
    pub root: &'a LineageBundle,
    by_id: BTreeMap<BundleId, &'a LineageBundle>,
    parts: BTreeMap<BundleId, Vec<&'a LineageBundle>>,
    /// The bundle asked for and all its parts.
    own: BTreeSet<BundleId>,
    /// The bundles it was split from.
    above: BTreeSet<BundleId>,
}

impl<'a> Family<'a> {
    /// The family, unless it has no root or lacks the bundle asked for; and what is wrong with it.
    pub(super) fn of(lineage: &'a Lineage) -> (Option<Self>, Vec<String>) {
        let mut findings = Vec::new();
        let mut by_id = BTreeMap::new();
        let mut parts: BTreeMap<BundleId, Vec<&LineageBundle>> = BTreeMap::new();
        let mut roots = Vec::new();
        for bundle in &lineage.bundles {
            if by_id.insert(bundle.id, bundle).is_some() {
                findings.push(format!("bundle {} is there twice", bundle.id));
            }
            match bundle.attributes.parent_id {
                None => roots.push(bundle),
                Some(parent) => parts.entry(parent).or_default().push(bundle),
            }
        }
        if !lineage.bundles.is_sorted_by_key(|bundle| bundle.id) {
            findings.push("the bundles are not in the order of their ids".to_owned());
        }
        for siblings in parts.values_mut() {
            siblings.sort_by_key(|part| part.attributes.certificate_bundle_id_range_start);
        }
        for (parent, siblings) in &parts {
            for part in siblings {
                if !by_id.contains_key(parent) {
                    let id = part.id;
                    findings.push(format!(
                        "bundle {id} was split from {parent}, which is not there"
                    ));
                } else if part.id <= *parent {
                    findings.push(format!(
                        "bundle {} is older than {parent}, of which it is a part",
                        part.id
                    ));
                }
            }
        }
        let asked = by_id.get(&lineage.bundle_id).copied();
        if asked.is_none() {
            findings.push(format!(
                "bundle {}, asked for, is not there",
                lineage.bundle_id
            ));
        }
        if roots.len() != 1 {
            findings.push(format!("{} bundles are as issued, not one", roots.len()));
        }
        let ([root], Some(asked), true) = (roots.as_slice(), asked, findings.is_empty()) else {
            return (None, findings);
        };
        let (mut own, mut above) = (BTreeSet::from([asked.id]), BTreeSet::new());
        for bundle in &lineage.bundles {
            if bundle
                .attributes
                .parent_id
                .is_some_and(|parent| own.contains(&parent))
            {
                own.insert(bundle.id);
            }
        }
        let mut at = asked;
        while let Some(parent) = at.attributes.parent_id.and_then(|id| by_id.get(&id)) {
            above.insert(parent.id);
            at = parent;
        }
        for bundle in &lineage.bundles {
            let is_half = bundle
                .attributes
                .parent_id
                .is_some_and(|parent| above.contains(&parent));
            if !own.contains(&bundle.id) && !above.contains(&bundle.id) && !is_half {
                findings.push(format!(
                    "bundle {} has nothing to do with {}",
                    bundle.id, asked.id
                ));
            }
        }
        let family = Self {
            asked,
            root,
            by_id,
            parts,
            own,
            above,
        };
        (Some(family), findings)
    }

    pub(super) fn bundles(&self) -> impl Iterator<Item = &'a LineageBundle> + '_ {
        self.by_id.values().copied()
    }

    pub(super) fn bundle(&self, id: BundleId) -> Option<&'a LineageBundle> {
        self.by_id.get(&id).copied()
    }

    /// Every bundle that was split, with its parts.
    pub(super) fn splits(
        &self,
    ) -> impl Iterator<Item = (&'a LineageBundle, &[&'a LineageBundle])> + '_ {
        self.parts
            .iter()
            .filter_map(|(parent, parts)| Some((self.bundle(*parent)?, parts.as_slice())))
    }

    /// Its parts by range; none if it was not split.
    pub(super) fn parts(&self, id: BundleId) -> &[&'a LineageBundle] {
        self.parts.get(&id).map_or(&[], Vec::as_slice)
    }

    /// Whether what was done to it is told: to the bundle asked for, to its parts, and to what it was split
    /// from.
    pub(super) fn is_followed(&self, id: BundleId) -> bool {
        self.own.contains(&id) || self.above.contains(&id)
    }

    /// What the bundle asked for is now: its parts that were not split.
    pub(super) fn leaves(&self) -> impl Iterator<Item = &'a LineageBundle> + '_ {
        self.own
            .iter()
            .filter(|id| self.parts(**id).is_empty())
            .filter_map(|id| self.bundle(*id))
    }

    /// Certificates of a bundle, which its range says.
    pub(super) fn quantity(&self, bundle: &LineageBundle) -> i64 {
        let attributes = &bundle.attributes;
        attributes
            .certificate_bundle_id_range_end
            .0
            .saturating_sub(attributes.certificate_bundle_id_range_start.0)
            .saturating_add(1)
    }
}
