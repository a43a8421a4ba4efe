//! Access tokens for grants.

use super::client::authenticated;
use super::form::Parameters;
use crate::http::auth::refreshed;
use crate::http::extract::state;
use crate::http::problem::{Answer, Code, EdgeCode, Problem};
use crate::http::state::State;
use actix_web::http::header::CACHE_CONTROL;
use actix_web::{HttpRequest, HttpResponse, post};
use schemas::api::oauth::{TokenRequest, TokenResponse};
use schemas::capability::{Capabilities, Capability};

/// Get an access token.
///
/// For machines, the client-credentials grant (RFC 6749, section 4.4): the client is an API key, its id and
/// its text. The token is short, good for what the key is good for, less where `scope` names less, and no
/// longer than the key: where that is revoked, its tokens are refused as soon as the READ database shows it, mostly
/// within a second. The grant
/// `refresh_token` is that of `POST /auth/refresh`.
#[utoipa::path(
    tag = "API keys",
    operation_id = "create_token",
    request_body(content = TokenRequest, content_type = "application/x-www-form-urlencoded"),
    responses(
        (status = 200, description = "The token.", body = TokenResponse),
        (status = 400, description = "invalid_request, unsupported_grant_type, invalid_scope, invalid_grant"),
        (status = 401, description = "invalid_client"),
        (status = 503, description = "unavailable, read_lagging, busy"),
    ),
    security(()),
)]
#[post("/oauth/token")]
pub async fn create_token(http: HttpRequest, form: Parameters) -> Answer<HttpResponse> {
    let state = state(&http)?;
    let response = match form.required("grant_type")? {
        "client_credentials" => of_client(&http, &state, &form).await?,
        "refresh_token" => of_session(&http, &state, &form).await?,
        _ => {
            return Err(Problem::new(
                EdgeCode::UnsupportedGrantType,
                "`grant_type` must be client_credentials or refresh_token",
            ));
        }
    };
    Ok(HttpResponse::Ok()
        .insert_header((CACHE_CONTROL, "no-store"))
        .json(response))
}

async fn of_client(http: &HttpRequest, state: &State, form: &Parameters) -> Answer<TokenResponse> {
    let (key, principal) = authenticated(http, form, state).await?;
    let scope = match form.get("scope") {
        Some(words) => within(words, principal.capabilities)?,
        None => principal.capabilities,
    };
    let ring = state.signing_keys.to_sign(state).await?;
    let (access_token, expires_in) = state
        .tokens
        .access_of_key(
            &ring,
            (principal.user_id, key.key_id),
            scope,
            key.expires_at,
        )
        .map_err(|error| Problem::internal(&error))?;
    Ok(TokenResponse {
        access_token,
        token_type: "Bearer".to_owned(),
        expires_in,
        scope: Some(scope.to_string()),
        refresh_token: None,
    })
}

async fn of_session(http: &HttpRequest, state: &State, form: &Parameters) -> Answer<TokenResponse> {
    let refresh = refreshed(http, state, form.required("refresh_token")?);
    let refresh = refresh.await.map_err(|problem| match problem.code() {
        Code::Edge(EdgeCode::RefreshTokenInvalid) => {
            Problem::new(EdgeCode::InvalidGrant, problem.detail())
        }
        _ => problem,
    })?;
    let ring = state.signing_keys.to_sign(state).await?;
    let access_token = state
        .tokens
        .access(&ring, refresh.user_id(), refresh.session_id())
        .map_err(|error| Problem::internal(&error))?;
    Ok(TokenResponse {
        access_token,
        token_type: "Bearer".to_owned(),
        expires_in: state.tokens.lifetime_s(),
        scope: None,
        refresh_token: Some(state.refresh_key.write(&refresh)),
    })
}

/// The capabilities named, all of which must be among the client's.
fn within(words: &str, allowed: Capabilities) -> Answer<Capabilities> {
    let refused = |detail| Problem::new(EdgeCode::InvalidScope, detail);
    let mut scope = Capabilities::NONE;
    for word in words.split(' ') {
        let capability = word.parse::<Capability>();
        let capability = capability.ok().filter(|one| allowed.has(*one));
        let capability = capability.ok_or_else(|| {
            refused("`scope` must be words with one space between, each a capability that the API key is good for")
        })?;
        scope = scope.or(Capabilities::of(&[capability]));
    }
    Ok(scope)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_scope_is_within_what_the_key_is_good_for() {
        let allowed = Capabilities::of(&[Capability::Read, Capability::Trade]);
        assert_eq!(within("trade read", allowed).unwrap(), allowed);
        let read = Capabilities::of(&[Capability::Read]);
        assert_eq!(within("read", allowed).unwrap(), read);
        for wrong in [
            "issue",
            "read issue",
            "READ",
            "read  trade",
            " read",
            "steal",
        ] {
            let refused = within(wrong, allowed).unwrap_err();
            assert_eq!(refused.code().as_str(), "invalid_scope", "{wrong}");
        }
    }
}
