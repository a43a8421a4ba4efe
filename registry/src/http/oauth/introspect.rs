//! Questions of others about our tokens.

use super::client::authenticated;
use super::form::Parameters;
use crate::audit::Note;
use crate::http::extract::state;
use crate::http::problem::{Answer, Code, EdgeCode};
use crate::http::request_id;
use crate::http::state::State;
use crate::identity::{ApiKey, Via, of_own_token, verified};
use actix_web::http::StatusCode;
use actix_web::http::header::CACHE_CONTROL;
use actix_web::{HttpRequest, HttpResponse, post};
use schemas::api::oauth::{IntrospectionRequest, IntrospectionResponse};

/// Ask what a token is good for.
///
/// Token introspection (RFC 7662) for services that take tokens of this registry: they prove who they are by an
/// API key of their own, any will do, since who holds a token could ask with it anyway. Of an access token or
/// an API key that is good now it tells whose it is and what it is good for; of anything else only that it is
/// not `active`.
#[utoipa::path(
    tag = "API keys",
    operation_id = "introspect_token",
    request_body(content = IntrospectionRequest, content_type = "application/x-www-form-urlencoded"),
    responses(
        (status = 200, description = "What it is good for.", body = IntrospectionResponse),
        (status = 400, description = "invalid_request"),
        (status = 401, description = "invalid_client"),
        (status = 503, description = "unavailable, read_lagging"),
    ),
    security(()),
)]
#[post("/oauth/introspect")]
pub async fn introspect_token(http: HttpRequest, form: Parameters) -> Answer<HttpResponse> {
    let state = state(&http)?;
    check_client(&http, &form, &state).await?;
    let token = form.required("token")?;
    let told = match told(token, &state).await {
        Err(problem) if problem.code().status() == StatusCode::UNAUTHORIZED => {
            IntrospectionResponse::default()
        }
        other => other?,
    };
    Ok(HttpResponse::Ok()
        .insert_header((CACHE_CONTROL, "no-store"))
        .json(told))
}

/// Checks who asks. A question is not audited, but who fails to prove who they are tried to sign in: that is counted
/// and recorded.
async fn check_client(http: &HttpRequest, form: &Parameters, state: &State) -> Answer<()> {
    let address = state.proxies.client(http);
    let may_try = address.map_or(Ok(()), |address| state.limits.may_try(address));
    let is_barred = may_try.is_err();
    let asks = match may_try {
        Ok(()) => authenticated(http, form, state).await.map(drop),
        Err(barred) => Err(barred),
    };
    let Err(problem) = &asks else { return Ok(()) };
    let is_wrong = problem.code() == Code::Edge(EdgeCode::InvalidClient);
    if let Some(address) = address.filter(|_| is_wrong) {
        state.limits.unproven(address, 1);
    }
    if is_wrong || is_barred {
        let id = request_id::of(http);
        let note = Note::new(state.trail.clone(), "introspect_token", id, address);
        note.answered(Some(problem.code().as_str())).await;
    }
    asks
}

async fn told(token: &str, state: &State) -> Answer<IntrospectionResponse> {
    let credential = of_own_token(token, state).await?;
    let via = credential.via;
    let principal = state.principals.get(credential, state).await?;
    let whose = IntrospectionResponse {
        active: true,
        scope: Some(principal.capabilities.to_string()),
        client_id: Some(match via {
            Via::ApiKey(key_id) => key_id.to_string(),
            Via::Session(_) | Via::External(_) => crate::identity::OWN_CLIENT.to_owned(),
        }),
        token_type: Some("Bearer".to_owned()),
        sub: Some(principal.user_id.to_string()),
        iss: Some(state.tokens.issuer().to_owned()),
        aud: Some(state.tokens.audience().to_owned()),
        ..IntrospectionResponse::default()
    };
    if ApiKey::is_meant(token) {
        let key = state.api_keys().by_text(token, state).await?;
        return Ok(IntrospectionResponse {
            exp: Some(key.expires_at.timestamp()),
            ..whose
        });
    }
    let verified = verified(token, state).await?;
    Ok(IntrospectionResponse {
        exp: Some(verified.exp),
        iat: Some(verified.iat),
        jti: Some(verified.jti),
        ..whose
    })
}
