//! Users come and go.

use super::{not_found, shown_whole};
use crate::http::api_key::signed_in;
use crate::http::position::{Positions, reached};
use crate::http::problem::{Answer, EdgeCode, Problem};
use crate::http::{Caller, Id, Write, may};
use crate::read;
use crate::sequencer::Receipt;
use actix_web::{HttpResponse, delete, post};
use deadpool_postgres::Client;
use ledger::{Command, Event};
use schemas::api::user::{CreateUser, UserRead};
use schemas::event::IdentityEvent;
use schemas::event::identity::UserProfile;
use schemas::id::UserId;
use schemas::log::Position;

/// Register a user.
///
/// Without a password they can not sign in.
#[utoipa::path(
    tag = "Users",
    operation_id = "create_user",
    request_body = CreateUser,
    responses(
        (status = 200, description = "The new user.", body = UserRead),
        (status = 403, description = "sign_in_required"),
        (status = 422, description = "request_invalid, email_taken, password_breached, password_weak"),
    ),
)]
#[post("/user/create")]
pub async fn create_user(request: Write<may::ManageUsers, CreateUser>) -> Answer<HttpResponse> {
    signed_in(&request.caller)?;
    let user = request.body.clone();
    let state = request.caller.state();
    let password_hash = match user.password {
        Some(password) => {
            let about = vec![user.name.clone(), user.email.clone()];
            Some(state.passwords.choose(password, about).await?)
        }
        None => None,
    };
    let profile = UserProfile {
        name: user.name,
        email: user.email,
        role: user.role,
        organisation: user.organisation,
        password_hash,
    };
    let receipt = request.execute(Command::RegisterUser(profile)).await?;
    Ok(HttpResponse::Ok().json(registered(&receipt)?))
}

fn registered(receipt: &Receipt) -> Answer<UserRead> {
    let found = receipt.events.iter().find_map(|(_, event)| match event {
        Event::Identity(IdentityEvent::UserRegistered(event)) => Some(event),
        _ => None,
    });
    let event = found.ok_or_else(|| Problem::internal(&"a registered user left no event"))?;
    Ok(UserRead {
        id: event.user_id,
        name: event.profile.name.clone(),
        email: event.profile.email.clone(),
        role: event.profile.role,
        accounts: None,
        organisation: event.profile.organisation.clone(),
    })
}

/// Remove a user.
///
/// They can no longer sign in, and their e-mail address is free; what they did stays. Refused for the last
/// administrator, and while an open account has no other member.
#[utoipa::path(
    tag = "Users",
    operation_id = "delete_user",
    params(("id" = i64, Path, description = "The user.")),
    responses(
        (status = 200, description = "The user as they were.", body = UserRead),
        (status = 403, description = "sign_in_required"),
        (status = 404, description = "user_not_found"),
        (status = 409, description = "user_last_member, last_administrator"),
        (status = 422, description = "request_invalid, user_removed"),
    ),
)]
#[delete("/user/delete/{id}")]
pub async fn delete_user(
    request: Write<may::ManageUsers>,
    Id(user_id): Id<UserId>,
) -> Answer<HttpResponse> {
    signed_in(&request.caller)?;
    let user_id = request.caller.managed_user(user_id);
    let client = check_replaceable(&request.caller, user_id).await?;
    let user = read::user::by_id(&client, user_id)
        .await?
        .ok_or_else(|| not_found(user_id))?;
    let shown = shown_whole(&request.caller, &client, user).await?;
    request.execute(Command::RemoveUser(user_id)).await?;
    Ok(HttpResponse::Ok().json(shown))
}

/// Checks that every open account has another member than the user, and gives a READ database that shows all that
/// was decided. Membership is a matter of the ledger, users are in a stream of their own.
///
/// # Errors
/// `user_last_member`, or 404 if there is no such user.
pub(super) async fn check_replaceable<C>(caller: &Caller<C>, user_id: UserId) -> Answer<Client> {
    let state = caller.state();
    let all = Positions {
        audit: Position::START,
        ..state.heads().await?
    };
    reached(state.read_progress(), all, state.read_wait()).await?;
    let client = caller.client().await?;
    let user = read::user::by_id(&client, user_id)
        .await?
        .ok_or_else(|| not_found(user_id))?;
    let kept = read::account::only_kept_by(&client, user_id).await?;
    if user.is_deleted || kept.is_empty() {
        return Ok(client);
    }
    let ids: Vec<_> = kept
        .iter()
        .map(|account| account.account_id.to_string())
        .collect();
    Err(Problem::new(
        EdgeCode::UserLastMember,
        format!(
            "User {user_id} is the only member of account {}; add another or close it first",
            ids.join(", ")
        ),
    ))
}
