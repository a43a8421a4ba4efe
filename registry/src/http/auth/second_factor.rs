//! Codes beside the password.

use super::issue;
use crate::http::api_key::signed_in;
use crate::http::problem::{Answer, Code, EdgeCode, Problem};
use crate::http::state::State;
use crate::http::user::{existing, proven_if_any};
use crate::http::{Id, Write, may};
use crate::identity::{TotpSecret, recovery_codes, recovery_digest};
use crate::read;
use actix_web::{HttpRequest, HttpResponse, delete, post};
use chrono::Utc;
use ledger::command::{AddSecondFactor, FactorProof, FactorRemover, UseSecondFactor};
use ledger::{Command, command, refusal};
use schemas::api::auth::{
    ConfirmSecondFactor, RemoveSecondFactor, SecondFactorCodes, SecondFactorOffer,
};
use schemas::id::UserId;
use schemas::log::Position;

/// Seconds within which an offered secret is confirmed.
const OFFERED_S: i64 = 900;

/// What the secret of a user is sealed for.
fn bound(user_id: UserId) -> String {
    format!("second factor of user {user_id}")
}

/// What an offer of a secret says of itself: until when it can be confirmed, and which was the last event of its user.
#[derive(Debug, Clone, Copy)]
struct Offer {
    until_s: i64,
    position: Position,
}

impl Offer {
    /// What a secret is sealed for that is offered and not confirmed yet.
    fn bound(self, user_id: UserId) -> String {
        let Self { until_s, position } = self;
        format!("second factor offered to user {user_id} until {until_s} as of {position}")
    }

    /// The offer as the user sends it back.
    fn written(self, sealed: &str) -> String {
        format!("{}.{}.{sealed}", self.until_s, self.position)
    }

    /// The offer that a text is, with the sealed secret.
    fn read(text: &str) -> Option<(Self, &str)> {
        let mut parts = text.splitn(3, '.');
        let until_s = parts.next()?.parse().ok()?;
        let position = Position(parts.next()?.parse().ok()?);
        Some((Self { until_s, position }, parts.next()?))
    }
}

/// Get a secret for an authenticator.
///
/// Nothing changes until a code of it is sent to `POST /user/me/second_factor/confirm`, within 15 minutes, and unless a
/// second factor is removed meanwhile.
#[utoipa::path(
    tag = "Sign-in",
    operation_id = "enrol_second_factor",
    responses(
        (status = 200, description = "The secret.", body = SecondFactorOffer),
        (status = 403, description = "sign_in_required"),
    ),
)]
#[post("/user/me/second_factor")]
pub async fn enrol_second_factor(request: Write<may::ManageSelf>) -> Answer<HttpResponse> {
    signed_in(&request.caller)?;
    let (state, user_id) = (request.caller.state(), request.caller.user_id);
    let client = request.caller.client().await?;
    let user = existing(&client, user_id).await?;
    let secret = TotpSecret::random();
    let offer = Offer {
        until_s: Utc::now().timestamp() + OFFERED_S,
        position: user.position,
    };
    let sealed = state
        .vault
        .seal(&offer.bound(user_id), &secret.0)
        .map_err(|error| Problem::internal(&error))?;
    Ok(HttpResponse::Ok().json(SecondFactorOffer {
        secret: secret.base32(),
        otpauth_uri: secret.uri(&format!("registry-{}", state.domain), &user.email),
        enrolment: offer.written(&sealed),
    }))
}

/// Add a second factor.
///
/// From here on signing in takes a code of the authenticator, or one of the recovery codes in the answer. Takes the
/// password, of who has one: else a stolen access token could lock its owner out.
#[utoipa::path(
    tag = "Sign-in",
    operation_id = "add_second_factor",
    request_body = ConfirmSecondFactor,
    responses(
        (status = 200, description = "The recovery codes, shown this once.", body = SecondFactorCodes),
        (status = 403, description = "sign_in_required"),
        (status = 409, description = "second_factor_exists"),
        (status = 422, description = "request_invalid, current_password_wrong, user_removed"),
    ),
)]
#[post("/user/me/second_factor/confirm")]
pub async fn add_second_factor(
    request: Write<may::ManageSelf, ConfirmSecondFactor>,
) -> Answer<HttpResponse> {
    signed_in(&request.caller)?;
    let (state, user_id) = (request.caller.state(), request.caller.user_id);
    proven_if_any(
        &request.caller,
        request.body.password.as_deref(),
        "/password",
    )
    .await?
    .right()?;
    let now_s = Utc::now().timestamp();
    let (offer, secret) =
        opened(state, user_id, &request.body.enrolment, now_s).ok_or_else(not_offered)?;
    let step = secret.step_of(&request.body.code, now_s).ok_or_else(|| {
        Problem::new(
            EdgeCode::RequestInvalid,
            "the code is not the one that the authenticator shows now",
        )
        .at("/code")
    })?;
    let sealed = state
        .vault
        .seal(&bound(user_id), &secret.0)
        .map_err(|error| Problem::internal(&error))?;
    let codes = recovery_codes(&state.recovery_secret, &secret);
    let digests = codes
        .iter()
        .filter_map(|code| recovery_digest(user_id, code));
    let add = AddSecondFactor {
        user_id,
        sealed,
        step,
        recovery: digests.collect(),
        offered: offer.position,
    };
    let added = request.execute(Command::AddSecondFactor(Box::new(add)));
    added.await.map_err(|problem| match problem.code() {
        Code::Rule(refusal::Code::SecondFactorSpent) => not_offered(),
        _ => problem,
    })?;
    Ok(HttpResponse::Ok().json(SecondFactorCodes {
        recovery_codes: codes.to_vec(),
    }))
}

