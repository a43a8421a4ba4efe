//! Invitations are made, listed and taken back.

use crate::gateway::OneTimeCode;
use crate::http::api_key::signed_in;
use crate::http::certificate::foreign_cursor;
use crate::http::listed::listed;
use crate::http::problem::{Answer, Problem};
use crate::http::{Id, Query, Read, Write, may};
use crate::read::cursor::{Page, decode};
use crate::read::organisation;
use actix_web::{HttpResponse, delete, get, post};
use chrono::{SubsecRound, TimeDelta, Utc};
use ledger::key::code_digest;
use ledger::refusal::Code;
use ledger::{Command, Event, command};
use schemas::api::organisation::{
    CreateInvitation, InvitationCreated, InvitationRead, InvitationState,
};
use schemas::api::page::PageQuery;
use schemas::event::IdentityEvent;
use schemas::id::OrganisationId;
use uuid::Uuid;

const LIST: &str = "invitations";

/// Invite into an organisation.
///
/// For who manages it. The code is shown this once, and the registry sends it to nobody: hand it to whom you invite.
/// It is good once, and for as long as the caller might invite so.
#[utoipa::path(
    tag = "Organisations",
    operation_id = "create_invitation",
    params(("organisation_id" = i64, Path, description = "The organisation.")),
    request_body = CreateInvitation,
    responses(
        (status = 201, description = "The invitation.", body = InvitationCreated),
        (status = 403, description = "organisation_access_denied, sign_in_required"),
        (status = 404, description = "organisation_not_found, account_not_found"),
        (status = 409, description = "too_many_invitations, invitation_expired, invitation_used, invitation_void"),
        (status = 422, description = "request_invalid, organisation_closed, role_above_inviter, user_removed"),
    ),
)]
#[post("/organisation/{organisation_id}/invitations")]
pub async fn create_invitation(
    write: Write<may::ManageAccounts, CreateInvitation>,
    Id(named): Id<OrganisationId>,
) -> Answer<HttpResponse> {
    signed_in(&write.caller)?;
    let client = write.caller.client().await?;
    let organisation_id = write.caller.managed_organisation(&client, named).await?;
    let account_ids = write.body.account_ids.clone();
    let foreign = organisation::foreign_accounts(&client, organisation_id, &account_ids).await?;
    if let Some(first) = foreign.first() {
        let problem = Problem::not_found(Code::AccountNotFound, "Account", first);
        let at = account_ids.iter().position(|id| id == first).unwrap_or(0);
        return Err(problem.at(format!("/account_ids/{at}")));
    }
    drop(client);
    let code = match write.origin.idempotency_key() {
        Some(key) => OneTimeCode::of_request(write.caller.state().invitation_secret, key),
        None => OneTimeCode::random(),
    };
    let asked = &write.body;
    let command = Command::IssueInvitation(Box::new(command::IssueInvitation {
        organisation_id,
        invitation_id: Uuid::now_v7(),
        code: code_digest(code.expose()),
        role: asked.role,
        manages: asked.manages,
        account_ids,
        inviter_id: write.caller.user_id,
        // As fine as events and Postgres keep it.
        expires_at: (Utc::now() + TimeDelta::seconds(asked.valid_for_s)).trunc_subsecs(6),
    }));
    let receipt = write.execute(command).await?;
    let issued = receipt
        .events
        .into_iter()
        .find_map(|(_, event)| match event {
            Event::Identity(IdentityEvent::InvitationIssued(issued)) => Some(issued),
            _ => None,
        });
    let issued = issued.ok_or_else(|| Problem::internal(&"a new invitation left no event"))?;
    Ok(HttpResponse::Created().json(InvitationCreated {
        code: code.expose().to_owned(),
        read: InvitationRead {
            invitation_id: issued.invitation_id,
            organisation_id,
            role: issued.role,
            manages: issued.manages,
            account_ids: issued.account_ids,
            inviter_id: issued.inviter_id,
            created_at: receipt.recorded_at,
            expires_at: issued.expires_at,
            state: InvitationState::Open,
            accepted_by: None,
        },
    }))
}

/// List the invitations into an organisation.
///
/// All there ever were, for who manages it, without their codes.
#[utoipa::path(
    tag = "Organisations",
    operation_id = "list_invitations",
    params(("organisation_id" = i64, Path, description = "The organisation."), PageQuery),
    responses(
        (status = 200, description = "A page of the invitations, in the order they were made.", body = Vec<InvitationRead>),
        (status = 403, description = "organisation_access_denied"),
        (status = 404, description = "organisation_not_found"),
    ),
)]
#[get("/organisation/{organisation_id}/invitations")]
pub async fn list_invitations(
    read: Read<may::ManageAccounts>,
    Id(named): Id<OrganisationId>,
    Query(page): Query<PageQuery>,
) -> Answer<HttpResponse> {
    let after: Uuid = match &page.cursor {
        Some(cursor) => decode(LIST, cursor).ok_or_else(|| foreign_cursor("cursor"))?,
        None => Uuid::nil(),
    };
    let client = read.client().await?;
    let id = read.managed_organisation(&client, named).await?;
    let found = organisation::invitations(&client, id, after, page.limit + 1, Utc::now()).await?;
    let page = Page::of(found, page.limit, LIST, |one| one.invitation_id);
    Ok(listed(&page))
}

/// Revoke an invitation.
///
/// For who manages the organisation. Nobody joins with it any more.
#[utoipa::path(
    tag = "Organisations",
    operation_id = "revoke_invitation",
    params(("invitation_id" = Uuid, Path, description = "The invitation.")),
    responses(
        (status = 204, description = "The invitation is good no longer."),
        (status = 403, description = "sign_in_required"),
        (status = 404, description = "invitation_unknown"),
        (status = 409, description = "invitation_used, invitation_revoked"),
    ),
)]
#[delete("/invitation/{invitation_id}")]
pub async fn revoke_invitation(
    write: Write<may::ManageAccounts>,
    Id(named): Id<Uuid>,
) -> Answer<HttpResponse> {
    signed_in(&write.caller)?;
    let client = write.caller.client().await?;
    let code = write.caller.invitation(&client, named).await?.code;
    let command = Command::RevokeInvitation(command::RevokeInvitation { code });
    write.execute(command).await?;
    Ok(HttpResponse::NoContent().finish())
}
