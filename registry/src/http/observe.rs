//! What every request leaves behind: its id, where the ledger stood, a log line, a metric.

use super::openapi::Operation;
use super::position::{IDENTITY_HEADER, LEDGER_HEADER, Positions};
use super::request_id;
use super::state::State;
use actix_web::body::MessageBody;
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::header::{
    CACHE_CONTROL, HeaderMap, HeaderName, HeaderValue, X_CONTENT_TYPE_OPTIONS,
};
use actix_web::middleware::Next;
use actix_web::{Error, HttpMessage, web::Data};
use std::sync::Arc;
use std::time::Instant;

pub(super) async fn observe(
    request: ServiceRequest,
    next: Next<impl MessageBody>,
) -> Result<ServiceResponse<impl MessageBody>, Error> {
    let started = Instant::now();
    let id = request_id::of(request.request());
    // Before the handler looks: an answer reflects at least this much.
    let before = request
        .app_data::<Data<State>>()
        .map(|state| Positions::of(state.read_progress()));
    let mut response = next.call(request).await?;

    let reflected = response.request().extensions().get::<Positions>().copied();
    let headers = response.headers_mut();
    if let Some(at) = reflected.or(before) {
        number(headers, LEDGER_HEADER, at.ledger.0);
        number(headers, IDENTITY_HEADER, at.identity.0);
    }
    if let Ok(value) = HeaderValue::from_str(&id.to_string()) {
        headers.insert(request_id::HEADER, value);
    }
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    if !headers.contains_key(CACHE_CONTROL) {
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    }
    record(&response, id, started);
    Ok(response)
}

fn number(headers: &mut HeaderMap, name: &'static str, value: i64) {
    if let Ok(name) = name.parse::<HeaderName>() {
        headers.insert(name, value.into());
    }
}

fn record<B>(response: &ServiceResponse<B>, id: uuid::Uuid, started: Instant) {
    let request = response.request();
    let method = request.method().as_str().to_owned();
    // The pattern, not the path: ids in it would make a time series each.
    let known = request.extensions().get::<Arc<Operation>>().cloned();
    let route = known
        .map(|operation| operation.pattern.clone())
        .or_else(|| request.match_pattern())
        .unwrap_or_else(|| "none".to_owned());
    let status = response.status();
    let elapsed = started.elapsed();
    let labels = [
        ("method", method.clone()),
        ("route", route.clone()),
        ("status", status.as_str().to_owned()),
    ];
    metrics::counter!("http_requests_total", &labels).increment(1);
    metrics::histogram!("http_request_seconds", &labels[..2]).record(elapsed);
    let elapsed_us = elapsed.as_micros();
    if status.is_server_error() {
        tracing::warn!(request_id = %id, method, route, status = status.as_u16(), elapsed_us, "request");
    } else {
        tracing::debug!(request_id = %id, method, route, status = status.as_u16(), elapsed_us, "request");
    }
}
