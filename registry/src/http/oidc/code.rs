//! The second factor of who the provider signed in, where the provider has not asked for one.

use super::admit::refused_sign_in;
use super::finish::onward;
use super::{CODE_COOKIE, CODE_PAGE, START_PAGE, code_cookie, provider};
use crate::audit;
use crate::http::auth::{device, second_factor};
use crate::http::extract::{Form, state};
use crate::http::ops::html_page;
use crate::http::position::reached;
use crate::http::problem::{Answer, Problem};
use crate::http::state::State;
use crate::identity::{PATIENCE, Via, Waiting};
use crate::read;
use actix_web::http::header::{CACHE_CONTROL, LOCATION};
use actix_web::{HttpRequest, HttpResponse, get, post};
use schemas::api::identity::OidcCode;
use schemas::envelope::Actor;

const FORM: &str = "<h1>Sign in</h1>
<form method=\"post\" action=\"second_factor\">
<p><label>The code that your authenticator shows, or a recovery code:
<input name=\"otp\" autocomplete=\"one-time-code\" autofocus required></label>
<button>Sign in</button></p>
</form>";

/// Sends a browser to where the code is asked for.
pub(super) fn ask(http: &HttpRequest, state: &State, waiting: &Waiting) -> Answer<HttpResponse> {
    let sealed = waiting
        .sealed(&state.vault)
        .map_err(|error| Problem::internal(&error))?;
    Ok(HttpResponse::SeeOther()
        .insert_header((LOCATION, CODE_PAGE))
        .insert_header((CACHE_CONTROL, "no-store"))
        .cookie(code_cookie(http, &sealed, PATIENCE.num_seconds()))
        .finish())
}

/// Ask for the second factor of who signs in with the OpenID provider.
///
/// A page with a form. `/auth/oidc/callback` sends browsers here whose user has a second factor, unless
/// `auth.oidc.second_factor` says that the provider has asked for one.
#[utoipa::path(
    tag = "Sign-in",
    operation_id = "ask_oidc_second_factor",
    responses(
        (status = 200, description = "An HTML page.", body = String, content_type = "text/html"),
        (status = 404, description = "route_not_found"),
    ),
    security(()),
)]
#[get("/auth/oidc/second_factor")]
pub async fn ask_oidc_second_factor(http: HttpRequest) -> Answer<HttpResponse> {
    let state = state(&http)?;
    provider(&state)?;
    Ok(html_page("Sign in", FORM))
}

/// Sign in with the OpenID provider and a code.
///
/// Ends what `/auth/oidc/callback` began in this browser: opens the session and sends the browser on.
#[utoipa::path(
    tag = "Sign-in",
    operation_id = "finish_oidc_second_factor",
    request_body(content(
        (OidcCode = "application/x-www-form-urlencoded"),
        (OidcCode = "application/json"),
    )),
    responses(
        (status = 303, description = "Signed in; the tokens are set as cookies."),
        (status = 401, description = "external_sign_in_failed, second_factor_invalid"),
        (status = 404, description = "route_not_found"),
        (status = 413, description = "body_too_large"),
        (status = 415, description = "unsupported_media_type"),
        (status = 422, description = "request_invalid, malformed_body"),
        (status = 429, description = "too_many_requests"),
        (status = 503, description = "unavailable, read_lagging, busy"),
    ),
    security(()),
)]
#[post("/auth/oidc/second_factor")]
pub async fn finish_oidc_second_factor(
    http: HttpRequest,
    Form(given): Form<OidcCode>,
) -> Answer<HttpResponse> {
    let finished = finish(&http, given).await;
    finished.map_err(|problem| {
        let again = match problem.code() == second_factor::INVALID {
            true => CODE_PAGE,
            false => START_PAGE,
        };
        problem.shown_to(&http, again)
    })
}

async fn finish(http: &HttpRequest, given: OidcCode) -> Answer<HttpResponse> {
    let state = state(http)?;
    provider(&state)?;
    let kept = http.cookie(CODE_COOKIE);
    let waiting = kept.and_then(|kept| Waiting::open(&state.vault, kept.value()));
    let waiting = waiting.ok_or_else(refused_sign_in)?;
    let user_id = waiting.user_id;
    let via = Via::External(waiting.identity_id);
    audit::by(&Actor::User(user_id), Some(via));
    reached(state.read_progress(), state.authority(), state.read_wait()).await?;
    let client = state.read_client().await?;
    let user = read::user::by_id(&client, user_id).await?;
    let secret = read::principal::secret_by_id(&client, user_id).await?;
    drop(client);
    let (user, secret) = user.zip(secret).ok_or_else(refused_sign_in)?;
    let from = device::from(http, &state, &user.email);
    let mut guess = state.guesses.at(&user.email, from)?;
    guess.of_code()?;
    if let Some(sealed) = &secret.second_factor
        && !second_factor::spend(http, &state, user_id, sealed, &given.otp).await?
    {
        guess.wrong()?;
        return Err(second_factor::invalid());
    }
    guess.right()?;
    let used_up = code_cookie(http, "", 0);
    onward(http, &state, user_id, &waiting.return_to, used_up).await
}
