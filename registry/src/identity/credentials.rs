//! The credentials of a request.

use super::api_key::ApiKey;
use super::credential::{Credential, Via};
use super::csrf;
use super::token::{TokenError, Tokens, Verified};
use crate::http::problem::{Answer, EdgeCode, Problem};
use crate::http::state::State;
use actix_web::HttpRequest;
use actix_web::http::{StatusCode, header};

/// Cookie of an access token.
pub const ACCESS_COOKIE: &str = "access_token";

/// The credentials of the request: `Authorization: Bearer`, or the cookie with a CSRF token.
///
/// # Errors
/// 401 if there are none or they are not good, 403 if the CSRF token is missing, 503 if the token names a
/// key that can not be looked for at the moment.
pub async fn credentials(request: &HttpRequest, state: &State) -> Answer<Credential> {
    let given = Given::of(request)?;
    let credential = of_token(&given.token, state).await?;
    given.check(request, state.tokens())?;
    Ok(credential)
}

/// What a token stands for: the registry's own, or one of another server that says who somebody is here.
///
/// # Errors
/// 401 if it is not good, 503 if that can not be found out.
async fn of_token(token: &str, state: &State) -> Answer<Credential> {
    match of_own_token(token, state).await {
        // A mistyped key is nobody else's business, nor is a refresh token.
        Err(problem)
            if problem.code().status() == StatusCode::UNAUTHORIZED
                && !ApiKey::is_meant(token)
                && state.refresh_key().read(token).is_none() =>
        {
            state.external().credential(token, state).await
        }
        other => other,
    }
}

/// What a token of the registry stands for: an API key, or an access token of a session or of a key.
///
/// # Errors
/// 401 if it is not good, 503 if that can not be found out.
pub async fn of_own_token(token: &str, state: &State) -> Answer<Credential> {
    if ApiKey::is_meant(token) {
        let key = state.api_keys().by_text(token, state).await?;
        return Ok(key.credential.clone());
    }
    let verified = verified(token, state).await?;
    let credential = match verified.via {
        Via::Session(_) => Credential {
            user_id: verified.user_id,
            via: verified.via,
            restriction: None,
        },
        // No token of ours names another server's.
        Via::External(_) => return Err(bad()),
        Via::ApiKey(key_id) => {
            let key = state.api_keys().by_id(key_id, state).await?;
            key.credential.clone()
        }
    };
    Ok(match verified.scope {
        Some(scope) => credential.within(scope),
        None => credential,
    })
}

/// Who holds an access token of this registry.
///
/// # Errors
/// As [`of_own_token`].
pub async fn verified(token: &str, state: &State) -> Answer<Verified> {
    let (keys, tokens) = (state.signing_keys(), state.tokens());
    let mut verified = tokens.verify(&keys.ring(), token);
    if matches!(verified, Err(TokenError::UnknownKey)) {
        keys.look(state).await?;
        verified = tokens.verify(&keys.ring(), token);
    }
    verified.map_err(|_| bad())
}

/// A token, and how it came.
struct Given {
    token: String,
    by_cookie: bool,
}

impl Given {
    fn of(request: &HttpRequest) -> Answer<Self> {
        let Some(value) = request.headers().get(header::AUTHORIZATION) else {
            let cookie = request
                .cookie(ACCESS_COOKIE)
                .ok_or_else(not_authenticated)?;
            return Ok(Self {
                token: cookie.value().to_owned(),
                by_cookie: true,
            });
        };
        let (scheme, token) = value
            .to_str()
            .ok()
            .and_then(|text| text.split_once(' '))
            .ok_or_else(bad)?;
        if !scheme.eq_ignore_ascii_case("bearer") {
            return Err(not_authenticated());
        }
        Ok(Self {
            token: token.trim().to_owned(),
            by_cookie: false,
        })
    }

    /// That a mutation which came with a cookie repeats the CSRF token.
    fn check(&self, request: &HttpRequest, tokens: &Tokens) -> Answer<()> {
        match self.by_cookie {
            true => csrf::check(request, tokens),
            false => Ok(()),
        }
    }
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
    use super::super::key_ring::tests::ring_of;
    use super::super::master::Master;
    use super::*;
    use actix_web::cookie::Cookie;
    use actix_web::test::TestRequest;
    use schemas::id::UserId;
    use uuid::Uuid;

    fn tokens() -> Tokens {
        Tokens::new(&Master::new(&[7; 32]), "gb", 60)
    }

    fn read(request: &HttpRequest) -> Answer<Verified> {
        let given = Given::of(request)?;
        let verified = tokens().verify(&ring_of([3; 32]), &given.token);
        let verified = verified.map_err(|_| bad())?;
        given.check(request, &tokens())?;
        Ok(verified)
    }

    fn code(request: &HttpRequest) -> &'static str {
        read(request).unwrap_err().code().as_str()
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
        let session_id = Uuid::from_u128(9);
        let token = tokens().access(&ring_of([3; 32]), UserId(3), session_id);
        let token = token.unwrap();
        let (csrf, session) = tokens().session(60).unwrap();
        let with_cookie = || TestRequest::post().cookie(Cookie::new(ACCESS_COOKIE, token.clone()));
        assert_eq!(code(&with_cookie().to_http_request()), "csrf_token_invalid");
        let complete = with_cookie()
            .cookie(Cookie::new(csrf::SESSION_COOKIE, session))
            .insert_header((csrf::CSRF_HEADER, csrf))
            .to_http_request();
        let verified = read(&complete).unwrap();
        assert_eq!(verified.user_id, UserId(3));
        assert_eq!(verified.via, Via::Session(session_id));
        let bearer =
            TestRequest::post().insert_header(("authorization", format!("Bearer {token}")));
        assert_eq!(read(&bearer.to_http_request()).unwrap(), verified);
    }
}
