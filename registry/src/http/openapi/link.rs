//! What can be done with what an operation answered, as links: a client that follows them, and whoever tests
//! it, goes from an account to its devices, from a device to its readings, from a bundle to its actions.

use serde_json::{Map, Value, json};

/// Operations that answer something with an id, where that stands, and operations that take it in their
/// path.
const NAMED: &[(&str, &str, &[&str])] = &[
    (
        "create_account",
        "/id",
        &[
            "get_account",
            "update_account",
            "update_whitelist",
            "delete_account",
            "get_account_summary",
            "list_account_certificates",
            "list_account_devices",
            "list_account_holdings",
            "list_account_users",
            "get_whitelist",
            "get_whitelist_inverse",
        ],
    ),
    (
        "list_accounts",
        "/0/id",
        &[
            "get_account",
            "get_account_summary",
            "list_account_holdings",
            "list_certificate_devices",
        ],
    ),
    (
        "create_device",
        "/id",
        &[
            "get_device",
            "update_device",
            "delete_device",
            "create_meter",
            "list_meters",
            "list_storage_efficiencies",
            "list_allocated_storage_records",
        ],
    ),
    (
        "list_devices",
        "/0/id",
        &["get_device", "list_meters", "list_storage_efficiencies"],
    ),
    (
        "create_measurement",
        "/id",
        &[
            "get_measurement",
            "update_measurement",
            "correct_measurement",
            "delete_measurement",
        ],
    ),
    (
        "list_measurements",
        "/0/id",
        &["get_measurement", "correct_measurement"],
    ),
    (
        "create_user",
        "/id",
        &["get_user", "update_user", "change_role", "delete_user"],
    ),
    ("list_users", "/0/id", &["get_user"]),
    (
        "query_certificates",
        "/granular_certificate_bundles/0/id",
        &["get_certificate", "get_certificate_lineage"],
    ),
    (
        "query_certificates_full",
        "/granular_certificate_bundles/0/id",
        &["get_certificate", "get_certificate_lineage"],
    ),
    (
        "list_account_certificates",
        "/granular_certificate_bundles/0/id",
        &["get_certificate"],
    ),
    ("create_certificate_bundle", "/id", &["get_certificate"]),
    ("list_actions", "/0/id", &["get_action"]),
    ("transfer_certificates", "/id", &["get_action"]),
    ("cancel_certificates", "/id", &["get_action"]),
    ("claim_certificates", "/id", &["get_action"]),
    ("reserve_certificates", "/id", &["get_action"]),
    (
        "create_recurring_transfer",
        "/id",
        &[
            "get_recurring_rule",
            "list_recurring_runs",
            "pause_recurring_rule",
            "end_recurring_rule",
        ],
    ),
    ("create_recurring_cancel", "/id", &["get_recurring_rule"]),
    ("pause_recurring_rule", "/id", &["resume_recurring_rule"]),
    ("list_recurring_rules", "/0/id", &["get_recurring_rule"]),
    ("withdraw_certificates", "/id", &["get_action"]),
    ("cancel_certificates_for_storage", "/id", &["get_action"]),
    (
        "export_certificates",
        "/id",
        &[
            "get_action",
            "get_export",
            "get_export_file",
            "confirm_export",
            "take_back_export",
        ],
    ),
    (
        "import_certificates",
        "/first_bundle_id",
        &["get_certificate"],
    ),
];

/// Operations that answer something with an id, where that stands, and the operation that takes it in a
/// field of its body.
const FILLED_IN: &[(&str, &str, &str, &str)] = &[
    ("create_account", "/id", "create_device", "account_id"),
    ("create_account", "/id", "query_certificates", "source_id"),
    ("list_accounts", "/0/id", "query_certificates", "source_id"),
    (
        "list_accounts",
        "/0/id",
        "create_recurring_cancel",
        "source_id",
    ),
    ("create_device", "/id", "submit_readings", "device_id"),
    ("create_device", "/id", "create_measurement", "device_id"),
    ("create_device", "/id", "issue_readings", "device_id"),
    ("create_device", "/id", "create_scr", "device_id"),
    ("create_device", "/id", "create_sdr", "device_id"),
    (
        "create_device",
        "/id",
        "fix_storage_efficiency",
        "device_id",
    ),
    ("create_device", "/id", "allocate_storage", "device_id"),
];

