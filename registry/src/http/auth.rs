//! Signing in.

use super::extract::{Form, Query, state};
use super::position::reached;
use super::problem::{Answer, EdgeCode, Problem};
use crate::audit;
use crate::identity::{ACCESS_COOKIE, SESSION_COOKIE, SESSION_S};
use crate::read;
use actix_web::cookie::{Cookie, SameSite, time::Duration};
use actix_web::web::ServiceConfig;
use actix_web::{HttpRequest, HttpResponse, get, post};
use schemas::api::auth::{CsrfToken, LoginQuery, LoginRequest, LoginResponse};
use schemas::envelope::Actor;

/// The routes.
pub fn routes(config: &mut ServiceConfig) {
    config.service(login).service(get_csrf_token);
}

/// The routes as the OpenAPI document lists them.
#[derive(utoipa::OpenApi)]
#[openapi(paths(login, get_csrf_token))]
pub struct Document;

/// Sign in.
///
/// A wrong address and a wrong password are answered alike. The token goes into the header
/// `Authorization: Bearer`.
#[utoipa::path(
    tag = "Sign-in",
    operation_id = "login",
    params(LoginQuery),
    request_body(content(
        (LoginRequest = "application/x-www-form-urlencoded"),
        (LoginRequest = "application/json"),
    )),
    responses(
        (status = 200, description = "An access token.", body = LoginResponse),
        (status = 401, description = "login_failed"),
        (status = 413, description = "body_too_large"),
        (status = 415, description = "unsupported_media_type"),
        (status = 422, description = "request_invalid, malformed_body"),
        (status = 503, description = "unavailable, read_lagging"),
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
    let authority = state.authority();
    reached(state.read_progress(), authority, state.read_wait()).await?;
    let client = state.read_client().await?;
    let user = read::principal::by_email(&client, &given.username).await?;
    drop(client);
    let (user_id, stored) = match user {
        Some(user) => (Some(user.user_id), user.password_hash),
        None => (None, None),
    };
    let proven = state.passwords.verify(given.password, stored).await;
    let user_id = user_id
        .filter(|_| matches!(proven, Ok(true)))
        .ok_or_else(|| {
            metrics::counter!("sign_ins_refused_total").increment(1);
            Problem::new(
                EdgeCode::LoginFailed,
                "no user has this e-mail address and password",
            )
        })?;
    audit::by(&Actor::User(user_id), None);
    let token = state
        .tokens
        .access(user_id)
        .map_err(|error| Problem::internal(&error))?;
    let mut response = HttpResponse::Ok();
    if wanted.cookie {
        response.cookie(cookie(
            &http,
            ACCESS_COOKIE,
            &token,
            state.tokens.lifetime_s(),
        ));
    }
    Ok(response.json(LoginResponse {
        access_token: token,
        token_type: "bearer".to_owned(),
        user_id,
        expires_in: state.tokens.lifetime_s(),
    }))
}

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

/// A cookie that scripts can not read and other sites do not cause to be sent.
fn cookie<'a>(http: &HttpRequest, name: &'a str, value: &'a str, lifetime_s: u32) -> Cookie<'a> {
    Cookie::build(name, value)
        .path("/")
        .http_only(true)
        .same_site(SameSite::Strict)
        // Behind a proxy that ends TLS, its X-Forwarded-Proto counts.
        .secure(http.connection_info().scheme() == "https")
        .max_age(Duration::seconds(lifetime_s.into()))
        .finish()
}
