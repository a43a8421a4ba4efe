//! Signing in.

use super::site::own_site;
use super::{device, issue, second_factor};
use crate::audit;
use crate::http::extract::{Form, Query, state};
use crate::http::position::reached;
use crate::http::problem::{Answer, EdgeCode, Problem};
use crate::http::state::State;
use crate::read::{self, principal::Credentials, principal::Known};
use actix_web::{HttpRequest, HttpResponse, post};
use ledger::{Command, command};
use schemas::api::auth::{LoginQuery, LoginRequest, LoginResponse};
use schemas::envelope::Actor;
use schemas::event::audit::Target;
use schemas::id::UserId;

/// Sign in.
///
/// A wrong address and a wrong password are answered alike. Who has a second factor sends a code of it too, or a
/// recovery code; that one is needed is said only once the password is right. After wrong attempts the next ones
/// from the same place have to wait. The access token goes into the header
/// `Authorization: Bearer`; when it expires, `POST /auth/refresh` takes the refresh token for another.
#[utoipa::path(
    tag = "Sign-in",
    operation_id = "login",
    params(LoginQuery),
    request_body(content(
        (LoginRequest = "application/x-www-form-urlencoded"),
        (LoginRequest = "application/json"),
    )),
    responses(
        (status = 200, description = "An access token and a refresh token.", body = LoginResponse),
        (status = 401, description = "login_failed, second_factor_required, second_factor_invalid"),
        (status = 403, description = "cross_site_sign_in"),
        (status = 413, description = "body_too_large"),
        (status = 415, description = "unsupported_media_type"),
        (status = 422, description = "request_invalid, malformed_body"),
        (status = 429, description = "too_many_requests"),
        (status = 503, description = "unavailable, read_lagging, busy"),
    ),
    security(()),
)]
#[post("/auth/login")]
pub async fn login(
    http: HttpRequest,
    Query(wanted): Query<LoginQuery>,
    Form(given): Form<LoginRequest>,
) -> Answer<HttpResponse> {
    let state = state(&http)?;
    if wanted.cookie {
        own_site(&http, &state)?;
    }
    let email = given.username.clone();
    let mut guess = state
        .guesses
        .at(&email, device::from(&http, &state, &email))?;
    let otp = given.otp.clone();
    let Some(user) = proven(&http, &state, given).await? else {
        guess.wrong()?;
        metrics::counter!("sign_ins_refused_total").increment(1);
        return Err(Problem::new(
            EdgeCode::LoginFailed,
            "no user has this e-mail address and password",
        ));
    };
    if let Some(sealed) = &user.second_factor {
        audit::by(&Actor::User(user.user_id), None);
        guess.of_code()?;
        let otp = otp.ok_or_else(|| {
            Problem::new(
                EdgeCode::SecondFactorRequired,
                "send the code of the second factor as `otp`",
            )
        })?;
        if !second_factor::spend(&http, &state, user.user_id, sealed, &otp).await? {
            guess.wrong()?;
            return Err(second_factor::invalid());
        }
    }
    guess.right()?;
    let token = issue::open(&http, &state, user.user_id).await?;
    let mut response = issue::answer(&http, &state, &token, wanted.cookie).await?;
    if wanted.cookie {
        let device = device::cookie(&http, &state, &email)?;
        response
            .add_cookie(&device)
            .map_err(|error| Problem::internal(&error))?;
    }
    Ok(response)
}

/// The user whose address and password these are, if there is one.
async fn proven(
    http: &HttpRequest,
    state: &State,
    given: LoginRequest,
) -> Answer<Option<Credentials>> {
    let authority = state.authority();
    reached(state.read_progress(), authority, state.read_wait()).await?;
    let client = state.read_client().await?;
    let user_id = read::principal::by_email(&client, &given.username).await?;
    let Known {
        user,
        password_costs,
    } = read::principal::known(&client, user_id).await?;
    drop(client);
    // Made of everybody's name, used or not.
    let unknown = state.digester.of_name(&given.username);
    audit::aimed_at(user_id.map_or(Target::Nobody(unknown), Target::User));
    let stored = user.as_ref().and_then(|user| user.password_hash.clone());
    let password = given.password.clone();
    let is_right = state
        .passwords
        .verify(password, stored.clone(), &password_costs);
    let is_right = is_right.await?;
    let user = user.filter(|_| is_right);
    if let Some(user) = &user
        && let Some(before) = stored.filter(|stored| state.passwords.is_outdated(stored))
    {
        rehash(http, state, user.user_id, given.password, before).await;
    }
    Ok(user)
}

/// Hashes the password at what hashes cost now. Nobody is kept from signing in because that fails.
async fn rehash(
    http: &HttpRequest,
    state: &State,
    user_id: UserId,
    password: String,
    before: String,
) {
    let Ok(after) = state.passwords.hash(password).await else {
        return;
    };
    let rehash = Command::RehashPassword(command::RehashPassword {
        user_id,
        before,
        after,
    });
    if let Err(problem) = issue::execute(http, state, user_id, None, rehash).await {
        tracing::warn!(%user_id, %problem, "a password was not hashed anew");
    }
}
