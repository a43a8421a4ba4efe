//! What an organisation owns, and who of it acts for that.

use super::apart::keep_apart;
use crate::http::listed::{after, listed};
use crate::http::position::reached;
use crate::http::problem::{Answer, Problem};
use crate::http::{Id, Query, Read, Write, may};
use crate::read::{self, cursor::Page};
use actix_web::{HttpResponse, get, patch};
use ledger::refusal::Code;
use ledger::{Command, command};
use schemas::api::account::AccountRead;
use schemas::api::organisation::{AssignAccount, ChangeMembers};
use schemas::api::page::PageQuery;
use schemas::id::{AccountId, OrganisationId};

const LIST: &str = "organisation_accounts";

/// List the accounts of an organisation.
///
/// Open ones, for who manages it. To act for one, one has to be its member.
#[utoipa::path(
    tag = "Organisations",
    operation_id = "list_organisation_accounts",
    params(("organisation_id" = i64, Path, description = "The organisation."), PageQuery),
    responses(
        (status = 200, description = "A page of the accounts.", body = Vec<AccountRead>),
        (status = 403, description = "organisation_access_denied"),
        (status = 404, description = "organisation_not_found"),
    ),
)]
#[get("/organisation/{organisation_id}/accounts")]
pub async fn list_organisation_accounts(
    read: Read<may::ManageAccounts>,
    Id(named): Id<OrganisationId>,
    Query(page): Query<PageQuery>,
) -> Answer<HttpResponse> {
    let after = AccountId(after(LIST, &page)?);
    let client = read.client().await?;
    let id = read.managed_organisation(&client, named).await?;
    let accounts = read::account::of_organisation(&client, id, after, page.limit + 1).await?;
    let accounts: Vec<_> = accounts.into_iter().map(AccountRead::from).collect();
    let page = Page::of(accounts, page.limit, LIST, |account| account.id);
    Ok(listed(&page))
}

/// Assign an account to an organisation.
///
/// Or take it from the one that owns it. Its members stay.
#[utoipa::path(
    tag = "Organisations",
    operation_id = "assign_account",
    params(("account_id" = i64, Path, description = "The account.")),
    request_body = AssignAccount,
    responses(
        (status = 200, description = "The account as it is now.", body = AccountRead),
        (status = 404, description = "account_not_found, organisation_not_found"),
        (status = 422, description = "request_invalid, account_closed, organisation_closed"),
    ),
)]
#[patch("/account/{account_id}/organisation")]
pub async fn assign_account(
    write: Write<may::ManageOrganisations, AssignAccount>,
    Id(named): Id<AccountId>,
) -> Answer<HttpResponse> {
    let account_id = write.caller.supervises(named)?;
    let organisation_id = match write.body.organisation_id {
        Some(named) => Some(write.caller.owner(named).await?),
        None => None,
    };
    let command = Command::AssignAccount(command::AssignAccount {
        account_id,
        organisation_id,
    });
    write.execute(command).await?;
    shown(&write, account_id).await
}

/// Change who acts for an account of an organisation.
///
/// For who manages the organisation, a member of the account or not. Who is taken in must belong to the organisation.
#[utoipa::path(
    tag = "Organisations",
    operation_id = "change_account_members",
    params(("account_id" = i64, Path, description = "The account.")),
    request_body = ChangeMembers,
    responses(
        (status = 200, description = "The account as it is now.", body = AccountRead),
        (status = 403, description = "organisation_access_denied"),
        (status = 404, description = "account_not_found"),
        (status = 422, description = "request_invalid, account_closed, account_without_users, list_too_long, user_not_in_organisation"),
    ),
)]
#[patch("/account/{account_id}/members")]
pub async fn change_account_members(
    write: Write<may::ManageAccounts, ChangeMembers>,
    Id(named): Id<AccountId>,
) -> Answer<HttpResponse> {
    let state = write.caller.state();
    reached(state.read_progress(), state.authority(), state.read_wait()).await?;
    let client = write.caller.client().await?;
    let (account, organisation_id) = write.caller.account_of_organisation(&client, named).await?;
    let account_id = account.account_id;
    let add = write.body.add.clone();
    let strangers = read::organisation::strangers(&client, organisation_id, &add).await?;
    if !strangers.is_empty() {
        let problem = Problem::new(
            Code::UserNotInOrganisation,
            format!("only users of organisation {organisation_id} are taken into its accounts"),
        );
        let listed = add.iter().enumerate();
        return Err(listed
            .filter(|(_, user_id)| strangers.contains(user_id))
            .fold(problem, |problem, (index, user_id)| {
                let rule = format!("user {user_id} does not belong to the organisation");
                problem.at_with(format!("/add/{index}"), rule)
            }));
    }
    let command = Command::ChangeMembers(command::ChangeMembers {
        account_id,
        organisation_id,
        add,
        remove: write.body.remove.clone(),
    });
    drop(client);
    write.execute(command).await?;
    if !write.body.add.is_empty() {
        keep_apart(&write, organisation_id, &write.body.add).await;
    }
    shown(&write, account_id).await
}

async fn shown<C, T>(write: &Write<C, T>, account_id: AccountId) -> Answer<HttpResponse> {
    let client = write.caller.client().await?;
    let account = read::account::by_id(&client, account_id)
        .await?
        .ok_or_else(|| Problem::not_found(Code::AccountNotFound, "Account", account_id))?;
    Ok(HttpResponse::Ok().json(AccountRead::from(account)))
}
