//! Staying signed in.

use super::cookie::REFRESH_COOKIE;
use super::issue;
use crate::http::extract::{Form, state};
use crate::http::problem::{Answer, Code, EdgeCode, Problem};
use crate::http::state::State;
use crate::identity::{RefreshToken, Via, check_csrf};
use actix_web::{HttpRequest, HttpResponse, post};
use ledger::{Command, Event, command, refusal};
use schemas::api::auth::{LoginResponse, RefreshRequest};
use schemas::event::IdentityEvent;

/// Refresh a session.
///
/// Takes a refresh token for another access token and another refresh token; each is good once. A repeat
/// within seconds is answered alike, as the answer may have been lost; later it ends the session, because
/// somebody has a copy. The token is in the body, or in the cookie `refresh_token`, which needs the header
/// `X-CSRF-Token`.
#[utoipa::path(
    tag = "Sign-in",
    operation_id = "refresh_session",
    request_body(content(
        (RefreshRequest = "application/x-www-form-urlencoded"),
        (RefreshRequest = "application/json"),
    )),
    responses(
        (status = 200, description = "An access token and a refresh token.", body = LoginResponse),
        (status = 401, description = "not_authenticated, refresh_token_invalid"),
        (status = 403, description = "csrf_token_invalid"),
        (status = 413, description = "body_too_large"),
        (status = 415, description = "unsupported_media_type"),
        (status = 422, description = "request_invalid, malformed_body"),
        (status = 503, description = "unavailable, read_lagging, busy"),
    ),
    security(()),
)]
#[post("/auth/refresh")]
pub async fn refresh_session(
    http: HttpRequest,
    Form(given): Form<RefreshRequest>,
) -> Answer<HttpResponse> {
    let state = state(&http)?;
    let (text, by_cookie) = match given.refresh_token {
        Some(text) => (text, false),
        None => (of_cookie(&http)?, true),
    };
    if by_cookie {
        check_csrf(&http, &state.tokens)?;
    }
    let next = refreshed(&http, &state, &text).await?;
    issue::answer(&http, &state, &next, by_cookie).await
}

/// The refresh token that takes the place of the one in a text.
///
/// # Errors
/// `refresh_token_invalid`, or 503.
pub async fn refreshed(http: &HttpRequest, state: &State, text: &str) -> Answer<RefreshToken> {
    let used = state.refresh_key.read(text).ok_or_else(refused)?;
    let next = state.refresh_key.successor(&used);
    let refresh = Command::RefreshSession(command::RefreshSession {
        session_id: used.session_id(),
        used: used.digest(),
        successor: next.digest(),
    });
    let via = Some(Via::Session(used.session_id()));
    let receipt = issue::execute(http, state, used.user_id(), via, refresh)
        .await
        .map_err(over)?;
    let ends = |event: &Event| matches!(event, Event::Identity(IdentityEvent::SessionsEnded(_)));
    if receipt.events.iter().any(|(_, event)| ends(event)) {
        metrics::counter!("refresh_tokens_reused_total").increment(1);
        return Err(refused());
    }
    Ok(next)
}

fn of_cookie(http: &HttpRequest) -> Answer<String> {
    http.cookie(REFRESH_COOKIE)
        .map(|cookie| cookie.value().to_owned())
        .ok_or_else(|| Problem::new(EdgeCode::NotAuthenticated, "Not authenticated"))
}

/// Whatever is the matter with the session, there is nothing for a client to do but sign in.
fn over(problem: Problem) -> Problem {
    use refusal::Code::{SessionNotFound, UserNotFound, UserRemoved};
    match problem.code() {
        Code::Rule(SessionNotFound | UserNotFound | UserRemoved) => refused(),
        _ => problem,
    }
}

fn refused() -> Problem {
    Problem::new(
        EdgeCode::RefreshTokenInvalid,
        "the refresh token is not good, or its session is over",
    )
}
