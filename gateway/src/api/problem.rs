//! How a failure is answered: problem documents (RFC 9457).

use crate::control::ControlError;
use actix_web::http::StatusCode;
use actix_web::{HttpResponse, ResponseError};
use schemas::api::problem::{FieldError, MEDIA_TYPE, ProblemDocument};
use std::fmt;

/// Why a request was not carried out. The type of its document is `about:blank` (RFC 9457, 4.2.1): its code
/// and its sentence say everything.
#[derive(Debug, Clone)]
pub struct Problem {
    status: StatusCode,
    code: &'static str,
    detail: String,
    errors: Vec<FieldError>,
}

impl Problem {
    /// A problem with the request as a whole.
    pub fn new(status: StatusCode, code: &'static str, detail: impl Into<String>) -> Self {
        Self {
            status,
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
            code: INVALID.to_owned(),
            detail: rule.clone(),
            ..FieldError::default()
        };
        Self {
            errors: vec![error],
            ..Self::new(StatusCode::UNPROCESSABLE_ENTITY, INVALID, rule)
        }
    }
}

const INVALID: &str = "request_invalid";

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.code, self.detail)
    }
}

impl ResponseError for Problem {
    fn status_code(&self) -> StatusCode {
        self.status
    }

    fn error_response(&self) -> HttpResponse {
        let mut response = HttpResponse::build(self.status);
        if self.status == StatusCode::UNAUTHORIZED {
            response.insert_header(("WWW-Authenticate", "Bearer"));
        }
        if self.status == StatusCode::SERVICE_UNAVAILABLE {
            response.insert_header(("Retry-After", "1"));
        }
        response.content_type(MEDIA_TYPE).json(ProblemDocument {
            kind: "about:blank".to_owned(),
            title: self
                .status
                .canonical_reason()
                .unwrap_or_default()
                .to_owned(),
            status: self.status.as_u16(),
            detail: self.detail.clone(),
            code: self.code.to_owned(),
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
                    code: INVALID.to_owned(),
                    detail: wrong.rule,
                    ..FieldError::default()
                });
                Self {
                    errors: errors.collect(),
                    ..Self::new(StatusCode::UNPROCESSABLE_ENTITY, INVALID, detail)
                }
            }
            ControlError::NoSuchDevice { .. } => {
                Self::new(StatusCode::NOT_FOUND, "device_not_found", detail)
            }
            ControlError::DeviceThere { .. } => {
                Self::new(StatusCode::CONFLICT, "device_there", detail)
            }
            ControlError::Unreadable { .. } => {
                Self::new(StatusCode::BAD_GATEWAY, "device_unreadable", detail)
            }
            ControlError::NotNow { .. } => Self::new(StatusCode::CONFLICT, "not_now", detail),
            ControlError::Failed { .. } => Self::new(StatusCode::BAD_GATEWAY, "failed", detail),
            ControlError::Busy => Self::new(StatusCode::SERVICE_UNAVAILABLE, "busy", detail),
            ControlError::Stopping => {
                Self::new(StatusCode::SERVICE_UNAVAILABLE, "stopping", detail)
            }
        }
    }
}

/// For bodies that can not be read.
pub(super) fn unreadable_body(error: &actix_web::error::JsonPayloadError) -> Problem {
    use actix_web::error::JsonPayloadError as E;
    match error {
        E::OverflowKnownLength { .. } | E::Overflow { .. } => Problem::new(
            StatusCode::PAYLOAD_TOO_LARGE,
            "body_too_large",
            format!("a body has at most {} bytes", super::server::MAX_BODY_BYTES),
        ),
        E::ContentType => Problem::new(
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            "unsupported_media_type",
            "the body must be application/json",
        ),
        E::Deserialize(error) if error.is_data() => Problem::field("", error.to_string()),
        error => Problem::new(
            StatusCode::UNPROCESSABLE_ENTITY,
            "malformed_body",
            error.to_string(),
        ),
    }
}
