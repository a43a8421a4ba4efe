//! Back from the provider.

use super::admit::{admitted, refused_sign_in};
use super::code::ask;
use super::{COOKIE, START_PAGE, cookie, provider, redirect_uri};
use crate::http::auth::issue;
use crate::http::extract::{Query, state};
use crate::http::problem::{Answer, Problem};
use crate::http::state::State;
use crate::identity::{Started, Waiting};
use crate::read;
use actix_web::cookie::Cookie;
use actix_web::http::StatusCode;
use actix_web::http::header::{CACHE_CONTROL, CONTENT_TYPE, HeaderValue, LOCATION};
use actix_web::{HttpRequest, HttpResponse, get};
use ledger::key::identity_digest;
use schemas::api::identity::OidcCallbackQuery;
use schemas::id::UserId;
use subtle::ConstantTimeEq;

/// Come back from the OpenID provider.
///
/// Where a browser is sent to by the provider. Opens a session as `POST /auth/login?cookie=true` does, for the
/// user that the provider's subject is linked to, and sends the browser on. Whoever has a second factor is asked for
/// a code first (`/auth/oidc/second_factor`), unless the provider has done so by what `auth.oidc.second_factor` says.
#[utoipa::path(
    tag = "Sign-in",
    operation_id = "finish_oidc_sign_in",
    params(OidcCallbackQuery),
    responses(
        (status = 303, description = "Signed in, the tokens are set as cookies; or on to where a code is asked for."),
        (status = 401, description = "external_sign_in_failed"),
        (status = 403, description = "external_user_unknown, external_role_missing"),
        (status = 404, description = "route_not_found"),
        (status = 409, description = "last_administrator"),
        (status = 503, description = "unavailable, read_lagging, busy"),
    ),
    security(()),
)]
#[get("/auth/oidc/callback")]
pub async fn finish_oidc_sign_in(
    http: HttpRequest,
    Query(back): Query<OidcCallbackQuery>,
) -> Answer<HttpResponse> {
    let finished = finish(&http, back).await;
    finished.map_err(|problem| problem.shown_to(&http, START_PAGE))
}

async fn finish(http: &HttpRequest, back: OidcCallbackQuery) -> Answer<HttpResponse> {
    let state = state(http)?;
    let provider = provider(&state)?;
    let kept = http.cookie(COOKIE);
    let started = kept.and_then(|kept| Started::open(&state.vault, kept.value()));
    let started = started.ok_or_else(refused_sign_in)?;
    let is_same = |given: &String| bool::from(given.as_bytes().ct_eq(started.state.as_bytes()));
    if !back.state.as_ref().is_some_and(is_same) {
        return Err(refused_sign_in());
    }
    if !provider.is_sender(back.iss.as_deref()).await? {
        return Err(refused_sign_in());
    }
    let code = back.code.filter(|_| back.error.is_none());
    let code = code.ok_or_else(refused_sign_in)?;
    let claimed = provider
        .signed_in(&code, &redirect_uri(http, &state), &started)
        .await?;
    let has_asked = provider.has_asked_for_second_factor(&claimed);
    let identity_id = identity_digest(&claimed.identity);
    let user_id = admitted(http, &state, provider.settings(), claimed).await?;
    if !has_asked && has_second_factor(&state, user_id).await? {
        let waiting = Waiting::now(user_id, identity_id, started.return_to);
        let mut asked = ask(http, &state, &waiting)?;
        asked
            .add_cookie(&cookie(http, "", 0))
            .map_err(|error| Problem::internal(&error))?;
        return Ok(asked);
    }
    onward(
        http,
        &state,
        user_id,
        &started.return_to,
        cookie(http, "", 0),
    )
    .await
}

async fn has_second_factor(state: &State, user_id: UserId) -> Answer<bool> {
    let client = state.read_client().await?;
    let user = read::principal::secret_by_id(&client, user_id).await?;
    Ok(user.is_some_and(|user| user.second_factor.is_some()))
}

/// Opens a session, and sends the browser where it wanted to go.
pub(super) async fn onward(
    http: &HttpRequest,
    state: &State,
    user_id: UserId,
    return_to: &str,
    used_up: Cookie<'_>,
) -> Answer<HttpResponse> {
    let token = issue::open(http, state, user_id).await?;
    let answered = issue::answer(http, state, &token, true).await?;
    // The same cookies, and elsewhere to go.
    let mut onward = answered.drop_body();
    onward.head_mut().status = StatusCode::SEE_OTHER;
    onward.headers_mut().remove(CONTENT_TYPE);
    let path = HeaderValue::from_str(return_to);
    let path = path.map_err(|error| Problem::internal(&error))?;
    onward.headers_mut().insert(LOCATION, path);
    let no_store = HeaderValue::from_static("no-store");
    onward.headers_mut().insert(CACHE_CONTROL, no_store);
    onward
        .add_cookie(&used_up)
        .map_err(|error| Problem::internal(&error))?;
    Ok(onward.map_into_boxed_body())
}
