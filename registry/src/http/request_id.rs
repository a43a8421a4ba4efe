//! `X-Request-Id`: names a request in answers, logs, events and traces. Who sends none but takes part in a trace (W3C Trace
//! Context) has it named by that, as all requests of the trace are.

use actix_web::http::header::HeaderName;
use actix_web::{HttpMessage, HttpRequest};
use uuid::Uuid;

/// The header. A UUID that the client sends is kept.
pub const HEADER: HeaderName = HeaderName::from_static("x-request-id");

const TRACE_PARENT: HeaderName = HeaderName::from_static("traceparent");

#[derive(Clone, Copy)]
struct RequestId(Uuid);

/// The id of a request; made when first asked for.
#[must_use]
pub fn of(request: &HttpRequest) -> Uuid {
    let mut extensions = request.extensions_mut();
    if let Some(RequestId(id)) = extensions.get() {
        return *id;
    }
    let id = header(request, &HEADER)
        .and_then(|text| text.parse().ok())
        .filter(|id: &Uuid| !id.is_nil())
        .or_else(|| traced(request).map(|(trace, _)| trace))
        .unwrap_or_else(Uuid::now_v7);
    extensions.insert(RequestId(id));
    id
}

/// The client's span, if the request is part of the trace that is named as the request is.
#[must_use]
pub fn parent(request: &HttpRequest) -> Option<u64> {
    let id = of(request);
    traced(request)
        .filter(|(trace, _)| *trace == id)
        .map(|(_, parent)| parent)
}

/// Trace and span of `traceparent`: `00-<32 hex digits>-<16 hex digits>-<2 hex digits>`.
fn traced(request: &HttpRequest) -> Option<(Uuid, u64)> {
    let mut parts = header(request, &TRACE_PARENT)?.split('-');
    let mut part = |digits| parts.next().filter(|part| part.len() == digits);
    // The version that all later ones begin like, but for the one that there will never be.
    part(2).filter(|version| *version != "ff")?;
    let trace = u128::from_str_radix(part(32)?, 16).ok()?;
    let span = u64::from_str_radix(part(16)?, 16).ok()?;
    (trace != 0 && span != 0).then(|| (Uuid::from_u128(trace), span))
}

fn header<'a>(request: &'a HttpRequest, name: &HeaderName) -> Option<&'a str> {
    request.headers().get(name)?.to_str().ok()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use actix_web::test::TestRequest;

    const TRACE: &str = "0af7651916cd43dd8448eb211c80319c";

    fn traced_as(parent: &str) -> HttpRequest {
        TestRequest::default()
            .insert_header((TRACE_PARENT, parent))
            .to_http_request()
    }

    #[test]
    fn a_request_that_is_part_of_a_trace_is_named_by_it() {
        let request = traced_as(&format!("00-{TRACE}-b7ad6b7169203331-01"));
        assert_eq!(of(&request), TRACE.parse::<Uuid>().unwrap());
        assert_eq!(parent(&request), Some(0xb7ad_6b71_6920_3331));
    }

    #[test]
    fn a_name_of_the_clients_own_comes_before_its_trace() {
        let id = Uuid::now_v7();
        let request = TestRequest::default()
            .insert_header((HEADER, id.to_string()))
            .insert_header((TRACE_PARENT, format!("00-{TRACE}-b7ad6b7169203331-01")))
            .to_http_request();
        assert_eq!((of(&request), parent(&request)), (id, None));
    }

    #[test]
    fn what_is_no_trace_is_passed_over() {
        let zeros = "0".repeat(32);
        for text in [
            "",
            "00",
            TRACE,
            &format!("00-{TRACE}-b7ad6b71-01"),
            &format!("ff-{TRACE}-b7ad6b7169203331-01"),
            &format!("00-{zeros}-b7ad6b7169203331-01"),
            &format!("00-{TRACE}-0000000000000000-01"),
            &format!("00-{}-b7ad6b7169203331-01", TRACE.replace('a', "g")),
        ] {
            let request = traced_as(text);
            assert_eq!(parent(&request), None, "{text}");
            assert_ne!(of(&request), Uuid::nil(), "{text}");
        }
    }
}
