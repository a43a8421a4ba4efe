//! Accounts change and are closed.

use super::existing;
use super::member::check_change;
use crate::http::problem::{Answer, Problem};
use crate::http::{Id, Write, may};
use actix_web::{HttpResponse, delete, patch};
use ledger::{Command, Event, command};
use schemas::api::account::{AccountRead, UpdateAccount};
use schemas::event::LedgerEvent;
use schemas::id::AccountId;

/// Update an account.
///
/// `user_ids` replaces all members. Whoever is added must belong to the account's organisation, which the caller
/// manages; where it has none, to no other than the caller's.
#[utoipa::path(
    tag = "Accounts",
    operation_id = "update_account",
    params(("account_id" = i64, Path, description = "The account.")),
    request_body = UpdateAccount,
    responses(
        (status = 200, description = "The account as it is now.", body = AccountRead),
        (status = 403, description = "organisation_access_denied"),
        (status = 404, description = "account_not_found"),
        (status = 422, description = "request_invalid, account_closed, account_name_taken, account_without_users, users_unknown, value_out_of_range, list_too_long"),
    ),
)]
#[patch("/account/update/{account_id}")]
pub async fn update_account(
    request: Write<may::ManageAccounts, UpdateAccount>,
    Id(account_id): Id<AccountId>,
) -> Answer<HttpResponse> {
    let account_id = request.caller.member_of(account_id).await?;
    let wanted = request.body.clone();
    if let Some(user_ids) = &wanted.user_ids {
        check_change(&request.caller, account_id, user_ids).await?;
    }
    let command = Command::UpdateAccount(command::UpdateAccount {
        account_id,
        account_name: wanted.account_name,
        user_ids: wanted.user_ids,
    });
    let receipt = request.execute(command).await?;
    let updated = receipt.events.iter().find_map(|(_, event)| match event {
        Event::Ledger(LedgerEvent::AccountUpdated(updated)) => Some(updated),
        _ => None,
    });
    let updated = updated.ok_or_else(|| Problem::internal(&"an updated account left no event"))?;
    let account = existing(&request.caller.client().await?, account_id).await?;
    Ok(HttpResponse::Ok().json(AccountRead {
        account_name: updated.account_name.clone(),
        user_ids: Some(updated.user_ids.clone()),
        ..AccountRead::from(account)
    }))
}

/// Close an account.
///
/// Refused while it holds live certificates or devices. What it did stays.
#[utoipa::path(
    tag = "Accounts",
    operation_id = "delete_account",
    params(("account_id" = i64, Path, description = "The account.")),
    responses(
        (status = 200, description = "The closed account.", body = AccountRead),
        (status = 404, description = "account_not_found"),
        (status = 409, description = "account_not_empty"),
        (status = 422, description = "request_invalid, account_closed"),
    ),
)]
#[delete("/account/delete/{account_id}")]
pub async fn delete_account(
    request: Write<may::ManageAccounts>,
    Id(account_id): Id<AccountId>,
) -> Answer<HttpResponse> {
    let account_id = request.caller.member_of(account_id).await?;
    request.execute(Command::CloseAccount(account_id)).await?;
    let account = existing(&request.caller.client().await?, account_id).await?;
    Ok(HttpResponse::Ok().json(AccountRead::from(account)))
}
