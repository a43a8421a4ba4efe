//! Failures, as the API answers them: one mapping, here, from everything that can go wrong to RFC 9457
//! problem documents.

mod code;
mod convert;

pub use code::{Code, EdgeCode};
pub use convert::field_error;

use super::limit::Exceeded;
use super::ops::{escaped, into_page};
use actix_web::http::{StatusCode, header};
use actix_web::{HttpRequest, HttpResponse, ResponseError};
use ledger::refusal;
use schemas::api::oauth::OAuthError;
use schemas::api::problem::{FieldError, MEDIA_TYPE, ProblemDocument};
use schemas::api::problem_page::page;
use std::fmt;

/// Seconds after which a client shall try again what was refused for want of capacity.
const RETRY_AFTER_S: u64 = 1;

/// What a handler returns.
pub type Answer<T> = Result<T, Problem>;

/// Why a request was not carried out.
#[derive(Debug, Clone)]
pub struct Problem {
    code: Code,
    detail: String,
    errors: Vec<FieldError>,
    allow: Option<String>,
    exceeded: Option<Box<Exceeded>>,
    /// Where a browser tries again, if the problem is shown as a page.
    again: Option<&'static str>,
}

impl Problem {
    /// A problem with the request as a whole.
    pub fn new(code: impl Into<Code>, detail: impl Into<String>) -> Self {
        Self {
            code: code.into(),
            detail: detail.into(),
            errors: Vec::new(),
            allow: None,
            exceeded: None,
            again: None,
        }
    }

    /// The same, telling which limit was exceeded and when the next request is taken.
    #[must_use]
    pub(in crate::http) fn exceeding(mut self, exceeded: Exceeded) -> Self {
        self.exceeded = Some(Box::new(exceeded));
        self
    }

    /// The same, as a page that leads to `again` where a browser asks that shows pages. For addresses that a
    /// browser is sent to, where nobody reads JSON.
    #[must_use]
    pub(in crate::http) fn shown_to(mut self, http: &HttpRequest, again: &'static str) -> Self {
        let accepted = http.headers().get_all(header::ACCEPT);
        let mut accepted = accepted.filter_map(|value| value.to_str().ok());
        self.again = accepted
            .any(|types| types.contains("text/html"))
            .then_some(again);
        self
    }

    /// The same, naming a field of the body by its JSON pointer.
    #[must_use]
    pub fn at(mut self, pointer: impl Into<String>) -> Self {
        self.errors.push(FieldError {
            pointer: Some(pointer.into()),
            code: self.code.as_str().to_owned(),
            detail: self.detail.clone(),
            ..FieldError::default()
        });
        self
    }

    /// The same, naming a field of the body with a sentence of its own.
    #[must_use]
    pub fn at_with(mut self, pointer: String, detail: String) -> Self {
        self.errors.push(FieldError {
            pointer: Some(pointer),
            code: self.code.as_str().to_owned(),
            detail,
            ..FieldError::default()
        });
        self
    }

    /// The same, naming a parameter of query, path or headers.
    #[must_use]
    pub fn at_parameter(mut self, name: &str) -> Self {
        self.errors.push(FieldError {
            parameter: Some(name.to_owned()),
            code: self.code.as_str().to_owned(),
            detail: self.detail.clone(),
            ..FieldError::default()
        });
        self
    }

    /// The same, with the place of each error named anew.
    #[must_use]
    pub fn naming(mut self, name: impl FnMut(&mut FieldError)) -> Self {
        self.errors.iter_mut().for_each(name);
        self
    }

    /// Fields or parameters that can not be read. `errors` is not empty.
    #[must_use]
    pub fn fields(errors: Vec<FieldError>) -> Self {
        let detail = match errors.as_slice() {
            [only] => only.detail.clone(),
            [first, ..] => format!(
                "{} fields can not be read; the first: {}",
                errors.len(),
                first.detail
            ),
            [] => "the request can not be read".to_owned(),
        };
        Self {
            errors,
            ..Self::new(EdgeCode::RequestInvalid, detail)
        }
    }

    /// `<what> with id <id> not found`, the contract's sentence.
    pub fn not_found(code: refusal::Code, what: &str, id: impl fmt::Display) -> Self {
        Self::new(code, format!("{what} with id {id} not found"))
    }

    /// Another method than the path has; `allow` lists those.
    #[must_use]
    pub fn method_not_allowed(allow: String) -> Self {
        Self {
            allow: Some(allow),
            ..Self::new(EdgeCode::MethodNotAllowed, "Method Not Allowed")
        }
    }

    /// A defect or an outage of our own. The cause is logged here and nowhere else, and not shown.
    pub fn internal(cause: &dyn fmt::Display) -> Self {
        tracing::error!(%cause, "a request failed");
        Self::new(
            refusal::Code::Internal,
            "the registry failed to answer; its log has the cause under the request id",
        )
    }

