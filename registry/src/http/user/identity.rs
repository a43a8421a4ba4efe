//! Who users are to other servers.

use crate::http::api_key::signed_in;
use crate::http::problem::{Answer, EdgeCode, Problem};
use crate::http::{Id, Read, Write, may};
use crate::read;
use actix_web::{HttpResponse, delete, get, post};
use ledger::key::identity_digest;
use ledger::{Command, command};
use schemas::api::identity::{IdentityRead, LinkIdentity};
use schemas::event::link::ExternalIdentity;
use schemas::id::UserId;
use uuid::Uuid;

/// List who a user is to other servers.
///
/// Of a user who was removed too: another is linked to the same only once it is unlinked from them.
#[utoipa::path(
    tag = "Users",
    operation_id = "list_identities",
    params(("user_id" = i64, Path, description = "The user.")),
    responses(
        (status = 200, description = "The identities, in the order they were linked.", body = Vec<IdentityRead>),
        (status = 404, description = "user_not_found"),
    ),
)]
#[get("/user/{user_id}/identities")]
pub async fn list_identities(
    read: Read<may::ManageUsers>,
    Id(user_id): Id<UserId>,
) -> Answer<HttpResponse> {
    let user_id = read.managed_user(user_id);
    let client = read.client().await?;
    let user = read::user::by_id(&client, user_id).await?;
    user.ok_or_else(|| super::not_found(user_id))?;
    let identities = read::identity::of_user(&client, user_id).await?;
    Ok(HttpResponse::Ok().json(identities))
}

/// Link a user to who they are to another server.
///
/// Whom that server signs in under this subject is the user from here on. `issuer` must be that of the OpenID
/// provider or of the server that is asked about tokens. Linking again changes nothing.
#[utoipa::path(
    tag = "Users",
    operation_id = "link_identity",
    params(("user_id" = i64, Path, description = "The user.")),
    request_body = LinkIdentity,
    responses(
        (status = 201, description = "The identity.", body = IdentityRead),
        (status = 403, description = "sign_in_required"),
        (status = 404, description = "user_not_found"),
        (status = 409, description = "identity_taken, too_many_identities"),
        (status = 422, description = "request_invalid, user_removed"),
    ),
)]
#[post("/user/{user_id}/identities")]
pub async fn link_identity(
    request: Write<may::ManageUsers, LinkIdentity>,
    Id(user_id): Id<UserId>,
) -> Answer<HttpResponse> {
    signed_in(&request.caller)?;
    let user_id = request.caller.managed_user(user_id);
    let identity = ExternalIdentity {
        issuer: request.body.issuer.clone(),
        subject: request.body.subject.clone(),
    };
    if !request.caller.state().external.knows(&identity.issuer) {
        let rule = "`issuer` must be that of `auth.oidc` or `auth.introspection`";
        return Err(Problem::new(EdgeCode::RequestInvalid, rule).at("/issuer"));
    }
    let link = command::Link {
        user_id,
        identity: identity.clone(),
    };
    let receipt = request.execute(Command::LinkIdentity(link)).await?;
    Ok(HttpResponse::Created().json(IdentityRead {
        id: identity_digest(&identity),
        issuer: identity.issuer,
        subject: identity.subject,
        linked_at: receipt.recorded_at,
    }))
}

/// Unlink a user from who they are to another server.
///
/// Whom that server signs in under this subject is nobody from here on. Sessions that were opened go on:
/// `DELETE /user/{user_id}/sessions` ends them.
#[utoipa::path(
    tag = "Users",
    operation_id = "unlink_identity",
    params(("identity_id" = Uuid, Path, description = "The identity.")),
    responses(
        (status = 204, description = "It is unlinked."),
        (status = 403, description = "sign_in_required"),
        (status = 404, description = "identity_not_found"),
        (status = 422, description = "request_invalid"),
    ),
)]
#[delete("/user/identities/{identity_id}")]
pub async fn unlink_identity(
    request: Write<may::ManageUsers>,
    Id(identity_id): Id<Uuid>,
) -> Answer<HttpResponse> {
    signed_in(&request.caller)?;
    let link = request.caller.linked_identity(identity_id).await?;
    request.execute(Command::UnlinkIdentity(link)).await?;
    Ok(HttpResponse::NoContent().finish())
}
