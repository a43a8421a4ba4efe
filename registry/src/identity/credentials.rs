//! The credentials of a request.

use super::api_key::ApiKey;
use super::credential::{Credential, Via};
use super::{csrf, token::Tokens};
use crate::http::problem::{Answer, EdgeCode, Problem};
use crate::http::state::State;
use actix_web::HttpRequest;
use actix_web::http::header;

/// Cookie of an access token.
pub const ACCESS_COOKIE: &str = "access_token";

/// The credentials of the request: `Authorization: Bearer`, or the cookie with a CSRF token.
///
/// # Errors
/// 401 if there are none or they are not good, 403 if the CSRF token is missing.
pub async fn credentials(request: &HttpRequest, state: &State) -> Answer<Credential> {
    if let Some(key) = api_key(request) {
        return state.api_keys().credential(key, state).await;
    }
    of_token(request, state.tokens())
}

/// The API key that the request carries, if that is what it carries.
fn api_key(request: &HttpRequest) -> Option<&str> {
    let value = request.headers().get(header::AUTHORIZATION)?;
    let (scheme, key) = value.to_str().ok()?.split_once(' ')?;
    let key = key.trim();
    (scheme.eq_ignore_ascii_case("bearer") && ApiKey::is_meant(key)).then_some(key)
}

fn of_token(request: &HttpRequest, tokens: &Tokens) -> Answer<Credential> {
    if let Some(value) = request.headers().get(header::AUTHORIZATION) {
        let (scheme, token) = value
            .to_str()
            .ok()
            .and_then(|text| text.split_once(' '))
            .ok_or_else(bad)?;
        if !scheme.eq_ignore_ascii_case("bearer") {
            return Err(not_authenticated());
        }
        return credential(tokens, token.trim());
    }
    let cookie = request
        .cookie(ACCESS_COOKIE)
        .ok_or_else(not_authenticated)?;
    let credential = credential(tokens, cookie.value())?;
    csrf::check(request, tokens)?;
    Ok(credential)
}

fn credential(tokens: &Tokens, token: &str) -> Answer<Credential> {
    let (user_id, jti) = tokens.user(token).map_err(|_| bad())?;
    Ok(Credential {
        user_id,
        via: Via::Token(jti),
        restriction: None,
    })
}

fn bad() -> Problem {
    Problem::new(EdgeCode::TokenInvalid, "Could not validate credentials")
}

fn not_authenticated() -> Problem {
    Problem::new(EdgeCode::NotAuthenticated, "Not authenticated")
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use actix_web::cookie::Cookie;
    use actix_web::test::TestRequest;
    use schemas::id::UserId;

    fn tokens() -> Tokens {
        Tokens::new(&[7; 32], "gb", 60)
    }

    fn code(request: &HttpRequest) -> &'static str {
        of_token(request, &tokens()).unwrap_err().code().as_str()
    }

    #[test]
    fn without_credentials_or_with_another_scheme_nobody_is_authenticated() {
        assert_eq!(
            code(&TestRequest::get().to_http_request()),
            "not_authenticated"
        );
        let basic = TestRequest::get().insert_header(("authorization", "Basic eDp5"));
        assert_eq!(code(&basic.to_http_request()), "not_authenticated");
        let bad = TestRequest::get().insert_header(("authorization", "Bearer x.y.z"));
        assert_eq!(code(&bad.to_http_request()), "token_invalid");
    }

    #[test]
    fn a_mutation_with_a_cookie_needs_the_csrf_token_and_one_with_a_bearer_token_does_not() {
        let token = tokens().access(UserId(3)).unwrap();
        let (csrf, session) = tokens().session(60).unwrap();
        let with_cookie = || TestRequest::post().cookie(Cookie::new(ACCESS_COOKIE, token.clone()));
        assert_eq!(code(&with_cookie().to_http_request()), "csrf_token_invalid");
        let complete = with_cookie()
            .cookie(Cookie::new(csrf::SESSION_COOKIE, session))
            .insert_header((csrf::CSRF_HEADER, csrf))
            .to_http_request();
        let user = |request| of_token(request, &tokens()).unwrap().user_id;
        assert_eq!(user(&complete), UserId(3));
        let bearer =
            TestRequest::post().insert_header(("authorization", format!("Bearer {token}")));
        assert_eq!(user(&bearer.to_http_request()), UserId(3));
    }
}