    /// The code.
    #[must_use]
    pub const fn code(&self) -> Code {
        self.code
    }

    /// What happened, in a sentence.
    #[must_use]
    pub fn detail(&self) -> &str {
        &self.detail
    }

    /// The fields at fault.
    #[must_use]
    pub fn errors(&self) -> &[FieldError] {
        &self.errors
    }

    fn document(&self) -> ProblemDocument {
        let code = self.code.as_str();
        ProblemDocument {
            kind: format!("/problems/{code}"),
            title: page(code)
                .map_or(code, schemas::api::problem_page::Page::title)
                .to_owned(),
            status: self.code.status().as_u16(),
            detail: self.detail.clone(),
            code: code.to_owned(),
            errors: self.errors.clone(),
        }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.code.as_str(), self.detail)
    }
}

impl std::error::Error for Problem {}

impl ResponseError for Problem {
    fn status_code(&self) -> StatusCode {
        self.code.status()
    }

    fn error_response(&self) -> HttpResponse {
        metrics::counter!("http_problems_total", "code" => self.code.as_str()).increment(1);
        let mut response = HttpResponse::build(self.status_code());
        response.content_type(MEDIA_TYPE);
        if self.status_code() == StatusCode::UNAUTHORIZED {
            let is_basic = self.code == EdgeCode::InvalidClient.into();
            let scheme = if is_basic { "Basic" } else { "Bearer" };
            response.insert_header((header::WWW_AUTHENTICATE, scheme));
        }
        if matches!(
            self.status_code(),
            StatusCode::SERVICE_UNAVAILABLE | StatusCode::TOO_MANY_REQUESTS
        ) {
            let limit = self.exceeded.as_ref();
            let wait_s = limit.map_or(RETRY_AFTER_S, |limit| limit.wait_s);
            response.insert_header((header::RETRY_AFTER, wait_s));
        }
        // draft-ietf-httpapi-ratelimit-headers-10
        if let Some(limit) = &self.exceeded {
            let Exceeded {
                policy,
                quota,
                window_s,
                wait_s,
            } = limit.as_ref();
            let allowed = format!("\"{policy}\";q={quota};w={window_s}");
            response.insert_header(("RateLimit-Policy", allowed));
            response.insert_header(("RateLimit", format!("\"{policy}\";r=0;t={wait_s}")));
        }
        if let Some(allow) = &self.allow {
            response.insert_header((header::ALLOW, allow.as_str()));
        }
        if let Some(again) = self.again {
            let document = self.document();
            let body = format!(
                "<h1>{}</h1>\n<p>{}</p>\n<p><a href=\"{again}\">Try again</a> · <a href=\"{}\">What this means</a></p>",
                escaped(&document.title),
                escaped(&document.detail),
                escaped(&document.kind),
            );
            response.insert_header((header::CACHE_CONTROL, "no-store"));
            return into_page(&mut response, &document.title, &body);
        }
        let document = if self.code.is_oauth() {
            response.content_type("application/json");
            response.insert_header((header::CACHE_CONTROL, "no-store"));
            serde_json::to_vec(&OAuthError::of(self.document()))
        } else {
            serde_json::to_vec(&self.document())
        };
        match document {
            Ok(body) => response.body(body),
            Err(_) => response.finish(),
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use actix_web::body::to_bytes;

    #[actix_web::test]
    async fn a_refusal_becomes_a_document_with_its_page_and_field() {
        let refusal =
            ledger::Refusal::new(refusal::Code::AccountNameTaken, "taken").at("/account_name");
        let response = Problem::from(refusal).error_response();
        assert_eq!(response.status(), 422);
        assert_eq!(response.headers().get("content-type").unwrap(), MEDIA_TYPE);
        let document: ProblemDocument =
            serde_json::from_slice(&to_bytes(response.into_body()).await.unwrap()).unwrap();
        assert_eq!(document.kind, "/problems/account_name_taken");
        assert_eq!(document.errors[0].pointer.as_deref(), Some("/account_name"));
        assert!(!document.title.is_empty());
    }

    #[test]
    fn want_of_capacity_says_when_to_come_back_and_bad_credentials_how() {
        let busy = Problem::from(crate::sequencer::ExecuteError::Busy).error_response();
        assert_eq!(
            (
                busy.status().as_u16(),
                busy.headers().get("retry-after").unwrap()
            ),
            (503, &"1".parse().unwrap())
        );
        let anonymous = Problem::new(EdgeCode::NotAuthenticated, "x").error_response();
        assert_eq!(
            anonymous.headers().get("www-authenticate").unwrap(),
            "Bearer"
        );
    }
}
