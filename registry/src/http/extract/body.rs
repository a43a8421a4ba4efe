//! Bodies: bounded, of the right media type, read field by field.

use super::parameter::form_pairs;
use crate::http::problem::{Answer, EdgeCode, Problem};
use actix_web::dev::Payload;
use actix_web::error::PayloadError;
use actix_web::http::header;
use actix_web::web::Bytes;
use actix_web::{FromRequest, HttpMessage, HttpRequest};
use bytes::BytesMut;
use futures_util::future::LocalBoxFuture;
use futures_util::{Stream, StreamExt};
use schemas::api::field::{Fields, FromFields, Source};

/// Most bytes of a JSON or form body: a list of 10,000 bundle ids fits tenfold.
pub const BODY_LIMIT: usize = 1 << 20;

/// All bytes of the body, which may be at most `limit`.
pub(in crate::http) async fn collect(
    request: &HttpRequest,
    mut payload: impl Stream<Item = Result<Bytes, PayloadError>> + Unpin,
    limit: usize,
) -> Answer<Bytes> {
    let too_large = || {
        Problem::new(
            EdgeCode::BodyTooLarge,
            format!("the body may have at most {limit} bytes"),
        )
    };
    let announced = request
        .headers()
        .get(header::CONTENT_LENGTH)
        .and_then(|length| length.to_str().ok()?.parse::<usize>().ok());
    if announced.is_some_and(|length| length > limit) {
        return Err(too_large());
    }
    let mut body = BytesMut::new();
    while let Some(chunk) = payload.next().await {
        let chunk = chunk.map_err(|error| {
            Problem::new(
                EdgeCode::MalformedBody,
                format!("the body can not be read: {error}"),
            )
        })?;
        if body.len() + chunk.len() > limit {
            return Err(too_large());
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body.freeze())
}

pub(in crate::http) fn is_json(request: &HttpRequest) -> bool {
    let media_type = request.content_type();
    media_type.eq_ignore_ascii_case("application/json") || media_type.ends_with("+json")
}

pub(in crate::http) fn unsupported(expected: &str) -> Problem {
    Problem::new(
        EdgeCode::UnsupportedMediaType,
        format!("the body must be {expected}; say so in the header Content-Type"),
    )
}

/// Reads a JSON body.
pub(in crate::http) fn read_json<T: FromFields>(request: &HttpRequest, body: &[u8]) -> Answer<T> {
    if !is_json(request) {
        return Err(unsupported("application/json"));
    }
    Fields::from_json(body)?.read().map_err(Problem::fields)
}

/// A JSON body of a request that changes nothing; for those that do, see [`super::Write`].
pub struct Json<T>(pub T);

impl<T: FromFields + 'static> FromRequest for Json<T> {
    type Error = Problem;
    type Future = LocalBoxFuture<'static, Answer<Self>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let (request, payload) = (request.clone(), payload.take());
        Box::pin(async move {
            let body = collect(&request, payload, BODY_LIMIT).await?;
            read_json(&request, &body).map(Self)
        })
    }
}

/// A body that may be a form or JSON.
pub struct Form<T>(pub T);

impl<T: FromFields + 'static> FromRequest for Form<T> {
    type Error = Problem;
    type Future = LocalBoxFuture<'static, Answer<Self>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let (request, payload) = (request.clone(), payload.take());
        Box::pin(async move {
            let body = collect(&request, payload, BODY_LIMIT).await?;
            if request
                .content_type()
                .eq_ignore_ascii_case("application/x-www-form-urlencoded")
            {
                return Fields::from_pairs(form_pairs(&body), Source::Body)
                    .read()
                    .map(Self)
                    .map_err(Problem::fields);
            }
            if !is_json(&request) {
                return Err(unsupported(
                    "application/x-www-form-urlencoded or application/json",
                ));
            }
            read_json(&request, &body).map(Self)
        })
    }
}
