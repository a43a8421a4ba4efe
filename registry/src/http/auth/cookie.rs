//! Cookies of browsers: scripts can not read them, and other sites do not cause them to be sent.

use crate::http::extract::state;
use actix_web::HttpRequest;
use actix_web::cookie::{Cookie, SameSite, time::Duration};
use actix_web::http::uri::Authority;
use std::net::IpAddr;

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

/// Whether cookies are to go over TLS alone: wherever clients reach the API that way, by the configuration or by what
/// a proxy that ends TLS says of this request (`X-Forwarded-Proto`), and where nothing is said of it, unless they are on
/// this machine.
pub fn is_secure(http: &HttpRequest) -> bool {
    let connection = http.connection_info();
    connection.scheme() == "https"
        || configured(http).map_or_else(
            || !is_this_machine(connection.host()),
            |url| url.starts_with("https://"),
        )
}

/// Whether a `Host` names the machine that asks.
fn is_this_machine(host: &str) -> bool {
    let name = host.parse::<Authority>();
    let name = name.as_ref().map_or("", Authority::host);
    let address = name.trim_matches(['[', ']']).parse::<IpAddr>();
    name == "localhost" || address.is_ok_and(|address| address.is_loopback())
}

/// Where clients reach the API, if the configuration says so.
fn configured(http: &HttpRequest) -> Option<String> {
    state(http).ok()?.public_url.clone()
}

/// Where browsers see a path of the API: a proxy may have put it under another (`http.public_url`).
pub fn public_path(http: &HttpRequest, path: &str) -> String {
    let url = configured(http).unwrap_or_default();
    let base = url
        .split_once("://")
        .and_then(|(_, rest)| rest.find('/').map(|at| &rest[at..]))
        .unwrap_or_default();
    format!("{base}{path}")
}

/// The cookie of a refresh token.
pub fn refresh_cookie<'a>(http: &HttpRequest, value: &'a str, lifetime_s: u32) -> Cookie<'a> {
    let mut cookie = cookie(http, REFRESH_COOKIE, value, lifetime_s);
    cookie.set_path(public_path(http, REFRESH_PATH));
    cookie
}
