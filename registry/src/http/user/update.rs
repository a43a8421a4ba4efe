//! Users change.

use super::{existing, not_found, proven, proven_if_any, shown_whole};
use crate::http::api_key::signed_in;
use crate::http::extract::May;
use crate::http::limit::Chooser;
use crate::http::problem::{Answer, EdgeCode, Problem};
use crate::http::{Caller, Id, Query, Write, may};
use crate::identity::Via;
use crate::read;
use crate::sequencer::Receipt;
use actix_web::{HttpResponse, patch, post};
use ledger::{Command, Event, command};
use read::user::UserRow;
use schemas::api::user::{ChangePassword, ChangeRoleQuery, UpdateUser, UserRead};
use schemas::capability::Capability;
use schemas::event::IdentityEvent;
use schemas::event::identity::UserChanges;
use schemas::id::UserId;

/// Update a user.
///
/// Oneself, signed in; administrators may update everybody. To change one's own password or e-mail address, send the
/// current password.
#[utoipa::path(
    tag = "Users",
    operation_id = "update_user",
    params(("user_id" = i64, Path, description = "The user.")),
    request_body = UpdateUser,
    responses(
        (status = 200, description = "The user as they are now.", body = UserRead),
        (status = 403, description = "other_user, sign_in_required"),
        (status = 404, description = "user_not_found"),
        (status = 422, description = "request_invalid, email_taken, role_change_elsewhere, current_password_wrong, password_breached, password_weak, user_removed"),
    ),
)]
#[patch("/user/update/{user_id}")]
pub async fn update_user(
    request: Write<may::ManageSelf, UpdateUser>,
    Id(user_id): Id<UserId>,
) -> Answer<HttpResponse> {
    let user_id = request.caller.own_user(user_id)?;
    if request.body.role.is_some() {
        return Err(Problem::new(
            EdgeCode::RoleChangeElsewhere,
            format!("an administrator changes a role with /user/change_role/{user_id}"),
        )
        .at("/role"));
    }
    signed_in(&request.caller)?;
    let user = existing(&request.caller.client().await?, user_id).await?;
    let current = request.body.current_password.clone();
    let chooses_address = is_new(request.body.email.as_deref(), &user.email);
    let password_hash = match request.body.password.clone() {
        Some(password) => Some(new_password(&request.caller, &user, password, current).await?),
        None => {
            if user_id == request.caller.user_id && chooses_address {
                let current = current.as_deref();
                proven_if_any(&request.caller, current, "/current_password")
                    .await?
                    .right()?;
            }
            None
        }
    };
    let changes = UserChanges {
        password_hash,
        name: request.body.name.clone(),
        email: request.body.email.clone(),
        role: None,
        organisation: request.body.organisation.clone(),
    };
    let caller = &request.caller;
    let change = changed(&request, user, changes);
    if !chooses_address || caller.may(Capability::ManageUsers) {
        return change.await;
    }
    let guesses = &caller.state().guesses;
    let chooser = Chooser::User(caller.user_id);
    guesses.at_address(chooser, change).await
}

/// Whether an address is given that is not the one so far: who has it signs in with it.
fn is_new(given: Option<&str>, before: &str) -> bool {
    given.is_some_and(|email| email != before)
}

/// The hash of a new password, once the current one is proven where it is the caller's own.
async fn new_password<C>(
    caller: &Caller<C>,
    user: &UserRow,
    password: String,
    current: Option<String>,
) -> Answer<String> {
    let passwords = &caller.state().passwords;
    if caller.user_id == user.user_id {
        let current = current.unwrap_or_default();
        proven(caller, &current, "/current_password")
            .await?
            .right()?;
    }
    let about = vec![user.name.clone(), user.email.clone()];
    Ok(passwords.choose(password, about).await?)
}

/// Change one's own password.
///
/// Ends every other session of the caller. API keys go on: `DELETE /api_keys/{key_id}` revokes one.
#[utoipa::path(
    tag = "Users",
    operation_id = "change_my_password",
    request_body = ChangePassword,
    responses(
        (status = 204, description = "The new password holds."),
        (status = 403, description = "sign_in_required"),
        (status = 422, description = "request_invalid, current_password_wrong, password_breached, password_weak, user_removed"),
    ),
)]
#[post("/user/me/password")]
pub async fn change_my_password(
    request: Write<may::ManageSelf, ChangePassword>,
) -> Answer<HttpResponse> {
    signed_in(&request.caller)?;
    let user = existing(&request.caller.client().await?, request.caller.user_id).await?;
    let given = request.body.clone();
    let current = Some(given.current_password);
    let hash = new_password(&request.caller, &user, given.password, current).await?;
    let changes = UserChanges {
        password_hash: Some(hash),
        ..UserChanges::default()
    };
    record(&request, user.user_id, changes).await?;
    Ok(HttpResponse::NoContent().finish())
}

/// Change the role of a user.
///
/// Refused where nobody else administrates the registry and they would no longer.
#[utoipa::path(
    tag = "Users",
    operation_id = "change_role",
    params(("user_id" = i64, Path, description = "The user."), ChangeRoleQuery),
    responses(
        (status = 200, description = "The user as they are now.", body = UserRead),
        (status = 403, description = "sign_in_required"),
        (status = 404, description = "user_not_found"),
        (status = 409, description = "last_administrator"),
        (status = 422, description = "request_invalid, user_removed"),
    ),
)]
#[post("/user/change_role/{user_id}")]
pub async fn change_role(
    request: Write<may::ManageUsers>,
    Id(user_id): Id<UserId>,
    Query(wanted): Query<ChangeRoleQuery>,
) -> Answer<HttpResponse> {
    signed_in(&request.caller)?;
    let user_id = request.caller.managed_user(user_id);
    let user = existing(&request.caller.client().await?, user_id).await?;
    let changes = UserChanges {
        role: Some(wanted.role),
        ..UserChanges::default()
    };
    changed(&request, user, changes).await
}

/// Has the changes recorded and answers with the user as the event leaves them.
async fn changed<C: May, T>(
    request: &Write<C, T>,
    user: UserRow,
    changes: UserChanges,
) -> Answer<HttpResponse> {
    let user_id = user.user_id;
    let receipt = record(request, user_id, changes).await?;
    let user = recorded(&receipt, user).ok_or_else(|| not_found(user_id))?;
    let client = request.caller.client().await?;
    Ok(HttpResponse::Ok().json(shown_whole(&request.caller, &client, user).await?))
}

async fn record<C: May, T>(
    request: &Write<C, T>,
    user_id: UserId,
    changes: UserChanges,
) -> Answer<Receipt> {
    // Whoever else is signed in as the user may be why the password changed.
    let session = match request.caller.via() {
        Via::Session(session_id) if request.caller.user_id == user_id => Some(session_id),
        _ => None,
    };
    let command = command::UpdateUser {
        user_id,
        changes,
        session,
    };
    request.execute(Command::UpdateUser(command)).await
}

fn recorded(receipt: &Receipt, before: UserRow) -> Option<UserRow> {
    let changes = receipt.events.iter().find_map(|(_, event)| match event {
        Event::Identity(IdentityEvent::UserUpdated(event)) => Some(event.changes.clone()),
        _ => None,
    })?;
    Some(UserRow {
        name: changes.name.unwrap_or(before.name),
        email: changes.email.unwrap_or(before.email),
        role: changes.role.unwrap_or(before.role),
        organisation: match before.organisation_id {
            Some(_) => before.organisation.clone(),
            None => changes.organisation.or(before.organisation.clone()),
        },
        ..before
    })
}