/// The offer that the text is, and its secret.
fn opened(
    state: &State,
    user_id: UserId,
    enrolment: &str,
    now_s: i64,
) -> Option<(Offer, TotpSecret)> {
    let (offer, sealed) = Offer::read(enrolment)?;
    if now_s > offer.until_s {
        return None;
    }
    let secret = secret(state, &offer.bound(user_id), sealed)?;
    Some((offer, secret))
}

fn not_offered() -> Problem {
    let said = "the enrolment is not the one offered to you, is older than 15 minutes, or older than the removal of \
                another; ask for a new one";
    Problem::new(EdgeCode::RequestInvalid, said).at("/enrolment")
}

fn secret(state: &State, bound: &str, sealed: &str) -> Option<TotpSecret> {
    let opened = state.vault.open(bound, sealed).ok()?;
    opened.try_into().ok().map(TotpSecret)
}

/// Remove one's second factor.
///
/// Takes the password, of who has one, and a code.
#[utoipa::path(
    tag = "Sign-in",
    operation_id = "remove_second_factor",
    request_body = RemoveSecondFactor,
    responses(
        (status = 204, description = "The password alone is enough from here on."),
        (status = 403, description = "sign_in_required"),
        (status = 409, description = "second_factor_missing"),
        (status = 422, description = "request_invalid, current_password_wrong, second_factor_wrong, user_removed"),
    ),
)]
#[delete("/user/me/second_factor")]
pub async fn remove_second_factor(
    request: Write<may::ManageSelf, RemoveSecondFactor>,
) -> Answer<HttpResponse> {
    signed_in(&request.caller)?;
    let (state, user_id) = (request.caller.state(), request.caller.user_id);
    let password = request.body.password.as_deref();
    let mut guess = proven_if_any(&request.caller, password, "/password").await?;
    guess.of_code()?;
    let client = request.caller.client().await?;
    let user = read::principal::secret_by_id(&client, user_id).await?;
    drop(client);
    let sealed = user.and_then(|user| user.second_factor);
    let shown = sealed.and_then(|sealed| proof(state, user_id, &sealed, &request.body.otp));
    let remove = Command::RemoveSecondFactor(command::RemoveSecondFactor {
        user_id,
        by: FactorRemover::User(shown),
    });
    match request.execute(remove).await {
        Err(problem) if problem.code() == Code::Rule(refusal::Code::SecondFactorSpent) => {
            guess.wrong()?;
            // Not 401: who asks is signed in and stays so.
            let said = "the code of the second factor is not good, or was used before";
            Err(Problem::new(EdgeCode::SecondFactorWrong, said).at("/otp"))
        }
        other => {
            other?;
            guess.right()?;
            Ok(HttpResponse::NoContent().finish())
        }
    }
}

/// Remove the second factor of a user.
///
/// For who has lost authenticator and recovery codes. The password alone is enough for them from here on, and
/// their sessions go on.
#[utoipa::path(
    tag = "Sign-in",
    operation_id = "remove_second_factor_of_user",
    params(("user_id" = i64, Path, description = "The user.")),
    responses(
        (status = 204, description = "The password alone is enough from here on."),
        (status = 403, description = "sign_in_required"),
        (status = 404, description = "user_not_found"),
        (status = 409, description = "second_factor_missing"),
        (status = 422, description = "request_invalid, user_removed"),
    ),
)]
#[delete("/user/{user_id}/second_factor")]
pub async fn remove_second_factor_of_user(
    request: Write<may::ManageUsers>,
    Id(user_id): Id<UserId>,
) -> Answer<HttpResponse> {
    signed_in(&request.caller)?;
    let remove = command::RemoveSecondFactor {
        user_id: request.caller.managed_user(user_id),
        by: FactorRemover::Manager,
    };
    request.execute(Command::RemoveSecondFactor(remove)).await?;
    Ok(HttpResponse::NoContent().finish())
}

/// What the code proves, if it is one of now or has the form of a recovery code. Whether it is still good is
/// for the ledger to say.
fn proof(state: &State, user_id: UserId, sealed: &str, otp: &str) -> Option<FactorProof> {
    if let Some(digest) = recovery_digest(user_id, otp) {
        return Some(FactorProof::Recovery { digest });
    }
    let secret = secret(state, &bound(user_id), sealed)?;
    let step = secret.step_of(otp, Utc::now().timestamp())?;
    Some(FactorProof::Code { step })
}

/// Uses up a code of a user who signs in, whose sealed secret this is; whether it was good.
pub async fn spend(
    http: &HttpRequest,
    state: &State,
    user_id: UserId,
    sealed: &str,
    otp: &str,
) -> Answer<bool> {
    let Some(proof) = proof(state, user_id, sealed, otp) else {
        return Ok(false);
    };
    let spend = Command::UseSecondFactor(UseSecondFactor { user_id, proof });
    match issue::execute(http, state, user_id, None, spend).await {
        Err(problem) if problem.code() == Code::Rule(refusal::Code::SecondFactorSpent) => Ok(false),
        other => other.map(|_| true),
    }
}

/// Of a code that was not good.
pub const INVALID: Code = Code::Edge(EdgeCode::SecondFactorInvalid);

/// The code was not good.
pub fn invalid() -> Problem {
    metrics::counter!("second_factors_refused_total").increment(1);
    Problem::new(
        INVALID,
        "the code of the second factor is not good, or was used before",
    )
}
