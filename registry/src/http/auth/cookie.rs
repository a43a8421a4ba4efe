//! Cookies of browsers: scripts can not read them, and other sites do not cause them to be sent.

use crate::http::extract::state;
use actix_web::HttpRequest;
use actix_web::cookie::{Cookie, SameSite, time::Duration};

/// Cookie of a refresh token.
pub const REFRESH_COOKIE: &str = "refresh_token";
/// Where it is sent to, and nowhere else.
pub const REFRESH_PATH: &str = "/auth/refresh";

/// A cookie for every path.
pub fn cookie<'a>(
    http: &HttpRequest,
    name: &'a str,
    value: &'a str,
    lifetime_s: u32,
) -> Cookie<'a> {
    Cookie::build(name, value)
        .path("/")
        .http_only(true)
        .same_site(SameSite::Strict)
        .secure(is_secure(http))
        .max_age(Duration::seconds(lifetime_s.into()))
        .finish()
}

/// Whether cookies are to go over TLS alone: where clients reach the API that way, by the configuration or by what a
/// proxy that ends TLS says of this request (`X-Forwarded-Proto`).
pub fn is_secure(http: &HttpRequest) -> bool {
    http.connection_info().scheme() == "https"
        || state(http).is_ok_and(|state| state.public_url(http).starts_with("https://"))
}

/// The cookie of a refresh token.
pub fn refresh_cookie<'a>(http: &HttpRequest, value: &'a str, lifetime_s: u32) -> Cookie<'a> {
    let mut cookie = cookie(http, REFRESH_COOKIE, value, lifetime_s);
    cookie.set_path(REFRESH_PATH);
    cookie
}
