//! Certificate bundles: issuance by hand, actions, questions.

mod act;
mod export;
mod import;
mod issue;
mod lineage;
mod query;
mod query_rules;
mod read;
mod recurring;
mod refuse;

pub(super) use query::foreign_cursor;

use actix_web::web::ServiceConfig;

/// The routes; fixed segments before ids.
pub fn routes(config: &mut ServiceConfig) {
    config
        .service(issue::create_bundle)
        .service(issue::create_metadata)
        .service(query::query_bundles)
        .service(query::query_bundles_full)
        .service(query::list_account_bundles)
        .service(act::transfer_certificates)
        .service(act::cancel_certificates)
        .service(act::cancel_certificates_for_storage)
        .service(act::claim_certificates)
        .service(act::reserve_certificates)
        .service(act::release_certificates)
        .service(act::lock_certificates)
        .service(act::unlock_certificates)
        .service(act::withdraw_certificates)
        .service(recurring::create_recurring_transfer)
        .service(recurring::create_recurring_cancel)
        .service(recurring::list_recurring_rules)
        .service(recurring::get_recurring_rule)
        .service(recurring::list_recurring_runs)
        .service(recurring::pause_recurring_rule)
        .service(recurring::resume_recurring_rule)
        .service(recurring::end_recurring_rule)
        .service(act::export_certificates)
        .service(export::confirm_export)
        .service(export::take_back_export)
        .service(export::get_export_file)
        .service(export::get_export)
        .service(import::get_import_template)
        .service(import::get_import_receipt)
        .service(import::import_certificates)
        .service(refuse::refuse_import)
        .service(read::list_actions)
        .service(read::list_metadata)
        .service(read::get_action)
        .service(lineage::get_lineage)
        .service(read::get_bundle);
}

/// The routes as the OpenAPI document lists them.
#[derive(utoipa::OpenApi)]
#[openapi(paths(
    issue::create_bundle,
    issue::create_metadata,
    query::query_bundles,
    query::query_bundles_full,
    query::list_account_bundles,
    act::transfer_certificates,
    act::cancel_certificates,
    act::cancel_certificates_for_storage,
    act::claim_certificates,
    act::reserve_certificates,
    act::release_certificates,
    act::lock_certificates,
    act::unlock_certificates,
    act::withdraw_certificates,
    recurring::create_recurring_transfer,
    recurring::create_recurring_cancel,
    recurring::list_recurring_rules,
    recurring::get_recurring_rule,
    recurring::list_recurring_runs,
    recurring::pause_recurring_rule,
    recurring::resume_recurring_rule,
    recurring::end_recurring_rule,
    act::export_certificates,
    export::confirm_export,
    export::take_back_export,
    export::get_export_file,
    export::get_export,
    import::get_import_template,
    import::get_import_receipt,
    import::import_certificates,
    refuse::refuse_import,
    read::list_actions,
    read::list_metadata,
    read::get_action,
    lineage::get_lineage,
    read::get_bundle,
))]
pub struct Document;
