//! Hashes, what parts inherit, and ranges.

use super::family::Family;
use schemas::api::certificate::LineageBundle;
use schemas::bundle::{HashedAttributes, issuance_id};

/// Each hash is that of the attributes, which name the parent's.
pub(super) fn hashes(family: &Family<'_>) -> Vec<String> {
    let mut findings = Vec::new();
    for bundle in family.bundles() {
        let computed = hex::encode(bundle.attributes.hash());
        if computed != bundle.hash {
            findings.push(format!(
                "bundle {}: the attributes hash to {computed}, not to {}",
                bundle.id, bundle.hash
            ));
        }
        let parent = bundle.attributes.parent_id.and_then(|id| family.bundle(id));
        let named = bundle.attributes.parent_hash.as_ref();
        if named != parent.map(|parent| &parent.hash) {
            findings.push(format!(
                "bundle {}: `parent_hash` is not the hash of its parent",
                bundle.id
            ));
        }
    }
    findings
}

/// What all bundles of an issuance have in common.
fn inherited(attributes: &HashedAttributes) -> HashedAttributes {
    HashedAttributes {
        certificate_bundle_id_range_end: schemas::id::CertificateId(0),
        certificate_bundle_id_range_start: schemas::id::CertificateId(0),
        parent_hash: None,
        parent_id: None,
        ..attributes.clone()
    }
}

/// Parts have what the bundle was issued with, and that makes sense.
pub(super) fn attributes(family: &Family<'_>) -> Vec<String> {
    let root = inherited(&family.root.attributes);
    let mut findings: Vec<_> = family
        .bundles()
        .filter(|bundle| inherited(&bundle.attributes) != root)
        .map(|bundle| format!("bundle {} differs from what was issued", bundle.id))
        .collect();
    let mut broken = |is_so: bool, what: &str| {
        if is_so {
            findings.push(format!("bundle {}: {what}", family.root.id));
        }
    };
    let (start, end) = (
        root.production_starting_interval,
        root.production_ending_interval,
    );
    broken(root.face_value != 1, "a certificate is not 1 Wh");
    broken(start >= end, "the production interval is empty");
    broken(
        root.issuance_id != issuance_id(root.device_id, start),
        "`issuance_id` does not name the device and the start of production",
    );
    findings
}

fn range(bundle: &LineageBundle) -> (i64, i64) {
    let attributes = &bundle.attributes;
    (
        attributes.certificate_bundle_id_range_start.0,
        attributes.certificate_bundle_id_range_end.0,
    )
}

/// Two parts partition what was split, and no range is empty.
pub(super) fn partitions(family: &Family<'_>) -> Vec<String> {
    let mut findings = Vec::new();
    for bundle in family.bundles() {
        let (start, end) = range(bundle);
        if start < 1 || end < start {
            findings.push(format!(
                "bundle {} has the range [{start}, {end}]",
                bundle.id
            ));
        }
    }
    for (parent, parts) in family.splits() {
        let (start, end) = range(parent);
        let ranges: Vec<_> = parts.iter().map(|part| range(part)).collect();
        let is_partition = match ranges.as_slice() {
            [first, second] => {
                first.0 == start && first.1.checked_add(1) == Some(second.0) && second.1 == end
            }
            _ => false,
        };
        if !is_partition {
            findings.push(format!(
                "bundle {} is [{start}, {end}], its parts are {ranges:?}",
                parent.id
            ));
        }
    }
    findings
}
