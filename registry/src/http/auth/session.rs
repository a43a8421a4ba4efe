//! The sessions of a user.

use super::cookie::{cookie, refresh_cookie};
use crate::http::api_key::signed_in;
use crate::http::extract::May;
use crate::http::problem::{Answer, Code};
use crate::http::{Id, Read, Write, may};
use crate::identity::{ACCESS_COOKIE, Via};
use crate::read;
use actix_web::{HttpRequest, HttpResponse, delete, get, post};
use chrono::Utc;
use ledger::command::{EndSessions, Which};
use ledger::{Command, refusal};
use schemas::api::auth::SessionRead;
use schemas::event::session::SessionEnd;
use schemas::id::UserId;
use uuid::Uuid;

/// Sign out.
///
/// Ends the session that the access token belongs to: neither it nor the refresh token is good any longer.
#[utoipa::path(
    tag = "Sign-in",
    operation_id = "logout",
    responses((status = 204, description = "The session is over.")),
)]
#[post("/auth/logout")]
pub async fn logout(request: Write<may::ManageSelf>, http: HttpRequest) -> Answer<HttpResponse> {
    if let Via::Session(session_id) = request.caller.via() {
        let which = Which::One(session_id);
        let ended = end(
            &request,
            request.caller.user_id,
            which,
            SessionEnd::SignedOut,
        )
        .await;
        match ended {
            // Somebody else was first.
            Err(problem) if problem.code() == Code::Rule(refusal::Code::SessionNotFound) => {}
            other => other?,
        }
    }
    Ok(HttpResponse::NoContent()
        .cookie(cookie(&http, ACCESS_COOKIE, "", 0))
        .cookie(refresh_cookie(&http, "", 0))
        .finish())
}

/// List the caller's sessions.
///
/// Those that are not over, in the order they were opened.
#[utoipa::path(
    tag = "Sign-in",
    operation_id = "list_my_sessions",
    responses((status = 200, description = "The sessions.", body = Vec<SessionRead>)),
)]
#[get("/user/me/sessions")]
pub async fn list_my_sessions(read: Read<may::ManageSelf>) -> Answer<HttpResponse> {
    let own = match read.via() {
        Via::Session(session_id) => Some(session_id),
        Via::ApiKey(_) | Via::External(_) => None,
    };
    let client = read.client().await?;
    let sessions = read::session::open(&client, read.user_id, Utc::now()).await?;
    let shown: Vec<_> = sessions
        .into_iter()
        .map(|session| SessionRead {
            id: session.session_id,
            opened_at: session.opened_at,
            refreshed_at: session.refreshed_at,
            expires_at: session.expires_at,
            client: session.client,
            is_current: own == Some(session.session_id),
        })
        .collect();
    Ok(HttpResponse::Ok().json(shown))
}

/// End a session of the caller's.
#[utoipa::path(
    tag = "Sign-in",
    operation_id = "end_my_session",
    params(("session_id" = Uuid, Path, description = "The session.")),
    responses(
        (status = 204, description = "The session is over."),
        (status = 403, description = "sign_in_required"),
        (status = 404, description = "session_not_found"),
        (status = 422, description = "request_invalid"),
    ),
)]
#[delete("/user/me/sessions/{session_id}")]
pub async fn end_my_session(
    request: Write<may::ManageSelf>,
    Id(session_id): Id<Uuid>,
) -> Answer<HttpResponse> {
    signed_in(&request.caller)?;
    let session_id = request.caller.own_session(session_id);
    let user_id = request.caller.user_id;
    end(
        &request,
        user_id,
        Which::One(session_id),
        SessionEnd::Revoked,
    )
    .await?;
    Ok(HttpResponse::NoContent().finish())
}

/// End all sessions of a user.
///
/// Whoever uses them has to sign in again.
#[utoipa::path(
    tag = "Sign-in",
    operation_id = "end_sessions_of_user",
    params(("user_id" = i64, Path, description = "The user.")),
    responses(
        (status = 204, description = "The sessions are over."),
        (status = 403, description = "sign_in_required"),
        (status = 404, description = "user_not_found"),
        (status = 422, description = "request_invalid, user_removed"),
    ),
)]
#[delete("/user/{user_id}/sessions")]
pub async fn end_sessions_of_user(
    request: Write<may::ManageUsers>,
    Id(user_id): Id<UserId>,
) -> Answer<HttpResponse> {
    signed_in(&request.caller)?;
    let user_id = request.caller.managed_user(user_id);
    let cause = SessionEnd::RevokedByAdministrator;
    end(&request, user_id, Which::AllBut(None), cause).await?;
    Ok(HttpResponse::NoContent().finish())
}

async fn end<C: May>(
    request: &Write<C>,
    user_id: UserId,
    which: Which,
    cause: SessionEnd,
) -> Answer<()> {
    let end = EndSessions {
        user_id,
        which,
        cause,
    };
    request.execute(Command::EndSessions(end)).await?;
    Ok(())
}
