//! What somebody who signed in is given.

use super::cookie::{cookie, refresh_cookie};
use crate::audit;
use crate::http::decide::Asked;
use crate::http::problem::{Answer, Problem};
use crate::http::request_id;
use crate::http::state::State;
use crate::identity::{ACCESS_COOKIE, RefreshToken};
use crate::sequencer::Receipt;
use actix_web::http::header;
use actix_web::{HttpRequest, HttpResponse};
use chrono::{SubsecRound, Utc};
use ledger::{Command, command};
use schemas::api::auth::LoginResponse;
use schemas::envelope::{Actor, Via};
use schemas::id::UserId;
use uuid::Uuid;

/// Longest account a program gives of itself that is kept, in characters.
const MAX_CLIENT_CHARS: usize = 200;

/// Opens a session for a user who has proven who they are; returns its first refresh token.
pub async fn open(http: &HttpRequest, state: &State, user_id: UserId) -> Answer<RefreshToken> {
    let token = RefreshToken::first(Uuid::now_v7(), user_id);
    let open = command::OpenSession {
        session_id: token.session_id(),
        user_id,
        refresh: token.digest(),
        lifetime: state.session_lifetime,
        client: client(http),
    };
    let via = Some(Via::Session(token.session_id()));
    execute(http, state, user_id, via, Command::OpenSession(open)).await?;
    Ok(token)
}

/// Has a command of a user decided who has proven who they are, though no access token came with the request.
pub async fn execute(
    http: &HttpRequest,
    state: &State,
    user_id: UserId,
    via: Option<Via>,
    command: Command,
) -> Answer<Receipt> {
    let actor = Actor::User(user_id);
    audit::by(&actor, via);
    let asked = Asked {
        command,
        actor,
        correlation_id: request_id::of(http),
        requested_at: Utc::now().trunc_subsecs(6),
        idempotency: None,
    };
    Ok(state.decide(asked).await?)
}

/// The access token that goes with a refresh token, and both as the answer. As cookies, the refresh token is
/// in its cookie alone.
pub async fn answer(
    http: &HttpRequest,
    state: &State,
    refresh: &RefreshToken,
    as_cookies: bool,
) -> Answer<HttpResponse> {
    let ring = state.signing_keys.to_sign(state).await?;
    let (user_id, session_id) = (refresh.user_id(), refresh.session_id());
    let access_token = state
        .tokens
        .access(&ring, user_id, session_id)
        .map_err(|error| Problem::internal(&error))?;
    let refresh_token = state.refresh_key.write(refresh);
    let expires_in = state.tokens.lifetime_s();
    let mut response = HttpResponse::Ok();
    if as_cookies {
        let lifetime_s = u32::try_from(state.session_lifetime.num_seconds()).unwrap_or(u32::MAX);
        response.cookie(cookie(http, ACCESS_COOKIE, &access_token, expires_in));
        response.cookie(refresh_cookie(http, &refresh_token, lifetime_s));
    }
    Ok(response.json(LoginResponse {
        access_token,
        token_type: "bearer".to_owned(),
        user_id,
        expires_in,
        refresh_token: (!as_cookies).then_some(refresh_token),
        session_id,
    }))
}

/// What the program says of itself.
fn client(http: &HttpRequest) -> Option<String> {
    let text = http.headers().get(header::USER_AGENT)?.to_str().ok()?;
    let text: String = text.trim().chars().take(MAX_CLIENT_CHARS).collect();
    (!text.is_empty()).then_some(text)
}
