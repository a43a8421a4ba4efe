//! What browsers ask beyond the API's own methods.

use actix_cors::Cors;
use actix_web::Error;
use actix_web::body::MessageBody;
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::Method;
use actix_web::middleware::{Condition, Next};

/// Seconds for which a browser need not ask again whether a script may ask.
const MAX_AGE_S: usize = 3_600;

/// Lets scripts of pages of these origins ask anything and see the answers, with what they were given by their users:
/// no cookie of the registry is of use to them.
pub(super) fn cors(origins: &[String]) -> Condition<Cors> {
    let any = Cors::default()
        .allow_any_method()
        .allow_any_header()
        .expose_any_header()
        .max_age(MAX_AGE_S)
        // Pages of the registry itself name their origin as well.
        .block_on_origin_mismatch(false);
    let cors = origins
        .iter()
        .fold(any, |cors, origin| cors.allowed_origin(origin));
    Condition::new(!origins.is_empty(), cors)
}

/// Answers HEAD as GET; the server leaves out the body.
pub(super) async fn head(
    mut request: ServiceRequest,
    next: Next<impl MessageBody>,
) -> Result<ServiceResponse<impl MessageBody>, Error> {
    if request.method() == Method::HEAD {
        request.head_mut().method = Method::GET;
    }
    next.call(request).await
}
