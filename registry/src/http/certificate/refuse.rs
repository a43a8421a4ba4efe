//! Refusing what another registry exported to this one.

use super::import::untrusted;
use crate::exchange::{Opened, accept, refusal};
use crate::http::extract::{Caller, Origin, collect, is_json, may, unsupported};
use crate::http::measurement::UPLOAD_LIMIT;
use crate::http::problem::{Answer, Problem};
use actix_web::dev::Payload;
use actix_web::web::block;
use actix_web::{FromRequest, HttpRequest, HttpResponse, post};
use futures_util::future::LocalBoxFuture;
use ledger::Command;
use schemas::exchange::Signed;

/// A signed file that somebody wants refused.
pub struct Refused {
    caller: Caller<may::Import>,
    origin: Origin,
    file: Opened,
}

impl FromRequest for Refused {
    type Error = Problem;
    type Future = LocalBoxFuture<'static, Answer<Self>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        Box::pin(Self::of(request.clone(), payload.take()))
    }
}

impl Refused {
    async fn of(request: HttpRequest, payload: Payload) -> Answer<Self> {
        let caller = Caller::of(&request).await?;
        if !is_json(&request) {
            return Err(unsupported("application/json"));
        }
        let body = collect(&request, payload, UPLOAD_LIMIT).await?;
        let origin = Origin::of(&request, caller.state(), &caller, &body)?;
        let state = caller.state().clone();
        let opened = block(move || accept(&state.exchange, &body)).await;
        let opened = opened.map_err(|error| Problem::internal(&error))?;
        Ok(Self {
            caller,
            origin,
            file: opened.map_err(untrusted)?,
        })
    }
}

/// Refuse an export of another registry.
///
/// The body is the signed file of the export. If it was not imported and nothing of it is here or came by rows, it
/// never will be, and the answer is this registry's signed word for it, with which the registry that exported takes the
/// bundles back. The same answer as often as it is asked for.
#[utoipa::path(
    tag = "Certificates",
    operation_id = "refuse_import",
    request_body = Signed,
    responses(
        (status = 201, description = "The signed refusal.", body = Signed),
        (status = 409, description = "imported_before, imported_by_rows"),
        (status = 422, description = "request_invalid, malformed_body, file_not_trusted, file_altered, \
            file_elsewhere, import_from_here"),
    ),
)]
#[post("/certificate/import/refuse")]
pub async fn refuse_import(refused: Refused) -> Answer<HttpResponse> {
    let state = refused.caller.state();
    let command = refused.file.refusal(state.exchange.registry());
    let export = command.export.clone();
    let command = Command::RefuseExport(Box::new(command));
    refused.origin.execute(state, command).await?;
    let signed = refusal(&state.exchange, &export).map_err(|cause| Problem::internal(&cause))?;
    Ok(HttpResponse::Created().json(signed))
}
