//! Every request that is to change something, and every attempt to sign in, on its way to the audit trail.

use crate::audit::{Note, watched};
use crate::http::openapi::Routes;
use crate::http::problem::Problem;
use crate::http::request_id;
use crate::http::state::State;
use crate::identity::credentials;
use actix_web::body::MessageBody;
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::StatusCode;
use actix_web::middleware::Next;
use actix_web::web::Data;
use actix_web::{Error, HttpMessage, HttpRequest};
use schemas::envelope::Actor;
use std::sync::Arc;

/// Has a refusal recorded before it is answered.
pub(in crate::http) async fn watch(
    request: ServiceRequest,
    next: Next<impl MessageBody>,
) -> Result<ServiceResponse<impl MessageBody>, Error> {
    let Some((note, is_open)) = note(&request) else {
        return next.call(request).await;
    };
    let state = request.app_data::<Data<State>>().cloned();
    let (answered, note) = watched(note, next.call(request)).await;
    if let Some((mut note, state)) = note.zip(state) {
        let refusal = refusal(&answered);
        if refusal.is_some()
            && let Ok(answered) = &answered
        {
            name(&mut note, answered.request(), &state).await;
        }
        if let Some(address) = note.address().filter(|_| is_open) {
            let is_at_fault = refusal.as_ref().is_some_and(|one| one.is_the_clients);
            state.limits.unproven(address, note.unproven(is_at_fault));
        }
        note.answered(refusal.as_ref().map(|refusal| refusal.code.as_str()))
            .await;
    }
    answered
}

/// Notes who asked where the request was refused before it mattered: for a path that can not be read, or
/// a limit of its address.
async fn name(note: &mut Note, request: &HttpRequest, state: &State) {
    if note.is_anonymous()
        && let Ok(credential) = credentials(request, state).await
    {
        note.by(&Actor::User(credential.user_id), Some(credential.via));
    }
}

/// A note of a request to an audited operation, which whoever comes after finds in the request; and whether
/// that asks for no credentials.
fn note(request: &ServiceRequest) -> Option<(Note, bool)> {
    let routes = request.app_data::<Data<Routes>>()?;
    let operation = routes.audited(request.method(), &request.match_pattern()?)?;
    request.extensions_mut().insert(Arc::clone(operation));
    let state = request.app_data::<Data<State>>()?;
    let note = Note::new(
        state.trail.clone(),
        &operation.name,
        request_id::of(request.request()),
        state.proxies.client(request.request()),
    );
    Some((note, operation.is_open))
}

/// Why a request was not carried out.
struct Refusal {
    code: String,
    /// Whether the client can do something about it.
    is_the_clients: bool,
}

/// The refusal; the code of one without a problem document is its status.
fn refusal<B>(answered: &Result<ServiceResponse<B>, Error>) -> Option<Refusal> {
    let (error, status) = match answered {
        Ok(response) if response.status().as_u16() < 400 => return None,
        Ok(response) => (response.response().error(), response.status()),
        Err(error) => (Some(error), error.as_response_error().status_code()),
    };
    let problem = error.and_then(|error| error.as_error::<Problem>());
    Some(Refusal {
        code: match problem {
            Some(problem) => problem.code().as_str().to_owned(),
            None => format!("status_{}", status.as_u16()),
        },
        is_the_clients: status.is_client_error() && status != StatusCode::TOO_MANY_REQUESTS,
    })
}
