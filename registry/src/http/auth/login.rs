//! Signing in.

use super::issue;
use crate::http::extract::{Form, Query, state};
use crate::http::position::reached;
use crate::http::problem::{Answer, EdgeCode, Problem};
use crate::http::state::State;
use crate::read;
use actix_web::{HttpRequest, HttpResponse, post};
use schemas::api::auth::{LoginQuery, LoginRequest, LoginResponse};
use schemas::id::UserId;

/// Sign in.
///
/// A wrong address and a wrong password are answered alike. The access token goes into the header
/// `Authorization: Bearer`; when it expires, `POST /auth/refresh` takes the refresh token for another.
#[utoipa::path(
    tag = "Sign-in",
    operation_id = "login",
    params(LoginQuery),
    request_body(content(
        (LoginRequest = "application/x-www-form-urlencoded"),
        (LoginRequest = "application/json"),
    )),
    responses(
        (status = 200, description = "An access token and a refresh token.", body = LoginResponse),
        (status = 401, description = "login_failed"),
        (status = 413, description = "body_too_large"),
        (status = 415, description = "unsupported_media_type"),
        (status = 422, description = "request_invalid, malformed_body"),
        (status = 503, description = "unavailable, read_lagging, busy"),
    ),
    security(()),
)]
#[post("/auth/login")]
pub async fn login(
    http: HttpRequest,
    Query(wanted): Query<LoginQuery>,
    Form(given): Form<LoginRequest>,
) -> Answer<HttpResponse> {
    let state = state(&http)?;
    let user_id = proven(&state, given).await?;
    let token = issue::open(&http, &state, user_id).await?;
    issue::answer(&http, &state, &token, wanted.cookie).await
}

/// The user whose address and password these are.
async fn proven(state: &State, given: LoginRequest) -> Answer<UserId> {
    let authority = state.authority();
    reached(state.read_progress(), authority, state.read_wait()).await?;
    let client = state.read_client().await?;
    let user = read::principal::by_email(&client, &given.username).await?;
    drop(client);
    let (user_id, stored) = match user {
        Some(user) => (Some(user.user_id), user.password_hash),
        None => (None, None),
    };
    let is_right = state.passwords.verify(given.password, stored).await;
    user_id
        .filter(|_| matches!(is_right, Ok(true)))
        .ok_or_else(|| {
            metrics::counter!("sign_ins_refused_total").increment(1);
            Problem::new(
                EdgeCode::LoginFailed,
                "no user has this e-mail address and password",
            )
        })
}
