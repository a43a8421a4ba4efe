//! Certificate accounts.

mod holding;
mod holding_rules;
mod member;
mod open;
mod read;
mod standing;
mod update;
mod whitelist;

use super::problem::{Answer, Problem};
use crate::read as questions;
use actix_web::web::ServiceConfig;
use deadpool_postgres::Client;
use ledger::refusal::Code;
use questions::account::AccountRow;
use schemas::id::AccountId;

/// The routes; fixed segments before ids.
pub fn routes(config: &mut ServiceConfig) {
    config
        .service(open::create_account)
        .service(update::update_account)
        .service(update::delete_account)
        .service(standing::approve_account)
        .service(standing::suspend_account)
        .service(standing::reinstate_account)
        .service(standing::close_account)
        .service(standing::change_account_transfers)
        .service(whitelist::update_whitelist)
        .service(whitelist::get_whitelist)
        .service(whitelist::get_whitelist_inverse)
        .service(read::list_accounts)
        .service(read::list_account_users)
        .service(holding::list_account_holdings)
        .service(read::get_account_summary)
        .service(read::list_account_devices)
        .service(read::list_certificate_devices)
        .service(read::get_account);
}

/// The routes as the OpenAPI document lists them.
#[derive(utoipa::OpenApi)]
#[openapi(paths(
    open::create_account,
    update::update_account,
    update::delete_account,
    standing::approve_account,
    standing::suspend_account,
    standing::reinstate_account,
    standing::close_account,
    standing::change_account_transfers,
    whitelist::update_whitelist,
    whitelist::get_whitelist,
    whitelist::get_whitelist_inverse,
    read::list_accounts,
    read::list_account_users,
    holding::list_account_holdings,
    read::get_account_summary,
    read::list_account_devices,
    read::list_certificate_devices,
    read::get_account,
))]
pub struct Document;

/// The account, open or closed.
async fn existing(client: &Client, account_id: AccountId) -> Answer<AccountRow> {
    questions::account::by_id(client, account_id)
        .await?
        .ok_or_else(|| Problem::not_found(Code::AccountNotFound, "Account", account_id))
}
