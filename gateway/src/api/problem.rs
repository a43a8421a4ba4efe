//! How a failure is answered: problem documents (RFC 9457).

use super::code::Code;
use crate::control::ControlError;
use actix_web::http::StatusCode;
use actix_web::{HttpResponse, ResponseError};
use schemas::api::problem::{FieldError, MEDIA_TYPE, ProblemDocument};
use std::fmt;

/// Why a request was not carried out. The type of its document is `about:blank` (RFC 9457, 4.2.1), since a gateway
/// has no pages: the OpenAPI document says of each [`Code`] what to do.
#[derive(Debug, Clone)]
pub struct Problem {
    code: Code,
    detail: String,
    errors: Vec<FieldError>,
}

impl Problem {
    /// A problem with the request as a whole.
    pub fn new(code: Code, detail: impl Into<String>) -> Self {
        Self {
            code,
            detail: detail.into(),
            errors: Vec::new(),
        }
    }

    /// A field or parameter that can not be used.
    #[must_use]
    pub fn field(pointer: &str, rule: impl Into<String>) -> Self {
        let rule = rule.into();
        let error = FieldError {
            pointer: Some(pointer.to_owned()),
            code: Code::RequestInvalid.as_str().to_owned(),
            detail: rule.clone(),
            ..FieldError::default()
        };
        Self {
            errors: vec![error],
            ..Self::new(Code::RequestInvalid, rule)
        }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.code.as_str(), self.detail)
    }
}

impl ResponseError for Problem {
    fn status_code(&self) -> StatusCode {
        self.code.status()
    }

    fn error_response(&self) -> HttpResponse {
        let status = self.code.status();
        let mut response = HttpResponse::build(status);
        if status == StatusCode::UNAUTHORIZED {
            response.insert_header(("WWW-Authenticate", "Bearer"));
        }
        if status == StatusCode::SERVICE_UNAVAILABLE {
            response.insert_header(("Retry-After", "1"));
        }
        response.content_type(MEDIA_TYPE).json(ProblemDocument {
            kind: "about:blank".to_owned(),
            title: status.canonical_reason().unwrap_or_default().to_owned(),
            status: status.as_u16(),
            detail: self.detail.clone(),
            code: self.code.as_str().to_owned(),
            errors: self.errors.clone(),
        })
    }
}

impl From<ControlError> for Problem {
    fn from(error: ControlError) -> Self {
        let detail = error.to_string();
        match error {
            ControlError::Invalid { wrong } => {
                let errors = wrong.into_iter().map(|wrong| FieldError {
                    pointer: Some(format!("/{}", wrong.place.replace('.', "/"))),
                    code: Code::RequestInvalid.as_str().to_owned(),
                    detail: wrong.rule,
                    ..FieldError::default()
                });
                Self {
                    errors: errors.collect(),
                    ..Self::new(Code::RequestInvalid, detail)
                }
            }
            ControlError::NoSuchDevice { .. } => Self::new(Code::DeviceNotFound, detail),
            ControlError::DeviceThere { .. } => Self::new(Code::DeviceThere, detail),
            ControlError::Unreadable { .. } => Self::new(Code::DeviceUnreadable, detail),
            ControlError::NotNow { .. } => Self::new(Code::NotNow, detail),
            ControlError::Failed { .. } => Self::new(Code::Failed, detail),
            ControlError::Busy => Self::new(Code::Busy, detail),
            ControlError::Stopping => Self::new(Code::Stopping, detail),
        }
    }
}

/// For bodies that can not be read.
pub(super) fn unreadable_body(error: &actix_web::error::JsonPayloadError) -> Problem {
    use actix_web::error::JsonPayloadError as E;
    match error {
        E::OverflowKnownLength { .. } | E::Overflow { .. } => Problem::new(
            Code::BodyTooLarge,
            format!("a body has at most {} bytes", super::server::MAX_BODY_BYTES),
        ),
        E::ContentType => Problem::new(
            Code::UnsupportedMediaType,
            "the body must be application/json",
        ),
        E::Deserialize(error) if error.is_data() => Problem::field("", error.to_string()),
        error => Problem::new(Code::MalformedBody, error.to_string()),
    }
}
