//! From whom an account accepts transfers.

use super::existing;
use crate::http::problem::Answer;
use crate::http::{Id, Member, Write, may};
use crate::read;
use actix_web::{HttpResponse, get, patch};
use ledger::{Command, command};
use schemas::api::account::{AccountRead, UpdateWhitelist, WhitelistedAccount};
use schemas::id::AccountId;

/// Change a whitelist.
///
/// All or nothing. What is removed is taken out before what is added comes in.
#[utoipa::path(
    tag = "Accounts",
    operation_id = "update_whitelist",
    params(("account_id" = i64, Path, description = "The account that receives.")),
    request_body = UpdateWhitelist,
    responses(
        (status = 200, description = "The account.", body = AccountRead),
        (status = 404, description = "account_not_found, whitelist_missing"),
        (status = 422, description = "request_invalid, account_closed, whitelist_self, whitelist_repeated, list_too_long"),
    ),
)]
#[patch("/account/update_whitelist/{account_id}")]
pub async fn update_whitelist(
    request: Write<may::ManageAccounts, UpdateWhitelist>,
    Id(account_id): Id<AccountId>,
) -> Answer<HttpResponse> {
    let account_id = request.caller.member_of(account_id).await?;
    let command = Command::UpdateWhitelist(command::UpdateWhitelist {
        account_id,
        add: request.body.add_to_whitelist.clone(),
        remove: request.body.remove_from_whitelist.clone(),
    });
    request.execute(command).await?;
    let account = existing(&request.caller.client().await?, account_id).await?;
    Ok(HttpResponse::Ok().json(AccountRead::from(account)))
}

/// Get a whitelist.
///
/// The accounts that may send to this one.
#[utoipa::path(
    tag = "Accounts",
    operation_id = "get_whitelist",
    params(("account_id" = i64, Path, description = "The account that receives.")),
    responses(
        (status = 200, description = "The accounts.", body = Vec<WhitelistedAccount>),
        (status = 404, description = "account_not_found"),
    ),
)]
#[get("/account/{account_id}/whitelist")]
pub async fn get_whitelist(member: Member<may::ManageAccounts>) -> Answer<HttpResponse> {
    let client = member.client().await?;
    let accounts = read::account::whitelist(&client, member.account_id).await?;
    let accounts: Vec<_> = accounts.into_iter().map(WhitelistedAccount::from).collect();
    Ok(HttpResponse::Ok().json(accounts))
}

/// Get an inverse whitelist.
///
/// The accounts that this one may send to.
#[utoipa::path(
    tag = "Accounts",
    operation_id = "get_whitelist_inverse",
    params(("account_id" = i64, Path, description = "The account that sends.")),
    responses(
        (status = 200, description = "The accounts.", body = Vec<WhitelistedAccount>),
        (status = 404, description = "account_not_found"),
    ),
)]
#[get("/account/{account_id}/whitelist_inverse")]
pub async fn get_whitelist_inverse(member: Member<may::ManageAccounts>) -> Answer<HttpResponse> {
    let client = member.client().await?;
    let accounts = read::account::whitelist_inverse(&client, member.account_id).await?;
    let accounts: Vec<_> = accounts.into_iter().map(WhitelistedAccount::from).collect();
    Ok(HttpResponse::Ok().json(accounts))
}
