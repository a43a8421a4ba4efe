//! The page of each problem code: what happened, what to do.

/// The page of one code, in Markdown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Page {
    /// The code.
    pub code: &'static str,
    /// The page.
    pub markdown: &'static str,
}

impl Page {
    /// The first heading: the title of every problem with this code.
    #[must_use]
    pub fn title(&self) -> &'static str {
        let first = self.markdown.lines().next().unwrap_or_default();
        first.trim_start_matches("# ").trim_end_matches('.')
    }
}

/// The page of a code.
#[must_use]
pub fn page(code: &str) -> Option<&'static Page> {
    ALL.binary_search_by(|page| page.code.cmp(code))
        .ok()
        .map(|index| &ALL[index])
}

macro_rules! pages {
    ($($code:literal),+ $(,)?) => {
        /// Every page, in the order of the codes.
        pub const ALL: &[Page] = &[$(Page {
            code: $code,
            markdown: include_str!(concat!("../../problems/", $code, ".md")),
        }),+];
    };
}

pages! {
    "account_access_denied",
    "account_closed",
    "account_name_taken",
    "account_not_approved",
    "account_not_empty",
    "account_not_found",
    "account_state",
    "account_suspended",
    "account_without_users",
    "action_not_found",
    "allocation_amount",
    "allocation_issued",
    "allocation_not_found",
    "allocation_order",
    "allocations_refused",
    "api_key_not_found",
    "before_operation",
    "beneficiary_mismatch",
    "body_too_large",
    "bundle_expired",
    "bundle_not_for_charge",
    "bundle_not_found",
    "bundle_repeated",
    "bundle_state",
    "bundles_changed",
    "business_id_taken",
    "busy",
    "capability_required",
    "charge_uncovered",
    "clock_in_future",
    "correction_blocked",
    "cross_site_sign_in",
    "csrf_token_invalid",
    "current_password_wrong",
    "device_imported",
    "device_in_debt",
    "device_not_certified",
    "device_not_found",
    "device_not_storage",
    "device_removed",
    "email_taken",
    "envelope_chain_broken",
    "envelope_context_wrong",
    "envelope_malformed",
    "envelope_not_found",
    "envelope_replayed",
    "envelope_signature_invalid",
    "export_id_reused",
    "export_not_found",
    "export_refused",
    "export_settled",
    "external_role_missing",
    "external_sign_in_failed",
    "external_user_unknown",
    "file_altered",
    "file_elsewhere",
    "file_not_trusted",
    "gateway_code_expired",
    "gateway_code_unknown",
    "gateway_code_used",
    "gateway_key_revoked",
    "gateway_key_taken",
    "gateway_key_unknown",
    "gateway_not_found",
    "gateway_proof_invalid",
    "gateway_revoked",
    "idempotency_key_reused",
    "identity_not_found",
    "identity_taken",
    "import_elsewhere",
    "import_from_here",
    "import_not_active",
    "import_not_found",
    "import_overlap",
    "import_refused",
    "imported_before",
    "imported_by_rows",
    "in_future",
    "internal",
    "interval_grid",
    "interval_order",
    "invalid_client",
    "invalid_grant",
    "invalid_request",
    "invalid_scope",
    "invitation_expired",
    "invitation_revoked",
    "invitation_unknown",
    "invitation_used",
    "invitation_void",
    "issuance_metadata_missing",
    "last_administrator",
    "last_manager",
    "lineage_too_long",
    "list_empty",
    "list_too_long",
    "login_failed",
    "malformed_body",
    "measurement_issued",
    "measurement_not_found",
    "meter_identifier_taken",
    "meter_inactive",
    "meter_not_found",
    "method_not_allowed",
    "missing",
    "negative_amount",
    "not_a_time",
    "not_authenticated",
    "not_the_gateways_device",
    "not_whitelisted",
    "nothing_to_allocate",
    "organisation_access_denied",
    "organisation_closed",
    "organisation_has_accounts",
    "organisation_not_found",
    "other_user",
    "over_allocated",
    "over_capacity",
    "over_metered",
    "password_breached",
    "password_weak",
    "position_unknown",
    "quantity_and_percentage",
    "quantity_exceeds_total",
    "query_invalid",
    "range_quantity",
    "range_taken",
    "read_lagging",
    "reading_conflict",
    "reading_overlap",
    "readings_refused",
    "receipt_invalid",
    "recurring_candidates_changed",
    "recurring_period_done",
    "recurring_period_not_due",
    "recurring_rule_not_found",
    "recurring_rule_state",
    "recurring_start",
    "refresh_token_invalid",
    "refusal_invalid",
    "request_invalid",
    "role_above_inviter",
    "role_change_elsewhere",
    "route_not_found",
    "second_factor_exists",
    "second_factor_invalid",
    "second_factor_missing",
    "second_factor_required",
    "second_factor_spent",
    "second_factor_wrong",
    "sequence_gap",
    "serials_exhausted",
    "session_not_found",
    "sign_in_required",
    "split_too_small",
    "storage_efficiency_missing",
    "storage_efficiency_range",
    "storage_gap",
    "storage_method_fixed",
    "storage_overlap",
    "storage_record_conflict",
    "storage_record_in_use",
    "storage_record_kind",
    "storage_record_not_found",
    "storage_record_not_last",
    "storage_records_refused",
    "storage_window",
    "storage_window_fixed",
    "token_invalid",
    "too_many_api_keys",
    "too_many_identities",
    "too_many_invitations",
    "too_many_requests",
    "transfer_disabled",
    "unavailable",
    "unknown_value",
    "unsupported_grant_type",
    "unsupported_media_type",
    "user_id_not_yours",
    "user_in_accounts",
    "user_in_organisation",
    "user_last_member",
    "user_not_found",
    "user_not_in_organisation",
    "user_removed",
    "users_unknown",
    "value_out_of_range",
    "whitelist_missing",
    "whitelist_repeated",
    "whitelist_self",
    "wrong_type",
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn every_file_is_a_page_and_the_pages_are_in_order() {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/problems");
        let mut files: Vec<_> = std::fs::read_dir(folder)
            .unwrap()
            .map(|file| file.unwrap().file_name().into_string().unwrap())
            .collect();
        files.sort();
        let pages: Vec<_> = ALL.iter().map(|page| format!("{}.md", page.code)).collect();
        assert_eq!(files, pages);
    }

    #[test]
    fn every_page_says_what_happened_and_what_to_do() {
        for page in ALL {
            assert!(page.markdown.starts_with("# "), "{}", page.code);
            for section in ["\n## What happened\n", "\n## What to do\n"] {
                assert!(
                    page.markdown.contains(section),
                    "{} lacks {section:?}",
                    page.code
                );
            }
        }
    }
}
