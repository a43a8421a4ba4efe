//! Who belongs to an organisation.

use super::apart::keep_apart;
use crate::http::api_key::signed_in;
use crate::http::listed::{after, listed};
use crate::http::position::{Positions, reached};
use crate::http::problem::{Answer, EdgeCode, Problem};
use crate::http::{Id, Query, Read, Write, may};
use crate::read::{self, cursor::Page};
use actix_web::{HttpResponse, get, patch, post};
use ledger::{Command, Stream, command};
use schemas::api::organisation::{ChangeManager, OrganisationUser};
use schemas::api::page::PageQuery;
use schemas::id::{OrganisationId, UserId};

const LIST: &str = "organisation_users";
/// Accounts that a refusal names at most.
const NAMED_ACCOUNTS: i64 = 10;

/// List the users of an organisation.
///
/// For who manages it.
#[utoipa::path(
    tag = "Organisations",
    operation_id = "list_organisation_users",
    params(("organisation_id" = i64, Path, description = "The organisation."), PageQuery),
    responses(
        (status = 200, description = "A page of the users.", body = Vec<OrganisationUser>),
        (status = 403, description = "organisation_access_denied"),
        (status = 404, description = "organisation_not_found"),
    ),
)]
#[get("/organisation/{organisation_id}/users")]
pub async fn list_organisation_users(
    read: Read<may::ManageAccounts>,
    Id(named): Id<OrganisationId>,
    Query(page): Query<PageQuery>,
) -> Answer<HttpResponse> {
    let after = UserId(after(LIST, &page)?);
    let client = read.client().await?;
    let id = read.managed_organisation(&client, named).await?;
    let users = read::organisation::users(&client, id, after, page.limit + 1).await?;
    Ok(listed(&Page::of(users, page.limit, LIST, |user| user.id)))
}

/// Have a user manage their organisation, or no longer.
///
/// For who manages it. Refused where nobody else would.
#[utoipa::path(
    tag = "Organisations",
    operation_id = "change_manager",
    params(("user_id" = i64, Path, description = "The user.")),
    request_body = ChangeManager,
    responses(
        (status = 204, description = "It is so."),
        (status = 403, description = "sign_in_required"),
        (status = 404, description = "user_not_found"),
        (status = 409, description = "last_manager"),
        (status = 422, description = "request_invalid, organisation_closed, user_not_in_organisation, user_removed"),
    ),
)]
#[patch("/user/{user_id}/organisation")]
pub async fn change_manager(
    write: Write<may::ManageAccounts, ChangeManager>,
    Id(named): Id<UserId>,
) -> Answer<HttpResponse> {
    signed_in(&write.caller)?;
    let client = write.caller.client().await?;
    let (user_id, organisation_id) = write.caller.organisation_of_user(&client, named).await?;
    drop(client);
    let command = Command::ChangeManager(command::ChangeManager {
        organisation_id,
        user_id,
        manages: write.body.manages,
    });
    write.execute(command).await?;
    Ok(HttpResponse::NoContent().finish())
}

/// Have a user leave their organisation.
///
/// For who manages it. Refused while they are a member of an account of it: take them out of those first.
#[utoipa::path(
    tag = "Organisations",
    operation_id = "leave_organisation",
    params(("user_id" = i64, Path, description = "The user.")),
    responses(
        (status = 204, description = "The user belongs to no organisation."),
        (status = 403, description = "sign_in_required"),
        (status = 404, description = "user_not_found"),
        (status = 409, description = "user_in_accounts"),
        (status = 422, description = "request_invalid, organisation_closed, user_not_in_organisation"),
    ),
)]
#[post("/user/{user_id}/leave_organisation")]
pub async fn leave_organisation(
    write: Write<may::ManageAccounts>,
    Id(named): Id<UserId>,
) -> Answer<HttpResponse> {
    signed_in(&write.caller)?;
    // Membership of accounts is a matter of the ledger: look only once READ shows all of it.
    let state = write.caller.state();
    let all = Positions::at(Stream::Ledger, state.ledger_head().await?);
    reached(state.read_progress(), all, state.read_wait()).await?;
    let client = write.caller.client().await?;
    let (user_id, organisation_id) = write.caller.organisation_of_user(&client, named).await?;
    let kept =
        read::organisation::open_accounts(&client, organisation_id, Some(user_id), NAMED_ACCOUNTS)
            .await?;
    if !kept.is_empty() {
        let ids: Vec<_> = kept.iter().map(ToString::to_string).collect();
        return Err(Problem::new(
            EdgeCode::UserInAccounts,
            format!(
                "user {user_id} acts for account {} of the organisation; take them out of it first",
                ids.join(", ")
            ),
        ));
    }
    drop(client);
    let command = Command::LeaveOrganisation(command::LeaveOrganisation {
        organisation_id,
        user_id,
    });
    write.execute(command).await?;
    keep_apart(&write, organisation_id, &[user_id]).await;
    Ok(HttpResponse::NoContent().finish())
}
