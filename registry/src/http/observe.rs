//! What every request leaves behind: its id, where the ledger stood, a log line, a metric.

use super::openapi::Operation;
use super::position::{IDENTITY_HEADER, LEDGER_HEADER, Positions};
use super::request_id;
use super::state::State;
use actix_web::body::MessageBody;
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::ConnectionType;
use actix_web::http::header::{
    CACHE_CONTROL, HeaderMap, HeaderName, HeaderValue, X_CONTENT_TYPE_OPTIONS,
};
use actix_web::middleware::Next;
use actix_web::{Error, HttpMessage, HttpRequest, web::Data};
use projections::traces::{self, Span, SpanId};
use std::sync::Arc;
use std::time::{Instant, SystemTime};

pub(super) async fn observe(
    request: ServiceRequest,
    next: Next<impl MessageBody>,
) -> Result<ServiceResponse<impl MessageBody>, Error> {
    let (started, began) = (Instant::now(), SystemTime::now());
    let id = request_id::of(request.request());
    let span = traces::are_wanted(id).then(traces::new_id);
    // Before the handler looks: an answer reflects at least this much.
    let state = request.app_data::<Data<State>>().cloned();
    let before = state
        .as_ref()
        .map(|state| Positions::of(state.read_progress()));
    let mut response = traces::REQUEST.scope(span, next.call(request)).await?;
    if state.is_some_and(|state| state.is_stopping()) {
        let head = response.response_mut().head_mut();
        head.set_connection_type(ConnectionType::Close);
    }

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
    if let Some(span) = span {
        of(&response, id, span).record(began, SystemTime::now());
    }
    Ok(response)
}

fn number(headers: &mut HeaderMap, name: &'static str, value: i64) {
    if let Ok(name) = name.parse::<HeaderName>() {
        headers.insert(name, value.into());
    }
}

/// The pattern, not the path: ids in it would make a time series each.
fn route(request: &HttpRequest) -> String {
    let known = request.extensions().get::<Arc<Operation>>().cloned();
    known
        .map(|operation| operation.pattern.clone())
        .or_else(|| request.match_pattern())
        .unwrap_or_else(|| "none".to_owned())
}

fn record<B>(response: &ServiceResponse<B>, id: uuid::Uuid, started: Instant) {
    let request = response.request();
    let method = request.method().as_str().to_owned();
    let route = route(request);
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

/// The span of a request, named as OpenTelemetry's conventions have it.
fn of<B>(response: &ServiceResponse<B>, id: uuid::Uuid, span: SpanId) -> Span {
    let (request, status) = (response.request(), response.status());
    let (method, route) = (request.method().as_str(), route(request));
    let parent = request_id::parent(request);
    let span = Span::of_request(format!("{method} {route}"), id, span, parent)
        .with("http.request.method", method.to_owned())
        .with("http.route", route)
        .with("http.response.status_code", i64::from(status.as_u16()));
    if status.is_server_error() {
        span.failed(status.canonical_reason().unwrap_or_default())
    } else {
        span
    }
}