/// Operations that answer bundles, where one of them stands, and what can be done to it next by the
/// account in `source_id`.
const ACTED_ON: &[(&str, &str, &[&str])] = &[
    (
        "query_certificates",
        "/granular_certificate_bundles/0/id",
        &[
            "transfer_certificates",
            "cancel_certificates",
            "reserve_certificates",
            "lock_certificates",
            "withdraw_certificates",
        ],
    ),
    (
        "list_account_certificates",
        "/granular_certificate_bundles/0/id",
        &["transfer_certificates", "cancel_certificates"],
    ),
    (
        "cancel_certificates",
        "/bundles/0/acted_on",
        &["claim_certificates"],
    ),
    (
        "reserve_certificates",
        "/bundles/0/acted_on",
        &["release_certificates", "cancel_certificates"],
    ),
    (
        "lock_certificates",
        "/bundles/0/acted_on",
        &["unlock_certificates"],
    ),
];

fn answered(pointer: &str) -> String {
    format!("$response.body#{pointer}")
}

/// Adds to each operation the links to what can follow it.
pub(super) fn add_links(document: &mut Value) {
    for (from, pointer, targets) in NAMED {
        for to in *targets {
            let name = path_parameter(document, to);
            let parameters = json!({name: answered(pointer)});
            add(document, from, to, "parameters", parameters);
        }
    }
    for (from, pointer, to, field) in FILLED_IN {
        let body = json!({*field: answered(pointer)});
        add(document, from, to, "requestBody", body);
    }
    for (from, pointer, targets) in ACTED_ON {
        let body = json!({
            "source_id": answered("/source_id"),
            "granular_certificate_bundle_ids": [answered(pointer)],
        });
        for to in *targets {
            add(document, from, to, "requestBody", body.clone());
        }
    }
}

fn operations(document: &Value) -> impl Iterator<Item = (&String, &String, &Value)> {
    let paths = document["paths"].as_object().into_iter().flatten();
    paths.flat_map(|(path, item)| {
        let methods = item.as_object().into_iter().flatten();
        methods.map(move |(method, operation)| (path, method, operation))
    })
}

/// Name of the variable in the operation's path; empty if it has none.
fn path_parameter(document: &Value, name: &str) -> String {
    let found = operations(document).find(|(.., operation)| operation["operationId"] == name);
    let variable = found.and_then(|(path, ..)| path.split_once('{')?.1.split_once('}'));
    variable.map_or_else(String::new, |(name, _)| name.to_owned())
}

/// Adds a link to the answers of success of `from`.
fn add(document: &mut Value, from: &str, to: &str, kind: &str, given: Value) {
    let place = operations(document)
        .find(|(.., operation)| operation["operationId"] == from)
        .map(|(path, method, _)| (path.clone(), method.clone()));
    let Some((path, method)) = place else { return };
    let responses = document["paths"][path][method]["responses"].as_object_mut();
    for (status, response) in responses.into_iter().flatten() {
        if status.starts_with('2') {
            let mut link = Map::new();
            link.insert("operationId".to_owned(), to.into());
            link.insert(kind.to_owned(), given.clone());
            response["links"][to] = link.into();
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn every_link_leads_from_an_operation_to_one_that_takes_what_it_gives() {
        let document = super::super::document();
        let names: BTreeSet<&str> = operations(document)
            .filter_map(|(.., operation)| operation["operationId"].as_str())
            .collect();
        let named = NAMED
            .iter()
            .flat_map(|(from, _, to)| to.iter().map(|to| (*from, *to)));
        let filled = FILLED_IN.iter().map(|(from, _, to, _)| (*from, *to));
        let acted = ACTED_ON
            .iter()
            .flat_map(|(from, _, to)| to.iter().map(|to| (*from, *to)));
        for (from, to) in named.chain(filled).chain(acted) {
            assert!(names.contains(from), "no operation {from}");
            assert!(names.contains(to), "no operation {to}");
        }
        let mut links = 0;
        for (path, method, operation) in operations(document) {
            for response in operation["responses"].as_object().unwrap().values() {
                for (to, link) in response["links"].as_object().into_iter().flatten() {
                    assert_eq!(link["operationId"], *to);
                    let parameters = link["parameters"].as_object().into_iter().flatten();
                    for (name, _) in parameters {
                        assert_eq!(
                            *name,
                            path_parameter(document, to),
                            "{method} {path} -> {to}"
                        );
                        assert!(!name.is_empty(), "{to} has no variable in its path");
                    }
                    links += 1;
                }
            }
        }
        assert!(links > 40, "{links}");
    }
}
