//! Cross-site request forgery: only browsers send cookies by themselves, so only mutations that come
//! with one must repeat a token that another site can not read.

use super::token::Tokens;
use crate::http::problem::{Answer, EdgeCode, Problem};
use actix_web::HttpRequest;

/// Cookie of the session that a CSRF token belongs to.
pub const SESSION_COOKIE: &str = "session";
/// Header that repeats the token.
pub const CSRF_HEADER: &str = "X-CSRF-Token";
/// Seconds that a CSRF token is good for: two weeks, as in the contract.
pub const SESSION_S: u32 = 1_209_600;

/// Checks the token of a cookie-authenticated request; methods that change nothing need none.
pub fn check(request: &HttpRequest, tokens: &Tokens) -> Answer<()> {
    if request.method().is_safe() {
        return Ok(());
    }
    let expected = request
        .cookie(SESSION_COOKIE)
        .and_then(|session| tokens.csrf(session.value()).ok());
    let given = request
        .headers()
        .get(CSRF_HEADER)
        .and_then(|token| token.to_str().ok());
    match (expected, given) {
        (Some(expected), Some(given)) if expected == given => Ok(()),
        _ => Err(Problem::new(
            EdgeCode::CsrfTokenInvalid,
            "CSRF token missing or invalid",
        )),
    }
}
