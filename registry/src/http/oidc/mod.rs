//! Signing in with an OpenID provider.

mod admit;
mod code;
mod finish;
mod start;

use super::auth::{is_secure, public_path};
use super::problem::{Answer, EdgeCode, Problem};
use super::state::State;
use crate::identity::Provider;
use actix_web::HttpRequest;
use actix_web::cookie::{Cookie, SameSite, time::Duration};
use actix_web::web::ServiceConfig;

/// Where the provider sends browsers back to.
const CALLBACK: &str = "/auth/oidc/callback";
/// Cookie of a sign-in that was begun.
const COOKIE: &str = "oidc_sign_in";
/// Where a sign-in begins, as the other pages here name it: a proxy may have put all of them elsewhere.
const START_PAGE: &str = "login";
/// Where the second factor is asked for, likewise.
const CODE_PAGE: &str = "second_factor";
/// The same from the root of the API.
const CODE_PATH: &str = "/auth/oidc/second_factor";
/// Cookie of a sign-in that waits for that.
const CODE_COOKIE: &str = "oidc_second_factor";

/// The routes.
pub fn routes(config: &mut ServiceConfig) {
    config
        .service(start::start_oidc_sign_in)
        .service(finish::finish_oidc_sign_in)
        .service(code::ask_oidc_second_factor)
        .service(code::finish_oidc_second_factor);
}

/// The routes as the OpenAPI document lists them.
#[derive(utoipa::OpenApi)]
#[openapi(paths(
    start::start_oidc_sign_in,
    finish::finish_oidc_sign_in,
    code::ask_oidc_second_factor,
    code::finish_oidc_second_factor,
))]
pub struct Document;

fn provider(state: &State) -> Answer<&Provider> {
    state.external.provider().ok_or_else(|| {
        Problem::new(
            EdgeCode::RouteNotFound,
            "this registry has no OpenID provider (`auth.oidc`)",
        )
    })
}

fn redirect_uri(http: &HttpRequest, state: &State) -> String {
    format!("{}{CALLBACK}", state.public_url(http))
}

/// The browser brings it along when the provider, another site, sends it back: so it can not be `Strict`.
fn cookie<'a>(http: &HttpRequest, value: &'a str, lifetime_s: i64) -> Cookie<'a> {
    Cookie::build(COOKIE, value)
        .path(public_path(http, CALLBACK))
        .http_only(true)
        .same_site(SameSite::Lax)
        .secure(is_secure(http))
        .max_age(Duration::seconds(lifetime_s))
        .finish()
}

/// Sent from the registry's own form alone.
fn code_cookie<'a>(http: &HttpRequest, value: &'a str, lifetime_s: i64) -> Cookie<'a> {
    let mut cookie = cookie(http, value, lifetime_s);
    cookie.set_name(CODE_COOKIE);
    cookie.set_path(public_path(http, CODE_PATH));
    cookie.set_same_site(SameSite::Strict);
    cookie
}
