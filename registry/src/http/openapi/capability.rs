//! Which capability each operation needs, as the document tells it. That the operation's caller is checked
//! for this one is what the matrix of operations and roles tests.

use schemas::capability::Capability;
use serde_json::{Value, json};

/// Name of the extension.
const EXTENSION: &str = "x-required-capability";

/// Every operation that is not open to anybody, by its id.
const OPERATIONS: &[(Capability, &[&str])] = &[
    (
        Capability::Read,
        &[
            "get_account",
            "get_account_summary",
            "get_action",
            "get_allocated_storage_records",
            "get_certificate",
            "get_certificate_import_template",
            "get_certificate_lineage",
            "get_device",
            "get_export",
            "get_gateway",
            "get_gateway_envelope",
            "get_import_receipt",
            "get_me",
            "get_measurement",
            "get_meter_readings_template",
            "get_organisation",
            "get_recurring_rule",
            "get_storage_allocation_template",
            "get_storage_readings_template",
            "get_user",
            "list_account_certificates",
            "list_account_devices",
            "list_account_holdings",
            "list_actions",
            "list_allocated_storage_records",
            "list_devices",
            "list_gateways",
            "list_issuance_metadata",
            "list_measurements",
            "list_meters",
            "list_my_accounts",
            "list_organisations",
            "list_recurring_rules",
            "list_recurring_runs",
            "list_storage_efficiencies",
            "list_storage_records",
            "list_users",
            "query_certificates",
            "query_certificates_full",
            "query_scr",
            "query_sdr",
        ],
    ),
    (Capability::Audit, &["list_audit_entries"]),
    (
        Capability::ManageSelf,
        &[
            "add_second_factor",
            "change_my_password",
            "create_api_key",
            "end_my_session",
            "enrol_second_factor",
            "join_organisation",
            "list_api_keys",
            "list_my_sessions",
            "logout",
            "remove_second_factor",
            "revoke_api_key",
            "update_user",
        ],
    ),
    (
        Capability::ManageAccounts,
        &[
            "change_account_members",
            "create_invitation",
            "delete_account",
            "get_whitelist",
            "get_whitelist_inverse",
            "change_manager",
            "leave_organisation",
            "list_accounts",
            "list_certificate_devices",
            "list_invitations",
            "list_organisation_accounts",
            "list_organisation_users",
            "revoke_invitation",
            "update_account",
            "update_whitelist",
        ],
    ),
    (
        Capability::Trade,
        &[
            "cancel_certificates",
            "cancel_certificates_for_storage",
            "claim_certificates",
            "create_recurring_cancel",
            "create_recurring_transfer",
            "end_recurring_rule",
            "export_certificates",
            "pause_recurring_rule",
            "release_certificates",
            "reserve_certificates",
            "resume_recurring_rule",
            "transfer_certificates",
        ],
    ),
    (
        Capability::SettleExports,
        &["confirm_export", "get_export_file", "take_back_export"],
    ),
    (Capability::OpenAccounts, &["create_account"]),
    (
        Capability::ManageDevices,
        &[
            "change_gateway_devices",
            "create_device",
            "create_gateway_code",
            "create_meter",
            "delete_device",
            "revoke_gateway",
            "update_device",
            "update_meter",
        ],
    ),
    (
        Capability::SubmitReadings,
        &[
            "create_measurement",
            "create_scr",
            "create_sdr",
            "submit_readings",
            "submit_storage_records",
            "withdraw_scr",
            "withdraw_sdr",
        ],
    ),
    (Capability::CorrectReadings, &["correct_measurement"]),
    (
        Capability::RequestIssuance,
        &["issue_readings", "issue_sdgc", "issue_sdgcs"],
    ),
    (
        Capability::Import,
        &["import_certificates", "refuse_import"],
    ),
    (
        Capability::ValidateStorage,
        &[
            "allocate_storage",
            "fix_storage_efficiency",
            "submit_allocated_storage_records",
        ],
    ),
    (
        Capability::Issue,
        &[
            "create_certificate_bundle",
            "create_issuance_metadata",
            "delete_measurement",
            "update_measurement",
        ],
    ),
    (Capability::Withdraw, &["withdraw_certificates"]),
    (
        Capability::Lock,
        &["lock_certificates", "unlock_certificates"],
    ),
    (
        Capability::SuperviseAccounts,
        &[
            "approve_account",
            "change_account_transfers",
            "close_account",
            "reinstate_account",
            "suspend_account",
        ],
    ),
    (
        Capability::ManageOrganisations,
        &[
            "assign_account",
            "create_organisation",
            "delete_organisation",
            "update_organisation",
        ],
    ),
    (
        Capability::ManageUsers,
        &[
            "change_role",
            "create_user",
            "delete_user",
            "erase_user",
            "end_sessions_of_user",
            "link_identity",
            "list_account_users",
            "list_identities",
            "remove_second_factor_of_user",
            "unlink_identity",
        ],
    ),
    (Capability::Operate, &["change_log_level"]),
];

/// The capability of an operation; none where it is open, or unknown.
fn of(operation_id: &str) -> Option<Capability> {
    let found = OPERATIONS
        .iter()
        .find(|(_, operations)| operations.contains(&operation_id));
    found.map(|(capability, _)| *capability)
}

/// Names the capability of each operation.
pub(super) fn complete(document: &mut Value) {
    let paths = document["paths"].as_object_mut().into_iter().flatten();
    for operation in paths.flat_map(|(_, item)| item.as_object_mut().into_iter().flatten()) {
        let operation = operation.1;
        if let Some(capability) = operation["operationId"].as_str().and_then(of) {
            operation[EXTENSION] = json!(capability);
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn every_operation_that_is_not_open_names_one_capability_and_no_other_does() {
        let document = super::super::document();
        let mut known: BTreeSet<&str> = BTreeSet::new();
        for name in OPERATIONS.iter().flat_map(|(_, names)| *names) {
            assert!(known.insert(name), "{name} is there twice");
        }
        for (path, item) in document["paths"].as_object().unwrap() {
            for operation in item.as_object().unwrap().values() {
                let name = operation["operationId"].as_str().unwrap();
                let is_open = operation["security"] == json!([]);
                assert_eq!(operation[EXTENSION].is_null(), is_open, "{path}: {name}");
                known.remove(name);
            }
        }
        assert!(known.is_empty(), "no such operations: {known:?}");
    }
}
