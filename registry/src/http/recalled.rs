//! While it is not known what was written before this process began, nobody is answered by what they may do.

use super::problem::{EdgeCode, Problem};
use super::state::State;
use actix_web::Error;
use actix_web::body::{EitherBody, MessageBody};
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::middleware::Next;
use actix_web::web::Data;

/// What is told to whoever runs the registry, whoever they are.
const OPEN: [&str; 4] = ["/health", "/healthz", "/readyz", "/metrics"];

/// Answers 503 until the ends of the streams are known.
pub(super) async fn recalled<B: MessageBody>(
    request: ServiceRequest,
    next: Next<B>,
) -> Result<ServiceResponse<EitherBody<B>>, Error> {
    let state = request.app_data::<Data<State>>();
    if state.is_some_and(|state| state.is_recalling()) && !OPEN.contains(&request.path()) {
        let problem = Problem::new(
            EdgeCode::Unavailable,
            "the registry has just started and can not read its ledger yet",
        );
        return Ok(request.error_response(problem).map_into_right_body());
    }
    Ok(next.call(request).await?.map_into_left_body())
}
