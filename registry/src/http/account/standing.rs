//! What the issuing body makes of accounts.

use super::existing;
use crate::http::problem::Answer;
use crate::http::{Id, Write, may};
use actix_web::{HttpResponse, patch, post};
use ledger::Command;
use ledger::command::{self, AccountStep};
use schemas::api::Named;
use schemas::api::account::{AccountRead, ChangeStanding, ChangeTransfers, SuspendAccount};
use schemas::id::AccountId;

/// Has the account changed, and shows it as it is then.
async fn change<T>(
    write: &Write<may::SuperviseAccounts, T>,
    account_id: AccountId,
    command: Command,
) -> Answer<HttpResponse> {
    write.execute(command).await?;
    let account = existing(&write.caller.client().await?, account_id).await?;
    Ok(HttpResponse::Ok().json(AccountRead::from(account)))
}

async fn take<T>(
    write: Write<may::SuperviseAccounts, T>,
    named: Named<AccountId>,
    step: AccountStep,
    reason: Option<String>,
) -> Answer<HttpResponse> {
    let account_id = write.caller.supervises(named)?;
    let command = Command::ChangeStanding(command::ChangeStanding {
        account_id,
        step,
        reason,
    });
    change(&write, account_id, command).await
}

/// Approve an account.
///
/// One that was requested can be used from here on.
#[utoipa::path(
    tag = "Accounts",
    operation_id = "approve_account",
    params(("account_id" = i64, Path, description = "The account.")),
    request_body = ChangeStanding,
    responses(
        (status = 200, description = "The account as it is now.", body = AccountRead),
        (status = 404, description = "account_not_found"),
        (status = 409, description = "account_state"),
        (status = 422, description = "request_invalid, account_closed, value_out_of_range"),
    ),
)]
#[post("/account/{account_id}/approve")]
pub async fn approve_account(
    write: Write<may::SuperviseAccounts, ChangeStanding>,
    Id(account_id): Id<AccountId>,
) -> Answer<HttpResponse> {
    let reason = write.body.reason.clone();
    take(write, account_id, AccountStep::Approve, reason).await
}

/// Suspend an account.
///
/// Nobody acts for it, submits for its devices or sends to it, and its recurring rules do not move anything, until it is
/// reinstated. It can still be read.
#[utoipa::path(
    tag = "Accounts",
    operation_id = "suspend_account",
    params(("account_id" = i64, Path, description = "The account.")),
    request_body = SuspendAccount,
    responses(
        (status = 200, description = "The account as it is now.", body = AccountRead),
        (status = 404, description = "account_not_found"),
        (status = 409, description = "account_state"),
        (status = 422, description = "request_invalid, account_closed, value_out_of_range"),
    ),
)]
#[post("/account/{account_id}/suspend")]
pub async fn suspend_account(
    write: Write<may::SuperviseAccounts, SuspendAccount>,
    Id(account_id): Id<AccountId>,
) -> Answer<HttpResponse> {
    let reason = Some(write.body.reason.clone());
    take(write, account_id, AccountStep::Suspend, reason).await
}

/// Reinstate an account.
///
/// One that was suspended can be used again.
#[utoipa::path(
    tag = "Accounts",
    operation_id = "reinstate_account",
    params(("account_id" = i64, Path, description = "The account.")),
    request_body = ChangeStanding,
    responses(
        (status = 200, description = "The account as it is now.", body = AccountRead),
        (status = 404, description = "account_not_found"),
        (status = 409, description = "account_state"),
        (status = 422, description = "request_invalid, account_closed, value_out_of_range"),
    ),
)]
#[post("/account/{account_id}/reinstate")]
pub async fn reinstate_account(
    write: Write<may::SuperviseAccounts, ChangeStanding>,
    Id(account_id): Id<AccountId>,
) -> Answer<HttpResponse> {
    let reason = write.body.reason.clone();
    take(write, account_id, AccountStep::Reinstate, reason).await
}

/// Close an account of anybody.
///
/// As a member does with `DELETE /account/delete/{account_id}`: refused while it holds live certificates or devices.
#[utoipa::path(
    tag = "Accounts",
    operation_id = "close_account",
    params(("account_id" = i64, Path, description = "The account.")),
    responses(
        (status = 200, description = "The closed account.", body = AccountRead),
        (status = 404, description = "account_not_found"),
        (status = 409, description = "account_not_empty"),
        (status = 422, description = "request_invalid, account_closed"),
    ),
)]
#[post("/account/{account_id}/close")]
pub async fn close_account(
    write: Write<may::SuperviseAccounts>,
    Id(account_id): Id<AccountId>,
) -> Answer<HttpResponse> {
    let account_id = write.caller.supervises(account_id)?;
    change(&write, account_id, Command::CloseAccount(account_id)).await
}

/// Stop the transfers of an account, or let them go on.
///
/// What leaves and what enters it by transfer or export; everything else goes on.
#[utoipa::path(
    tag = "Accounts",
    operation_id = "change_account_transfers",
    params(("account_id" = i64, Path, description = "The account.")),
    request_body = ChangeTransfers,
    responses(
        (status = 200, description = "The account as it is now.", body = AccountRead),
        (status = 404, description = "account_not_found"),
        (status = 422, description = "request_invalid, account_closed, value_out_of_range"),
    ),
)]
#[patch("/account/{account_id}/transfers")]
pub async fn change_account_transfers(
    write: Write<may::SuperviseAccounts, ChangeTransfers>,
    Id(named): Id<AccountId>,
) -> Answer<HttpResponse> {
    let account_id = write.caller.supervises(named)?;
    let command = Command::ChangeTransfers(command::ChangeTransfers {
        account_id,
        disabled: write.body.transfer_disabled,
        reason: write.body.reason.clone(),
    });
    change(&write, account_id, command).await
}
