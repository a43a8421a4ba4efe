//! The limits of an address, before anything else is done for it.

use crate::http::openapi::Operation;
use crate::http::state::State;
use actix_web::body::{EitherBody, MessageBody};
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::middleware::Next;
use actix_web::web::Data;
use actix_web::{Error, HttpMessage};
use std::sync::Arc;

/// Refuses what comes too often from one address.
pub(in crate::http) async fn guard<B: MessageBody>(
    request: ServiceRequest,
    next: Next<B>,
) -> Result<ServiceResponse<EitherBody<B>>, Error> {
    let Some(state) = request.app_data::<Data<State>>() else {
        return Ok(next.call(request).await?.map_into_left_body());
    };
    let Some(address) = state.proxies.client(request.request()) else {
        return Ok(next.call(request).await?.map_into_left_body());
    };
    let (is_open, signs_in) = match request.extensions().get::<Arc<Operation>>() {
        Some(operation) => (operation.is_open, operation.signs_in),
        None => (false, false),
    };
    if let Err(problem) = state.limits.of_address(address, is_open, signs_in) {
        return Ok(request.error_response(problem).map_into_right_body());
    }
    Ok(next.call(request).await?.map_into_left_body())
}
