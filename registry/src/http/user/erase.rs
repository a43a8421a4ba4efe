//! Users are forgotten.

use super::register::check_replaceable;
use super::{not_found, shown_whole};
use crate::http::api_key::signed_in;
use crate::http::problem::Answer;
use crate::http::{Id, Write, may};
use crate::read;
use actix_web::{HttpResponse, post};
use ledger::Command;
use schemas::api::user::UserRead;
use schemas::id::UserId;
use schemas::person::{erased_email, erased_name};

/// Erase a user.
///
/// For good: the key under which the log holds their name, e-mail address, password and what else is personal is
/// destroyed. They can not sign in and their address is free; their id and what was done under it stay. Refused for the
/// last administrator, and while an open account has no other member. Erased twice is erased once.
#[utoipa::path(
    tag = "Users",
    operation_id = "erase_user",
    params(("id" = i64, Path, description = "The user.")),
    responses(
        (status = 200, description = "What is left of the user.", body = UserRead),
        (status = 403, description = "sign_in_required"),
        (status = 404, description = "user_not_found"),
        (status = 409, description = "user_last_member, last_administrator"),
    ),
)]
#[post("/user/erase/{id}")]
pub async fn erase_user(
    request: Write<may::ManageUsers>,
    Id(named): Id<UserId>,
) -> Answer<HttpResponse> {
    signed_in(&request.caller)?;
    let user_id = request.caller.managed_user(named);
    let client = check_replaceable(&request.caller, user_id).await?;
    let mut user = read::user::by_id(&client, user_id)
        .await?
        .ok_or_else(|| not_found(user_id))?;
    user.name = erased_name(user_id);
    user.email = erased_email(user_id);
    // Which of the organisations they belong to is not personal, what else they said is.
    user.organisation = user.organisation.filter(|_| user.organisation_id.is_some());
    let left = shown_whole(&request.caller, &client, user).await?;
    drop(client);
    request.execute(Command::EraseUser(user_id)).await?;
    Ok(HttpResponse::Ok().json(left))
}
