//! Path segments and query strings.

use crate::http::openapi::Routes;
use crate::http::problem::{Answer, Problem};
use actix_web::dev::Payload;
use actix_web::web::Data;
use actix_web::{FromRequest, HttpRequest};
use futures_util::future::{Ready, ready};
use schemas::api::Named;
use schemas::api::field::{Fields, FromFields, Source};
use schemas::api::value::FromValue;

/// The id in the path.
#[derive(Debug, Clone, Copy)]
pub struct Id<T>(pub Named<T>);

impl<T: FromValue> Id<T> {
    /// The first variable segment of the path.
    pub(super) fn of(request: &HttpRequest) -> Answer<Self> {
        let (name, text) = request.match_info().iter().next().ok_or_else(|| {
            Problem::internal(&"a path without an id was routed to a handler of one")
        })?;
        let pair = (name.to_owned(), text.to_owned());
        let mut fields = Fields::from_pairs([pair], Source::Parameters);
        match fields.required(name) {
            Some(id) => Ok(Self(id)),
            None => Err(other_method(request)
                .unwrap_or_else(|| Problem::fields(fields.read::<()>().err().unwrap_or_default()))),
        }
    }
}

/// What stands in the place of an id is none but a route of its own, which has other methods.
pub(super) fn other_method(request: &HttpRequest) -> Option<Problem> {
    let routes = request.app_data::<Data<Routes>>()?;
    let path = request.path();
    let names_an_id = request.match_info().iter().next().is_some();
    (names_an_id && routes.is_fixed(path))
        .then(|| Problem::method_not_allowed(routes.methods(path).join(", ")))
}

impl<T: FromValue> FromRequest for Id<T> {
    type Error = Problem;
    type Future = Ready<Answer<Self>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(Self::of(request))
    }
}

/// The query string.
#[derive(Debug, Clone)]
pub struct Query<T>(pub T);

impl<T: FromFields> FromRequest for Query<T> {
    type Error = Problem;
    type Future = Ready<Answer<Self>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let pairs = form_pairs(request.query_string().as_bytes());
        let read = Fields::from_pairs(pairs, Source::Parameters).read();
        ready(read.map(Self).map_err(Problem::fields))
    }
}

/// The pairs of `application/x-www-form-urlencoded` text.
pub(in crate::http) fn form_pairs(text: &[u8]) -> Vec<(String, String)> {
    form_urlencoded::parse(text)
        .map(|(name, value)| (name.into_owned(), value.into_owned()))
        .collect()
}
