//! What the compiler can not say of the ids that requests name: that nobody else opens them, and that none comes in
//! without its cover.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

/// Ids of accounts, bundles and devices that requests give as they are, and why that is no way around the access
/// checks. Whoever adds one says here who looks at it.
const UNCOVERED: &[(&str, &str)] = &[
    // Each must be held by the checked source account, which the rules look at.
    (
        "$name.granular_certificate_bundle_ids",
        "registry/ledger/src/action.rs",
    ),
    (
        "IssueSdgcs.granular_certificate_bundle_ids",
        "registry/ledger/src/storage/issuance.rs",
    ),
    // Whoever receives: not the caller's, and protected by a whitelist.
    ("$name.target_id", "registry/ledger/src/action.rs"),
    (
        "$name.beneficiary_account_id",
        "registry/ledger/src/action.rs",
    ),
    (
        "UpdateWhitelist.add_to_whitelist",
        "registry/ledger/src/account.rs",
    ),
    (
        "UpdateWhitelist.remove_from_whitelist",
        "registry/ledger/src/account.rs",
    ),
    // Only narrow what is asked of a checked account, or of what the caller sees.
    ("$name.device_ids", "registry/ledger/src/recurring/run.rs"),
    ("BundleQuery.device_id", "registry/src/read/query.rs"),
    ("BundleQuery.device_ids", "registry/src/read/query.rs"),
    ("HoldingQuery.device_id", "registry/src/read/holding.rs"),
    ("AuditQuery.account_id", "registry/src/read/audit.rs"),
    // Must be a device of the checked account.
    ("$name.storage_device_id", "registry/ledger/src/action.rs"),
    (
        "CreateGatewayCode.device_ids",
        "registry/ledger/src/gateway/code.rs",
    ),
    (
        "ChangeGatewayDevices.add",
        "registry/ledger/src/gateway/device.rs",
    ),
    (
        "ChangeGatewayDevices.remove",
        "registry/ledger/src/gateway/device.rs",
    ),
    // Must be owned by the organisation that the caller manages.
    (
        "CreateInvitation.account_ids",
        "registry/src/read/organisation.rs",
    ),
];

fn workspace() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap()
}

/// The Rust files under the folders of the workspace named, with their text.
fn sources(folders: &[&str]) -> Vec<(PathBuf, String)> {
    let workspace = workspace();
    let mut waiting: Vec<_> = folders
        .iter()
        .map(|folder| workspace.join(folder))
        .collect();
    let mut found = Vec::new();
    while let Some(path) = waiting.pop() {
        if path.is_dir() {
            waiting.extend(
                std::fs::read_dir(&path)
                    .unwrap()
                    .map(|entry| entry.unwrap().path()),
            );
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            let text = std::fs::read_to_string(&path).unwrap();
            found.push((path.strip_prefix(workspace).unwrap().to_owned(), text));
        }
    }
    found
}

#[test]
fn only_the_access_checks_open_an_id_that_a_request_names() {
    let sources = sources(&["schemas", "projections", "registry", "gateway/src"]);
    let checks = |text: &str| text.contains(" Check for ") || text.contains("::Check for ");
    let found: Vec<_> = sources.iter().filter(|(_, text)| checks(text)).collect();
    let [(path, access)] = found[..] else {
        panic!(
            "{:?}",
            found.iter().map(|(path, _)| path).collect::<Vec<_>>()
        );
    };
    assert_eq!(path, Path::new("registry/src/http/access/mod.rs"));
    // What they open with stays theirs.
    assert!(access.contains("\nstruct Access;") && access.contains("\nfn open<T>"));
}

/// Types that are read from requests, by what says so.
fn read_from_requests(text: &str) -> BTreeSet<&str> {
    ["impl FromFields for ", "impl FromValue for "]
        .iter()
        .flat_map(|words| text.split(words).skip(1))
        .filter_map(|rest| rest.split([' ', '<', '{']).next())
        .collect()
}

/// `Type.field` of every field of them that holds an id of an account, bundle or device without its cover.
fn uncovered(text: &str) -> Vec<String> {
    let text = text.split("#[cfg(test)]").next().unwrap_or_default();
    let types = read_from_requests(text);
    let mut within = None;
    let mut found = Vec::new();
    for line in text.lines().map(str::trim) {
        if let Some(rest) = line.strip_prefix("pub struct ") {
            within = rest.split([' ', '<', ';', '(']).next();
        }
        // Fields of types that a macro makes are listed where it is called.
        let is_macros = types.contains("$name") && !line.starts_with("pub ");
        let owner = if is_macros { Some("$name") } else { within };
        let field = line.strip_prefix("pub ").unwrap_or(line);
        let Some((name, kind)) = field.split_once(": ").filter(|_| line.ends_with(',')) else {
            continue;
        };
        let is_id = ["AccountId", "BundleId", "DeviceId"]
            .iter()
            .any(|id| kind.contains(id));
        if let Some(owner) = owner.filter(|owner| types.contains(owner))
            && is_id
            && !kind.contains("Named<")
        {
            found.push(format!("{owner}.{name}"));
        }
    }
    found
}

#[test]
fn ids_that_requests_give_as_they_are_are_each_looked_at_by_somebody_named_here() {
    let all = sources(&["schemas/src/api", "schemas/src/gateway"]);
    let found: BTreeSet<_> = all.iter().flat_map(|(_, text)| uncovered(text)).collect();
    let known: BTreeSet<_> = UNCOVERED
        .iter()
        .map(|(field, _)| (*field).to_owned())
        .collect();
    assert_eq!(found, known);
    for (_, place) in UNCOVERED {
        assert!(workspace().join(place).is_file(), "{place}");
    }
}
