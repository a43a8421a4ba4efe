//! Accounts are opened.

use crate::http::position::reached;
use crate::http::problem::{Answer, EdgeCode, Problem};
use crate::http::{Caller, Write, may};
use crate::read;
use actix_web::{HttpResponse, post};
use ledger::command::OpenAccount;
use ledger::{Command, Event};
use schemas::api::account::{AccountRead, CreateAccount};
use schemas::event::LedgerEvent;
use schemas::id::UserId;
use schemas::life_cycle::AccountState;

/// Open an account.
///
/// The caller becomes its last member unless listed. Where the registry is set so, the account is requested, and can
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
    let mut user_ids = request.body.user_ids.clone();
    check_users(&request.caller, &user_ids).await?;
    if !user_ids.contains(&request.caller.user_id) {
        user_ids.push(request.caller.user_id);
    }
    let organisation_id = match request.body.organisation_id {
        Some(named) => Some(request.caller.owner(named).await?),
        None => None,
    };
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

/// Checks that the users exist; they are in a stream of their own, where the ledger does not look.
///
/// # Errors
/// `users_unknown`, naming each.
pub(super) async fn check_users<C>(caller: &Caller<C>, user_ids: &[UserId]) -> Answer<()> {
    if user_ids.is_empty() {
        return Ok(());
    }
    let state = caller.state();
    reached(state.read_progress(), state.authority(), state.read_wait()).await?;
    let unknown = read::user::unknown(&caller.client().await?, user_ids).await?;
    if unknown.is_empty() {
        return Ok(());
    }
    let problem = Problem::new(
        EdgeCode::UsersUnknown,
        "One or more users assigned to this account do not exist in the database.",
    );
    Err(user_ids
        .iter()
        .enumerate()
        .filter(|(_, user)| unknown.contains(user))
        .fold(problem, |problem, (index, user)| {
            problem.at_with(
                format!("/user_ids/{index}"),
                format!("User with id {user} not found"),
            )
        }))
}
