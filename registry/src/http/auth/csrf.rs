//! The token that mutations with a cookie repeat.

use super::cookie::cookie;
use crate::http::extract::state;
use crate::http::problem::{Answer, Problem};
use crate::identity::{SESSION_COOKIE, SESSION_S};
use actix_web::{HttpRequest, HttpResponse, get};
use schemas::api::auth::CsrfToken;

/// Get a CSRF token.
///
/// Mutations that are authenticated by the cookie `access_token` repeat it in the header `X-CSRF-Token`;
/// those with a bearer token need none.
#[utoipa::path(
    tag = "Sign-in",
    operation_id = "get_csrf_token",
    responses((status = 200, description = "The token; its session is set as a cookie.", body = CsrfToken)),
    security(()),
)]
#[get("/csrf-token")]
pub async fn get_csrf_token(http: HttpRequest) -> Answer<HttpResponse> {
    let (csrf_token, session) = state(&http)?
        .tokens
        .session(SESSION_S)
        .map_err(|error| Problem::internal(&error))?;
    Ok(HttpResponse::Ok()
        .cookie(cookie(&http, SESSION_COOKIE, &session, SESSION_S))
        .json(CsrfToken { csrf_token }))
}
