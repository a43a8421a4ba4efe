//! Forms as OAuth has them (RFC 6749, section 3.2): no parameter twice, and one without a value is none.

use crate::http::extract::{BODY_LIMIT, collect, form_pairs};
use crate::http::problem::{Answer, EdgeCode, Problem};
use actix_web::dev::Payload;
use actix_web::{FromRequest, HttpMessage, HttpRequest};
use futures_util::future::LocalBoxFuture;
use std::collections::BTreeMap;

const MEDIA_TYPE: &str = "application/x-www-form-urlencoded";

/// The parameters of a request.
pub struct Parameters(BTreeMap<String, String>);

impl Parameters {
    fn of(pairs: Vec<(String, String)>) -> Answer<Self> {
        let mut all = BTreeMap::new();
        for (name, value) in pairs {
            if all.contains_key(&name) {
                return Err(invalid(format!("`{name}` is there twice")));
            }
            all.insert(name, value);
        }
        all.retain(|_, value| !value.is_empty());
        Ok(Self(all))
    }

    /// A parameter, if it is there.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str)
    }

    /// A parameter that must be there.
    pub fn required(&self, name: &str) -> Answer<&str> {
        self.get(name)
            .ok_or_else(|| invalid(format!("`{name}` is required")))
    }
}

/// A request that OAuth can not make sense of.
pub fn invalid(detail: impl Into<String>) -> Problem {
    Problem::new(EdgeCode::InvalidRequest, detail)
}

impl FromRequest for Parameters {
    type Error = Problem;
    type Future = LocalBoxFuture<'static, Answer<Self>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let (request, payload) = (request.clone(), payload.take());
        Box::pin(async move {
            if !request.content_type().eq_ignore_ascii_case(MEDIA_TYPE) {
                return Err(Problem::new(
                    EdgeCode::UnsupportedMediaType,
                    format!("the body must be {MEDIA_TYPE}; say so in the header Content-Type"),
                ));
            }
            let body = collect(&request, payload, BODY_LIMIT).await?;
            Self::of(form_pairs(&body))
        })
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_parameter_is_there_once_and_without_a_value_not_at_all() {
        let of = |text: &str| Parameters::of(form_pairs(text.as_bytes()));
        let read = of("grant_type=x&scope=&other=a%20b").unwrap();
        assert_eq!(read.get("grant_type"), Some("x"));
        assert_eq!(read.get("other"), Some("a b"));
        assert_eq!(read.get("scope"), None);
        let missing = read.required("scope").unwrap_err();
        assert_eq!(missing.code().as_str(), "invalid_request");
        for twice in ["a=1&a=2", "a=1&a=1", "a=&a=1"] {
            let refused = of(twice).err().unwrap();
            assert_eq!(refused.code().as_str(), "invalid_request", "{twice}");
        }
    }
}
