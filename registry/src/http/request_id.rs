//! `X-Request-Id`: names a request in answers, logs and events.

use actix_web::http::header::HeaderName;
use actix_web::{HttpMessage, HttpRequest};
use uuid::Uuid;

/// The header. A UUID that the client sends is kept.
pub const HEADER: HeaderName = HeaderName::from_static("x-request-id");

#[derive(Clone, Copy)]
struct RequestId(Uuid);

/// The id of a request; made when first asked for.
#[must_use]
pub fn of(request: &HttpRequest) -> Uuid {
    let mut extensions = request.extensions_mut();
    if let Some(RequestId(id)) = extensions.get() {
        return *id;
    }
    let id = request
        .headers()
        .get(HEADER)
        .and_then(|value| value.to_str().ok()?.parse().ok())
        .unwrap_or_else(Uuid::now_v7);
    extensions.insert(RequestId(id));
    id
}
