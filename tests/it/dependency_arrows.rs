//! The folders are the architecture: who may depend on whom.

use cargo_metadata::{DependencyKind, MetadataCommand};
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

/// Crates of ours and which of ours they may depend on (architecture, section 1); `tests` may depend on
/// all of them but `load`.
const ARROWS: [(&str, &[&str]); 7] = [
    ("schemas", &[]),
    ("ledger", &["schemas"]),
    ("event_store", &["schemas"]),
    ("projections", &["schemas", "event_store", "ledger"]),
    (
        "registry",
        &["schemas", "ledger", "event_store", "projections"],
    ),
    ("gateway", &["schemas"]),
    (
        "load",
        &["schemas", "ledger", "projections", "registry", "gateway"],
    ),
];

#[test]
fn no_crate_depends_on_one_that_the_architecture_does_not_allow_it() {
    let workspace = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let metadata = MetadataCommand::new()
        .manifest_path(workspace.join("Cargo.toml"))
        .no_deps()
        .other_options(["--offline".to_owned()])
        .exec()
        .unwrap();
    let packages = metadata.workspace_packages();
    let ours: BTreeSet<_> = packages
        .iter()
        .map(|package| package.name.as_str())
        .collect();
    let mut arrows: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for package in &packages {
        let found = arrows.entry(package.name.as_str()).or_default();
        for dependency in &package.dependencies {
            let is_ours = ours.contains(dependency.name.as_str());
            if is_ours && dependency.kind != DependencyKind::Development {
                found.insert(&dependency.name);
            }
        }
    }
    for (name, found) in arrows.iter().filter(|(name, _)| **name != "tests") {
        let allowed = ARROWS.iter().find(|(known, _)| known == name);
        let Some((_, allowed)) = allowed else {
            panic!("{name} is a crate that the architecture does not know");
        };
        let forbidden: Vec<_> = found.iter().filter(|to| !allowed.contains(to)).collect();
        assert!(forbidden.is_empty(), "{name} depends on {forbidden:?}");
    }
    let to_load: Vec<_> = arrows
        .iter()
        .filter(|(_, found)| found.contains("load"))
        .collect();
    assert!(to_load.is_empty(), "{to_load:?} depend on the generator");
    assert!(
        arrows["registry"].contains("ledger"),
        "the test sees no arrows"
    );
}
