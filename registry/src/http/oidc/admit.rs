//! Which user somebody is whom the provider signed in, and in which role.

use crate::audit;
use crate::config;
use crate::http::decide::Asked;
use crate::http::position::{Positions, reached};
use crate::http::problem::{Answer, Code, EdgeCode, Problem};
use crate::http::request_id;
use crate::http::state::State;
use crate::identity::{Claimed, Via};
use crate::read;
use crate::sequencer::Receipt;
use actix_web::HttpRequest;
use chrono::{SubsecRound, Utc};
use ledger::key::identity_digest;
use ledger::{Command, Event, Stream, command, refusal};
use schemas::api::field::{Fields, Source};
use schemas::api::user::CreateUser;
use schemas::envelope::Actor;
use schemas::event::IdentityEvent;
use schemas::event::identity::{UserChanges, UserProfile};
use schemas::id::UserId;
use schemas::life_cycle::Role;
use uuid::Uuid;

/// The user who is linked to whom the provider signed in, in the role that follows; where configured, a new one.
///
/// # Errors
/// `external_user_unknown`, `external_role_missing`, or 503.
pub async fn admitted(
    http: &HttpRequest,
    state: &State,
    settings: &config::Oidc,
    claimed: Claimed,
) -> Answer<UserId> {
    let role = match claimed.role {
        Some(None) => return Err(role_missing()),
        Some(role) => role,
        None => None,
    };
    let identity_id = identity_digest(&claimed.identity);
    let authority = state.authority();
    reached(state.read_progress(), authority, state.read_wait()).await?;
    let client = state.read_client().await?;
    let linked = read::identity::user_of(&client, identity_id).await?;
    let Some(user_id) = linked else {
        drop(client);
        let created = create(http, state, settings, claimed, role).await?;
        let user_id = match created {
            Some(user_id) => user_id,
            None => linked_meanwhile(state, identity_id).await?,
        };
        audit::by(&Actor::User(user_id), Some(Via::External(identity_id)));
        return Ok(user_id);
    };
    audit::by(&Actor::User(user_id), Some(Via::External(identity_id)));
    let user = read::principal::by_id(&client, user_id, None).await?;
    drop(client);
    let user = user.ok_or_else(unknown)?;
    if let Some(role) = role.filter(|role| *role != user.role) {
        let update = command::UpdateUser {
            user_id,
            changes: UserChanges {
                role: Some(role),
                ..UserChanges::default()
            },
            session: None,
        };
        decide(http, state, Command::UpdateUser(update)).await?;
    }
    Ok(user_id)
}

/// The user whom another sign-in, at the same time, has just linked.
async fn linked_meanwhile(state: &State, identity_id: Uuid) -> Answer<UserId> {
    let all = Positions::at(Stream::Identity, state.heads().await?.identity);
    reached(state.read_progress(), all, state.read_wait()).await?;
    let linked = read::identity::user_of(&state.read_client().await?, identity_id).await?;
    linked.ok_or_else(unknown)
}

/// A new user; none where somebody has been linked to the identity meanwhile. An address proves nothing but how to
/// reach them: where somebody has it already, it is not linked.
async fn create(
    http: &HttpRequest,
    state: &State,
    settings: &config::Oidc,
    claimed: Claimed,
    role: Option<Role>,
) -> Answer<Option<UserId>> {
    let email = claimed.verified_email.filter(|_| settings.create_users);
    let email = email.ok_or_else(unknown)?;
    let role = role.unwrap_or(settings.default_role);
    let fields = [
        ("name", claimed.name.unwrap_or_else(|| email.clone())),
        ("email", email),
        ("role", role.to_string()),
    ];
    let fields = fields.map(|(name, text)| (name.to_owned(), text));
    let user: CreateUser = Fields::from_pairs(fields, Source::Body)
        .read()
        .map_err(|_| unknown())?;
    let admit = command::AdmitUser {
        profile: UserProfile {
            name: user.name,
            email: user.email,
            role,
            organisation: None,
            password_hash: None,
        },
        identity: claimed.identity,
    };
    let receipt = match decide(http, state, Command::AdmitUser(Box::new(admit))).await {
        Err(problem) => match problem.code() {
            Code::Rule(refusal::Code::IdentityTaken) => return Ok(None),
            Code::Rule(refusal::Code::EmailTaken) => return Err(unknown()),
            _ => return Err(problem),
        },
        Ok(receipt) => receipt,
    };
    let user_id = receipt.events.iter().find_map(|(_, event)| match event {
        Event::Identity(IdentityEvent::UserRegistered(event)) => Some(event.user_id),
        _ => None,
    });
    let user_id = user_id.ok_or_else(|| Problem::internal(&"a registered user left no event"))?;
    Ok(Some(user_id))
}

async fn decide(http: &HttpRequest, state: &State, command: Command) -> Answer<Receipt> {
    let asked = Asked {
        command,
        actor: Actor::System("oidc".to_owned()),
        correlation_id: request_id::of(http),
        requested_at: Utc::now().trunc_subsecs(6),
        idempotency: None,
    };
    Ok(state.decide(asked).await?)
}

fn unknown() -> Problem {
    Problem::new(
        EdgeCode::ExternalUserUnknown,
        "the OpenID provider signed you in, but you are linked to no user of this registry",
    )
}

fn role_missing() -> Problem {
    Problem::new(
        EdgeCode::ExternalRoleMissing,
        "the OpenID provider signed you in, but gave you no role in this registry",
    )
}

/// What came back does not belong to a sign-in that was begun here.
pub fn refused_sign_in() -> Problem {
    metrics::counter!("sign_ins_refused_total").increment(1);
    Problem::new(
        EdgeCode::ExternalSignInFailed,
        "signing in with the OpenID provider did not succeed; begin anew",
    )
}
