//! Users change.

use super::{existing, not_found, shown_whole};
use crate::http::extract::May;
use crate::http::problem::{Answer, EdgeCode, Problem};
use crate::http::{Id, Query, Write, may};
use crate::identity::Via;
use crate::read;
use crate::sequencer::Receipt;
use actix_web::{HttpResponse, patch, post};
use ledger::{Command, Event, command};
use read::user::UserRow;
use schemas::api::user::{ChangeRoleQuery, UpdateUser, UserRead};
use schemas::event::IdentityEvent;
use schemas::event::identity::UserChanges;
use schemas::id::UserId;

/// Update a user.
///
/// Oneself; administrators may update everybody. To change one's own password, send the current one.
#[utoipa::path(
    tag = "Users",
    operation_id = "update_user",
    params(("user_id" = i64, Path, description = "The user.")),
    request_body = UpdateUser,
    responses(
        (status = 200, description = "The user as they are now.", body = UserRead),
        (status = 403, description = "other_user"),
        (status = 404, description = "user_not_found"),
        (status = 422, description = "request_invalid, email_taken, role_change_elsewhere, current_password_wrong, user_removed"),
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
    let user = existing(&request.caller.client().await?, user_id).await?;
    let changes = UserChanges {
        password_hash: new_password(&request, user_id).await?,
        name: request.body.name.clone(),
        email: request.body.email.clone(),
        role: None,
        organisation: request.body.organisation.clone(),
    };
    changed(&request, user, changes).await
}

/// The hash of a new password, once the current one is proven where it has to be.
async fn new_password(
    request: &Write<may::ManageSelf, UpdateUser>,
    user_id: UserId,
) -> Answer<Option<String>> {
    let Some(password) = request.body.password.clone() else {
        return Ok(None);
    };
    let passwords = &request.caller.state().passwords;
    let failed = |error| Problem::internal(&error);
    if request.caller.user_id == user_id {
        let client = request.caller.client().await?;
        let stored = read::principal::secret_by_id(&client, user_id)
            .await?
            .and_then(|credentials| credentials.password_hash);
        let given = request.body.current_password.clone().unwrap_or_default();
        if !passwords.verify(given, stored).await.map_err(failed)? {
            return Err(Problem::new(
                EdgeCode::CurrentPasswordWrong,
                "to change your password, send the one you have as `current_password`",
            )
            .at("/current_password"));
        }
    }
    passwords.hash(password).await.map(Some).map_err(failed)
}

/// Change the role of a user.
#[utoipa::path(
    tag = "Users",
    operation_id = "change_role",
    params(("user_id" = i64, Path, description = "The user."), ChangeRoleQuery),
    responses(
        (status = 200, description = "The user as they are now.", body = UserRead),
        (status = 404, description = "user_not_found"),
        (status = 422, description = "request_invalid, user_removed"),
    ),
)]
#[post("/user/change_role/{user_id}")]
pub async fn change_role(
    request: Write<may::ManageUsers>,
    Id(user_id): Id<UserId>,
    Query(wanted): Query<ChangeRoleQuery>,
) -> Answer<HttpResponse> {
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
    let receipt = request.execute(Command::UpdateUser(command)).await?;
    let user = recorded(&receipt, user).ok_or_else(|| not_found(user_id))?;
    let client = request.caller.client().await?;
    Ok(HttpResponse::Ok().json(shown_whole(&client, user).await?))
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
        organisation: changes.organisation.or(before.organisation),
        ..before
    })
}
