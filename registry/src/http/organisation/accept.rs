//! Invitations are accepted: by who is registered that way, and by who has a user.

use crate::audit;
use crate::http::api_key::signed_in;
use crate::http::extract::state;
use crate::http::gateway::origin::Origin;
use crate::http::limit::Chooser;
use crate::http::position::{Positions, reached};
use crate::http::problem::{Answer, Problem};
use crate::http::state::State;
use crate::http::{Json, Write, may};
use crate::read::organisation::invitation_by_code;
use crate::sequencer::Receipt;
use actix_web::{HttpMessage, HttpRequest, HttpResponse, post};
use chrono::Utc;
use ledger::command::{self, Guest};
use ledger::key::code_digest;
use ledger::refusal::Code;
use ledger::{Command, Event, Stream};
use schemas::api::organisation::{
    AcceptInvitation, InvitationRead, JoinOrganisation, OrganisationJoined,
};
use schemas::envelope::Actor;
use schemas::event::IdentityEvent;
use schemas::event::identity::UserProfile;
use schemas::event::organisation::InvitationAccepted;
use schemas::id::{AccountId, OrganisationId, UserId};
use uuid::Uuid;

/// Register by an invitation.
///
/// Whoever has the code becomes a user of the organisation, with the role of the invitation, and can sign in from then
/// on. Of two at the same time one does.
#[utoipa::path(
    tag = "Organisations",
    operation_id = "accept_invitation",
    request_body = AcceptInvitation,
    responses(
        (status = 201, description = "Who joined what.", body = OrganisationJoined),
        (status = 404, description = "invitation_unknown"),
        (status = 409, description = "invitation_expired, invitation_used, invitation_revoked, invitation_void"),
        (status = 422, description = "request_invalid, password_breached, password_weak, email_taken, organisation_closed"),
        (status = 503, description = "unavailable, read_lagging"),
    ),
    security(()),
)]
#[post("/invitation/accept")]
pub async fn accept_invitation(
    request: HttpRequest,
    Json(asked): Json<AcceptInvitation>,
) -> Answer<HttpResponse> {
    let state = state(&request)?;
    let code = code_digest(&asked.code);
    let invitation = invitation_of(&state, code).await?;
    let about = vec![asked.name.clone(), asked.email.clone()];
    let password_hash = state.passwords.choose(asked.password, about).await?;
    let guest = Guest::New(UserProfile {
        name: asked.name,
        email: asked.email,
        // The invitation's counts.
        role: schemas::life_cycle::Role::Audit,
        organisation: None,
        password_hash: Some(password_hash),
    });
    let origin = Origin::of(&request);
    let actor = Actor::System("invitation".to_owned());
    let joins = async {
        let joins = accept(code, guest);
        Ok(origin.execute(&state, actor.clone(), joins).await?)
    };
    let chooser = Chooser::Guest(invitation.organisation_id);
    let receipt = state.guesses.at_address(chooser, joins).await?;
    let accepted = accepted(&receipt)?;
    // Where they ask from is theirs, and goes with them.
    audit::by(&Actor::User(accepted.user_id), None);
    let accounts = invitation.account_ids;
    let joined = join(&state, &origin, &actor, &accepted, accounts).await;
    reflects(&request, &state, &receipt);
    Ok(HttpResponse::Created().json(joined))
}

/// Join an organisation by an invitation.
///
/// As the user who is signed in, whose role stays as it is. Nobody belongs to two organisations.
#[utoipa::path(
    tag = "Organisations",
    operation_id = "join_organisation",
    request_body = JoinOrganisation,
    responses(
        (status = 200, description = "Who joined what.", body = OrganisationJoined),
        (status = 403, description = "sign_in_required"),
        (status = 404, description = "invitation_unknown"),
        (status = 409, description = "invitation_expired, invitation_used, invitation_revoked, invitation_void, user_in_organisation"),
        (status = 422, description = "request_invalid, organisation_closed, user_removed"),
    ),
)]
#[post("/invitation/join")]
pub async fn join_organisation(
    request: HttpRequest,
    write: Write<may::ManageSelf, JoinOrganisation>,
) -> Answer<HttpResponse> {
    signed_in(&write.caller)?;
    let state = write.caller.state();
    let code = code_digest(&write.body.code);
    let accounts = invitation_of(state, code).await?.account_ids;
    let guest = Guest::Known(write.caller.user_id);
    let receipt = write.execute(accept(code, guest)).await?;
    let accepted = accepted(&receipt)?;
    let actor = Actor::User(write.caller.user_id);
    let origin = Origin::of(&request);
    let joined = join(state, &origin, &actor, &accepted, accounts).await;
    Ok(HttpResponse::Ok().json(joined))
}

fn accept(code: Uuid, guest: Guest) -> Command {
    Command::AcceptInvitation(Box::new(command::AcceptInvitation { code, guest }))
}

/// The invitation. What there is none of is refused before a password is hashed for it.
async fn invitation_of(state: &State, code: Uuid) -> Answer<InvitationRead> {
    reached(state.read_progress(), state.authority(), state.read_wait()).await?;
    let found = invitation_by_code(&state.read_client().await?, code, Utc::now()).await?;
    found.map(|invitation| invitation.read).ok_or_else(|| {
        Problem::new(Code::InvitationUnknown, "there is no such invitation").at("/code")
    })
}

fn accepted(receipt: &Receipt) -> Answer<InvitationAccepted> {
    let found = receipt.events.iter().find_map(|(_, event)| match event {
        Event::Identity(IdentityEvent::InvitationAccepted(accepted)) => Some(accepted.clone()),
        _ => None,
    });
    found.ok_or_else(|| Problem::internal(&"an accepted invitation left no event"))
}

/// Makes who joined a member of the invitation's accounts. Those are in the ledger's stream, so they follow one by one;
/// one that is closed, held or another's by now is left out, and so is what can not be written: who manages the
/// organisation can take them in later.
async fn join(
    state: &State,
    origin: &Origin,
    actor: &Actor,
    accepted: &InvitationAccepted,
    accounts: Vec<AccountId>,
) -> OrganisationJoined {
    let mut joined = Vec::new();
    for account_id in accounts {
        let command = take_in(account_id, accepted.organisation_id, accepted.user_id);
        match origin.follow(state, actor.clone(), command).await {
            Ok(receipt) => {
                let user_id = Some(accepted.user_id);
                state.written.note(user_id, Stream::Ledger, &receipt);
                joined.push(account_id);
            }
            Err(error) => {
                tracing::warn!(%account_id, %error, "who joined an organisation is no member of its account");
            }
        }
    }
    OrganisationJoined {
        organisation_id: accepted.organisation_id,
        user_id: accepted.user_id,
        manages: accepted.manages,
        account_ids: joined,
    }
}

fn take_in(account_id: AccountId, organisation_id: OrganisationId, user_id: UserId) -> Command {
    Command::ChangeMembers(command::ChangeMembers {
        account_id,
        organisation_id,
        add: vec![user_id],
        remove: Vec::new(),
    })
}

/// Has the answer say that it reflects the stream of users up to here.
fn reflects(request: &HttpRequest, state: &State, receipt: &Receipt) {
    let at = Positions::at(Stream::Identity, receipt.position);
    let at = Positions::of(state.read_progress()).max(at);
    request.extensions_mut().insert(at);
}
