//! To the provider.

use super::{START_PAGE, cookie, provider, redirect_uri};
use crate::config::is_local_path;
use crate::http::extract::{Query, state};
use crate::http::problem::{Answer, EdgeCode, Problem};
use crate::identity::{PATIENCE, Started};
use actix_web::http::header::{CACHE_CONTROL, LOCATION};
use actix_web::{HttpRequest, HttpResponse, get};
use schemas::api::identity::OidcLoginQuery;

/// Longest path to go on to. It comes back in a cookie, of which browsers take 4096 bytes (RFC 6265, section 6.1).
const MAX_RETURN_TO_CHARS: usize = 512;

/// Sign in with the OpenID provider.
///
/// For browsers: sends them to the provider (authorization code flow with PKCE), which sends them back to
/// `/auth/oidc/callback`. 404 where the registry has none.
#[utoipa::path(
    tag = "Sign-in",
    operation_id = "start_oidc_sign_in",
    params(OidcLoginQuery),
    responses(
        (status = 303, description = "To the provider."),
        (status = 404, description = "route_not_found"),
        (status = 422, description = "request_invalid"),
        (status = 503, description = "unavailable"),
    ),
    security(()),
)]
#[get("/auth/oidc/login")]
pub async fn start_oidc_sign_in(
    http: HttpRequest,
    Query(wanted): Query<OidcLoginQuery>,
) -> Answer<HttpResponse> {
    let started = start(&http, wanted).await;
    started.map_err(|problem| problem.shown_to(&http, START_PAGE))
}

async fn start(http: &HttpRequest, wanted: OidcLoginQuery) -> Answer<HttpResponse> {
    let state = state(http)?;
    let provider = provider(&state)?;
    let return_to = wanted
        .return_to
        .unwrap_or_else(|| provider.settings().return_to.clone());
    if return_to.len() > MAX_RETURN_TO_CHARS || !is_local_path(&return_to) {
        let rule = format!(
            "`return_to` must be a path of the registry, of at most {MAX_RETURN_TO_CHARS} characters"
        );
        return Err(Problem::new(EdgeCode::RequestInvalid, rule).at_parameter("return_to"));
    }
    let started = Started::now(return_to);
    let url = provider
        .sign_in_url(&redirect_uri(http, &state), &started)
        .await?;
    let sealed = started
        .sealed(&state.vault)
        .map_err(|error| Problem::internal(&error))?;
    Ok(HttpResponse::SeeOther()
        .insert_header((LOCATION, url))
        .insert_header((CACHE_CONTROL, "no-store"))
        .cookie(cookie(http, &sealed, PATIENCE.num_seconds()))
        .finish())
}
