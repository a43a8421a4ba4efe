//! Accounts are opened.

use super::member::check_first;
use crate::http::problem::{Answer, Problem};
use crate::http::{Write, may};
use actix_web::{HttpResponse, post};
use ledger::command::OpenAccount;
use ledger::{Command, Event};
use schemas::api::account::{AccountRead, CreateAccount};
use schemas::event::LedgerEvent;
use schemas::life_cycle::AccountState;

/// Open an account.
///
/// The caller becomes its last member unless listed. Others must belong to its organisation; where it has none, to no
/// other than the caller's. Where the registry is set so, the account is requested, and can
/// be used once the issuing body has approved it.
#[utoipa::path(
    tag = "Accounts",
    operation_id = "create_account",
    request_body = CreateAccount,
    responses(
        (status = 201, description = "The new account.", body = AccountRead),
        (status = 404, description = "organisation_not_found"),
        (status = 422, description = "request_invalid, organisation_closed, account_name_taken, users_unknown, value_out_of_range, list_too_long"),
    ),
)]
#[post("/account/create")]
pub async fn create_account(
    request: Write<may::OpenAccounts, CreateAccount>,
) -> Answer<HttpResponse> {
    let organisation_id = match request.body.organisation_id {
        Some(named) => Some(request.caller.owner(named).await?),
        None => None,
    };
    let mut user_ids = request.body.user_ids.clone();
    check_first(&request.caller, &user_ids, organisation_id).await?;
    if !user_ids.contains(&request.caller.user_id) {
        user_ids.push(request.caller.user_id);
    }
    let account_name = request.body.account_name.clone();
    let command = Command::OpenAccount(OpenAccount {
        account_name,
        user_ids,
        is_requested: request.caller.state().approves_accounts,
        organisation_id,
    });
    let receipt = request.execute(command).await?;
    let opened = receipt.events.iter().find_map(|(_, event)| match event {
        Event::Ledger(LedgerEvent::AccountOpened(opened)) => Some(opened),
        _ => None,
    });
    let opened = opened.ok_or_else(|| Problem::internal(&"an opened account left no event"))?;
    Ok(HttpResponse::Created().json(AccountRead {
        id: opened.account_id,
        account_name: opened.account_name.clone(),
        user_ids: Some(opened.user_ids.clone()),
        state: if opened.is_requested {
            AccountState::Requested
        } else {
            AccountState::Approved
        },
        transfer_disabled: false,
        organisation_id: opened.organisation_id,
    }))
}
