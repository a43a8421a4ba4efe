//! The keys that access tokens are signed with.

use crate::http::extract::state;
use crate::http::problem::Answer;
use actix_web::http::header::{CACHE_CONTROL, HeaderValue};
use actix_web::{HttpRequest, HttpResponse, get};
use schemas::api::auth::{TokenKey, TokenKeys};

/// How long the keys may be kept: whoever meets an unknown `kid` asks again. One that was replaced at once, because it
/// is in wrong hands, counts with those who keep it this much longer.
const KEPT: HeaderValue = HeaderValue::from_static("public, max-age=300");

/// Get the keys of access tokens.
///
/// A JSON Web Key Set (RFC 7517): with it other services verify access tokens of this registry. Keys change by
/// schedule; one that no longer signs stays listed until the last token it signed has expired.
#[utoipa::path(
    tag = "Sign-in",
    operation_id = "get_token_keys",
    responses(
        (status = 200, description = "The keys, the newest last.", body = TokenKeys),
        (status = 503, description = "unavailable"),
    ),
    security(()),
)]
#[get("/.well-known/jwks.json")]
pub async fn get_token_keys(http: HttpRequest) -> Answer<HttpResponse> {
    let state = state(&http)?;
    state.signing_keys.look(&state).await?;
    let ring = state.signing_keys.ring();
    let keys = ring.published().iter().filter_map(TokenKey::of).collect();
    Ok(HttpResponse::Ok()
        .insert_header((CACHE_CONTROL, KEPT))
        .json(TokenKeys { keys }))
}
